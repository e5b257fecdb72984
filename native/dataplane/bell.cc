#include "dataplane/bell.h"

#include <time.h>

namespace onpath {

void Bell::start() {
  ControlThread::start("onpath-bell", [this] { run(); });
}

void Bell::worker_woke() {
  bool first;
  {
    const std::lock_guard lock(mutex_);
    first = busy_workers_++ == 0;
  }
  if (first) changed_.notify_all();
}

void Bell::worker_sleeps() {
  const std::lock_guard lock(mutex_);
  --busy_workers_;
}

void Bell::ring_all() {
  for (const auto& sink : sinks_) sink->ring();
  if (shapes_ != nullptr) shapes_->ring();
}

void Bell::run() {
  const bool has_consumers = !sinks_.empty() || shapes_ != nullptr;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stopping_ || (busy_workers_ > 0 && has_consumers); });
      if (stopping_) break;
    }
    const timespec tick{0, static_cast<long>(kTickNs)};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &tick, nullptr);
    ring_all();
  }
  ring_all();
}

}  // namespace onpath
