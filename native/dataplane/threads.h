// Threads of the data plane: named, and with every signal blocked, since signals belong to the process that
// loaded us.
#pragma once

#include <pthread.h>
#include <signal.h>

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

}  // namespace onpath
