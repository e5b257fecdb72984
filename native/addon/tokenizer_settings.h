// What a tokenizer's definition says, for lib/text: its template, truncation, padding and added tokens; and
// the options of calls.
#pragma once

#include <napi.h>

#include "text/tokenizer.h"

namespace onpath::addon {

napi_value settings_to_js(napi_env env, const text::Tokenizer& tokenizer);
napi_value added_to_js(napi_env env, const text::Tokenizer& tokenizer);

}  // namespace onpath::addon
