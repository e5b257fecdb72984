#include "dpdk/control_thread.h"

#include <pthread.h>
#include <signal.h>

#include <chrono>

namespace onpath::dpdk {
namespace {

constexpr std::chrono::milliseconds kTick{100};

}  // namespace

ControlThread& ControlThread::get() {
  static auto* thread = new ControlThread;  // never destroyed: EAL's main thread must outlive everything
  return *thread;
}

ControlThread::ControlThread() {
  // Signals are Node's: neither this thread nor those that EAL makes from it take any.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    thread_ = std::thread([this] { live(); });
  } catch (...) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(thread_.native_handle(), "onpath-dpdk");
  thread_.detach();
}

void ControlThread::run(const std::function<void()>& task) {
  Task queued{&task, nullptr};
  std::unique_lock lock(mutex_);
  tasks_.push_back(&queued);
  wake_.notify_one();
  finished_.wait(lock, [&] { return queued.done; });
  if (queued.thrown) std::rethrow_exception(queued.thrown);
}

void ControlThread::live() {
  auto next_tick = std::chrono::steady_clock::now() + kTick;
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto has_task = [&] { return !tasks_.empty(); };
    if (tick_) {
      wake_.wait_until(lock, next_tick, has_task);
    } else {
      wake_.wait(lock, has_task);
    }
    if (!tasks_.empty()) {
      Task& task = *tasks_.front();
      tasks_.pop_front();
      lock.unlock();
      try {
        (*task.body)();
      } catch (...) {
        task.thrown = std::current_exception();
      }
      lock.lock();
      task.done = true;
      finished_.notify_all();
    }
    if (tick_ && std::chrono::steady_clock::now() >= next_tick) {
      lock.unlock();
      tick_();
      lock.lock();
      next_tick = std::chrono::steady_clock::now() + kTick;
    }
  }
}

}  // namespace onpath::dpdk
