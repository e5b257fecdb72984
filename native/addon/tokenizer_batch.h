// Many texts at once, off the event loop, on several threads.
#pragma once

#include <napi.h>

#include <memory>

#include "addon/tokenizer.h"

namespace onpath::addon {

/// Arguments: texts; options; unit; threads; undefined or a Uint8Array whose first byte, once it is not 0,
/// ends the work with ABORTED. Resolves with {ids, ends} and, if detailed, {offsets, words}: those of all
/// texts one after the other, and where each text's ids end. Null with an exception pending.
napi_value start_batch(const Napi::CallbackInfo& info, std::shared_ptr<TokenizerCore> tokenizer);

}  // namespace onpath::addon
