// Makes plans and states for the shape caches of a plane, on one thread, so that no worker compiles or
// allocates. It blocks until somebody who may make system calls has seen a request (ring()).
#pragma once

#include <memory>
#include <vector>

#include "dataplane/shape_cache.h"
#include "dataplane/threads.h"

namespace onpath {

class ShapeMaker : private ControlThread {
 public:
  ~ShapeMaker() { stop(); }

  /// From any thread; before a worker asks the cache for anything.
  void add(std::shared_ptr<ShapeCache> cache);
  /// When no worker asks it any more.
  void remove(const std::shared_ptr<ShapeCache>& cache);

  /// Throws std::system_error.
  void start();
  /// Ends the thread after the plan it is at. Idempotent.
  using ControlThread::stop;
  /// Wakes the thread if something has been asked for. May make a system call.
  void ring();
  /// Whether anything is asked for and has not been begun.
  bool asked();
  /// Carries out everything asked for so far, on the calling thread: the thread's, or a test's instead of it.
  void make_all();

 private:
  bool stopping();
  bool asked_now() const;
  void run();

  // Under mutex_.
  std::vector<std::shared_ptr<ShapeCache>> caches_;
  bool wanted_ = false;
};

}  // namespace onpath
