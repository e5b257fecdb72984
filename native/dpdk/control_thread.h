// The one thread that talks to DPDK's control functions. EAL narrows the affinity of the thread that starts
// it and keeps that thread as its main one, so it gets a thread that nobody else needs and that never ends.
#pragma once

#include <sched.h>

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

namespace onpath::dpdk {

class ControlThread {
 public:
  /// The thread of this process; made by the first call. Throws std::system_error if it cannot be made.
  static ControlThread& get();

  /// Runs `task` on the thread and returns when it is done. What it throws is thrown here.
  void run(const std::function<void()>& task);
  /// Called about every 100 ms from now on, between tasks. Set once, from the thread itself.
  void set_tick(std::function<void()> tick) { tick_ = std::move(tick); }

 private:
  struct Task {
    const std::function<void()>* body;
    std::exception_ptr thrown;
    bool done = false;
  };

  ControlThread();
  void live();

  std::mutex mutex_;
  std::condition_variable wake_, finished_;
  std::deque<Task*> tasks_;
  std::function<void()> tick_;
  std::thread thread_;
};

}  // namespace onpath::dpdk
