#include "dataplane/group_reports.h"

#include <algorithm>

namespace onpath {
namespace {

/// RFC 3376 section 5.2, RFC 3810 section 6.2: an answer that is due sooner serves this query too.
void answer_by(std::atomic<uint64_t>& due, uint64_t time) {
  uint64_t before = due.load(std::memory_order_relaxed);
  while (time < before && !due.compare_exchange_weak(before, time, std::memory_order_relaxed)) {
  }
}

}  // namespace

void GroupReports::query(const GroupQuery& query, uint64_t now, uint64_t random) {
  const uint64_t due = now + (query.max_response_ns == 0 ? 0 : random % query.max_response_ns);
  if (query.general()) {
    // RFC 3376 section 7.2.1, RFC 3810 section 8.2.1: general queries tell the version.
    if (query.version < newest_) {
      old_until_[query.version].store(now + kOldQuerierNs, std::memory_order_relaxed);
    }
    if (!groups_.empty()) answer_by(all_due_, due);
    return;
  }
  const auto found = std::find(groups_.begin(), groups_.end(), query.group);
  if (found != groups_.end()) answer_by(due_[static_cast<size_t>(found - groups_.begin())], due);
}

uint64_t GroupReports::next_tick_ns() const {
  uint64_t next = changes_left_ > 0 ? next_change_ns_ : UINT64_MAX;
  next = std::min(next, all_due_.load(std::memory_order_relaxed));
  for (const auto& due : due_) next = std::min(next, due.load(std::memory_order_relaxed));
  return next;
}

}  // namespace onpath
