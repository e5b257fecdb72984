#include "dpdk/gate.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "dpdk/port.h"

namespace onpath::dpdk {
namespace {

constexpr std::chrono::milliseconds kWithoutBarrier{10};  // far longer than a store takes to be seen
constexpr std::chrono::microseconds kLook{20};

long membarrier(int command) { return syscall(SYS_membarrier, command, 0, 0); }

/// Every thread of the process has seen what this one wrote, and the other way round.
void fence_all_threads() {
  static const bool registered = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0;
  if (registered && membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0) return;
  std::atomic_thread_fence(std::memory_order_seq_cst);
  std::this_thread::sleep_for(kWithoutBarrier);
}

void wait_for(const Inside& inside) {
  while (inside.load(std::memory_order_acquire)) std::this_thread::sleep_for(kLook);
}

}  // namespace

void wait_until_left(Port& port) {
  fence_all_threads();
  for (const QueueCounts& queue : port.receive_counts) wait_for(queue.inside);
  for (const TransmitQueue& queue : port.transmit_queues) wait_for(queue.counts.inside);
}

void shut(Port& port) {
  Gate open = Gate::open;
  port.gate.compare_exchange_strong(open, Gate::shut);
  wait_until_left(port);
}

void open_again(Port& port) {
  Gate shut = Gate::shut;
  port.gate.compare_exchange_strong(shut, Gate::open);
}

}  // namespace onpath::dpdk
