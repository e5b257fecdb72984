#include "addon/tokenizer_encoder.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "addon/bytes.h"
#include "addon/errors.h"
#include "addon/output.h"

namespace onpath::addon {

text::StreamStatus encode_whole(const TextOptions& options, const text::Tokenizer& tokenizer,
                                std::span<const uint8_t> text, text::TextStream& stream,
                                text::Workspace& workspace, text::TokenBuffer& out, size_t most) {
  out.append(options.prefix);
  const text::StreamStatus status = tokenizer.encode(text, stream, workspace, out, most);
  if (status == text::StreamStatus::ok) out.append(options.suffix);
  return status;
}

std::vector<Napi::ClassPropertyDescriptor<NativeEncoder>> NativeEncoder::methods() {
  return {numbered<&NativeEncoder::encode>("encode"), property<&NativeEncoder::encode_into>("encodeInto"),
          property<&NativeEncoder::count>("count"), property<&NativeEncoder::tokenize>("tokenize")};
}

Napi::Value NativeEncoder::of(Environment& environment, std::shared_ptr<TokenizerCore> tokenizer,
                              TextOptions options) {
  Result<std::unique_ptr<text::TextStream>> stream = tokenizer->tokenizer().make_stream(options.stream);
  if (!stream.ok()) {
    throw_error(environment.env(), stream.error());
    return {};
  }
  const bool detailed = options.stream.detailed;
  return make(environment, std::make_shared<EncoderCore>(EncoderCore{std::move(tokenizer), std::move(options),
                                                                     std::move(stream).value(),
                                                                     text::TokenBuffer(detailed)}));
}

namespace {

/// Tokens of the text to self.out, which then has at most `most` and the suffix. The text as bytes, or
/// nothing with an exception pending.
std::optional<std::span<const uint8_t>> run(napi_env env, EncoderCore& self, napi_value value,
                                            size_t most = SIZE_MAX) {
  const std::optional<std::span<const uint8_t>> text = self.tokenizer->room().read_argument(env, value);
  if (!text) return std::nullopt;
  if (text->size() > kMostTextBytes) {
    throw_error(env, ErrorCode::LIMIT_EXCEEDED,
                "text has " + std::to_string(text->size()) +
                    " bytes; the most is 4294967295 in one call. Use stream() for longer ones.");
    return std::nullopt;
  }
  self.out.clear();
  const text::StreamStatus status =
      encode_whole(self.options, self.tokenizer->tokenizer(), *text, *self.stream,
                   self.tokenizer->loop_workspace(), self.out, most);
  self.out.truncate(most);
  if (!is_refusal(status)) return text;
  napi_valuetype type = napi_undefined;
  napi_typeof(env, value, &type);
  throw_error(env, refusal(status, self.tokenizer->tokenizer(), *self.stream, self.options.stream.cap_bytes,
                           text, type == napi_string ? OffsetUnit::utf16 : OffsetUnit::byte));
  return std::nullopt;
}

/// Gives up room that only an unusually long text needs.
void tidy(EncoderCore& self) {
  self.tokenizer->room().shrink();
  if (self.out.capacity() > TextRoom::kKeptBytes / sizeof(text::TokenId))
    self.out = text::TokenBuffer(self.options.stream.detailed);
}

}  // namespace

napi_value NativeEncoder::encode(napi_env env, EncoderCore& core, const napi_value* arguments) {
  uint32_t limit = 0;
  const size_t most = napi_get_value_uint32(env, arguments[4], &limit) == napi_ok ? limit : SIZE_MAX;
  if (!run(env, core, arguments[0], most)) return nullptr;
  const text::TokenBuffer& out = core.out;
  const std::optional<size_t> written = write_ids(env, arguments[1], arguments[2], arguments[3], out);
  if (!written) return nullptr;
  napi_value result = *written == out.size() ? js_word(env, static_cast<uint32_t>(out.size()))
                                             : js_ids(env, out.ids(), out.size());
  tidy(core);
  return result;
}

Napi::Value NativeEncoder::encode_into(const Napi::CallbackInfo& info) {
  const napi_env env = info.Env();
  if (!run(env, core(), info[0])) return {};
  const std::optional<std::span<uint32_t>> target = ids_of(env, info[1]);
  if (!target) {
    Reading reading{env};
    Input(reading, info[1], "target").fail("a Uint32Array");
    return {};
  }
  const text::TokenBuffer& out = core().out;
  const size_t written = std::min(out.size(), target->size());
  if (written > 0) std::memcpy(target->data(), out.ids(), written * sizeof(uint32_t));
  const uint64_t total = out.size();
  tidy(core());
  return {env, js_count(env, total)};
}

Napi::Value NativeEncoder::count(const Napi::CallbackInfo& info) {
  const napi_env env = info.Env();
  Reading reading{env};
  size_t most = SIZE_MAX;
  if (const Input limit(reading, info[1], "limit"); !limit.is_undefined()) most = limit.integer<uint32_t>();
  if (reading.failed || !run(env, core(), info[0], most == SIZE_MAX ? most : most + 1)) return {};
  const uint64_t count = core().out.size();
  tidy(core());
  return {env, js_count(env, count)};
}

napi_value js_detailed(napi_env env, const uint32_t* ids, const uint32_t* places, const uint32_t* words,
                       size_t count) {
  return ObjectWriter(env)
      .set("ids", js_ids(env, ids, count))
      .set("offsets", js_ids(env, places, count * 2))
      .set("words", js_ids(env, words, count))
      .value();
}

Napi::Value NativeEncoder::tokenize(const Napi::CallbackInfo& info) {
  const napi_env env = info.Env();
  Reading reading{env};
  const OffsetUnit unit = Input(reading, info[1], "unit").choice(kOffsetUnits);
  if (!reading.failed && !core().options.stream.detailed)
    Input(reading, info[1], "unit").fail_because("this encoder was made for ids alone.");
  if (reading.failed) return {};
  const std::optional<std::span<const uint8_t>> text = run(env, core(), info[0]);
  if (!text) return {};
  const text::TokenBuffer& out = core().out;
  std::vector<text::ByteSpan> spans(out.spans(), out.spans() + out.size());
  if (unit != OffsetUnit::byte) {
    const OffsetMap map(*text, unit);
    for (text::ByteSpan& span : spans) span = map.convert(span);
  }
  napi_value result =
      js_detailed(env, out.ids(), reinterpret_cast<const uint32_t*>(spans.data()), out.words(), out.size());
  tidy(core());
  return {env, result};
}

}  // namespace onpath::addon
