// Threads of the data plane: named, and with every signal blocked, since signals belong to the process that
// loaded us.
#pragma once

#include <pthread.h>
#include <signal.h>

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace onpath {

/// `name` is cut to the 15 characters the kernel keeps. Throws std::system_error.
template <class Body>
std::thread start_thread(const std::string& name, Body body) {
  struct SignalsBlocked {
    sigset_t before;
    SignalsBlocked() {
      sigset_t all;
      sigfillset(&all);
      pthread_sigmask(SIG_SETMASK, &all, &before);
    }
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before, nullptr); }
  } const blocked;  // inherited by the new thread
  std::thread thread(std::move(body));
  pthread_setname_np(thread.native_handle(), name.substr(0, 15).c_str());
  return thread;
}

/// One thread of the control side, which ends when it sees that it is to stop. Whoever derives from it calls
/// stop() in its destructor, while what run() uses is still there.
class ControlThread {
 public:
  /// Ends the thread: returns when it has. Idempotent.
  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

 protected:
  ~ControlThread() = default;
  /// Throws std::system_error.
  template <class Body>
  void start(const char* name, Body body) {
    thread_ = start_thread(name, std::move(body));
  }

  std::mutex mutex_;                 // of what follows, and of what the thread shares
  std::condition_variable changed_;  // told of every change that the thread may wait for
  bool stopping_ = false;

 private:
  std::thread thread_;
};

}  // namespace onpath
