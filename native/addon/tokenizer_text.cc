#include "addon/tokenizer_text.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "addon/bytes.h"
#include "addon/errors.h"

namespace onpath::addon {

namespace {

constexpr size_t kFirstBytes = 4096;

/// Bytes of the character, or of the maximal invalid subpart, that begins here; `wide` if it takes two units
/// of UTF-16.
size_t character_bytes(std::span<const uint8_t> text, size_t at, bool& wide) {
  const uint8_t lead = text[at];
  wide = false;
  if (lead < 0xC2 || lead > 0xF4) return 1;
  const size_t wanted = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  uint8_t least = 0x80, most = 0xBF;
  if (lead == 0xE0) least = 0xA0;
  if (lead == 0xED) most = 0x9F;
  if (lead == 0xF0) least = 0x90;
  if (lead == 0xF4) most = 0x8F;
  size_t bytes = 1;
  while (bytes < wanted && at + bytes < text.size() && text[at + bytes] >= least &&
         text[at + bytes] <= most) {
    least = 0x80;
    most = 0xBF;
    ++bytes;
  }
  wide = bytes == 4;
  return bytes;
}

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

OffsetMap::OffsetMap(std::span<const uint8_t> text, OffsetUnit unit) : unit_(unit), size_(text.size()) {
  if (unit == OffsetUnit::byte) return;
  words_.resize(size_ / 64 + 1);
  for (size_t at = 0; at < size_;) {
    bool wide = false;
    const size_t bytes = text[at] < 0x80 ? 1 : character_bytes(text, at, wide);
    Word& word = words_[at / 64];
    word.starts |= uint64_t{1} << (at % 64);
    if (wide && unit == OffsetUnit::utf16) word.wide |= uint64_t{1} << (at % 64);
    at += bytes;
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
  void* data = nullptr;
  napi_value buffer = nullptr, view = nullptr;
  if (napi_create_arraybuffer(env, count * sizeof(uint32_t), &data, &buffer) != napi_ok) return nullptr;
  if (count > 0) std::memcpy(data, ids, count * sizeof(uint32_t));
  if (napi_create_typedarray(env, napi_uint32_array, count, buffer, 0, &view) != napi_ok) return nullptr;
  return view;
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
