// An eventfd by which one thread gets a sleeping worker out of poll().
#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"

namespace onpath {

class WakeFd {
 public:
  ~WakeFd();
  WakeFd(const WakeFd&) = delete;
  WakeFd& operator=(const WakeFd&) = delete;

  /// Errors: PORT_FAILED.
  static Result<std::shared_ptr<WakeFd>> make();

  int fd() const { return fd_; }
  /// Makes fd() readable. From any thread.
  void wake();
  void drain();

 private:
  explicit WakeFd(int fd) : fd_(fd) {}

  const int fd_;
};

}  // namespace onpath
