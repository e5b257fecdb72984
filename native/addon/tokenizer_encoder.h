// NativeEncoder: whole texts to tokens, on the event loop's thread, with one set of options.
#pragma once

#include <napi.h>

#include <memory>
#include <vector>

#include "addon/tokenizer.h"

namespace onpath::addon {

struct EncoderCore {
  std::shared_ptr<TokenizerCore> tokenizer;
  TextOptions options;
  std::unique_ptr<text::TextStream> stream;
  text::TokenBuffer out;
};

class NativeEncoder : public Wrapped<NativeEncoder, EncoderCore> {
 public:
  static constexpr ClassId kId = ClassId::encoder;
  static constexpr napi_type_tag kTag = {0x6f6e706174685f65, 0x6e636f6465720001};
  static constexpr bool kNumbered = true;
  using Wrapped::Wrapped;
  static std::vector<Napi::ClassPropertyDescriptor<NativeEncoder>> methods();
  static Napi::Value of(Environment& environment, std::shared_ptr<TokenizerCore> tokenizer,
                        TextOptions options);

 private:
  static napi_value encode(napi_env env, EncoderCore& core, const napi_value* arguments);
  Napi::Value encode_into(const Napi::CallbackInfo& info);
  Napi::Value count(const Napi::CallbackInfo& info);
  Napi::Value tokenize(const Napi::CallbackInfo& info);
};

/// One text to `out`: prefix, the text's tokens, suffix.
text::StreamStatus encode_whole(const TextOptions& options, const text::Tokenizer& tokenizer,
                                std::span<const uint8_t> text, text::TextStream& stream,
                                text::Workspace& workspace, text::TokenBuffer& out, size_t most = SIZE_MAX);

/// Ids, spans and words as lib/native.ts has them: {ids, offsets, words}.
napi_value js_detailed(napi_env env, const uint32_t* ids, const uint32_t* places, const uint32_t* words,
                       size_t count);

}  // namespace onpath::addon
