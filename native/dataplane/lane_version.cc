#include "dataplane/lane_version.h"

#include <utility>

#include "dataplane/saturating.h"
#include "dataplane/source_table.h"

namespace onpath {

uint64_t LaneVersion::states_bytes(const RouteConfig& route) {
  const uint64_t state = route.shapes ? 0 : route.program->plan().packet_state_bytes();
  const uint64_t places = times(route.program->plan().outputs().size(), sizeof(uint8_t*));
  return times(plus(state, places), route.open_samples);
}

Result<std::unique_ptr<LaneVersion>> LaneVersion::make(const RouteConfig& route,
                                                       std::shared_ptr<SharedHostSink::Version> host,
                                                       uint32_t worker, const ForwardWay* way) {
  auto version = std::make_unique<LaneVersion>();
  const Plan& plan = route.program->plan();
  version->program = route.program;
  version->outputs = plan.outputs().size();
  version->output_places.resize(version->outputs * route.open_samples);
  version->reads_payload = plan.read_bytes() * 2 > plan.input().bytes;
  if (route.shapes) {
    version->shapes = std::make_shared<ShapeCache>(*route.shapes, route.open_samples);
    version->waiting = std::make_unique<FairShare>(
        version->shapes->waiting_places(), SourceTable::capacity(route.max_streams, route.source_limits));
  } else {
    for (uint32_t i = 0; i < route.open_samples; ++i) {
      auto state = route.program->make_state(Granularity::element);
      if (!state) return state.error();
      version->states.push_back(std::move(state).value());
    }
  }
  if (way != nullptr) {
    auto forward = ForwardLane::make(plan, route.open_samples, way->config, way->path, way->first_ssrc,
                                     way->ssrc_step, *way->queue, *way->counters);
    if (!forward) return forward.error();
    forward.value()->resend_by(way->resender);
    version->forward = std::move(forward).value();
    version->forward->resend_by(way->resender);
    if (way->shares_buffers && !route.shapes && plan.works_in_place()) version->forward->allow_in_place();
  } else {
    version->host = host->lanes[worker].get();
    version->host_version = std::move(host);
  }
  return version;
}

}  // namespace onpath
