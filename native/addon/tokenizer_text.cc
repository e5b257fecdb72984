#include "addon/tokenizer_text.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "addon/bytes.h"
#include "addon/environment.h"
#include "addon/errors.h"
#include "addon/output.h"
#include "text/large_memory.h"
#include "text/utf8.h"

namespace onpath::addon {

namespace {

constexpr size_t kFirstBytes = 4096;

/// From so many ids on, zeroing what is then written costs more than a Buffer, which is not zeroed. Node
/// bounds Buffers.
constexpr size_t kUnzeroedIds = 16384;
constexpr size_t kMostUnzeroedIds = size_t{1} << 28;

/// A new Uint32Array with memory of its own, all of which is to be written. Null as new_typed_array.
napi_value new_unzeroed(napi_env env, size_t count, uint32_t*& data) {
  void* memory = nullptr;
  napi_value bytes = nullptr, buffer = nullptr, view = nullptr;
  size_t offset = 0;
  if (napi_create_buffer(env, count * sizeof(uint32_t), &memory, &bytes) != napi_ok ||
      napi_get_typedarray_info(env, bytes, nullptr, nullptr, nullptr, &buffer, &offset) != napi_ok ||
      napi_create_typedarray(env, napi_uint32_array, count, buffer, offset, &view) != napi_ok) {
    return nullptr;
  }
  data = static_cast<uint32_t*>(memory);
  return view;
}

}  // namespace

void TextRoom::grow(size_t bytes, size_t kept) {
  if (bytes <= capacity_) return;
  auto larger = std::make_unique_for_overwrite<char[]>(bytes);
  if (kept != 0) std::memcpy(larger.get(), memory_.get(), kept);
  memory_ = std::move(larger);
  capacity_ = bytes;
}

// Parts stay in the CPU's cache from V8's copy to ours, and making bytes of units is done faster here.
bool TextRoom::read_parts(napi_env env, napi_value value, size_t units, size_t& length) {
  const napi_value slice = Environment::of(env)->slice();
  if (slice == nullptr) return false;
  if (part_ == nullptr) part_ = std::make_unique_for_overwrite<char16_t[]>(kPartUnits + 1);
  length = 0;
  for (size_t at = 0; at < units;) {
    napi_handle_scope scope = nullptr;
    if (napi_open_handle_scope(env, &scope) != napi_ok) return false;
    napi_value bounds[2] = {}, part = nullptr;
    size_t count = 0;
    napi_create_int64(env, static_cast<int64_t>(at), &bounds[0]);
    napi_create_int64(env, static_cast<int64_t>(std::min(at + kPartUnits, units)), &bounds[1]);
    const bool read = napi_call_function(env, value, slice, 2, bounds, &part) == napi_ok &&
                      napi_get_value_string_utf16(env, part, part_.get(), kPartUnits + 1, &count) == napi_ok;
    napi_close_handle_scope(env, scope);
    if (!read || count == 0) return false;
    const bool cut = at + count < units && count > 1 && (part_[count - 1] & 0xFC00) == 0xD800;
    count -= cut;  // the first half of a character
    // Most text has one byte for each unit: room for three is taken where that turns out not to be so.
    if (length + 3 * count > capacity_)
      grow(at == 0 ? units + 3 * kPartUnits : length + 3 * (units - at), length);
    length += text::utf8_of_utf16(part_.get(), count, reinterpret_cast<uint8_t*>(memory_.get()) + length);
    at += count;
  }
  return true;
}

std::optional<std::span<const uint8_t>> TextRoom::read(napi_env env, napi_value value) {
  size_t units = 0, length = 0;
  if (napi_get_value_string_utf16(env, value, nullptr, 0, &units) != napi_ok) return span_of(env, value);
  if (units <= kPartUnits || !read_parts(env, value, units, length)) {
    grow(std::max(kFirstBytes, 3 * units + 1));
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
  uint32_t* data = nullptr;
  napi_value view = count >= kUnzeroedIds && count < kMostUnzeroedIds ? new_unzeroed(env, count, data)
                                                                      : new_typed_array(env, count, data);
  if (view == nullptr || count == 0) return view;
  text::populate(data, count * sizeof(uint32_t));
  std::memcpy(data, ids, count * sizeof(uint32_t));
  return view;
}

std::optional<size_t> write_ids(napi_env env, napi_value target, napi_value from, napi_value to,
                                const text::TokenBuffer& ids) {
  const std::optional<std::span<uint32_t>> room = words_of(env, target);
  uint32_t begin = 0, end = 0;
  if (!room || napi_get_value_uint32(env, from, &begin) != napi_ok ||
      napi_get_value_uint32(env, to, &end) != napi_ok || begin > end || end > room->size()) {
    throw_error(env, ErrorCode::INVALID_ARGUMENT,
                "target: expected an ArrayBuffer and a range of the words in it.");
    return std::nullopt;
  }
  if (ids.size() > end - begin) return 0;
  if (ids.size() > 0) std::memcpy(room->data() + begin, ids.ids(), ids.size() * sizeof(uint32_t));
  return ids.size();
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
