#include "dataplane/announcer.h"

namespace onpath {

void Announcer::set_notify(void (*notify)(void*), void* context) {
  const std::lock_guard lock(notify_mutex_);
  notify_ = notify;
  context_ = context;
  told_.store(false, std::memory_order_release);
  if (notify == nullptr || !has_ready()) return;
  told_.store(true, std::memory_order_release);
  notify_(context_);
}

void Announcer::ring() {
  if (!pending_.load(std::memory_order_relaxed)) return;
  const std::lock_guard lock(notify_mutex_);
  if (notify_ == nullptr) return;
  if (!pending_.exchange(false, std::memory_order_acq_rel)) return;
  if (!told_.exchange(true, std::memory_order_acq_rel)) notify_(context_);
}

}  // namespace onpath
