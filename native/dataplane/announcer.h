// What a sink and the threads of a plane tell each other when something is ready for a consumer: the worker
// sets a flag, the bell makes the call. Outlives the plane while a consumer holds the sink.
#pragma once

#include <atomic>
#include <mutex>

namespace onpath {

class Announcer {
 public:
  virtual ~Announcer() = default;

  /// The worker's word that something is ready. No system call: the bell looks at it.
  void mark_pending() { pending_.store(true, std::memory_order_release); }
  /// Tells the consumer if something is pending and it has not been told yet. The bell's and, before they
  /// sleep, the workers'.
  void ring();

 protected:
  /// Null: no function. See HostSink::on_ready().
  void set_notify(void (*notify)(void*), void* context);
  /// From here on the consumer wants to be told again. What was announced before is visible to a look that
  /// follows.
  void want_news() { told_.exchange(false, std::memory_order_acq_rel); }
  virtual bool has_ready() const = 0;

 private:
  alignas(64) std::atomic<bool> pending_{false};
  std::atomic<bool> told_{false};  // from a call of notify until want_news()
  std::mutex notify_mutex_;
  void (*notify_)(void*) = nullptr;
  void* context_ = nullptr;
};

}  // namespace onpath
