// Counts the system calls and allocations of one thread over a million packets. The thread runs in a child
// process whose thread this process traces; what it allocates is counted in the thread itself.
#pragma once

#include "dataplane/plane_parts.h"
#include "dataplane/plane_testing.h"

#ifndef ONPATH_SANITIZED  // sanitizers make system calls and allocate on their own behalf

#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "support/allocation_count.h"

namespace onpath::testing {

inline constexpr uint64_t kPackets = 1'000'000;
/// Where a million take long: programs that do more with each, threads that spin on two cores.
inline constexpr uint64_t kFewerPackets = kPackets / 5;

/// What the two processes tell each other.
struct Shared {
  enum Phase : int { starting, warm, traced, done, untraced };
  std::atomic<int> phase{starting};
  std::atomic<pid_t> worker{0};
  std::atomic<uint64_t> packets{0};
  std::atomic<uint64_t> samples{0};
  std::atomic<uint64_t> allocations{UINT64_MAX};
  std::atomic<uint64_t> system_calls{0};

  void await(int wanted) const {
    while (phase.load() != wanted) std::this_thread::yield();
  }
};

struct Counted {
  uint64_t system_calls = 0;
  std::string names;
  std::string failure;
};

/// Counts the worker's system calls from phase warm to phase done.
inline Counted trace(Shared& shared, pid_t child) {
  Counted counted;
  const auto child_lives = [&] { return waitpid(child, nullptr, WNOHANG) == 0; };
  while (shared.phase.load() != Shared::warm) {
    if (!child_lives()) return {0, "", "the traced process ended early"};
    usleep(1000);
  }
  const pid_t worker = shared.worker.load();
  int status = 0;
  if (ptrace(PTRACE_SEIZE, worker, nullptr, PTRACE_O_TRACESYSGOOD) != 0) {
    counted.failure = std::string("ptrace is needed to count system calls, and not permitted here: ") +
                      std::strerror(errno);
    shared.phase = Shared::traced;
    shared.await(Shared::done);
    shared.phase = Shared::untraced;
    return counted;
  }
  ptrace(PTRACE_INTERRUPT, worker, nullptr, nullptr);
  waitpid(worker, &status, __WALL);
  ptrace(PTRACE_SYSCALL, worker, nullptr, nullptr);
  shared.phase = Shared::traced;
  uint64_t stops = 0;
  while (shared.phase.load() != Shared::done) {
    if (waitpid(worker, &status, __WALL | WNOHANG) != worker) {
      usleep(200);
      continue;
    }
    if (!WIFSTOPPED(status)) return {0, "", "the worker ended early"};
    if (WSTOPSIG(status) == (SIGTRAP | 0x80) && stops++ % 2 == 0) {
      shared.system_calls = ++counted.system_calls;
      if (counted.system_calls <= 5) {
        struct __ptrace_syscall_info info {};
        ptrace(PTRACE_GET_SYSCALL_INFO, worker, sizeof info, &info);
        counted.names += " " + std::to_string(info.entry.nr);
      }
    }
    ptrace(PTRACE_SYSCALL, worker, nullptr, nullptr);
  }
  ptrace(PTRACE_INTERRUPT, worker, nullptr, nullptr);
  waitpid(worker, &status, __WALL);
  ptrace(PTRACE_DETACH, worker, nullptr, nullptr);
  shared.phase = Shared::untraced;
  return counted;
}

/// Runs `body` in a child and traces the thread it names.
inline Counted run_traced(Shared& shared, void (*body)(Shared&)) {
  const pid_t child = fork();
  if (child == 0) {
    body(shared);
    _exit(0);
  }
  const Counted counted = trace(shared, child);
  if (!counted.failure.empty() && shared.phase.load() != Shared::untraced) kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  return counted;
}

class SharedMemory {
 public:
  SharedMemory()
      : shared_(new (mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))
                    Shared) {}
  ~SharedMemory() { munmap(shared_, sizeof(Shared)); }
  Shared& operator*() { return *shared_; }

 private:
  Shared* shared_;
};

/// By the first route of all workers, in whatever way.
inline uint64_t packets_taken(const PlaneParts& parts) {
  constexpr auto kFull = static_cast<size_t>(DropReason::fanout_full);
  uint64_t packets = 0;
  for (const auto& worker : parts.workers) {
    const RouteCounters& counters = worker->route_counters(0);
    packets += counters.packets_used.get() + worker->port_counters(0).drops[kFull].get();
    for (const DropReason reason : {DropReason::slow_consumer, DropReason::late, DropReason::no_slot})
      packets += counters.drops[static_cast<size_t>(reason)].get();
  }
  return packets;
}

/// Runs the first worker of `parts` in a thread whose allocations are counted, and has the plane take a
/// million packets while it is traced; other workers run beside it. `send(timestamp)` sends the packets of
/// one sample, `sent()` says how many packets that makes so far, `consume()` takes away what comes out, on a
/// thread of its own.
template <class Send, class Sent, class Consume>
void run_counted(Shared& shared, PlaneParts& parts, Send send, Sent sent, Consume consume,
                 uint64_t packets = kPackets) {
  parts.bell->start();
  Worker& worker = *parts.workers[0];
  std::thread thread([&] {
    shared.worker = static_cast<pid_t>(syscall(SYS_gettid));
    EXPECT_TRUE(worker.begin_thread().ok());
    const AllocationCount count;
    worker.run();
    shared.allocations = count.calls();
  });
  std::vector<std::thread> others;
  for (size_t w = 1; w < parts.workers.size(); ++w) {
    others.emplace_back([&parts, w] {
      EXPECT_TRUE(parts.workers[w]->begin_thread().ok());
      parts.workers[w]->run();
    });
  }
  std::atomic<bool> stop{false};
  std::thread consumer([&] {
    while (!stop) consume();
  });
  uint32_t timestamp = 0;
  const auto send_until = [&](uint64_t all) {
    while (sent() < all) send(timestamp++);
    while (packets_taken(parts) < sent()) std::this_thread::yield();
  };
  send_until(10'000);
  shared.phase = Shared::warm;
  shared.await(Shared::traced);
  send_until(10'000 + packets);
  shared.phase = Shared::done;
  shared.await(Shared::untraced);
  shared.packets = sent();
  uint64_t samples = 0;
  for (const auto& one : parts.workers) samples += one->route_counters(0).samples_complete.get();
  shared.samples = samples;
  for (const auto& one : parts.workers) one->stop();
  thread.join();
  for (std::thread& other : others) other.join();
  stop = true;
  consumer.join();
}

inline void release_all(SharedHostSink& sink) {
  for (Delivery delivery; sink.next(delivery);) sink.release(delivery.buffer);
}

inline void expect_quiet(void (*body)(Shared&), uint64_t packets = kPackets) {
  SharedMemory memory;
  const Counted counted = run_traced(*memory, body);
  ASSERT_EQ(counted.failure, "");
  EXPECT_EQ(counted.system_calls, 0u) << "numbers:" << counted.names;
  EXPECT_EQ((*memory).allocations.load(), 0u);
  EXPECT_GE((*memory).packets.load(), packets);
  EXPECT_GT((*memory).samples.load(), packets / 8);
}

}  // namespace onpath::testing

#endif
