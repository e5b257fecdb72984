// The versions of one route as the control side keeps them: made, offered to every worker, freed when no
// worker and no consumer has them any more. Control path only.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/result.h"
#include "dataplane/config.h"
#include "dataplane/lane_version.h"
#include "dataplane/latency.h"
#include "dataplane/memory_account.h"
#include "dataplane/shared_host_sink.h"
#include "dataplane/shared_text_sink.h"
#include "dataplane/text_version.h"
#include "dataplane/wake_fd.h"

namespace onpath {

/// One version with its part of every worker. Of each pair, one by what the route takes.
struct RouteVersion {
  explicit RouteVersion(std::shared_ptr<MemoryAccount> account) : memory(std::move(account)) {}

  uint64_t number = 1;
  ListedMemory memory;                            // of its pools; before them: listed until they are freed
  std::shared_ptr<SharedHostSink::Version> host;  // null if the route forwards
  std::shared_ptr<SharedTextSink::Version> text_host;
  std::vector<std::unique_ptr<LaneVersion>> lanes;  // by worker
  std::vector<std::unique_ptr<TextVersion>> texts;

  /// Every worker opens new samples under it, or under a newer one.
  bool taken() const;
  /// No worker will touch it again.
  bool let_go() const;
};

/// Where times go, by worker; null: nothing is measured.
using RouteLatencies = std::vector<std::shared_ptr<RouteLatency>>;

struct RouteVersions {
  std::vector<std::unique_ptr<RouteVersion>> alive;  // oldest first; the last is the newest
  std::vector<ForwardWay> ways;                      // by worker; none for a host sink
  RouteLatencies latencies;                          // of every version
  std::vector<uint64_t> freeing;                     // numbers of those whose memory is being given back
  uint64_t freed = 0;
};

/// A pipeline that a route is to go on with; of the same kind as the one it has.
struct RouteSwap {
  std::string route{};
  ProgramPtr program{};    // images; with `family`: of its largest size
  PlanFamilyPtr family{};  // images of many sizes
  TextPlanPtr text{};
};

/// The configuration of a route after a swap. Errors: INVALID_SPEC (the pipeline does not take what the route
/// takes; the message names the field), LIMIT_EXCEEDED (shapes.stateBytes).
Result<RouteConfig> swapped_route(const RouteConfig& route, const RouteSwap& swap);

/// The pools of one version on each worker, as plane.memory() lists them.
struct VersionPool {
  const char* what;
  uint64_t bytes;
};
std::vector<VersionPool> version_pools(const RouteConfig& route);
/// Their sum, or UINT64_MAX if that overflows.
uint64_t version_bytes(const RouteConfig& route);

/// The buffers of a version on all workers, by a wake-up for each; all its pools are listed in the account.
/// The rest of the version is made worker by worker, by add_worker(). Errors: OUT_OF_MEMORY, LIMIT_EXCEEDED.
Result<std::unique_ptr<RouteVersion>> make_version(const RouteConfig& route, uint64_t number,
                                                   const std::vector<std::shared_ptr<WakeFd>>& wakes,
                                                   const RouteLatencies& latencies,
                                                   std::shared_ptr<MemoryAccount> account);
/// `way`: null for a host sink. Errors: OUT_OF_MEMORY, INVALID_SPEC.
Result<void> add_worker(RouteVersion& version, const RouteConfig& route, const ForwardWay* way);

}  // namespace onpath
