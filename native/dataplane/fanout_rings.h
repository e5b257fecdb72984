// The rings between the workers of a plane, for every port with fewer queues than workers. Control path only.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/config.h"
#include "dataplane/worker.h"

namespace onpath {

class FanoutRings {
 public:
  /// From each worker that polls such a port to each of the others.
  FanoutRings(const std::vector<NamedPort>& ports, std::shared_ptr<WorkerGroup> group, uint64_t seed);

  /// A worker's ends at one port.
  void join(uint32_t worker, size_t port, Worker::PortPart& part) const;
  /// Of all of them, and what workers keep at their ends.
  uint64_t bytes() const { return bytes_; }

 private:
  using ByWorker = std::vector<std::shared_ptr<FanoutRing>>;

  const std::shared_ptr<WorkerGroup> group_;
  const uint64_t seed_;
  std::vector<std::vector<ByWorker>> rings_;  // by port and queue; no queue: the port has enough
  uint64_t bytes_ = 0;
};

}  // namespace onpath
