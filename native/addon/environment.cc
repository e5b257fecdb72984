#include "addon/environment.h"

#include <utility>

#include "addon/errors.h"

namespace onpath::addon {

namespace {

void set_reference(napi_env env, napi_ref& reference, napi_value value) {
  if (reference != nullptr) napi_delete_reference(env, reference);
  reference = nullptr;
  if (value != nullptr) napi_create_reference(env, value, 1, &reference);
}

napi_value value_of(napi_env env, napi_ref reference) {
  napi_value value = nullptr;
  if (reference != nullptr) napi_get_reference_value(env, reference, &value);
  return value;
}

/// Each environment has the addon's data under a shared pointer of its own, so that what outlives it finds it
/// shut down.
using Held = std::shared_ptr<Environment>;

}  // namespace

uint32_t NumberedCores::add(ClassId id, std::shared_ptr<void> core) {
  if (free_.empty()) {
    if (free_.capacity() <= entries_.size()) free_.reserve(2 * entries_.size() + 8);
    entries_.push_back({id, std::move(core)});
    return static_cast<uint32_t>(entries_.size() - 1);
  }
  const uint32_t number = free_.back();
  free_.pop_back();
  entries_[number] = {id, std::move(core)};
  return number;
}

// Called by destructors: add() has made the room.
void NumberedCores::remove(uint32_t number) {
  entries_[number].core.reset();
  free_.push_back(number);
}

bool Environment::install(napi_env env) {
  auto* held = new Held(std::make_shared<Environment>(env));
  Environment* self = held->get();
  const auto drop = [](napi_env, void* data, void*) { delete static_cast<Held*>(data); };
  if (napi_set_instance_data(env, held, drop, nullptr) != napi_ok) {
    delete held;
    return false;
  }
  self->find_slice();
  self->find_resizable_getter();
  // Hooks run last in, first out: ours is added after the thread-safe function has added its own, so it finds
  // it still usable.
  return self->create_wake_up() && napi_add_env_cleanup_hook(env, clean_up, self) == napi_ok;
}

Environment* Environment::of(napi_env env) {
  void* data = nullptr;
  if (napi_get_instance_data(env, &data) != napi_ok || data == nullptr) return nullptr;
  return static_cast<Held*>(data)->get();
}

napi_value Environment::error_class() const { return value_of(env_, error_class_); }
void Environment::set_error_class(napi_value error_class) { set_reference(env_, error_class_, error_class); }

void Environment::set_constructor(ClassId id, napi_value constructor) {
  set_reference(env_, constructors_[static_cast<size_t>(id)], constructor);
}
napi_value Environment::constructor(ClassId id) const {
  return value_of(env_, constructors_[static_cast<size_t>(id)]);
}

std::shared_ptr<void> Environment::take_core(ClassId id) {
  return id == core_class_ ? std::exchange(core_, nullptr) : nullptr;
}

napi_value Environment::make_object(ClassId id, std::shared_ptr<void> core) {
  napi_value object = nullptr;
  core_ = std::move(core);
  core_class_ = id;
  napi_value made_by = constructor(id);
  if (made_by != nullptr && napi_new_instance(env_, made_by, 0, nullptr, &object) != napi_ok)
    object = nullptr;
  core_ = nullptr;
  if (object == nullptr)
    throw_error(env_, ErrorCode::CLOSED, "This JavaScript environment is ending. Nothing can be made in it.");
  return object;
}

void Environment::find_slice() {
  napi_value global = nullptr, string = nullptr, prototype = nullptr, slice = nullptr;
  napi_valuetype type = napi_undefined;
  if (napi_get_global(env_, &global) == napi_ok &&
      napi_get_named_property(env_, global, "String", &string) == napi_ok &&
      napi_get_named_property(env_, string, "prototype", &prototype) == napi_ok &&
      napi_get_named_property(env_, prototype, "slice", &slice) == napi_ok &&
      napi_typeof(env_, slice, &type) == napi_ok && type == napi_function) {
    set_reference(env_, slice_, slice);
  }
}

napi_value Environment::slice() const { return value_of(env_, slice_); }

void Environment::find_resizable_getter() {
  napi_value global = nullptr, array_buffer = nullptr, prototype = nullptr, object = nullptr,
             describe = nullptr;
  napi_value name = nullptr, descriptor = nullptr, getter = nullptr;
  napi_valuetype type = napi_undefined;
  if (napi_get_global(env_, &global) != napi_ok ||
      napi_get_named_property(env_, global, "ArrayBuffer", &array_buffer) != napi_ok ||
      napi_get_named_property(env_, array_buffer, "prototype", &prototype) != napi_ok ||
      napi_get_named_property(env_, global, "Object", &object) != napi_ok ||
      napi_get_named_property(env_, object, "getOwnPropertyDescriptor", &describe) != napi_ok ||
      napi_create_string_utf8(env_, "resizable", NAPI_AUTO_LENGTH, &name) != napi_ok) {
    return;
  }
  napi_value arguments[] = {prototype, name};
  if (napi_call_function(env_, object, describe, 2, arguments, &descriptor) != napi_ok) return;
  if (napi_typeof(env_, descriptor, &type) != napi_ok || type != napi_object)
    return;  // a runtime without resizable buffers
  if (napi_get_named_property(env_, descriptor, "get", &getter) == napi_ok)
    set_reference(env_, resizable_getter_, getter);
}

bool Environment::is_resizable(napi_value array_buffer) const {
  bool resizable = false, plain = false;
  // A SharedArrayBuffer is no ArrayBuffer to Node-API; it may grow, but it never shrinks or moves.
  if (napi_is_arraybuffer(env_, array_buffer, &plain) != napi_ok || !plain) return false;
  napi_value getter = value_of(env_, resizable_getter_), result = nullptr;
  if (getter == nullptr || napi_call_function(env_, array_buffer, getter, 0, nullptr, &result) != napi_ok)
    return false;
  return napi_get_value_bool(env_, result, &resizable) == napi_ok && resizable;
}

void Environment::add(const std::shared_ptr<Member>& member) {
  std::erase_if(members_, [](const std::weak_ptr<Member>& other) { return other.expired(); });
  members_.push_back(member);
}

std::vector<std::shared_ptr<Member>> Environment::living() const {
  std::vector<std::shared_ptr<Member>> members;
  for (const std::weak_ptr<Member>& weak : members_) {
    if (std::shared_ptr<Member> member = weak.lock()) members.push_back(std::move(member));
  }
  return members;
}

bool Environment::create_wake_up() {
  napi_value name = nullptr;
  return napi_create_string_utf8(env_, "onpath", NAPI_AUTO_LENGTH, &name) == napi_ok &&
         napi_create_threadsafe_function(env_, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this, call_js,
                                         &wake_up_) == napi_ok &&
         napi_unref_threadsafe_function(env_, wake_up_) == napi_ok;
}

void Environment::wake(Member& member) {
  member.due_.store(true);
  if (wake_pending_.exchange(true)) return;
  std::lock_guard lock(wake_mutex_);
  if (wake_up_ != nullptr) napi_call_threadsafe_function(wake_up_, nullptr, napi_tsfn_nonblocking);
}

void Environment::call_js(napi_env env, napi_value, void* context, void*) {
  if (env != nullptr) static_cast<Environment*>(context)->run_due(env);
}

void Environment::run_due(napi_env env) {
  wake_pending_.store(false);
  for (const std::shared_ptr<Member>& member : living()) {
    if (member->due_.exchange(false)) member->on_loop(env);
  }
}

void Environment::notify(napi_value function) {
  napi_value nothing = nullptr, thrown = nullptr;
  if (napi_get_undefined(env_, &nothing) != napi_ok) return;
  napi_call_function(env_, nothing, function, 0, nullptr, nullptr);
  if (exception_pending(env_) && napi_get_and_clear_last_exception(env_, &thrown) == napi_ok) {
    napi_fatal_exception(env_, thrown);
  }
}

void Environment::hold() {
  if (holds_++ == 0 && wake_up_ != nullptr) napi_ref_threadsafe_function(env_, wake_up_);
}

void Environment::unhold() {
  if (--holds_ == 0 && wake_up_ != nullptr) napi_unref_threadsafe_function(env_, wake_up_);
}

void Environment::clean_up(void* data) {
  auto* self = static_cast<Environment*>(data);
  Napi::HandleScope scope(self->env_);
  for (const std::shared_ptr<Member>& member : self->living()) member->shut_down(self->env_);
  napi_threadsafe_function wake_up = nullptr;
  {
    std::lock_guard lock(self->wake_mutex_);
    wake_up = std::exchange(self->wake_up_, nullptr);
  }
  if (wake_up != nullptr) napi_release_threadsafe_function(wake_up, napi_tsfn_abort);
  set_reference(self->env_, self->error_class_, nullptr);
  set_reference(self->env_, self->resizable_getter_, nullptr);
  set_reference(self->env_, self->slice_, nullptr);
  for (napi_ref& constructor : self->constructors_) set_reference(self->env_, constructor, nullptr);
}

}  // namespace onpath::addon
