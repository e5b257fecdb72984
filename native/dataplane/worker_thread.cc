// The life of a worker's thread around the hot path: spinning while there is traffic, sleeping when there is
// none.
#include <algorithm>
#include <string>
#include <system_error>

#include "dataplane/clock.h"
#include "dataplane/worker.h"

namespace onpath {
namespace {

constexpr uint64_t kNever = UINT64_MAX;

}  // namespace

Worker::Worker(Parts parts) : parts_(std::move(parts)) {
  for (size_t r = 0; r < parts_.lanes.size(); ++r) {
    const auto& lane = parts_.lanes[r];
    routes_.push_back(lane ? static_cast<RouteLane*>(lane.get()) : parts_.text_lanes[r].get());
  }
  wait_fds_.push_back({parts_.wake ? parts_.wake->fd() : -1, POLLIN, 0});
  for (uint32_t p = 0; p < parts_.ports.size(); ++p) {
    const onpath_port& port = *parts_.ports[p].port;
    for (uint32_t q : parts_.ports[p].queues) {
      Queue& queue = queues_.emplace_back();
      queue.port = p;
      queue.queue = q;
      if (parts_.flow_cache && port.framing == ONPATH_FRAMING_ETHERNET) queue.flows.enable();
      const int fd = port.wait_fd(port.self, q);
      can_wait_ = can_wait_ && fd >= 0;
      wait_fds_.push_back({fd, POLLIN, 0});
    }
  }
}

void Worker::stop() {
  stopping_.store(true, std::memory_order_release);
  parts_.wake->wake();
}

void Worker::announce_versions() {
  versions_offered_.store(true, std::memory_order_release);
  if (parts_.wake) parts_.wake->wake();
}

Result<void> Worker::begin_thread() {
  for (; begun_ports_ < parts_.ports.size(); ++begun_ports_) {
    const onpath_port& port = *parts_.ports[begun_ports_].port;
    const int failure = port.begin_thread == nullptr ? 0 : port.begin_thread(port.self);
    if (failure == 0) continue;
    end_thread();
    return Error{ErrorCode::PORT_FAILED,
                 "A port did not take a worker's thread: " + std::generic_category().message(failure) +
                     ". Start fewer workers, or close other planes and senders."};
  }
  return {};
}

void Worker::end_thread() {
  while (begun_ports_ > 0) {
    const onpath_port& port = *parts_.ports[--begun_ports_].port;
    if (port.end_thread != nullptr) port.end_thread(port.self);
  }
}

void Worker::run() {
  parts_.bell->worker_woke();
  uint64_t now = now_ns();
  uint64_t last_packet = now;
  while (!stopping_.load(std::memory_order_acquire)) {
    const uint32_t done = poll_once(now);
    counters_.polls.add(1);
    const uint64_t before = now;
    now = now_ns();
    if (done > 0) {
      counters_.busy_ns.add(now - before);
      last_packet = now;
      continue;
    }
    counters_.empty_polls.add(1);
    if (now - last_packet < parts_.idle_after_ns) {
      spin_pause();
      continue;
    }
    sleep();
    now = last_packet = now_ns();
  }
  finish(now);
  end_thread();
  timespec cpu;
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu) == 0) {
    counters_.cpu_ns.set(static_cast<uint64_t>(cpu.tv_sec) * 1'000'000'000 +
                         static_cast<uint64_t>(cpu.tv_nsec));
  }
  parts_.bell->worker_sleeps();
}

void Worker::sleep() {
  // Ports are armed before the last look, so that a packet which that look misses wakes us.
  for (const Queue& queue : queues_) {
    const onpath_port& port = *parts_.ports[queue.port].port;
    port.arm(port.self, queue.queue, 1);
  }
  const bool held = holds_back();
  for (const auto& lane : parts_.lanes) {
    if (lane && lane->host() != nullptr) lane->host()->wait_for_release(held);
  }
  // A last look that begins to hold packets back found no release to wait for yet: come again.
  const bool nothing_new = poll_once(now_ns()) == 0 && holds_back() == held;
  if (nothing_new && !stopping_.load(std::memory_order_acquire)) {
    // The bell may block once we sleep: what it would announce is announced here.
    for (const auto& sink : parts_.sinks) sink->ring();
    if (parts_.shapes != nullptr) parts_.shapes->ring();
    parts_.bell->worker_sleeps();
    counters_.sleeps.add(1);
    wait(now_ns());
    parts_.bell->worker_woke();
    parts_.wake->drain();
  }
  for (const auto& lane : parts_.lanes) {
    if (lane && lane->host() != nullptr) lane->host()->wait_for_release(false);
  }
  for (const Queue& queue : queues_) {
    const onpath_port& port = *parts_.ports[queue.port].port;
    port.arm(port.self, queue.queue, 0);
  }
}

bool Worker::holds_back() const {
  return std::any_of(queues_.begin(), queues_.end(),
                     [](const Queue& queue) { return queue.first < queue.last; });
}

bool Worker::sends() const {
  return std::any_of(parts_.ports.begin(), parts_.ports.end(),
                     [](const PortPart& port) { return port.transmit && !port.transmit->empty(); });
}

uint64_t Worker::next_tick_ns() {
  uint64_t next = kNever;
  for (RouteLane* lane : routes_) {
    next = std::min(next, lane->next_tick_ns());
    if (const LossRepair* repair = lane->repair()) next = std::min(next, repair->next_tick_ns());
  }
  if (parts_.rtcp) next = std::min(next, parts_.rtcp->next_tick_ns());
  for (const PortPart& port : parts_.ports) {
    if (port.host) next = std::min(next, port.host->next_tick_ns());
  }
  return next;
}

void Worker::wait(uint64_t now) {
  constexpr uint64_t kPollOnlyNs = 100'000;  // a port that can only be polled is looked at this often
  uint64_t timeout = kNever;
  const uint64_t next = next_tick_ns();
  // Deadlines are kept to the tick; one that has passed already waits for the next.
  if (next != kNever) timeout = std::max(next > now ? next - now : 0, kTickNs);
  if (sends()) timeout = std::min(timeout, kTickNs);
  if (!can_wait_) timeout = std::min(timeout, kPollOnlyNs);
  timespec limit{};
  if (timeout != kNever) {
    limit.tv_sec = static_cast<time_t>(timeout / 1'000'000'000);
    limit.tv_nsec = static_cast<long>(timeout % 1'000'000'000);
  }
  // A port whose packets wait for the consumer must not wake us: its descriptor stays readable.
  for (size_t i = 0; i < queues_.size(); ++i) {
    wait_fds_[i + 1].events = queues_[i].first < queues_[i].last ? 0 : POLLIN;
  }
  ppoll(wait_fds_.data(), wait_fds_.size(), timeout == kNever ? nullptr : &limit, nullptr);
}

}  // namespace onpath
