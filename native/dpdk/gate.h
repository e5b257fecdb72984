// Closing a port's data path for a moment: before its device is stopped under threads that poll it. What it
// costs them is two stores a burst; the waiting, and the fence that those stores save, are the control
// thread's.
#pragma once

#include <atomic>
#include <cstdint>

namespace onpath::dpdk {

struct Port;

enum class Gate : uint8_t { open, shut, gone };

/// Of one queue: set by the thread that uses it.
using Inside = std::atomic<bool>;

/// While one is there, the queue's thread is in the data path.
class Visit {
 public:
  explicit Visit(Inside& inside) : inside_(inside) {
    inside_.store(true, std::memory_order_relaxed);
    // The processor's order is the control thread's affair (membarrier), the compiler's is ours.
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  ~Visit() { inside_.store(false, std::memory_order_release); }
  Visit(const Visit&) = delete;

 private:
  Inside& inside_;
};

/// Returns when every thread that was in the data path has left it. Control thread only.
void wait_until_left(Port& port);

/// From now on nothing is received or sent; packets that are offered are not accepted yet.
void shut(Port& port);
void open_again(Port& port);

}  // namespace onpath::dpdk
