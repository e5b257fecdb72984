// What one version of a route for texts needs on one worker: as lane_version.h, for texts.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "dataplane/config.h"
#include "dataplane/lane_version.h"
#include "dataplane/shared_text_sink.h"
#include "dataplane/text_outlet.h"
#include "dataplane/version_list.h"

namespace onpath {

struct TextVersion : WorkerVersion {
  /// As LaneVersion::make(). Errors: OUT_OF_MEMORY, INVALID_SPEC, and those of TextPlan::make_state().
  static Result<std::unique_ptr<TextVersion>> make(const RouteConfig& route,
                                                   const std::shared_ptr<SharedTextSink::Version>& host,
                                                   uint32_t worker, const ForwardWay* way);
  /// Of the states and the workspace, on each worker.
  static uint64_t states_bytes(const RouteConfig& route);

  TextPlanPtr plan;
  std::vector<std::unique_ptr<TextState>> states;  // by place in the pool
  std::unique_ptr<TextWorkspace> workspace;
  std::shared_ptr<TextOutlet> outlet;  // its own, or its lane of a sink that it keeps alive
};

}  // namespace onpath
