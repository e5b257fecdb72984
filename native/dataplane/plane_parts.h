// Everything a plane consists of but its threads. Control path only. start_plane() adds the threads; tests
// and the fuzzer drive the workers by hand.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "dataplane/bell.h"
#include "dataplane/config.h"
#include "dataplane/repair_parts.h"
#include "dataplane/route_versions.h"
#include "dataplane/shape_maker.h"
#include "dataplane/shared_host_sink.h"
#include "dataplane/shared_text_sink.h"
#include "dataplane/worker.h"

namespace onpath {

/// Owns started ports and destroys them, last of all.
class OwnedPorts {
 public:
  explicit OwnedPorts(std::vector<NamedPort> ports) : ports_(std::move(ports)) {}
  OwnedPorts(OwnedPorts&& other) noexcept : ports_(std::move(other.ports_)) { other.ports_.clear(); }
  OwnedPorts& operator=(OwnedPorts&&) = delete;
  ~OwnedPorts() { destroy(); }

  void destroy();
  const std::vector<NamedPort>& list() const { return ports_; }

 private:
  std::vector<NamedPort> ports_;
};

struct PlaneParts {
  explicit PlaneParts(OwnedPorts owned) : ports(std::move(owned)) {}

  OwnedPorts ports;
  std::vector<RouteConfig> routes;
  std::vector<std::shared_ptr<PortHost>> hosts;             // by port; null: the port has no addresses
  std::vector<std::shared_ptr<SharedHostSink>> sinks;       // by route; null for forward sinks and texts
  std::vector<std::shared_ptr<SharedTextSink>> text_sinks;  // by route; null for forward sinks and images
  std::vector<std::shared_ptr<WakeFd>> wakes;               // by worker
  std::vector<RouteVersions> versions;                      // by route
  std::unique_ptr<ShapeMaker> shapes;                       // null if no route takes many sizes
  std::unique_ptr<Bell> bell;
  std::vector<std::unique_ptr<Worker>> workers;
  uint64_t memory_bytes = 0;      // with the first version of each route
  uint64_t max_memory_bytes = 0;  // of everything
  SenderInboxes sender_inboxes{};
};

/// The first transmit queue of a port that no worker uses; those from there on are for senders.
uint32_t first_sender_queue(const onpath_port& port, uint32_t workers);

/// Errors: INVALID_SPEC, PORT_FAILED (a port of another version).
Result<void> check_config(const PlaneConfig& config);

/// The part of it that a swap can change: whether the pipeline fits the rest of the route. Errors:
/// INVALID_SPEC, LIMIT_EXCEEDED.
Result<void> check_pipeline(const RouteConfig& route);

/// Bytes of all pools that the configuration asks for. Errors: LIMIT_EXCEEDED.
Result<uint64_t> pool_bytes(const PlaneConfig& config);

/// Checks, then takes all memory. The ports are destroyed if this fails. Errors: as start_plane().
Result<std::unique_ptr<PlaneParts>> build_plane(PlaneConfig config);

}  // namespace onpath
