#include "addon/off_loop.h"

#include <memory>
#include <utility>

#include "addon/errors.h"

namespace onpath::addon {

namespace {

struct Job {
  std::shared_ptr<Environment> environment;
  OffLoop parts;
  Kept kept;
  Result<void> result;
  napi_async_work work = nullptr;
  napi_deferred deferred = nullptr;
};

void execute(napi_env, void* data) {
  auto* job = static_cast<Job*>(data);
  try {
    job->result = job->parts.work();
  } catch (const std::bad_alloc&) {
    job->result = Error{ErrorCode::OUT_OF_MEMORY,
                        "Not enough memory to carry out the call. Ask for less, or free some first."};
  }
}

void resolve(napi_env env, const Job& job) {
  napi_value value = nullptr;
  if (job.parts.value) {
    value = guarded(env, [&] { return Napi::Value(env, job.parts.value(env)); });
  } else {
    napi_get_undefined(env, &value);
  }
  if (value != nullptr) {
    napi_resolve_deferred(env, job.deferred, value);
  } else if (napi_value reason = nullptr;
             exception_pending(env) && napi_get_and_clear_last_exception(env, &reason) == napi_ok) {
    napi_reject_deferred(env, job.deferred, reason);
  }
}

void complete(napi_env env, napi_status, void* data) {
  const std::unique_ptr<Job> job(static_cast<Job*>(data));
  Napi::HandleScope scope(env);
  if (job->parts.after) job->parts.after(env);
  if (job->result.ok() && job->parts.check) job->result = job->parts.check(env, job->kept);
  job->kept.drop();
  // None of these succeeds while the environment is being torn down, and none needs to.
  if (job->result.ok()) {
    resolve(env, *job);
  } else if (napi_value reason = error_value(env, job->result.error()); reason != nullptr) {
    napi_reject_deferred(env, job->deferred, reason);
  }
  napi_delete_async_work(env, job->work);
}

}  // namespace

napi_value run_off_loop(Environment& environment, OffLoop parts, Kept kept) {
  napi_env env = environment.env();
  auto job = std::make_unique<Job>(
      Job{environment.shared_from_this(), std::move(parts), std::move(kept), {}, nullptr, nullptr});
  napi_value name = nullptr, promise = nullptr;
  if (napi_create_string_utf8(env, job->parts.name, NAPI_AUTO_LENGTH, &name) == napi_ok &&
      napi_create_async_work(env, nullptr, name, execute, complete, job.get(), &job->work) == napi_ok) {
    if (napi_create_promise(env, &job->deferred, &promise) == napi_ok &&
        napi_queue_async_work(env, job->work) == napi_ok) {
      job.release();  // complete() owns it
      return promise;
    }
    napi_delete_async_work(env, job->work);
  }
  throw_error(env, ErrorCode::CLOSED, "This JavaScript environment is ending. No work can be started in it.");
  return nullptr;
}

}  // namespace onpath::addon
