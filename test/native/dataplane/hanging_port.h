// A port around another one whose functions block for as long as a test wants, on the thread of one queue:
// what a driver or a device that hangs does to a worker.
#pragma once

#include <array>
#include <atomic>
#include <thread>

#include "dataplane/port_abi.h"

namespace onpath::testing {

class HangingPort {
 public:
  enum Function : uint32_t { none, receive, transmit };

  /// Takes over `inner`. Must outlive every thread that uses the port.
  explicit HangingPort(const onpath_port* inner) : inner_(inner), port_(*inner) {
    port_.self = this;
    port_.receive = [](void* self, uint32_t queue, onpath_packet* packets, uint32_t count) {
      HangingPort& port = of(self);
      port.pass(receive, queue);
      return port.inner_->receive(port.inner_->self, queue, packets, count);
    };
    port_.release = [](void* self, uint32_t queue, const onpath_packet* packets, uint32_t count) {
      of(self).inner_->release(of(self).inner_->self, queue, packets, count);
    };
    port_.allocate = [](void* self, uint32_t queue, onpath_packet* packets, uint32_t count) {
      return of(self).inner_->allocate(of(self).inner_->self, queue, packets, count);
    };
    port_.transmit = [](void* self, uint32_t queue, onpath_packet* packets, uint32_t count) {
      HangingPort& port = of(self);
      port.pass(transmit, queue);
      return port.inner_->transmit(port.inner_->self, queue, packets, count);
    };
    port_.wait_fd = [](void* self, uint32_t queue) {
      return of(self).poll_only ? -1 : of(self).inner_->wait_fd(of(self).inner_->self, queue);
    };
    port_.arm = [](void* self, uint32_t queue, int sleeping) {
      of(self).inner_->arm(of(self).inner_->self, queue, sleeping);
    };
    port_.counters = [](void* self, onpath_port_counters* out) {
      of(self).inner_->counters(of(self).inner_->self, out);
    };
    port_.info = [](void* self, onpath_port_info* out) {
      out->link_up = of(self).link_up;
      out->removed = of(self).removed;
    };
    port_.destroy = [](void* self) {
      of(self).inner_->destroy(of(self).inner_->self);
      of(self).destroyed = true;
    };
  }
  HangingPort(const HangingPort&) = delete;

  const onpath_port* port() const { return &port_; }

  /// The next call of `function` for `queue` blocks until let_go().
  void hang(Function function, uint32_t queue) { at_[function][queue] = true; }
  void let_go() {
    for (auto& queues : at_) {
      for (auto& queue : queues) queue = false;
    }
  }
  /// Threads that are blocked now.
  std::atomic<uint32_t> hanging{0};

  bool poll_only = false;  // before the plane starts
  std::atomic<bool> link_up{true}, removed{false}, destroyed{false};

 private:
  static HangingPort& of(void* self) { return *static_cast<HangingPort*>(self); }
  void pass(Function function, uint32_t queue) {
    if (!at_[function][queue]) return;
    ++hanging;
    while (at_[function][queue]) std::this_thread::sleep_for(std::chrono::microseconds(100));
    --hanging;
  }

  const onpath_port* const inner_;
  onpath_port port_;
  std::array<std::array<std::atomic<bool>, 8>, 3> at_{};
};

}  // namespace onpath::testing
