// What one version of a route's pipeline needs on one worker: states of open samples, output buffers, the
// plans of many sizes. Made and freed by the control side; the worker's from when it takes it until it lets
// it go.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "dataplane/config.h"
#include "dataplane/forward_lane.h"
#include "dataplane/host_lane.h"
#include "dataplane/shape_cache.h"
#include "dataplane/shared_host_sink.h"
#include "dataplane/version_list.h"

namespace onpath {

/// How results of a route leave one worker, whatever its version.
struct ForwardWay {
  ForwardSinkConfig config;
  OutgoingPath path;
  uint32_t first_ssrc = 0;
  uint32_t ssrc_step = 1;
  TransmitQueue* queue = nullptr;
  RouteCounters* counters = nullptr;
  ForwardResender* resender = nullptr;  // null: nothing is sent again
  bool shares_buffers = false;          // with the port that the route's packets come by
};

struct LaneVersion : WorkerVersion {
  /// `worker`: which one's, of `host`, the version's buffers on all of them; null if the route forwards, and
  /// then it has a way. Errors: OUT_OF_MEMORY, INVALID_SPEC.
  static Result<std::unique_ptr<LaneVersion>> make(const RouteConfig& route,
                                                   std::shared_ptr<SharedHostSink::Version> host,
                                                   uint32_t worker, const ForwardWay* way);
  /// Of the states alone, on each worker.
  static uint64_t states_bytes(const RouteConfig& route);

  /// Where the sample in this place of the pool has its outputs' addresses.
  uint8_t** outputs_of(uint32_t place) { return output_places.data() + outputs * place; }

  ProgramPtr program;
  size_t outputs = 0;
  std::vector<std::unique_ptr<SampleState>> states;  // by place in the pool; none with shapes
  std::vector<uint8_t*> output_places;
  std::shared_ptr<ShapeCache> shapes;    // only if the route takes many sizes
  std::unique_ptr<ForwardLane> forward;  // one of these two
  HostLane* host = nullptr;
  std::shared_ptr<SharedHostSink::Version> host_version;  // keeps it
  bool reads_payload = false;  // sample bytes are usually read, so that they are worth fetching ahead
};

}  // namespace onpath
