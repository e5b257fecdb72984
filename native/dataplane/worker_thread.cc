// The life of a worker's thread around the hot path: spinning while there is traffic, sleeping when there is
// none.
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <system_error>

#include "dataplane/clock.h"
#include "dataplane/worker.h"

namespace onpath {

const size_t Worker::kQueueBytes = sizeof(Worker::Queue);
namespace {

constexpr uint64_t kNever = UINT64_MAX;
constexpr uint64_t kFirstNapNs = 20'000;   // of a port that can only be polled; each is twice the one before
constexpr uint64_t kOthersEndNs = 50'000;  // between looks whether other workers have ended
constexpr unsigned long kTimerSlackNs = 1'000;  // instead of 50 microseconds: naps are short

}  // namespace

Worker::Worker(Parts parts) : parts_(std::move(parts)) {
  for (size_t r = 0; r < parts_.lanes.size(); ++r) {
    const auto& lane = parts_.lanes[r];
    routes_.push_back(lane ? static_cast<RouteLane*>(lane.get()) : parts_.text_lanes[r].get());
  }
  wait_fds_.push_back({parts_.wake ? parts_.wake->fd() : -1, POLLIN, 0});
  for (uint32_t p = 0; p < parts_.ports.size(); ++p) {
    const onpath_port& port = *parts_.ports[p].port;
    const bool caches_flows = parts_.flow_cache && port.framing == ONPATH_FRAMING_ETHERNET;
    for (const auto& ring : parts_.ports[p].from_others) {
      HandedQueue& queue = handed_.emplace_back();
      queue.port = p;
      queue.ring = ring.get();
      if (caches_flows) queue.flows.enable();
    }
    for (size_t i = 0; i < parts_.ports[p].queues.size(); ++i) {
      const uint32_t q = parts_.ports[p].queues[i];
      PolledQueue& queue = queues_.emplace_back();
      queue.port = p;
      queue.queue = q;
      if (!parts_.ports[p].fanouts.empty()) queue.fanout = parts_.ports[p].fanouts[i].get();
      if (caches_flows) queue.flows.enable();
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
    never_run();
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

void Worker::never_run() {
  for (const PolledQueue& queue : queues_) {
    if (queue.fanout != nullptr) queue.fanout->end();
  }
  life_.store(Life::ended, std::memory_order_release);
}

void Worker::take_back_all() {
  for (const PolledQueue& queue : queues_) {
    if (queue.fanout != nullptr) queue.fanout->take_back_all();
  }
}

WorkerPlace Worker::place() const {
  const uint64_t packed = place_.load(std::memory_order_relaxed);
  WorkerPlace place{static_cast<WorkerPlace::What>(packed >> 32), static_cast<uint32_t>(packed), {}};
  if (place.what != WorkerPlace::What::taking) return place;
  const auto at = std::find(routes_.begin(), routes_.end(), lane_.load(std::memory_order_relaxed));
  if (at != routes_.end()) place.route = static_cast<size_t>(at - routes_.begin());
  return place;
}

uint64_t Worker::packets_in_hand() const {
  const auto taken_of = [](const DropCounters& drops) {
    uint64_t taken = 0;
    for (size_t i = 0; i < kDropReasonCount; ++i) {
      const auto reason = static_cast<DropReason>(i);
      const bool left = reason == DropReason::transmit_failed || reason == DropReason::no_neighbour;
      if (drop_reason_scope(reason) == DropScope::packet && !left) taken += drops[i].get();
    }
    return taken;
  };
  uint64_t taken = counters_.fanned_out.get();
  uint64_t came = counters_.received.get();
  for (const PortPart& port : parts_.ports) {
    taken += taken_of(port.counters->drops) + port.counters->control_packets.get();
    for (const auto& ring : port.from_others) came += ring->pushed();
  }
  for (const RouteLane* lane : routes_)
    taken += lane->counters().packets_used.get() + taken_of(lane->counters().drops);
  return came - taken;
}

void Worker::run() {
  parts_.bell->worker_woke();
  prctl(PR_SET_TIMERSLACK, kTimerSlackNs);
  thread_id_.store(static_cast<int>(syscall(SYS_gettid)), std::memory_order_relaxed);
  life_.store(Life::polling, std::memory_order_release);
  uint64_t now = now_ns();
  uint64_t last_packet = now;
  while (!stopping_.load(std::memory_order_acquire)) {
    const uint32_t done = poll_once(now);
    counters_.polls.add(1);
    const uint64_t before = now;
    now = now_ns();
    if (fence_.load(std::memory_order_relaxed) == Fence::fenced) [[unlikely]]
      recover(now);
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
  end_fanout();
  finish(now_ns());
  end_thread();
  timespec cpu;
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu) == 0) {
    counters_.cpu_ns.set(static_cast<uint64_t>(cpu.tv_sec) * 1'000'000'000 +
                         static_cast<uint64_t>(cpu.tv_nsec));
  }
  parts_.bell->worker_sleeps();
  life_.store(Life::ended, std::memory_order_release);
}

/// It had been given up: others have its streams now, so what is open here will not be completed.
void Worker::recover(uint64_t now) {
  for (HandedQueue& queue : handed_) {
    while (poll_handed(queue, now, true) > 0) {
    }
  }
  for (RouteLane* lane : routes_) lane->give_up(DropReason::fenced);
  fence_.store(Fence::recovered, std::memory_order_release);
}

/// Hands nothing on any more, and takes what others hand on until they have ended too.
void Worker::end_fanout() {
  for (const PolledQueue& queue : queues_) {
    if (queue.fanout == nullptr) continue;
    queue.fanout->take_back();
    queue.fanout->end();
  }
  while (!parts_.group->abandoned()) {
    bool ended = true;
    for (HandedQueue& queue : handed_) {
      while (poll_handed(queue, now_ns(), true) > 0) {
      }
      ended = ended && queue.ring->ended() && queue.ring->empty();
    }
    if (ended) return;
    counters_.polls.add(1);
    const timespec pause{0, static_cast<long>(kOthersEndNs)};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, nullptr);
  }
}

/// Sleeps until there is something to do: ports with a descriptor wake the worker; others are looked at after
/// naps that grow with the time that nothing has come, up to max_sleep_ns.
void Worker::sleep() {
  bool slept = false;
  for (uint64_t nap = kFirstNapNs; look_before_sleep(); nap *= 2) {
    // The bell may block once we sleep: what it would announce is announced here.
    for (const auto& sink : parts_.sinks) sink->ring();
    if (parts_.shapes != nullptr) parts_.shapes->ring();
    if (!slept) {
      parts_.bell->worker_sleeps();
      counters_.sleeps.add(1);
      slept = true;
    }
    nap = std::min(nap, std::max(parts_.max_sleep_ns, kFirstNapNs));
    life_.store(Life::sleeping, std::memory_order_release);
    wait(now_ns(), nap);
    life_.store(Life::polling, std::memory_order_release);
  }
  if (slept) parts_.bell->worker_woke();
  parts_.group->is_awake(parts_.index);
  for (const auto& lane : parts_.lanes) {
    if (lane && lane->host() != nullptr) lane->host()->wait_for_release(false);
  }
  for (const PolledQueue& queue : queues_) {
    const onpath_port& port = *parts_.ports[queue.port].port;
    port.arm(port.self, queue.queue, 0);
  }
}

/// The last look before the worker sleeps; false: there is something to do.
bool Worker::look_before_sleep() {
  // Ports are armed before the look, so that a packet which it misses wakes us.
  for (const PolledQueue& queue : queues_) {
    const onpath_port& port = *parts_.ports[queue.port].port;
    port.arm(port.self, queue.queue, 1);
  }
  parts_.group->falls_asleep(parts_.index);
  const bool held = holds_back();
  for (const auto& lane : parts_.lanes) {
    if (lane && lane->host() != nullptr) lane->host()->wait_for_release(held);
  }
  // A look that begins to hold packets back found no release to wait for yet: come again.
  return poll_once(now_ns()) == 0 && holds_back() == held && !stopping_.load(std::memory_order_acquire) &&
         fence_.load(std::memory_order_relaxed) != Fence::fenced;
}

bool Worker::holds_back() const {
  return std::any_of(queues_.begin(), queues_.end(),
                     [](const PolledQueue& queue) { return queue.first < queue.last; }) ||
         std::any_of(handed_.begin(), handed_.end(),
                     [](const HandedQueue& queue) { return queue.held_back; });
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

void Worker::wait(uint64_t now, uint64_t nap_ns) {
  uint64_t timeout = kNever;
  const uint64_t next = next_tick_ns();
  // Deadlines are kept to the tick; one that has passed already waits for the next.
  if (next != kNever) timeout = std::max(next > now ? next - now : 0, kTickNs);
  if (sends()) timeout = std::min(timeout, kTickNs);
  if (!can_wait_) timeout = std::min(timeout, nap_ns);
  timespec limit{};
  if (timeout != kNever) {
    limit.tv_sec = static_cast<time_t>(timeout / 1'000'000'000);
    limit.tv_nsec = static_cast<long>(timeout % 1'000'000'000);
  }
  // A port whose packets wait for the consumer must not wake us: its descriptor stays readable.
  for (size_t i = 0; i < queues_.size(); ++i) {
    wait_fds_[i + 1].events = queues_[i].first < queues_[i].last ? 0 : POLLIN;
  }
  if (ppoll(wait_fds_.data(), wait_fds_.size(), timeout == kNever ? nullptr : &limit, nullptr) <= 0) return;
  if (wait_fds_[0].revents != 0) parts_.wake->drain();
  for (size_t i = 0; i < queues_.size(); ++i) {
    // It may be armed anew only when its word has been taken.
    if (wait_fds_[i + 1].revents == 0) continue;
    const onpath_port& port = *parts_.ports[queues_[i].port].port;
    port.arm(port.self, queues_[i].queue, 0);
  }
}

}  // namespace onpath
