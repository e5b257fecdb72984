#include "dataplane/text_version.h"

#include <utility>

#include "dataplane/saturating.h"
#include "dataplane/text_forward_lane.h"

namespace onpath {

uint64_t TextVersion::states_bytes(const RouteConfig& route) {
  const TextPlan& plan = *route.text->plan;
  return plus(times(plan.state_bytes(), route.open_samples), plan.workspace_bytes());
}

Result<std::unique_ptr<TextVersion>> TextVersion::make(const RouteConfig& route,
                                                       const std::shared_ptr<SharedTextSink::Version>& host,
                                                       uint32_t worker, const ForwardWay* way) {
  auto version = std::make_unique<TextVersion>();
  version->plan = route.text->plan;
  for (uint32_t i = 0; i < route.open_samples; ++i) {
    auto state = version->plan->make_state(TextLength::streamed);
    if (!state) return state.error();
    version->states.push_back(std::move(state).value());
  }
  auto workspace = version->plan->make_workspace();
  if (!workspace) return workspace.error();
  version->workspace = std::move(workspace).value();
  if (way != nullptr) {
    auto forward = TextForwardLane::make(*route.text, route.open_samples, way->config, way->path,
                                         way->first_ssrc, way->ssrc_step, *way->queue, *way->counters);
    if (!forward) return forward.error();
    forward.value()->resend_by(way->resender);
    version->outlet = std::move(forward).value();
  } else {
    version->outlet = {host, host->lanes[worker].get()};
  }
  return version;
}

}  // namespace onpath
