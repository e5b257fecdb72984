// Where pieces of ASCII text begin: bytes to bits by class, bits to beginnings by arithmetic on words.
#include "kernel/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernel/text_cuts.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"

#include <bit>
#include <cstring>

#include "kernel/sets.h"

HWY_BEFORE_NAMESPACE();
namespace onpath {
namespace HWY_NAMESPACE {
#if ONPATH_HAVE_VECTORS
namespace {
namespace hn = hwy::HWY_NAMESPACE;

#include "kernel/text_cuts_algebra.h"

/// Bits of 64 bytes.
class Bits {
 public:
  template <class D, class Mask>
  HWY_INLINE void set(D d, size_t lane, Mask mask) {
    hn::StoreMaskBits(d, mask, bytes_ + lane / 8);
  }
  HWY_INLINE uint64_t word() const {
    uint64_t word;
    std::memcpy(&word, bytes_, 8);
    return word;
  }

 private:
  uint8_t bytes_[8 + 8];
};

template <class D>
HWY_INLINE hn::Mask<D> within(D d, hn::Vec<D> bytes, uint8_t first, uint8_t last) {
  const auto offset = hn::Sub(bytes, hn::Set(d, first));
  return hn::Eq(hn::Min(offset, hn::Set(d, static_cast<uint8_t>(last - first))), offset);
}

/// First bytes of U+200B..U+206F but blanks, whole within the 64 bytes: quotes and dashes of typeset text.
/// Neither blank, letter nor number. Or only those up to U+2027 that are punctuation.
template <bool kPunctuationOnly>
HWY_INLINE uint64_t general_punctuation(const uint8_t* text) {
  const hn::CappedTag<uint8_t, 64> d;
  const size_t lanes = hn::Lanes(d);
  Bits first, second, second_last, third, third_last;
  for (size_t i = 0; i < 64; i += lanes) {
    const auto bytes = hn::LoadU(d, text + i);
    const auto is = [&](uint8_t byte) HWY_ATTR { return hn::Eq(bytes, hn::Set(d, byte)); };
    first.set(d, i, is(0xE2));
    second.set(d, i, is(0x80));
    if constexpr (kPunctuationOnly) {
      third.set(d, i, within(d, bytes, 0x90, 0xA7));
      continue;
    }
    third.set(d, i,
              hn::AndNot(is(0xAF), hn::AndNot(within(d, bytes, 0xA8, 0xA9), within(d, bytes, 0x8B, 0xBF))));
    second_last.set(d, i, is(0x81));
    third_last.set(d, i, hn::AndNot(is(0x9F), within(d, bytes, 0x80, 0xAF)));
  }
  if constexpr (kPunctuationOnly) return first.word() & second.word() >> 1 & third.word() >> 2;
  return first.word() &
         ((second.word() >> 1 & third.word() >> 2) | (second_last.word() >> 1 & third_last.word() >> 2));
}

template <CutRules kRules>
HWY_INLINE Classes classify(const uint8_t* text) {
  constexpr bool kNewlines = kRules != CutRules::gpt2 && kRules != CutRules::clip;
  const hn::CappedTag<uint8_t, 64> d;
  const size_t lanes = hn::Lanes(d);
  Bits letter, upper, number, space, blank, newline, apostrophe, slash, punctuation, unknown;
  for (size_t i = 0; i < 64; i += lanes) {
    const auto bytes = hn::LoadU(d, text + i);
    const auto is = [&](uint8_t byte) HWY_ATTR { return hn::Eq(bytes, hn::Set(d, byte)); };
    const auto spaces = is(' ');
    const auto letters = within(d, hn::Or(bytes, hn::Set(d, 0x20)), 'a', 'z');
    const auto numbers = within(d, bytes, '0', '9');
    letter.set(d, i, letters);
    number.set(d, i, numbers);
    space.set(d, i, spaces);
    blank.set(d, i, hn::Or(spaces, within(d, bytes, '\t', '\r')));
    apostrophe.set(d, i, is('\''));
    if constexpr (kNewlines) newline.set(d, i, hn::Or(is('\n'), is('\r')));
    if constexpr (kRules == CutRules::bert) {
      punctuation.set(d, i, hn::AndNot(hn::Or(numbers, letters), within(d, bytes, '!', '~')));
    }
    if constexpr (kByCase<kRules>) {
      upper.set(d, i, within(d, bytes, 'A', 'Z'));
      slash.set(d, i, is('/'));
    }
    auto odds = within(d, bytes, 0x80, 0xFF);
    // Controls are neither words nor punctuation; "<" may begin a special token.
    if constexpr (kRules == CutRules::deepseek3) {
      odds =
          hn::Or(odds, hn::Or(hn::AndNot(within(d, bytes, '\t', '\r'), within(d, bytes, 0, 0x1F)), is(0x7F)));
    }
    if constexpr (kRules == CutRules::clip) odds = hn::Or(odds, is('<'));
    unknown.set(d, i, odds);
  }
  Classes in{};
  uint64_t odd = unknown.word();
  if constexpr (kRules != CutRules::deepseek3) {
    if (odd != 0) {
      in.wide = general_punctuation<kRules == CutRules::bert>(text);
      odd &= ~(in.wide | in.wide << 1 | in.wide << 2);
    }
  }
  in.known = static_cast<uint32_t>(std::countr_zero(odd));
  const uint64_t known = below(in.known);
  in.letter = letter.word() & known;
  in.number = number.word() & known;
  in.space = space.word() & known;
  in.blank = blank.word() & known;
  in.apostrophe = apostrophe.word() & known;
  if constexpr (kNewlines) in.newline = newline.word() & known;
  in.wide &= known;
  if constexpr (kRules == CutRules::bert) in.punctuation = punctuation.word() & known;
  if constexpr (kByCase<kRules>) {
    in.upper = upper.word() & known;
    in.slash = slash.word() & known;
  }
  return in;
}

/// Writes the places of `bits`, and something behind them: there is room for 64.
HWY_INLINE void write_places(uint64_t bits, uint32_t base, uint32_t* ends) {
#if HWY_TARGET <= HWY_AVX3
  // No branch for how many there are: it could not be predicted.
  const hn::CappedTag<uint32_t, 16> d;
  for (uint32_t at = 0; at < 64; at += 16) {
    const uint64_t part = (bits >> at) & 0xFFFF;  // of which eight bytes may be read
    const auto mask = hn::LoadMaskBits(d, reinterpret_cast<const uint8_t*>(&part));
    hn::StoreU(hn::Compress(hn::Iota(d, base + at), mask), d, ends);
    ends += std::popcount(part);
  }
#else
  const int count = std::popcount(bits);
  for (int done = 0; done < count; done += 8) {
    for (int i = 0; i < 8; ++i) {
      ends[done + i] = base + static_cast<uint32_t>(std::countr_zero(bits));
      bits &= bits - 1;
    }
  }
#endif
}

template <CutRules kRules>
Cuts cut(const uint8_t* text, size_t size, uint32_t base, uint32_t* ends, size_t room) {
  constexpr uint32_t kFewest = 8;
  Cuts cuts;
  while (size - cuts.taken >= 64 && room - cuts.count >= 64) {
    const uint8_t* at = text + cuts.taken;
    const Classes in = classify<kRules>(at);
    if (in.known < kFewest) break;
    uint64_t sure = 0;
    const uint64_t starts = starts_of<kRules>(in, at, sure) & sure & ~uint64_t{1};
    if (starts == 0) break;
    uint32_t* out = ends + cuts.count;
    const uint32_t from = base + static_cast<uint32_t>(cuts.taken);
    write_places(starts, from, out);
    const size_t count = static_cast<size_t>(std::popcount(starts));
    if constexpr (kRules == CutRules::clip || kRules == CutRules::bert) {
      for (size_t i = 0; i < count; ++i) {
        if ((in.blank >> (out[i] - from - 1) & 1) != 0) out[i] |= kCutDropped;
      }
    }
    cuts.count += count;
    cuts.taken += static_cast<size_t>(63 - std::countl_zero(starts));
  }
  return cuts;
}

}  // namespace

Cuts cut_text(CutRules rules, const uint8_t* text, size_t size, uint32_t base, uint32_t* ends, size_t room) {
  switch (rules) {
    case CutRules::gpt2:
      return cut<CutRules::gpt2>(text, size, base, ends, room);
    case CutRules::cl100k:
      return cut<CutRules::cl100k>(text, size, base, ends, room);
    case CutRules::qwen2:
      return cut<CutRules::qwen2>(text, size, base, ends, room);
    case CutRules::o200k:
      return cut<CutRules::o200k>(text, size, base, ends, room);
    case CutRules::tekken:
      return cut<CutRules::tekken>(text, size, base, ends, room);
    case CutRules::deepseek3:
      return cut<CutRules::deepseek3>(text, size, base, ends, room);
    case CutRules::clip:
      return cut<CutRules::clip>(text, size, base, ends, room);
    case CutRules::bert:
      return cut<CutRules::bert>(text, size, base, ends, room);
  }
  return {};
}
#endif  // ONPATH_HAVE_VECTORS
}  // namespace HWY_NAMESPACE
}  // namespace onpath
HWY_AFTER_NAMESPACE();
