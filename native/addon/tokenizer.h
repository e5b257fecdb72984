// NativeTokenizer: a tokenizer, and what its calls on the event loop's thread share. Must not know files.
#pragma once

#include <napi.h>

#include <memory>
#include <mutex>
#include <vector>

#include "addon/tokenizer_text.h"
#include "addon/wrapped.h"
#include "text/tokenizer.h"

namespace onpath::addon {

/// Used from the event loop's thread and, where it says so, from others.
class TokenizerCore {
 public:
  TokenizerCore(napi_env env, text::TokenizerPtr tokenizer, uint64_t cache_bytes);

  const text::Tokenizer& tokenizer() const { return *tokenizer_; }
  const text::TokenizerPtr& tokenizer_ptr() const { return tokenizer_; }
  uint64_t cache_bytes() const { return cache_bytes_; }

  /// The event loop's own: made by the first call that needs it.
  text::Workspace& loop_workspace();
  TextRoom& room() { return room_; }
  uint64_t workspace_bytes();

  /// From any thread. A few that were given back are kept, for they have learnt words.
  std::unique_ptr<text::Workspace> take_workspace();
  void give_back(std::unique_ptr<text::Workspace> workspace);

 private:
  static constexpr size_t kMostIdle = 8;

  const text::TokenizerPtr tokenizer_;
  const uint64_t cache_bytes_;
  ExternalMemory memory_;
  TextRoom room_;
  std::unique_ptr<text::Workspace> loop_workspace_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<text::Workspace>> idle_;
};

class NativeTokenizer : public Wrapped<NativeTokenizer, TokenizerCore> {
 public:
  static constexpr ClassId kId = ClassId::tokenizer;
  static constexpr napi_type_tag kTag = {0x6f6e706174685f74, 0x6f6b656e697a6501};
  using Wrapped::Wrapped;
  static std::vector<Napi::ClassPropertyDescriptor<NativeTokenizer>> methods();

  /// The object for a tokenizer, or an exception pending.
  static Napi::Value from(Environment& environment, text::TokenizerPtr tokenizer, uint64_t cache_bytes);

 private:
  Napi::Value settings(const Napi::CallbackInfo& info);
  Napi::Value hash(const Napi::CallbackInfo& info);
  Napi::Value added_tokens(const Napi::CallbackInfo& info);
  Napi::Value explain(const Napi::CallbackInfo& info);
  Napi::Value memory(const Napi::CallbackInfo& info);
  Napi::Value save(const Napi::CallbackInfo& info);
  Napi::Value id_to_token(const Napi::CallbackInfo& info);
  Napi::Value token_to_id(const Napi::CallbackInfo& info);
  Napi::Value with_added(const Napi::CallbackInfo& info);
  Napi::Value decode(const Napi::CallbackInfo& info);
  Napi::Value decode_stream(const Napi::CallbackInfo& info);
  Napi::Value encoder(const Napi::CallbackInfo& info);
  Napi::Value stream(const Napi::CallbackInfo& info);
  Napi::Value encode_batch(const Napi::CallbackInfo& info);
};

/// What a call asks of the encoding of a text.
struct TextOptions {
  text::StreamOptions stream;
  std::vector<text::TokenId> prefix, suffix;  // put around the text's tokens
};
TextOptions text_options_from_js(const Input& input);

/// Ids in a Uint32Array; fails for any other value.
std::vector<text::TokenId> ids_from_js(const Input& input);

}  // namespace onpath::addon
