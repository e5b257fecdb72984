#include "dataplane/wake_fd.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace onpath {

Result<std::shared_ptr<WakeFd>> WakeFd::make() {
  const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (fd < 0) {
    return Error{ErrorCode::PORT_FAILED, std::string("eventfd: ") + std::strerror(errno) +
                                             ". Raise the limit of open files (ulimit -n)."};
  }
  return std::shared_ptr<WakeFd>(new WakeFd(fd));
}

WakeFd::~WakeFd() { ::close(fd_); }

void WakeFd::wake() {
  const uint64_t one = 1;
  // Full (EAGAIN) means that it is readable already.
  if (write(fd_, &one, sizeof one) < 0) return;
}

void WakeFd::drain() {
  uint64_t count;
  if (read(fd_, &count, sizeof count) < 0) return;
}

}  // namespace onpath
