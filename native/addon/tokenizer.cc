#include "addon/tokenizer.h"

#include <string>
#include <unordered_set>
#include <utility>

#include "addon/errors.h"
#include "addon/input.h"
#include "addon/output.h"
#include "addon/tokenizer_batch.h"
#include "addon/tokenizer_encoder.h"
#include "addon/tokenizer_settings.h"
#include "addon/tokenizer_stream.h"
#include "base/sha256.h"

namespace onpath::addon {

namespace {

/// The most tokens that one call may add, and ids that it may decode at once are bounded by their array.
constexpr size_t kMostAdded = 1u << 20;

}  // namespace

TokenizerCore::TokenizerCore(napi_env env, text::TokenizerPtr tokenizer, uint64_t cache_bytes)
    : tokenizer_(std::move(tokenizer)), cache_bytes_(cache_bytes), memory_(env) {
  uint64_t bytes = 0;
  for (const text::Tokenizer::Part& part : tokenizer_->memory()) bytes += part.bytes;
  memory_.add(static_cast<int64_t>(bytes));
}

text::Workspace& TokenizerCore::loop_workspace() {
  if (loop_workspace_ == nullptr) {
    loop_workspace_ = tokenizer_->make_workspace(cache_bytes_);
    memory_.add(static_cast<int64_t>(loop_workspace_->bytes()));
  }
  return *loop_workspace_;
}

uint64_t TokenizerCore::workspace_bytes() {
  uint64_t bytes = loop_workspace_ == nullptr ? 0 : loop_workspace_->bytes();
  std::lock_guard lock(mutex_);
  for (const std::unique_ptr<text::Workspace>& workspace : idle_) bytes += workspace->bytes();
  return bytes;
}

std::unique_ptr<text::Workspace> TokenizerCore::take_workspace() {
  {
    std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<text::Workspace> workspace = std::move(idle_.back());
      idle_.pop_back();
      return workspace;
    }
  }
  return tokenizer_->make_workspace(cache_bytes_);
}

void TokenizerCore::give_back(std::unique_ptr<text::Workspace> workspace) {
  std::lock_guard lock(mutex_);
  if (idle_.size() < kMostIdle) idle_.push_back(std::move(workspace));
}

std::vector<Napi::ClassPropertyDescriptor<NativeTokenizer>> NativeTokenizer::methods() {
  return {property<&NativeTokenizer::settings>("settings"),
          property<&NativeTokenizer::hash>("hash"),
          property<&NativeTokenizer::added_tokens>("addedTokens"),
          property<&NativeTokenizer::explain>("explain"),
          property<&NativeTokenizer::memory>("memory"),
          property<&NativeTokenizer::save>("save"),
          property<&NativeTokenizer::id_to_token>("idToToken"),
          property<&NativeTokenizer::token_to_id>("tokenToId"),
          property<&NativeTokenizer::with_added>("withAdded"),
          property<&NativeTokenizer::decode>("decode"),
          property<&NativeTokenizer::decode_stream>("decodeStream"),
          property<&NativeTokenizer::encoder>("encoder"),
          property<&NativeTokenizer::stream>("stream"),
          property<&NativeTokenizer::encode_batch>("encodeBatch")};
}

Napi::Value NativeTokenizer::from(Environment& environment, text::TokenizerPtr tokenizer,
                                  uint64_t cache_bytes) {
  return make(environment,
              std::make_shared<TokenizerCore>(environment.env(), std::move(tokenizer), cache_bytes));
}

Napi::Value NativeTokenizer::settings(const Napi::CallbackInfo& info) {
  return {info.Env(), settings_to_js(info.Env(), core().tokenizer())};
}

Napi::Value NativeTokenizer::hash(const Napi::CallbackInfo& info) {
  return {info.Env(), js_text(info.Env(), hash_hex(core().tokenizer().hash()))};
}

Napi::Value NativeTokenizer::added_tokens(const Napi::CallbackInfo& info) {
  return {info.Env(), added_to_js(info.Env(), core().tokenizer())};
}

Napi::Value NativeTokenizer::explain(const Napi::CallbackInfo& info) {
  return {info.Env(), js_text(info.Env(), core().tokenizer().explain())};
}

Napi::Value NativeTokenizer::memory(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::vector<text::Tokenizer::Part> parts = core().tokenizer().memory();
  parts.push_back({"workspaces", core().workspace_bytes()});
  return {env, js_array(env, parts, [&](const text::Tokenizer::Part& part) {
            return ObjectWriter(env).text("name", part.name).count("bytes", part.bytes).value();
          })};
}

Napi::Value NativeTokenizer::save(const Napi::CallbackInfo& info) {
  return {info.Env(), js_typed_array(info.Env(), std::span<const uint8_t>(core().tokenizer().save()))};
}

Napi::Value NativeTokenizer::id_to_token(const Napi::CallbackInfo& info) {
  Reading reading{info.Env()};
  const auto id = Input(reading, info[0], "id").integer<uint32_t>();
  if (reading.failed) return {};
  const std::optional<std::string_view> text = core().tokenizer().vocabulary().text(id);
  return {info.Env(), text ? js_text(info.Env(), *text) : js_undefined(info.Env())};
}

Napi::Value NativeTokenizer::token_to_id(const Napi::CallbackInfo& info) {
  Reading reading{info.Env()};
  const std::string text = Input(reading, info[0], "token").text();
  if (reading.failed) return {};
  const std::optional<text::TokenId> id = core().tokenizer().vocabulary().id(text);
  return {info.Env(), id ? js_count(info.Env(), *id) : js_undefined(info.Env())};
}

Napi::Value NativeTokenizer::with_added(const Napi::CallbackInfo& info) {
  Reading reading{info.Env()};
  const text::Vocabulary& vocabulary = core().tokenizer().vocabulary();
  std::vector<text::AddedTokenDef> tokens;
  std::unordered_set<std::string> seen;
  text::TokenId next = vocabulary.id_limit();
  Input(reading, info[0], "tokens").each(kMostAdded, [&](const Input& token) {
    text::AddedTokenDef def;
    def.text = token["text"].text();
    def.single_word = token["singleWord"].boolean();
    def.lstrip = token["lstrip"].boolean();
    def.rstrip = token["rstrip"].boolean();
    def.normalized = token["normalized"].boolean();
    def.special = token["special"].boolean();
    if (token.failed()) return;
    if (def.text.empty()) token.fail_because("a token needs a text of at least one character.");
    if (!seen.insert(def.text).second)
      token.fail_because("\"" + def.text + "\" is there twice. Name it once.");
    const std::optional<text::TokenId> known = vocabulary.id(def.text);
    def.id = known ? *known : next++;
    tokens.push_back(std::move(def));
  });
  if (reading.failed) return {};
  Result<text::TokenizerPtr> more = core().tokenizer().with_added(tokens);
  if (!more.ok()) {
    throw_error(info.Env(), more.error());
    return {};
  }
  return from(*Environment::of(info.Env()), std::move(more).value(), core().cache_bytes());
}

Napi::Value NativeTokenizer::decode(const Napi::CallbackInfo& info) {
  Reading reading{info.Env()};
  const std::vector<text::TokenId> ids = ids_from_js(Input(reading, info[0], "ids"));
  const bool skip_special = Input(reading, info[1], "skipSpecial").boolean();
  if (reading.failed) return {};
  const Result<std::string> text = core().tokenizer().decoder().decode(ids, skip_special);
  if (!text.ok()) {
    throw_error(info.Env(), text.error());
    return {};
  }
  return {info.Env(), js_text(info.Env(), text.value())};
}

Napi::Value NativeTokenizer::decode_stream(const Napi::CallbackInfo& info) {
  Reading reading{info.Env()};
  const bool skip_special = Input(reading, info[0], "skipSpecial").boolean();
  if (reading.failed) return {};
  return NativeDecodeStream::of(*Environment::of(info.Env()), shared_core(), skip_special);
}

Napi::Value NativeTokenizer::encoder(const Napi::CallbackInfo& info) {
  Reading reading{info.Env()};
  TextOptions options = text_options_from_js(Input(reading, info[0], "options"));
  if (reading.failed) return {};
  options.stream.whole = true;
  return NativeEncoder::of(*Environment::of(info.Env()), shared_core(), std::move(options));
}

Napi::Value NativeTokenizer::stream(const Napi::CallbackInfo& info) {
  Reading reading{info.Env()};
  TextOptions options = text_options_from_js(Input(reading, info[0], "options"));
  const OffsetUnit unit = Input(reading, info[1], "unit").choice(kOffsetUnits);
  if (reading.failed) return {};
  return NativeTextStream::of(*Environment::of(info.Env()), shared_core(), std::move(options), unit);
}

Napi::Value NativeTokenizer::encode_batch(const Napi::CallbackInfo& info) {
  napi_value promise = start_batch(info, shared_core());
  if (promise == nullptr) promise = rejected_with_pending(info.Env());
  return {info.Env(), promise};
}

}  // namespace onpath::addon
