#include "text/utf8.h"

#include <bit>
#include <cstring>

namespace onpath::text {
namespace {

/// What may follow a lead byte: how many bytes, and the range of the first of them. Size 0: no lead byte.
struct Lead {
  uint32_t size;
  uint8_t low;
  uint8_t high;
};

Lead lead_of(uint8_t byte) {
  if (byte < 0xC2 || byte > 0xF4) return {0, 0, 0};
  if (byte < 0xE0) return {2, 0x80, 0xBF};
  if (byte < 0xF0) {
    // No overlong forms, no surrogates.
    return {3, static_cast<uint8_t>(byte == 0xE0 ? 0xA0 : 0x80),
            static_cast<uint8_t>(byte == 0xED ? 0x9F : 0xBF)};
  }
  return {4, static_cast<uint8_t>(byte == 0xF0 ? 0x90 : 0x80),
          static_cast<uint8_t>(byte == 0xF4 ? 0x8F : 0xBF)};
}

/// Bytes at the front of `size` bytes that are the front of one code point whose lead is text[0].
uint32_t matching(const uint8_t* text, size_t size, const Lead& lead) {
  if (size < 2 || text[1] < lead.low || text[1] > lead.high) return 1;
  uint32_t n = 2;
  while (n < lead.size && n < size && is_continuation(text[n])) ++n;
  return n;
}

size_t skip_ascii(const uint8_t* text, size_t at, size_t size) {
  constexpr uint64_t kHigh = 0x8080808080808080u;
  constexpr size_t kWord = sizeof(uint64_t);
  const auto word = [text](size_t place) {
    uint64_t read;
    std::memcpy(&read, text + place, kWord);
    return read;
  };
  for (; at + 4 * kWord <= size; at += 4 * kWord) {
    if (((word(at) | word(at + 8) | word(at + 16) | word(at + 24)) & kHigh) != 0) break;
  }
  for (; at + kWord <= size; at += kWord) {
    if (const uint64_t high = word(at) & kHigh; high != 0)
      return at + static_cast<size_t>(std::countr_zero(high)) / 8;
  }
  // What a push ends in is short: byte by byte it would cost as much as all before it.
  if (size >= kWord && (word(size - kWord) & kHigh) == 0) return size;
  while (at < size && text[at] < 0x80) ++at;
  return at;
}

}  // namespace

Utf8Run check_utf8(const uint8_t* text, size_t size) {
  size_t at = 0;
  while (at < size) {
    const uint8_t byte = text[at];
    if (byte < 0x80) {
      at = skip_ascii(text, at, size);
      continue;
    }
    // The common shapes, where no second look at the first two bytes is needed.
    if (byte >= 0xC2 && byte < 0xE0 && size - at >= 2 && is_continuation(text[at + 1])) {
      at += 2;
      continue;
    }
    if (byte > 0xE0 && byte < 0xED && size - at >= 3 && is_continuation(text[at + 1]) &&
        is_continuation(text[at + 2])) {
      at += 3;
      continue;
    }
    const Lead lead = lead_of(byte);
    if (lead.size == 0) return {at, 1, 0};
    const uint32_t n = matching(text + at, size - at, lead);
    if (n == lead.size) {
      at += n;
    } else if (n == size - at) {
      return {at, 0, n};
    } else {
      return {at, n, 0};
    }
  }
  return {at, 0, 0};
}

size_t utf8_of_utf16(const char16_t* units, size_t count, uint8_t* out) {
  constexpr size_t kBlock = 32;
  uint8_t* const start = out;
  size_t at = 0;
  while (at < count) {
    size_t stop = count;
    if (count - at >= kBlock) {
      // Arrays of its own, so that the compiler sees that nothing overlaps.
      char16_t block[kBlock];
      uint8_t narrow[kBlock];
      std::memcpy(block, units + at, sizeof block);
      unsigned all = 0;
      for (size_t i = 0; i < kBlock; ++i) all |= block[i];
      stop = at + kBlock;
      if (all < 0x80) {
        for (size_t i = 0; i < kBlock; ++i) narrow[i] = static_cast<uint8_t>(block[i]);
        std::memcpy(out, narrow, kBlock);
        out += kBlock;
        at = stop;
        continue;
      }
    }
    while (at < stop) {
      const uint32_t unit = units[at++];
      const bool surrogate = (unit & 0xF800) == 0xD800;
      if (!surrogate) {
        out += encode_utf8(unit, out);
      } else if (unit < 0xDC00 && at < count && (units[at] & 0xFC00) == 0xDC00) {
        out += encode_utf8(0x10000 + ((unit & 0x3FF) << 10) + (units[at++] & 0x3FFu), out);
      } else {
        out += encode_utf8(0xFFFD, out);
      }
    }
  }
  return static_cast<size_t>(out - start);
}

size_t Utf8Repair::push(const uint8_t* bytes, size_t size, bool last, uint8_t* out) {
  uint8_t* const start = out;
  const auto replace = [&out] {
    std::memcpy(out, kReplacement.data(), kReplacement.size());
    out += kReplacement.size();
  };
  size_t at = 0;
  while (held_ > 0 && at < size) {
    // One byte more decides: it belongs to the code point, completes it, or the held bytes were invalid.
    bytes_[held_] = bytes[at];
    const Utf8Run run = check_utf8(bytes_, held_ + 1u);
    if (run.invalid != 0) {
      replace();
      held_ = 0;
      break;
    }
    ++at;
    ++held_;
    if (run.cut != 0) continue;
    std::memcpy(out, bytes_, held_);
    out += held_;
    held_ = 0;
  }
  while (at < size) {
    const Utf8Run run = check_utf8(bytes + at, size - at);
    std::memcpy(out, bytes + at, run.valid);
    out += run.valid;
    at += run.valid;
    if (run.invalid != 0) replace();
    at += run.invalid;
    if (run.cut != 0) {
      std::memcpy(bytes_, bytes + at, run.cut);
      held_ = static_cast<uint8_t>(run.cut);
      at += run.cut;
    }
  }
  if (last && held_ > 0) {
    replace();
    held_ = 0;
  }
  return static_cast<size_t>(out - start);
}

}  // namespace onpath::text
