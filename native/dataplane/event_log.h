// What happened to a plane's workers and ports, for whoever wants to know: bounded, told in order. Control
// path only. Outlives the plane while a consumer holds it.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>

#include "dataplane/announcer.h"

namespace onpath {

struct PlaneEvent {
  enum class Kind : uint8_t {
    worker_fenced,     // did not get on; its share of fanned out streams goes to the others
    worker_recovered,  // gets on again; what was open is given up
    worker_abandoned,  // the plane was closed without it; what it may touch stays
    link_down,
    link_up,
    port_removed,    // the device is gone
    port_recovered,  // it is back
  };
  Kind kind = Kind::worker_fenced;
  uint64_t time_ns = 0;  // CLOCK_MONOTONIC, of the last time
  uint32_t worker = 0;   // of worker events
  std::string port;      // of port events: its name
  std::string cause;     // a sentence
  uint64_t times = 1;    // how often it happened, where it went to and fro before anybody looked
  uint64_t missed = 0;   // older events that were dropped before this one because nobody took them

  bool is_of_worker() const { return kind <= Kind::worker_abandoned; }
  bool same_subject(const PlaneEvent& other) const {
    return is_of_worker() == other.is_of_worker() && worker == other.worker && port == other.port;
  }
};

class EventLog final : public Announcer {
 public:
  static constexpr size_t kMost = 256;  // that wait; the oldest gives way

  /// From any thread.
  void push(PlaneEvent event);
  /// The oldest; false if there is none now. One consumer thread at a time.
  bool next(PlaneEvent& out);
  /// As HostSink::on_ready().
  void on_ready(void (*notify)(void*), void* context) { set_notify(notify, context); }

 protected:
  bool has_ready() const override;

 private:
  bool pop(PlaneEvent& out);

  mutable std::mutex mutex_;
  std::deque<PlaneEvent> waiting_;
  uint64_t missed_ = 0;
};

}  // namespace onpath
