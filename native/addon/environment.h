// What the addon keeps per Node environment (the main thread, and each worker_threads Worker): the classes,
// the one thread-safe function that brings wake-ups to its event loop, and the list of what must be stopped
// when it is torn down. Must not know planes, sinks or senders: they are members.
#pragma once

#include <napi.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/result.h"

namespace onpath::addon {

/// Something with a life of its own beside the event loop. All calls come on the environment's thread.
class Member {
 public:
  virtual ~Member() = default;
  /// Something was reported through Environment::wake since the last call. Calls are coalesced.
  virtual void on_loop(napi_env env) = 0;
  /// The environment is going away: stops every thread that could call wake(), and drops every reference into
  /// JavaScript.
  virtual void shut_down(napi_env env) = 0;

 private:
  friend class Environment;
  std::atomic<bool> due_{false};
};

enum class ClassId : uint8_t {
  program,
  stream,
  plane,
  sink,
  sender,
  tokenizer,
  encoder,
  text_stream,
  decode_stream,
  text_program,
  plan_stream,
  text_sink,
  plane_events,
  capture
};
inline constexpr size_t kClassCount = static_cast<size_t>(ClassId::capture) + 1;

/// Cores of objects whose methods are called so often that they name theirs by a number: to tell what an
/// object wraps takes the engine longer than all else that such a call costs.
class NumberedCores {
 public:
  uint32_t add(ClassId id, std::shared_ptr<void> core);
  void remove(uint32_t number);
  /// Null for a number that was not given, or to another class.
  std::shared_ptr<void> find(ClassId id, uint32_t number) const {
    if (number >= entries_.size() || entries_[number].id != id) return nullptr;
    return entries_[number].core;
  }

 private:
  struct Entry {
    ClassId id;
    std::shared_ptr<void> core;
  };
  std::vector<Entry> entries_;
  std::vector<uint32_t> free_;
};

class Environment : public std::enable_shared_from_this<Environment> {
 public:
  /// Makes the environment's data and its thread-safe function, and registers its end. False if Node refused.
  static bool install(napi_env env);
  /// Null before install.
  static Environment* of(napi_env env);

  explicit Environment(napi_env env) : env_(env) {}
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  napi_env env() const { return env_; }

  /// The class that errors are made of; null until it was set.
  napi_value error_class() const;
  void set_error_class(napi_value error_class);

  void set_constructor(ClassId id, napi_value constructor);
  napi_value constructor(ClassId id) const;
  /// What the constructor now being called by make_object() shall hold; null if JavaScript called it by
  /// itself.
  std::shared_ptr<void> take_core(ClassId id);
  /// A new object of a class around `core`. Null, with an exception pending, if that failed.
  napi_value make_object(ClassId id, std::shared_ptr<void> core);

  /// Outlives the environment in the objects that it has numbers of.
  const std::shared_ptr<NumberedCores>& numbered() const { return numbered_; }

  /// String.prototype.slice as it was when the addon was loaded; null if there was none.
  napi_value slice() const;

  /// Whether an ArrayBuffer can shrink under a pointer into it. Runs no code of the user's.
  bool is_resizable(napi_value array_buffer) const;

  void add(const std::shared_ptr<Member>& member);

  /// Calls a function of the user's without arguments. What it throws goes where an exception of any other
  /// event goes.
  void notify(napi_value function);

  /// From any thread: on_loop() of this member will be called on the event loop. After shut_down it does
  /// nothing.
  void wake(Member& member);

  /// While holds exceed releases, the event loop stays alive. Event loop's thread only.
  void hold();
  void unhold();

 private:
  static void call_js(napi_env env, napi_value function, void* context, void* data);
  static void clean_up(void* self);

  bool create_wake_up();
  void find_slice();
  void find_resizable_getter();
  void run_due(napi_env env);
  std::vector<std::shared_ptr<Member>> living() const;

  const napi_env env_;
  napi_ref error_class_ = nullptr;
  napi_ref resizable_getter_ = nullptr;
  napi_ref slice_ = nullptr;
  std::array<napi_ref, kClassCount> constructors_{};
  std::shared_ptr<void> core_;
  ClassId core_class_ = ClassId::program;
  const std::shared_ptr<NumberedCores> numbered_ = std::make_shared<NumberedCores>();
  std::vector<std::weak_ptr<Member>> members_;
  uint64_t holds_ = 0;

  std::atomic<bool> wake_pending_{false};
  std::mutex wake_mutex_;  // guards wake_up_ against its end
  napi_threadsafe_function wake_up_ = nullptr;
};

/// Native memory that goes when an object of JavaScript goes: told to the garbage collector, which sees only
/// the small object.
class ExternalMemory {
 public:
  explicit ExternalMemory(napi_env env) : env_(env) {}
  ExternalMemory(const ExternalMemory&) = delete;
  ExternalMemory& operator=(const ExternalMemory&) = delete;
  ~ExternalMemory() { add(-bytes_); }

  void add(int64_t bytes) {
    int64_t all = 0;
    if (bytes != 0) napi_adjust_external_memory(env_, bytes, &all);
    bytes_ += bytes;
  }

 private:
  napi_env env_;
  int64_t bytes_ = 0;
};

}  // namespace onpath::addon
