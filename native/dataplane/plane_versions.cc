#include "dataplane/plane_versions.h"

#include <algorithm>
#include <chrono>
#include <new>
#include <system_error>
#include <utility>

#include "dataplane/clock.h"
#include "dataplane/saturating.h"
#include "dataplane/threads.h"

namespace onpath {
namespace {

constexpr auto kLook = std::chrono::milliseconds(2);  // for versions that have become unused
constexpr auto kTakenLook = std::chrono::microseconds(50);

Error closed_error() { return {ErrorCode::CLOSED, "The plane is closed. Its pipelines stay as they are."}; }

}  // namespace

PlaneVersions::PlaneVersions(PlaneParts& parts) : parts_(parts) {}

size_t PlaneVersions::route_index(const std::string& name) const {
  size_t index = 0;
  while (index < parts_.routes.size() && parts_.routes[index].name != name) ++index;
  return index;
}

Result<PlaneVersions::Prepared> PlaneVersions::prepare(const RouteSwap& swap) {
  Prepared prepared;
  prepared.route = route_index(swap.route);
  if (prepared.route == parts_.routes.size())
    return Error{ErrorCode::NOT_FOUND, "The plane has no route \"" + swap.route + "\"."};
  const RouteConfig& route = parts_.routes[prepared.route];
  const RouteVersions& versions = parts_.versions[prepared.route];
  auto config = swapped_route(route, swap);
  if (!config) return config.error();
  prepared.config = std::move(config).value();
  const auto alive_now = alive(prepared.route);
  if (alive_now.size() >= kMostVersions) {
    return Error{ErrorCode::BUSY, "Route \"" + swap.route + "\" has " + std::to_string(kMostVersions) +
                                      " versions alive, which is the most: open samples or buffers that the "
                                      "consumer holds are of the older ones. Release them, or wait."};
  }
  const uint64_t workers = parts_.workers.size();
  const uint64_t bytes = plus(parts_.memory->total(), times(version_bytes(prepared.config), workers));
  if (bytes > parts_.max_memory_bytes) {
    return Error{ErrorCode::LIMIT_EXCEEDED,
                 "Route \"" + swap.route + "\": with the pools of a further version the plane would have " +
                     std::to_string(bytes) + " bytes; limits.memoryBytes is " +
                     std::to_string(parts_.max_memory_bytes) +
                     ". Raise it, wait until older versions are done with, or ask for fewer slots."};
  }
  auto version =
      make_version(prepared.config, alive_now.back() + 1, parts_.wakes, versions.latencies, parts_.memory);
  if (!version) return version.error();
  prepared.version = std::move(version).value();
  for (size_t w = 0; w < workers; ++w) {
    const ForwardWay* way = versions.ways.empty() ? nullptr : &versions.ways[w];
    if (const auto made = add_worker(*prepared.version, prepared.config, way); !made) return made.error();
  }
  return prepared;
}

Result<std::vector<PlaneVersions::Prepared>> PlaneVersions::prepare(const std::vector<RouteSwap>& swaps) {
  std::vector<Prepared> all;
  for (const RouteSwap& swap : swaps) {
    for (const RouteSwap& other : swaps) {
      if (&other == &swap) break;
      if (other.route == swap.route) {
        return Error{ErrorCode::INVALID_ARGUMENT,
                     "Route \"" + swap.route + "\" is swapped twice in one call. Name each route once."};
      }
    }
    auto prepared = prepare(swap);
    if (!prepared) return prepared.error();
    all.push_back(std::move(prepared).value());
  }
  return all;
}

void PlaneVersions::install(Prepared& prepared) {
  const size_t r = prepared.route;
  RouteVersion& version = *prepared.version;
  if (version.host) parts_.sinks[r]->add(version.host);
  if (version.text_host) {
    parts_.text_sinks[r]->announce(*version.text_host);
    parts_.text_sinks[r]->add(version.text_host);
  }
  for (const auto& lane : version.lanes) {
    if (lane->shapes) parts_.shapes->add(lane->shapes);
  }
  RouteConfig& route = parts_.routes[r];
  route.program = prepared.config.program;
  route.shapes = prepared.config.shapes;
  route.text = prepared.config.text;
  RouteVersions& versions = parts_.versions[r];
  versions.alive.push_back(std::move(prepared.version));
  for (size_t w = 0; w < parts_.workers.size(); ++w) {
    if (!version.lanes.empty()) parts_.workers[w]->offer(r, *version.lanes[w]);
    if (!version.texts.empty()) parts_.workers[w]->offer(r, *version.texts[w]);
  }
}

Result<std::vector<uint64_t>> PlaneVersions::offer(const std::vector<RouteSwap>& swaps) {
  free_unused();
  try {
    // Only swaps change what preparing reads, and swapping_ or a test has one of them at a time.
    auto all = prepare(swaps);
    if (!all) return all.error();
    std::vector<uint64_t> numbers;
    numbers.reserve(swaps.size());
    const std::lock_guard lock(mutex_);
    if (closed_) return closed_error();
    for (const Prepared& prepared : all.value()) parts_.versions[prepared.route].alive.reserve(kMostVersions);
    for (Prepared& prepared : all.value()) {
      numbers.push_back(prepared.version->number);
      install(prepared);
    }
    for (const auto& worker : parts_.workers) worker->announce_versions();
    ++offers_;
    return numbers;
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::OUT_OF_MEMORY,
                 "The pools of the new version could not be had; the pipeline stays as it is. Ask for fewer "
                 "slots or open samples."};
  }
}

bool PlaneVersions::taken(const std::vector<RouteSwap>& swaps, const std::vector<uint64_t>& numbers) const {
  for (size_t i = 0; i < swaps.size(); ++i) {
    for (const auto& version : parts_.versions[route_index(swaps[i].route)].alive) {
      if (version->number == numbers[i] && !version->taken()) return false;
    }
  }
  return true;
}

Result<std::vector<uint64_t>> PlaneVersions::swap(const std::vector<RouteSwap>& swaps) {
  const std::lock_guard one(swapping_);
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return closed_error();
    try {
      if (!keeper_.joinable()) keeper_ = start_thread("onpath-versions", [this] { keep_freeing(); });
    } catch (const std::system_error& error) {
      return Error{ErrorCode::PORT_FAILED,
                   std::string("The system refused the thread that frees older versions: ") + error.what() +
                       ". Raise the limit of threads (ulimit -u)."};
    }
  }
  auto numbers = offer(swaps);
  if (!numbers) return numbers;
  changed_.notify_all();
  const uint64_t begun = now_ns();
  for (;;) {
    std::unique_lock lock(mutex_);
    if (taken(swaps, numbers.value())) return numbers;
    if (closed_) return closed_error();
    if (now_ns() - begun > kPatienceNs) {
      return Error{ErrorCode::BUSY,
                   "A worker has not taken the new version for 10 seconds. It will as soon as it runs; those "
                   "that run have it."};
    }
    changed_.wait_for(lock, kTakenLook);
  }
}

bool PlaneVersions::free_unused() {
  struct Unused {
    size_t route;
    std::unique_ptr<RouteVersion> version;
  };
  std::vector<Unused> unused;
  bool left = false;
  {
    const std::lock_guard lock(mutex_);
    for (size_t r = 0; r < parts_.versions.size(); ++r) {
      RouteVersions& versions = parts_.versions[r];
      for (size_t v = 0; v + 1 < versions.alive.size();) {
        const RouteVersion& version = *versions.alive[v];
        const bool held = !version.let_go() || (version.host && !parts_.sinks[r]->remove(*version.host)) ||
                          (version.text_host && !parts_.text_sinks[r]->remove(*version.text_host));
        if (held) {
          ++v;
          left = true;
          continue;
        }
        versions.freeing.push_back(version.number);
        unused.push_back({r, std::move(versions.alive[v])});
        versions.alive.erase(versions.alive.begin() + static_cast<int64_t>(v));
      }
    }
  }
  // Without the lock, for it takes a while; alive until it is done, lest memory seem to be had that is not.
  for (auto& [route, version] : unused) {
    for (const auto& lane : version->lanes) {
      if (lane->shapes) parts_.shapes->remove(lane->shapes);
    }
    const uint64_t number = version->number;
    version.reset();
    const std::lock_guard lock(mutex_);
    std::erase(parts_.versions[route].freeing, number);
    ++parts_.versions[route].freed;
  }
  return left;
}

void PlaneVersions::keep_freeing() {
  uint64_t seen = 0;
  for (bool left = false;; left = free_unused()) {
    std::unique_lock lock(mutex_);
    const auto news = [&] { return closed_ || offers_ != seen; };
    // Who offers a version tells; who lets one go does not.
    if (left) {
      changed_.wait_for(lock, kLook, news);
    } else {
      changed_.wait(lock, news);
    }
    if (closed_) return;
    seen = offers_;
  }
}

void PlaneVersions::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
  if (keeper_.joinable()) keeper_.join();
}

std::vector<uint64_t> PlaneVersions::alive(size_t route) const {
  const std::lock_guard lock(mutex_);
  std::vector<uint64_t> numbers = parts_.versions[route].freeing;
  for (const auto& version : parts_.versions[route].alive) numbers.push_back(version->number);
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

uint64_t PlaneVersions::freed(size_t route) const {
  const std::lock_guard lock(mutex_);
  return parts_.versions[route].freed;
}

}  // namespace onpath
