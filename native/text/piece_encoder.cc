#include "text/piece_encoder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "text/word_cache.h"

namespace onpath::text {
namespace {

/// Pieces in flight: their cache lines are on the way while others are looked up.
constexpr size_t kBatch = 256;

/// Where there is neither a pre-tokenizer nor cuts.
class OnePiece final : public PreTokenizer {
 public:
  SplitResult split(const uint8_t*, size_t size, bool last, std::span<uint32_t> ends) const override {
    if (!last || size == 0) return {0, true};
    ends[0] = static_cast<uint32_t>(size);
    return {1, true};
  }
  std::string_view name() const override { return "one piece"; }
};
const OnePiece one_piece;

/// Lines for pieces that the cache does not have. Their key is nothing, which is found in the one, without
/// tokens, and in the other not: so the loop over pieces has one question for all of them.
constexpr WordKey kNoKey{~uint64_t{0}, ~uint64_t{0}};
constexpr WordCache::Line kDroppedLine{{{}, {kNoKey, {}}}};
constexpr WordCache::Line kLongLine{{{kNoKey, {}}, {kNoKey, {}}}};
/// Behind all memory.
const TokenId* const kNeverFull = reinterpret_cast<const TokenId*>(~uintptr_t{0});

struct Memory final : EncoderMemory {
  Memory(uint64_t cache_bytes, std::unique_ptr<ModelScratch> made)
      : short_words(cache_bytes / 4 * 3), long_words(cache_bytes / 4), scratch(std::move(made)) {}
  uint64_t bytes() const override {
    return sizeof *this + short_words.bytes() + long_words.bytes() + scratch->bytes();
  }
  void reset() override {
    short_words.clear();
    long_words.clear();
    seed();
  }
  void seed() {
    for (const WordEntry& entry : seeds) short_words.insert(word_hash(entry.word()), entry);
  }
  uint64_t run() const override { return scratch->run(); }
  void set_run(uint64_t run) override { scratch->set_run(run); }

  ShortWords short_words;
  LongWordCache long_words;
  std::unique_ptr<ModelScratch> scratch;
  std::span<const WordEntry> seeds;
  std::array<uint32_t, kBatch> ends;
  std::array<WordKey, kBatch> keys;
  std::array<const WordCache::Line*, kBatch> lines;
};

/// One piece that is all of the text does not come again.
bool cached(const Model& model, const PreTokenizer* pre_tokenizer) {
  return model.cacheable() && (pre_tokenizer || model.cuts());
}

class Encoder final : public PieceEncoder {
 public:
  Encoder(const Model& model, const PreTokenizer* pre_tokenizer, Flat<WordEntry> seeds)
      : model_(model),
        splitter_(pre_tokenizer  ? *pre_tokenizer
                  : model.cuts() ? *model.cuts()
                                 : one_piece),
        one_word_(!pre_tokenizer),
        cached_(cached(model, pre_tokenizer)),
        tokens_per_byte_(model.tokens_per_byte()),
        seeds_(std::move(seeds)) {}

  std::unique_ptr<EncoderMemory> make_memory(uint64_t cache_bytes) const override {
    auto memory = std::make_unique<Memory>(cached_ ? cache_bytes : 0, model_.make_scratch());
    memory->seeds = seeds_.span();
    memory->seed();
    return memory;
  }

  EncodedRun encode(const uint8_t* text, size_t size, bool last, uint32_t& first_word, size_t most_tokens,
                    EncoderMemory& given, TokenBuffer& out) const override {
    Memory& memory = static_cast<Memory&>(given);
    EncodedRun run;
    uint32_t word = first_word;
    for (;;) {
      const uint8_t* from = text + run.consumed;
      const size_t left = size - run.consumed;
      const size_t taken = std::min(left, kMaxSplitBytes);
      const SplitResult split = splitter_.split(from, taken, last && taken == left, memory.ends);
      if (split.pieces == 0) break;
      out.reserve(size_t{memory.ends[split.pieces - 1] & ~kDropped} * tokens_per_byte_ + kMaxWordTokens);
      const size_t done =
          out.detailed() || !cached_
              ? encode_batch_plain(from, run.consumed, split.pieces, word, most_tokens, memory, out)
              : encode_batch_cached(from, left, split.pieces, word, most_tokens, memory, out);
      run.consumed += done == 0 ? 0 : memory.ends[done - 1] & ~kDropped;
      if (out.size() >= most_tokens) {
        run.stopped = true;
        break;
      }
      if (split.exhausted && taken == left) break;
    }
    // Cuts are ours alone: to the reference the text is one word.
    first_word = !one_word_ ? word : run.consumed == size && last ? first_word + (size != 0) : first_word;
    return run;
  }

  void write(FlatWriter& form) const override { form.array("words.seeds", seeds_); }
  uint64_t bytes() const override { return sizeof *this + seeds_.bytes(); }

 private:
  /// Every piece by the model; spans and words if wanted. Returns the pieces done.
  size_t encode_batch_plain(const uint8_t* text, size_t offset, size_t pieces, uint32_t& word,
                            size_t most_tokens, Memory& memory, TokenBuffer& out) const {
    uint32_t begin = 0;
    for (size_t i = 0; i < pieces; ++i) {
      const uint32_t end = memory.ends[i] & ~kDropped;
      if ((memory.ends[i] & kDropped) == 0) {
        ByteSpan* spans = out.detailed() ? out.tail_spans() : nullptr;
        uint32_t* words = out.tail_words();
        const size_t before = out.size();
        model_.encode(text + begin, end - begin, *memory.scratch, out);
        const size_t count = out.size() - before;
        const uint32_t from = static_cast<uint32_t>(offset) + begin;
        for (size_t k = 0; spans && k < count; ++k) {
          spans[k].begin += from;
          spans[k].end += from;
          words[k] = word;
        }
        if (!one_word_) ++word;
      }
      begin = end;
      if (out.size() >= most_tokens) return i + 1;
    }
    return pieces;
  }

  /// The same for ids alone, with the cache.
  size_t encode_batch_cached(const uint8_t* text, size_t readable, size_t pieces, uint32_t& word,
                             size_t most_tokens, Memory& memory, TokenBuffer& out) const {
    const size_t last = pieces == 1 ? 0 : memory.ends[pieces - 2] & ~kDropped;
    uint32_t dropped = last + 16 <= readable ? find_lines<true>(text, readable, pieces, memory)
                                             : find_lines<false>(text, readable, pieces, memory);

    TokenId* tail = out.tail_ids();
    const TokenId* const full =
        most_tokens - out.size() > size_t{1} << 40 ? kNeverFull : tail + (most_tokens - out.size());
    size_t done = 0;
    while (done < pieces) {
      const WordEntry* entry = WordCache::find(memory.lines[done], memory.keys[done]);
      if (entry) [[likely]] {
        tail = entry->write(tail);
      } else {
        out.commit(static_cast<size_t>(tail - out.tail_ids()));
        const uint32_t begin = done == 0 ? 0 : memory.ends[done - 1] & ~kDropped;
        encode_missed(text + begin, memory.ends[done] - begin, memory.keys[done], memory, out);
        tail = out.tail_ids();
      }
      ++done;
      if (tail >= full) [[unlikely]] {
        dropped = 0;
        for (size_t i = 0; i < done; ++i) dropped += memory.ends[i] >> 31;
        break;
      }
    }
    out.commit(static_cast<size_t>(tail - out.tail_ids()));
    if (!one_word_) word += static_cast<uint32_t>(done) - dropped;
    return done;
  }

  /// Sets keys and lines of all pieces and has the lines fetched. Returns how many pieces are dropped.
  /// `kReadable`: 16 bytes can be read at each piece.
  template <bool kReadable>
  static uint32_t find_lines(const uint8_t* text, size_t readable, size_t pieces, Memory& memory) {
    static_assert(kDropped == uint32_t{1} << 31);
    uint32_t begin = 0, dropped = 0;
    for (size_t i = 0; i < pieces; ++i) {
      const uint32_t marked = memory.ends[i];
      const uint32_t end = marked & ~kDropped;
      const size_t size = end - begin;
      if (size <= kMaxWordBytes && marked == end) [[likely]] {
        const WordKey key = kReadable || begin + 16 <= readable ? word_key_of_16(text + begin, size)
                                                                : word_key(text + begin, size);
        memory.keys[i] = key;
        memory.lines[i] = memory.short_words.line(word_hash(key));
        __builtin_prefetch(memory.lines[i]);
      } else {
        memory.keys[i] = {};
        memory.lines[i] = marked == end ? &kLongLine : &kDroppedLine;
        dropped += marked >> 31;
      }
      begin = end;
    }
    return dropped;
  }

  /// `key`: of a short word.
  __attribute__((noinline)) void encode_missed(const uint8_t* piece, size_t size, const WordKey& key,
                                               Memory& memory, TokenBuffer& out) const {
    const TokenId* made = out.tail_ids();
    const size_t before = out.size();
    if (size <= kMaxWordBytes) {
      const uint64_t hash = word_hash(key);
      if (const WordEntry* entry = memory.short_words.recall(hash, key)) {
        entry->write(out.tail_ids());
        return out.commit(entry->count());
      }
      model_.encode(piece, size, *memory.scratch, out);
      const size_t count = out.size() - before;
      if (count >= 1 && count <= kMaxWordTokens)
        memory.short_words.insert(hash, word_entry(key, made, count));
      return;
    }
    if (size > kMaxLongWordBytes) return model_.encode(piece, size, *memory.scratch, out);
    LongWord& word = memory.long_words.at(piece, size);
    if (word.is(piece, size)) {
      std::memcpy(out.tail_ids(), word.tokens, sizeof word.tokens);
      return out.commit(word.count);
    }
    model_.encode(piece, size, *memory.scratch, out);
    const size_t count = out.size() - before;
    if (count <= kMaxLongWordTokens) word.set(piece, size, made, count);
  }

  const Model& model_;
  const PreTokenizer& splitter_;
  bool one_word_, cached_;
  uint32_t tokens_per_byte_;
  Flat<WordEntry> seeds_;
};

/// The line in a cache of the usual size.
uint64_t seed_place(const WordEntry& seed) { return word_hash(seed.word()) >> (64 - 17); }

/// The bytes that a text has where the file has this token.
std::optional<std::string> text_of(std::string_view token, const Model& model, const ModelContext& context) {
  if (model.byte_level_texts()) return bytes_of_byte_level(token);
  return context.space_alias ? with_spaces(token) : std::string(token);
}

}  // namespace

PieceEncoderPtr make_piece_encoder(const Model& model, const PreTokenizer* pre_tokenizer,
                                   const Vocabulary& vocabulary, const ModelContext& context) {
  std::vector<WordEntry> seeds;
  if (cached(model, pre_tokenizer)) {
    const std::unique_ptr<ModelScratch> scratch = model.make_scratch();
    TokenBuffer out;
    out.reserve(kMaxWordBytes * model.tokens_per_byte());
    seeds.reserve(vocabulary.size());
    for (TokenId id = 0; id < vocabulary.id_limit(); ++id) {
      const std::optional<std::string_view> token = vocabulary.text(id);
      if (!token || token->size() > 3 * kMaxWordBytes) continue;
      const std::optional<std::string> text = text_of(*token, model, context);
      if (!text || text->empty() || text->size() > kMaxWordBytes) continue;
      const uint8_t* bytes = reinterpret_cast<const uint8_t*>(text->data());
      out.clear();
      model.encode(bytes, text->size(), *scratch, out);
      if (out.size() == 0 || out.size() > kMaxWordTokens) continue;
      seeds.push_back(word_entry(word_key(bytes, text->size()), out.ids(), out.size()));
    }
    // Later ones push earlier ones out: words with low ids, which are the frequent ones, come last.
    std::reverse(seeds.begin(), seeds.end());
    // By line, so that filling a cache goes through it from front to back.
    std::stable_sort(seeds.begin(), seeds.end(),
                     [](const WordEntry& a, const WordEntry& b) { return seed_place(a) < seed_place(b); });
  }
  return std::make_unique<Encoder>(model, pre_tokenizer, Flat<WordEntry>(std::move(seeds)));
}

Result<PieceEncoderPtr> read_piece_encoder(const FlatReader& form, const Model& model,
                                           const PreTokenizer* pre_tokenizer) {
  ONPATH_TAKE(seeds, form.array<WordEntry>("words.seeds"));
  bool good = true;  // no branches, as nothing is damaged
  for (const WordEntry& seed : seeds) {
    const uint64_t size = seed.word().high >> 56;
    TokenId highest = 0;
    for (const TokenId id : seed.tokens) highest = std::max(highest, id);
    good &= (seed.count() - 1 < kMaxWordTokens) & (size - 1 < kMaxWordBytes) & (highest < kMaxTokens);
  }
  if (!good) return damaged_form("known words");
  return PieceEncoderPtr(std::make_unique<Encoder>(model, pre_tokenizer, std::move(seeds)));
}

}  // namespace onpath::text
