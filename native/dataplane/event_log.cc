#include "dataplane/event_log.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace onpath {

void EventLog::push(PlaneEvent event) {
  {
    const std::lock_guard lock(mutex_);
    const auto of_subject = [&](const PlaneEvent& other) { return other.same_subject(event); };
    // What goes to and fro while nobody looks is one event each way that happened several times.
    const auto last = std::find_if(waiting_.rbegin(), waiting_.rend(), of_subject);
    if (last != waiting_.rend()) {
      const auto before = std::find_if(std::next(last), waiting_.rend(), of_subject);
      if (before != waiting_.rend() && before->kind == event.kind) {
        event.times += before->times;
        event.missed += before->missed;
        waiting_.erase(std::next(before).base());
      }
    }
    if (waiting_.size() == kMost) {
      missed_ += 1 + waiting_.front().missed;
      waiting_.pop_front();
    }
    waiting_.push_back(std::move(event));
  }
  mark_pending();
  ring();
}

bool EventLog::next(PlaneEvent& out) {
  if (pop(out)) return true;
  want_news();
  return pop(out);
}

bool EventLog::pop(PlaneEvent& out) {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty()) return false;
  out = std::move(waiting_.front());
  waiting_.pop_front();
  out.missed += std::exchange(missed_, 0);
  return true;
}

bool EventLog::has_ready() const {
  const std::lock_guard lock(mutex_);
  return !waiting_.empty();
}

}  // namespace onpath
