// Makes plans and states for the shape caches of a plane, on one thread, so that no worker compiles or
// allocates. It blocks until somebody who may make system calls has seen a request (ring()).
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "dataplane/shape_cache.h"

namespace onpath {

class ShapeMaker {
 public:
  ~ShapeMaker() { stop(); }

  /// Before start().
  void add(std::shared_ptr<ShapeCache> cache) { caches_.push_back(std::move(cache)); }

  /// Throws std::system_error.
  void start();
  /// Ends the thread after the plan it is at. Idempotent.
  void stop();
  /// Wakes the thread if something has been asked for. May make a system call.
  void ring();
  /// Whether anything is asked for and has not been begun.
  bool asked() const;
  /// Carries out everything asked for so far, on the calling thread: the thread's, or a test's instead of it.
  void make_all();

 private:
  bool stopping();
  void run();

  std::vector<std::shared_ptr<ShapeCache>> caches_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool wanted_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace onpath
