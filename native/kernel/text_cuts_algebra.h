// Bit i of a word is byte i of 64 bytes that begin at the beginning of a piece. For text_cuts.cc alone, which
// includes this once per instruction set: no guard.
//
// Every function gives the beginnings of pieces that follow from the `known` first bytes, whatever comes
// behind them; bit 0 may or may not be set.

struct Classes {
  uint64_t letter, upper, number, space, blank, newline, apostrophe, slash;
  uint64_t punctuation;  // for BERT; blank: \s, newlines included
  uint64_t wide;         // first bytes of characters of three that are none of these
  uint32_t known;        // bytes before the first that is not ASCII or not for bits to decide
};

/// Words go by case, and slashes belong to punctuation before them.
template <CutRules kRules>
inline constexpr bool kByCase = kRules == CutRules::o200k || kRules == CutRules::tekken;

inline uint64_t below(uint32_t n) { return n >= 64 ? ~uint64_t{0} : (uint64_t{1} << n) - 1; }
inline uint64_t bit_at(uint32_t n) { return n >= 64 ? 0 : uint64_t{1} << n; }
inline uint32_t lowest(uint64_t bits) { return static_cast<uint32_t>(std::countr_zero(bits)); }
inline uint64_t first_of_runs(uint64_t bits) { return bits & ~(bits << 1); }

/// Beginnings that are certain: a run of blanks at the end may go on, and what the last two characters are
/// can depend on the next.
inline uint64_t certain(uint64_t blanks, uint32_t known) {
  uint32_t limit = known - 2;
  if ((blanks >> (known - 1) & 1) != 0) {
    const uint64_t others = below(known) & ~blanks;
    const uint32_t run = static_cast<uint32_t>(64 - std::countl_zero(others));
    limit = run + 1 < limit ? run + 1 : limit;
  }
  return below(limit);
}

/// Length of the contraction at an apostrophe, or 0. Two bytes behind it can be read.
template <bool kIgnoreCase>
inline uint32_t contraction_size(const uint8_t* at) {
  const uint32_t fold = kIgnoreCase ? 0x20u : 0u;
  const uint32_t first = at[1] | fold;
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
  const uint32_t second = at[2] | fold;
  const bool three = ((first == 'r' || first == 'v') && second == 'e') || (first == 'l' && second == 'l');
  return three ? 3 : 0;
}

/// Contractions as pieces of their own, at apostrophes that begin a piece.
template <bool kIgnoreCase>
inline uint64_t with_contractions(uint64_t starts, uint64_t apostrophes, const uint8_t* text) {
  for (; apostrophes != 0; apostrophes &= apostrophes - 1) {
    const uint32_t at = lowest(apostrophes);
    const uint32_t size = contraction_size<kIgnoreCase>(text + at);
    if (size == 0) continue;
    starts &= ~(below(size - 1) << (at + 1));
    starts |= bit_at(at + size);
  }
  return starts;
}

/// Contractions as the ends of words, at apostrophes behind a letter.
inline uint64_t with_endings(uint64_t starts, uint64_t apostrophes, const uint8_t* text) {
  uint32_t behind = 0;  // the last ending: a letter of it ends no word
  for (; apostrophes != 0; apostrophes &= apostrophes - 1) {
    const uint32_t at = lowest(apostrophes);
    const uint32_t size = contraction_size<true>(text + at);
    if (size == 0 || at == behind) continue;
    behind = at + size;
    starts &= ~(below(size) << at);
    starts |= bit_at(behind);
  }
  return starts;
}

/// Each third of a run of numbers.
inline uint64_t by_threes(uint64_t numbers) {
  uint64_t starts = first_of_runs(numbers);
  const uint64_t goes_on = numbers & numbers << 1 & numbers << 2 & numbers << 3;
  for (uint64_t more = starts; (more = (more << 3) & goes_on) != 0;) starts |= more;
  return starts;
}

/// The newlines (and slashes) that directly follow punctuation belong to it.
template <bool kSlash>
inline uint64_t behind_punctuation(const Classes& in, uint64_t others) {
  uint64_t first = in.newline & others << 1;
  if (first == 0) return 0;
  if constexpr (!kSlash) return in.newline & ~(in.newline + first);
  // A run of newlines and slashes can hold several newlines behind a slash; the first takes them all.
  const uint64_t run = in.newline | in.slash;
  uint64_t taken = 0;
  while (first != 0) {
    const uint64_t low = first & (~first + 1);
    taken |= run & ~(run + low) & ~(low - 1);
    first &= ~(taken | low);
  }
  return taken;
}

/// Blanks behind the last newline of a run that ends before something else.
inline uint64_t behind_newlines(uint64_t blanks, uint64_t all_blanks, uint64_t newlines) {
  uint64_t starts = 0;
  for (uint64_t firsts = blanks & newlines << 1; firsts != 0; firsts &= firsts - 1) {
    const uint64_t low = firsts & (~firsts + 1);
    const uint64_t behind = ~blanks & ~(low - 1);
    if ((behind & (~behind + 1) & ~all_blanks) != 0) starts |= low;
  }
  return starts;
}

inline uint64_t gpt2_starts(const Classes& in, const uint64_t others, const uint8_t* text, uint64_t& sure) {
  const uint64_t free = ~(in.space << 1);
  const uint64_t other_starts = first_of_runs(others) & free;
  const uint64_t starts = first_of_runs(in.blank) | (in.blank & ~(in.blank >> 1)) | other_starts |
                          ((first_of_runs(in.letter) | first_of_runs(in.number)) & free);
  sure = certain(in.blank, in.known);
  return with_contractions<false>(starts, in.apostrophe & other_starts & sure, text);
}

inline uint64_t clip_starts(const Classes& in, uint64_t others, const uint8_t* text, uint64_t& sure) {
  const uint64_t other_starts = first_of_runs(others);
  const uint64_t starts = first_of_runs(in.blank) | other_starts | first_of_runs(in.letter) | in.number;
  sure = certain(in.blank, in.known);
  return with_contractions<false>(starts, in.apostrophe & other_starts & sure, text);
}

/// Blanks by runs, punctuation one by one, and what is between.
inline uint64_t bert_starts(const Classes& in, uint64_t& sure) {
  const uint64_t wide = in.wide | in.wide << 1 | in.wide << 2;
  const uint64_t punctuation = in.punctuation | wide;
  const uint64_t words = below(in.known) & ~(in.blank | punctuation);
  sure = certain(in.blank, in.known);
  return first_of_runs(in.blank) | in.punctuation | in.wide | first_of_runs(words);
}

template <CutRules kRules>
inline uint64_t modern_starts(const Classes& in, uint64_t others, const uint8_t* text, uint64_t& sure) {
  constexpr bool kThrees = kRules != CutRules::qwen2 && kRules != CutRules::tekken;
  constexpr bool kContractionFirst = kRules == CutRules::cl100k || kRules == CutRules::qwen2;
  const uint64_t taken = behind_punctuation<kByCase<kRules>>(in, others);
  if constexpr (kByCase<kRules>) others &= ~taken;
  const uint64_t all_blanks = in.blank & ~taken;
  const uint64_t newlines = in.newline & ~taken;
  const uint64_t blanks = all_blanks & ~newlines;
  sure = certain(all_blanks, in.known);

  uint64_t last_blanks = blanks & ~(in.blank >> 1);
  // For DeepSeek text ends before a number, and blanks before an end are one piece.
  if constexpr (kRules == CutRules::deepseek3) last_blanks &= ~(in.number >> 1);
  const uint64_t other_starts = first_of_runs(others) & ~(in.space << 1);
  // The last byte of a character that stands alone: it belongs to a word behind it.
  const uint64_t first_ends = (other_starts & ~in.wide) | (other_starts & in.wide) << 2;
  const uint64_t alone = first_ends & ~(others >> 1);
  const uint64_t word_starts = first_of_runs(in.letter) & ~((blanks | alone) << 1);
  uint64_t starts = first_of_runs(all_blanks) | last_blanks | behind_newlines(blanks, in.blank, newlines) |
                    other_starts | word_starts;
  if constexpr (kThrees) {
    starts |= by_threes(in.number);
  } else {
    starts |= in.number;
  }
  if constexpr (kByCase<kRules>) starts |= in.upper & (in.letter & ~in.upper) << 1;
  if constexpr (kContractionFirst) {
    return with_contractions<true>(starts, in.apostrophe & other_starts & sure, text);
  }
  if constexpr (kRules == CutRules::o200k) {
    return with_endings(starts, in.apostrophe & in.letter << 1 & sure, text);
  }
  return starts;
}

template <CutRules kRules>
inline uint64_t starts_of(const Classes& in, const uint8_t* text, uint64_t& sure) {
  const uint64_t others = below(in.known) & ~(in.letter | in.number | in.blank);
  if constexpr (kRules == CutRules::bert) {
    return bert_starts(in, sure);
  } else if constexpr (kRules == CutRules::gpt2) {
    return gpt2_starts(in, others, text, sure);
  } else if constexpr (kRules == CutRules::clip) {
    return clip_starts(in, others, text, sure);
  } else {
    return modern_starts<kRules>(in, others, text, sure);
  }
}
