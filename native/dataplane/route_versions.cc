#include "dataplane/route_versions.h"

#include <algorithm>
#include <utility>

namespace onpath {
namespace {

template <class Holds>
bool all_lanes(const RouteVersion& version, Holds holds) {
  return std::all_of(version.lanes.begin(), version.lanes.end(),
                     [&](const auto& lane) { return holds(*lane); }) &&
         std::all_of(version.texts.begin(), version.texts.end(),
                     [&](const auto& text) { return holds(*text); });
}

}  // namespace

bool RouteVersion::let_go() const {
  return all_lanes(*this,
                   [](const WorkerVersion& lane) { return lane.let_go.load(std::memory_order_acquire); });
}

bool RouteVersion::taken() const {
  return all_lanes(*this, [](const WorkerVersion& lane) {
    return lane.taken.load(std::memory_order_acquire) || lane.let_go.load(std::memory_order_acquire);
  });
}

Result<std::unique_ptr<RouteVersion>> make_version(const RouteConfig& route, uint64_t number,
                                                   const std::vector<std::shared_ptr<WakeFd>>& wakes) {
  auto version = std::make_unique<RouteVersion>();
  version->number = number;
  version->bytes = version_bytes(route) * wakes.size();
  const auto* host = std::get_if<HostSinkConfig>(&route.sink);
  if (host == nullptr) return version;
  if (route.text) {
    version->text_host = std::make_shared<SharedTextSink::Version>();
    version->text_host->number = number;
    version->text_host->plan = route.text->plan;
    for (size_t w = 0; w < wakes.size(); ++w) {
      auto lane = TextHostLane::make(*route.text, route.slots);
      if (!lane) return lane.error();
      version->text_host->lanes.push_back(std::move(lane).value());
    }
    return version;
  }
  version->host = std::make_shared<SharedHostSink::Version>();
  version->host->number = number;
  version->host->plan = route.program->plan_ptr();
  for (const auto& wake : wakes) {
    auto lane = HostLane::make(route.program->plan(), route.slots, *host, wake);
    if (!lane) return lane.error();
    version->host->lanes.push_back(std::move(lane).value());
  }
  return version;
}

Result<void> add_worker(RouteVersion& version, const RouteConfig& route, const ForwardWay* way) {
  if (route.text) {
    const auto worker = static_cast<uint32_t>(version.texts.size());
    auto text = TextVersion::make(route, version.text_host, worker, way);
    if (!text) return text.error();
    version.texts.push_back(std::move(text).value());
    return {};
  }
  const auto worker = static_cast<uint32_t>(version.lanes.size());
  auto lane = LaneVersion::make(route, version.host, worker, way);
  if (!lane) return lane.error();
  version.lanes.push_back(std::move(lane).value());
  return {};
}

}  // namespace onpath
