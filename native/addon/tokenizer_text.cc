#include "addon/tokenizer_text.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "addon/bytes.h"
#include "addon/errors.h"
#include "addon/output.h"
#include "text/utf8.h"

namespace onpath::addon {

namespace {

constexpr size_t kFirstBytes = 4096;

}  // namespace

void TextRoom::grow(size_t bytes) {
  if (bytes <= capacity_) return;
  capacity_ = 0;
  memory_ = std::make_unique_for_overwrite<char[]>(bytes);
  capacity_ = bytes;
}

std::optional<std::span<const uint8_t>> TextRoom::read(napi_env env, napi_value value) {
  if (capacity_ == 0) grow(kFirstBytes);
  size_t length = 0;
  // One call where the room is enough, for asking for the length costs as much as the copy itself.
  if (napi_get_value_string_utf8(env, value, memory_.get(), capacity_, &length) != napi_ok) {
    const std::optional<Bytes> bytes = bytes_of(env, value);
    if (!bytes) return std::nullopt;
    return bytes->span();
  }
  if (length + 4 >= capacity_) {  // a character may have found no room
    if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok) return std::nullopt;
    grow(length + length / 4 + 8);
    if (napi_get_value_string_utf8(env, value, memory_.get(), capacity_, &length) != napi_ok)
      return std::nullopt;
  }
  return std::span(reinterpret_cast<const uint8_t*>(memory_.get()), length);
}

std::optional<std::span<const uint8_t>> TextRoom::read_argument(napi_env env, napi_value value) {
  const std::optional<std::span<const uint8_t>> text = read(env, value);
  if (!text) {
    Reading reading{env};
    Input(reading, value, "text").fail("a string or a Uint8Array of UTF-8");
  }
  return text;
}

OffsetMap::OffsetMap(std::span<const uint8_t> text, OffsetUnit unit) : unit_(unit), size_(text.size()) {
  if (unit == OffsetUnit::byte) return;
  words_.resize(size_ / 64 + 1);
  const auto start = [this](size_t at) { words_[at / 64].starts |= uint64_t{1} << (at % 64); };
  for (size_t at = 0; at < size_;) {
    const text::Utf8Run run = text::check_utf8(text.data() + at, size_ - at);
    for (const size_t end = at + run.valid; at < end;) {
      const size_t bytes = text::utf8_size(text[at]);
      start(at);
      if (bytes == 4 && unit == OffsetUnit::utf16) words_[at / 64].wide |= uint64_t{1} << (at % 64);
      at += bytes;
    }
    if (at < size_) start(at);
    at += run.invalid + run.cut;
  }
  uint32_t units = 0;
  for (Word& word : words_) {
    word.before = units;
    units += static_cast<uint32_t>(std::popcount(word.starts) + std::popcount(word.wide));
  }
}

bool OffsetMap::is_start(uint64_t place) const {
  return place >= size_ || (words_[place / 64].starts >> (place % 64) & 1) != 0;
}

uint32_t OffsetMap::before(uint64_t place) const {
  const Word& word = words_[place / 64];
  const uint64_t left = (uint64_t{1} << (place % 64)) - 1;
  return word.before +
         static_cast<uint32_t>(std::popcount(word.starts & left) + std::popcount(word.wide & left));
}

text::ByteSpan OffsetMap::convert(text::ByteSpan span) const {
  if (unit_ == OffsetUnit::byte) return span;
  uint64_t begin = std::min<uint64_t>(span.begin, size_), end = std::min<uint64_t>(span.end, size_);
  while (!is_start(begin)) --begin;  // the first byte is a start; at most three steps
  if (end > begin) {
    while (!is_start(end)) ++end;
  } else {
    end = begin;
  }
  return {before(begin), before(end)};
}

napi_value js_ids(napi_env env, const uint32_t* ids, size_t count) {
  return js_typed_array(env, std::span<const uint32_t>(ids, count));
}

Error refusal(text::StreamStatus status, const text::Tokenizer& tokenizer, const text::TextStream& stream,
              uint64_t cap_bytes, std::optional<std::span<const uint8_t>> text, OffsetUnit unit) {
  if (status == text::StreamStatus::over_cap) {
    return {ErrorCode::RUN_TOO_LONG,
            "More than capBytes (" + std::to_string(cap_bytes) +
                ") bytes of the text wait for a decision. Raise capBytes, or tokenize the text whole."};
  }
  const std::optional<text::TokenId> id = stream.refused();
  const std::string_view name = id ? tokenizer.vocabulary().text(*id).value_or("") : std::string_view();
  std::string place;
  if (text) {
    const std::string_view all(reinterpret_cast<const char*>(text->data()), text->size());
    if (const size_t found = all.find(name); found != std::string_view::npos) {
      const auto at = static_cast<uint32_t>(found);
      place = " at " + std::string(unit == OffsetUnit::byte ? "byte " : "position ") +
              std::to_string(OffsetMap(*text, unit).convert({at, at}).begin);
    }
  }
  return {
      ErrorCode::SPECIAL_TOKEN,
      "The text contains the special token \"" + std::string(name) + "\" (id " +
          (id ? std::to_string(*id) : "unknown") + ")" + place +
          ". Pass special: 'parse' to take it as that token, special: 'text' to take it as text, or name it "
          "in allowedSpecial."};
}

}  // namespace onpath::addon
