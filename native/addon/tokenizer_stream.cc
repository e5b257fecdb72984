#include "addon/tokenizer_stream.h"

#include <algorithm>
#include <utility>

#include "addon/errors.h"
#include "addon/output.h"
#include "addon/tokenizer_encoder.h"
#include "text/utf8.h"

namespace onpath::addon {

void StreamPlaces::begin() {
  bytes_.clear();
  first_byte_ = 0;
  first_unit_ = 0;
}

void StreamPlaces::add(std::span<const uint8_t> bytes) {
  if (unit_ != OffsetUnit::byte) bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

void StreamPlaces::convert(std::span<text::ByteSpan> spans) {
  if (unit_ == OffsetUnit::byte || spans.empty()) return;
  const OffsetMap map(bytes_, unit_);
  const uint32_t last = spans.back().begin - first_byte_;
  for (text::ByteSpan& span : spans) {
    const text::ByteSpan own = map.convert({span.begin - first_byte_, span.end - first_byte_});
    span = {own.begin + first_unit_, own.end + first_unit_};
  }
  // Up to the character in which the last token begins: nothing to come is further left.
  size_t gone = std::min<size_t>(last, bytes_.size());
  for (int i = 0; i < 3 && gone > 0 && gone < bytes_.size() && text::is_continuation(bytes_[gone]); ++i)
    --gone;
  const auto units = map.convert({static_cast<uint32_t>(gone), static_cast<uint32_t>(gone)}).begin;
  bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<ptrdiff_t>(gone));
  first_byte_ += static_cast<uint32_t>(gone);
  first_unit_ += units;
}

std::vector<Napi::ClassPropertyDescriptor<NativeTextStream>> NativeTextStream::methods() {
  return {property<&NativeTextStream::begin>("begin"), numbered<&NativeTextStream::push>("push"),
          property<&NativeTextStream::end>("end"), property<&NativeTextStream::held_bytes>("heldBytes")};
}

Napi::Value NativeTextStream::of(Environment& environment, std::shared_ptr<TokenizerCore> tokenizer,
                                 TextOptions options, OffsetUnit unit) {
  Result<std::unique_ptr<text::TextStream>> stream = tokenizer->tokenizer().make_stream(options.stream);
  if (!stream.ok()) {
    throw_error(environment.env(), stream.error());
    return {};
  }
  const bool detailed = options.stream.detailed;
  // Not make_shared: memory tells the garbage collector in its constructor's environment and cannot move.
  std::shared_ptr<TextStreamCore> core(
      new TextStreamCore{std::move(tokenizer), std::move(options), std::move(stream).value(),
                         text::TokenBuffer(detailed), StreamPlaces(unit), ExternalMemory(environment.env())});
  core->memory.add(static_cast<int64_t>(core->stream->state_bytes()));
  core->stream->begin();
  return make(environment, std::move(core));
}

Napi::Value NativeTextStream::begin(const Napi::CallbackInfo&) {
  core().stream->begin();
  core().places.begin();
  core().started = false;
  core().over = false;
  return {};
}

namespace {

bool ready(napi_env env, TextStreamCore& core) {
  if (core.over) {
    throw_error(env, ErrorCode::CLOSED,
                "This text is over: it was ended or refused. Call begin() to start another.");
    return false;
  }
  core.out.clear();
  if (!core.started) {
    core.started = true;
    core.out.append(core.options.prefix);
  }
  return true;
}

/// What came out; tokens [own_from, own_to) are the text's own, those around them the template's.
napi_value give(napi_env env, TextStreamCore& core, text::StreamStatus status, size_t own_from,
                size_t own_to) {
  const text::TokenBuffer& out = core.out;
  if (is_refusal(status)) {
    core.over = true;
    throw_error(env,
                refusal(status, core.tokenizer->tokenizer(), *core.stream, core.options.stream.cap_bytes));
    return nullptr;
  }
  if (!out.detailed()) return js_ids(env, out.ids(), out.size());
  std::vector<text::ByteSpan> spans(out.spans(), out.spans() + out.size());
  core.places.convert(std::span(spans).subspan(own_from, own_to - own_from));
  return js_detailed(env, out.ids(), reinterpret_cast<const uint32_t*>(spans.data()), out.words(),
                     out.size());
}

}  // namespace

napi_value NativeTextStream::push(napi_env env, TextStreamCore& core, const napi_value* arguments) {
  TokenizerCore& tokenizer = *core.tokenizer;
  const std::optional<std::span<const uint8_t>> text = tokenizer.room().read_argument(env, arguments[0]);
  if (!text || !ready(env, core)) return nullptr;
  core.places.add(*text);
  const text::TokenBuffer& out = core.out;
  const size_t from = out.size();
  const text::StreamStatus status = core.stream->push(*text, tokenizer.loop_workspace(), core.out);
  tokenizer.room().shrink();
  if (status == text::StreamStatus::ok && !out.detailed()) {
    const std::optional<size_t> written = write_ids(env, arguments[1], arguments[2], arguments[3], out);
    if (!written) return nullptr;
    if (*written == out.size()) return js_word(env, static_cast<uint32_t>(out.size()));
  }
  return give(env, core, status, from, out.size());
}

Napi::Value NativeTextStream::end(const Napi::CallbackInfo& info) {
  const napi_env env = info.Env();
  if (!ready(env, core())) return {};
  const size_t from = core().out.size();
  const text::StreamStatus status = core().stream->end(core().tokenizer->loop_workspace(), core().out);
  core().over = true;
  const size_t to = core().out.size();
  core().out.append(core().options.suffix);
  return {env, give(env, core(), status, from, to)};
}

Napi::Value NativeTextStream::held_bytes(const Napi::CallbackInfo& info) {
  return {info.Env(), js_count(info.Env(), core().stream->held_bytes())};
}

std::vector<Napi::ClassPropertyDescriptor<NativeDecodeStream>> NativeDecodeStream::methods() {
  return {property<&NativeDecodeStream::push>("push"), property<&NativeDecodeStream::end>("end")};
}

Napi::Value NativeDecodeStream::of(Environment& environment, std::shared_ptr<TokenizerCore> tokenizer,
                                   bool skip_special) {
  std::unique_ptr<text::DecodeStream> stream =
      text::make_decode_stream(tokenizer->tokenizer().decoder(), skip_special);
  return make(environment,
              std::make_shared<DecodeStreamCore>(DecodeStreamCore{std::move(tokenizer), std::move(stream)}));
}

Napi::Value NativeDecodeStream::push(const Napi::CallbackInfo& info) {
  Reading reading{info.Env()};
  const std::vector<text::TokenId> ids = ids_from_js(Input(reading, info[0], "ids"));
  if (reading.failed) return {};
  if (core().over) {
    throw_error(info.Env(), ErrorCode::CLOSED, "This decode stream has ended. Make another.");
    return {};
  }
  const Result<std::string> text = core().stream->push(ids);
  if (!text.ok()) {
    throw_error(info.Env(), text.error());
    return {};
  }
  return {info.Env(), js_text(info.Env(), text.value())};
}

Napi::Value NativeDecodeStream::end(const Napi::CallbackInfo& info) {
  if (core().over) {
    throw_error(info.Env(), ErrorCode::CLOSED, "This decode stream has ended. Make another.");
    return {};
  }
  core().over = true;
  return {info.Env(), js_text(info.Env(), core().stream->end())};
}

}  // namespace onpath::addon
