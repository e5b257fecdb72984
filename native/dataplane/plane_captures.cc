#include "dataplane/plane_captures.h"

#include <algorithm>
#include <bit>
#include <new>
#include <system_error>

#include "dataplane/capture_session.h"
#include "dataplane/clock.h"
#include "dataplane/saturating.h"

namespace onpath {
namespace {

/// The place of a name in a list of things that have one.
template <class List>
Result<uint32_t> place_of(const char* what, const std::string& name, const List& list) {
  std::string names;
  for (uint32_t i = 0; i < list.size(); ++i) {
    if (list[i].name == name) return i;
    names += (names.empty() ? "" : ", ") + list[i].name;
  }
  return Error{ErrorCode::NOT_FOUND,
               std::string("No ") + what + " is called \"" + name + "\". There are: " + names + "."};
}

uint64_t ring_bytes(const CaptureConfig& config) {
  constexpr uint64_t kMost = uint64_t{1} << 40;
  const uint64_t least = 2 * CaptureRing::record_bytes(config.snap_length);
  return std::bit_ceil(std::clamp(config.buffer_bytes, least, kMost));
}

}  // namespace

Result<CaptureFilter> PlaneCaptures::filter_of(const CaptureConfig& config) const {
  if (config.port.empty() == config.route.empty()) {
    return Error{ErrorCode::INVALID_ARGUMENT, "A capture is of either a port or a route. Name one of them."};
  }
  CaptureFilter filter;
  std::string port = config.port;
  if (!config.route.empty()) {
    const auto route = place_of("route", config.route, parts_.routes);
    if (!route) return route.error();
    filter.route = route.value();
    filter.routes = parts_.route_table;
    port = parts_.routes[route.value()].port;
  }
  const auto place = place_of("port", port, parts_.ports.list());
  if (!place) return place.error();
  filter.port = place.value();
  return filter;
}

Result<std::shared_ptr<Capture>> PlaneCaptures::start(CaptureConfig config) {
  const std::lock_guard lock(mutex_);
  if (closed_) return Error{ErrorCode::CLOSED, "The plane is closed. No packet comes by it."};
  const auto filter = filter_of(config);
  if (!filter) return filter.error();
  std::erase_if(sessions_, [](const auto& session) {
    const auto alive = session.lock();
    return alive == nullptr || alive->memory_bytes() == 0;
  });
  if (sessions_.size() == CapturePoint::kMost) {
    return Error{ErrorCode::BUSY, std::to_string(CapturePoint::kMost) +
                                      " captures of this plane run. Stop one of them first."};
  }
  uint64_t total = plus(parts_.memory->total(), times(ring_bytes(config), parts_.workers.size()));
  for (const auto& session : sessions_) {
    if (const auto alive = session.lock()) total = plus(total, alive->memory_bytes());
  }
  if (total > parts_.max_memory_bytes) {
    return Error{ErrorCode::LIMIT_EXCEEDED,
                 "With the capture's rings of " + std::to_string(ring_bytes(config)) +
                     " bytes for each worker the plane would take " + std::to_string(total) +
                     " bytes; limits.memoryBytes is " + std::to_string(parts_.max_memory_bytes) +
                     ". Ask for a smaller buffer."};
  }
  try {
    std::vector<std::unique_ptr<CaptureTap>> taps;
    std::vector<CapturePoint*> points;
    for (const auto& worker : parts_.workers) {
      auto memory = Region::take(ring_bytes(config), "packets of a capture");
      if (!memory) return memory.error();
      taps.push_back(
          std::make_unique<CaptureTap>(filter.value(), config.snap_length, std::move(memory).value()));
      points.push_back(&worker->capture_point());
    }
    const NamedPort& port = parts_.ports.list()[filter.value().port];
    pcapng::Interface interface;
    interface.name = port.name;
    interface.description = "Port \"" + port.name + "\" of onpath";
    if (!config.route.empty()) interface.description += ", route \"" + config.route + "\"";
    auto writer = std::make_unique<CaptureWriter>(config, std::move(interface),
                                                  port.port->framing == ONPATH_FRAMING_DATAGRAM,
                                                  std::move(taps), now_ns(), epoch_offset_ns_);
    std::optional<OutputFile> file;
    if (!config.file.empty()) {
      auto created = OutputFile::create(config.file);
      if (!created) return created.error();
      file.emplace(std::move(created).value());
    }
    auto session = std::make_shared<CaptureSession>(std::move(writer), std::move(points), std::move(file),
                                                    std::move(config.on_end));
    session->start();
    sessions_.push_back(session);
    return std::shared_ptr<Capture>(std::move(session));
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::OUT_OF_MEMORY, "There is not enough memory for the capture. Ask for less."};
  } catch (const std::system_error& error) {
    return Error{ErrorCode::PORT_FAILED, std::string("The system refused a thread for the capture: ") +
                                             error.what() + ". Raise the limit of threads (ulimit -u)."};
  }
}

void PlaneCaptures::close() {
  std::vector<std::shared_ptr<CaptureSession>> alive;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    for (const auto& session : sessions_) {
      if (auto held = session.lock()) alive.push_back(std::move(held));
    }
    sessions_.clear();
  }
  for (const auto& session : alive) {
    session->stop();
    session->leave();
  }
}

uint64_t PlaneCaptures::memory_bytes() const {
  const std::lock_guard lock(mutex_);
  uint64_t bytes = 0;
  for (const auto& session : sessions_) {
    if (const auto alive = session.lock()) bytes += alive->memory_bytes();
  }
  return bytes;
}

}  // namespace onpath
