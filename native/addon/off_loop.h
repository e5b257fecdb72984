// One call of work on libuv's thread pool, and the promise for it. Must not know what the work is.
#pragma once

#include <napi.h>

#include <functional>

#include "addon/bytes.h"
#include "addon/environment.h"
#include "base/result.h"

namespace onpath::addon {

struct OffLoop {
  const char* name = "onpath";
  /// On a pool thread; touches nothing of JavaScript.
  std::function<Result<void>()> work;
  /// On the event loop, before the promise settles; also while the environment is being torn down. May be
  /// empty.
  std::function<void(napi_env)> after;
  /// May replace a success, on the event loop, before the promise settles. May be empty.
  std::function<Result<void>(napi_env, const Kept&)> check;
  /// Makes what a success resolves with, on the event loop; null with an exception pending rejects with that.
  /// May be empty: undefined.
  std::function<napi_value(napi_env)> value;
};

/// Starts it; the promise resolves with the job's value or rejects with the work's error. `kept` stays alive
/// until then. Null, with an exception pending, if it could not be started: then neither work nor after runs.
napi_value run_off_loop(Environment& environment, OffLoop job, Kept kept);

}  // namespace onpath::addon
