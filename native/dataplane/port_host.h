// What all workers and senders share of the host that the plane is on one port.
#pragma once

#include <cstdint>
#include <memory>

#include "dataplane/group_reports.h"
#include "dataplane/host_addresses.h"
#include "dataplane/neighbours.h"
#include "dataplane/wake_fd.h"

namespace onpath {

struct PortHost {
  /// `next_hops`: how many neighbours may be wanted at a time; `wake`: of the worker that asks for them.
  PortHost(const LocalHostConfig& config, const MacAddress& mac, uint32_t next_hops,
           std::shared_ptr<WakeFd> wake_driver)
      : addresses(config, mac),
        neighbours(config.neighbours, next_hops),
        groups_v4(addresses.groups_v4(), 3),
        groups_v6(addresses.groups_v6(), 2),
        wake(std::move(wake_driver)) {}

  const HostAddresses addresses;
  Neighbours neighbours;
  GroupReports groups_v4, groups_v6;
  const std::shared_ptr<WakeFd> wake;
};

}  // namespace onpath
