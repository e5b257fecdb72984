// Wakes consumers and the maker of plans, so that no worker makes the system call while packets arrive: one
// thread looks at every host sink a few thousand times a second while some worker is busy, and blocks while
// all of them sleep.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/announcer.h"
#include "dataplane/shape_maker.h"
#include "dataplane/threads.h"

namespace onpath {

class Bell : private ControlThread {
 public:
  static constexpr uint64_t kTickNs = 200'000;

  /// `shapes`, which may be null, outlives the bell.
  Bell(std::vector<std::shared_ptr<Announcer>> sinks, ShapeMaker* shapes)
      : sinks_(std::move(sinks)), shapes_(shapes) {}
  ~Bell() { stop(); }

  /// Throws std::system_error.
  void start();
  /// Rings once more, then ends the thread. Idempotent.
  using ControlThread::stop;

  /// A worker starts or stops polling. May make a system call.
  void worker_woke();
  void worker_sleeps();
  void ring_all();

 private:
  void run();

  const std::vector<std::shared_ptr<Announcer>> sinks_;
  ShapeMaker* const shapes_;
  uint32_t busy_workers_ = 0;
};

}  // namespace onpath
