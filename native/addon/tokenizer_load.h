// Vocabularies in memory, and compiled forms in files, to tokenizers: here and off the event loop.
#pragma once

#include <napi.h>

#include "addon/environment.h"

namespace onpath::addon {

/// Arguments: the file's bytes; what is known of it (NativeVocabulary of lib/native.ts).
Napi::Value load_tokenizer(const Napi::CallbackInfo& info);
Napi::Value load_tokenizer_async(const Napi::CallbackInfo& info);
/// Arguments: the path of a compiled form, which is mapped; bytes of each word cache.
Napi::Value map_tokenizer(const Napi::CallbackInfo& info);
Napi::Value map_tokenizer_async(const Napi::CallbackInfo& info);

}  // namespace onpath::addon
