#include "dataplane/repair_parts.h"

#include <algorithm>
#include <string>
#include <utility>

#include "dataplane/plane_parts.h"
#include "dataplane/saturating.h"
#include "wire/mac.h"

namespace onpath {
namespace {

constexpr uint32_t kMostWindow = 32768;
constexpr uint32_t kMostRetries = 100;

Error invalid(const RouteConfig& route, const std::string& text) {
  return {ErrorCode::INVALID_SPEC, "Route \"" + route.name + "\": " + text};
}

}  // namespace

RepairParts::RepairParts(const PlaneConfig& config, std::vector<uint32_t> route_ports,
                         const std::vector<uint32_t>& first_ssrc)
    : config_(config), route_ports_(std::move(route_ports)) {
  forward_inboxes_.resize(config.routes.size());
  port_inboxes_.resize(config.ports.size());
  for (size_t r = 0; r < config.routes.size(); ++r) {
    const auto* forward = std::get_if<ForwardSinkConfig>(&config.routes[r].sink);
    if (forward == nullptr || !forward->resend) continue;
    // What goes to a group may be asked for by anyone in it.
    const IpAddress& to = forward->destination.address;
    const IpAddress receiver = is_multicast(to) ? IpAddress{} : to;
    size_t target = 0;
    while (config.ports[target].name != forward->port) ++target;
    for (uint32_t w = 0; w < config.workers; ++w) {
      const auto& inbox =
          forward_inboxes_[r].emplace_back(std::make_shared<FeedbackInbox>(ForwardResender::kInbox));
      inbox->open(first_ssrc[r] + w, config.workers, 0, receiver);
      port_inboxes_[target].push_back(inbox);
    }
  }
  for (size_t p = 0; p < config.ports.size(); ++p) {
    const onpath_port& port = *config.ports[p].port;
    auto& inboxes = sender_inboxes_.emplace_back();
    for (uint32_t q = first_sender_queue(port, config.workers); q < port.transmit_queues; ++q)
      inboxes.push_back(std::make_shared<FeedbackInbox>(kSenderInbox));
    port_inboxes_[p].insert(port_inboxes_[p].end(), inboxes.begin(), inboxes.end());
  }
}

uint64_t RepairParts::sender_bytes() const {
  uint64_t bytes = 0;
  for (const auto& inboxes : sender_inboxes_)
    bytes += inboxes.size() * FeedbackInbox::bytes_for(kSenderInbox);
  return bytes;
}

void RepairParts::begin_worker(uint32_t worker) {
  worker_ = worker;
  resenders_.clear();
  resenders_.resize(config_.routes.size());
  desk_ports_.clear();
  desk_ports_.resize(config_.ports.size());
  for (size_t p = 0; p < desk_ports_.size(); ++p) desk_ports_[p].inboxes = port_inboxes_[p];
}

Result<ForwardResender*> RepairParts::make_resender(size_t route, const OutgoingPath& path,
                                                    TransmitQueue& queue) {
  if (forward_inboxes_[route].empty()) return static_cast<ForwardResender*>(nullptr);
  auto made = ForwardResender::make(std::get<ForwardSinkConfig>(config_.routes[route].sink), path, queue,
                                    forward_inboxes_[route][worker_]);
  if (!made) return made.error();
  resenders_[route] = std::move(made).value();
  return resenders_[route].get();
}

Result<void> RepairParts::repair(size_t route, RouteLane& lane, const LossRepair::Parts& parts) {
  if (!config_.routes[route].repair) return {};
  auto made = LossRepair::make(config_.routes[route], parts);
  if (!made) return made.error();
  lane.repair_by(std::move(made).value());
  desk_ports_[route_ports_[route]].repairs.push_back(lane.repair());
  return {};
}

std::unique_ptr<RtcpDesk> RepairParts::make_desk() {
  const bool needed = std::any_of(desk_ports_.begin(), desk_ports_.end(), [](const RtcpDesk::Port& port) {
    return !port.repairs.empty() || !port.inboxes.empty();
  });
  if (!needed) return nullptr;
  return std::make_unique<RtcpDesk>(std::move(desk_ports_), std::move(resenders_));
}

uint64_t repair_bytes(const RouteConfig& route) {
  const auto* forward = std::get_if<ForwardSinkConfig>(&route.sink);
  return plus(LossRepair::bytes_for(route), forward == nullptr ? 0 : ForwardResender::bytes_for(*forward));
}

Result<void> check_repair(const RouteConfig& route) {
  if (const auto* forward = std::get_if<ForwardSinkConfig>(&route.sink);
      forward != nullptr && forward->resend) {
    const ResendConfig& resend = *forward->resend;
    if (resend.packets < 1 || resend.packets > ResendBuffer::kMostPackets) {
      return invalid(route, "resend.packets is " + std::to_string(resend.packets) + ", expected 1 to " +
                                std::to_string(ResendBuffer::kMostPackets) + ".");
    }
    if (resend.packets_per_second < 1)
      return invalid(route, "resend.packetsPerSecond is 0, expected at least 1.");
  }
  if (!route.repair) return {};
  const RepairConfig& repair = *route.repair;
  if (repair.feedback.empty()) {
    return invalid(route,
                   "it asks for repair, but none of its sources may be told anything. Mark those that "
                   "may, such as { prefix: \"10.1.0.0/16\", feedback: true }.");
  }
  if (repair.window_packets < 1 || repair.window_packets > kMostWindow) {
    return invalid(route, "repair.windowPackets is " + std::to_string(repair.window_packets) +
                              ", expected 1 to " + std::to_string(kMostWindow) + ".");
  }
  if (repair.max_retries < 1 || repair.max_retries > kMostRetries) {
    return invalid(route, "repair.maxRetries is " + std::to_string(repair.max_retries) + ", expected 1 to " +
                              std::to_string(kMostRetries) + ".");
  }
  if (repair.retry_ns == 0) return invalid(route, "repair.retryMs is 0, expected more.");
  if (repair.packets_per_second < 1 || repair.route_packets_per_second < 1)
    return invalid(route, "repair.packetsPerSecond is 0, expected at least 1.");
  return {};
}

}  // namespace onpath
