// The BPE model: symbols that a text has before merging, those that it lacks, and the rows of tokens between.
#include <algorithm>
#include <string_view>
#include <utility>

#include "text/bpe_backtrack.h"
#include "text/bpe_cuts.h"
#include "text/bpe_short.h"
#include "text/bpe_tables.h"
#include "text/model.h"
#include "text/vocabulary.h"

namespace onpath::text {
namespace {

class BpeScratch final : public ModelScratch {
 public:
  explicit BpeScratch(const BpeTables& tables) {
    if (tables.settings.improper == 0) return;
    work.verdicts.resize(1024);
    work.heap.reserve(2 * size_t{tables.settings.longest});
    work.parts.reserve(2 * size_t{tables.settings.longest});
  }
  uint64_t bytes() const override { return work.bytes(); }
  BpeWork work;
};

/// Gives tokens their spans, as the reference does: each begins where the one before ends.
class SpanWriter {
 public:
  SpanWriter(TokenBuffer& out, uint32_t size) : out_(out), size_(size) {}
  void token(TokenId id, uint32_t length) {
    const uint32_t begin = std::min(at_, size_);
    at_ += length;
    out_.push(id, {begin, std::min(at_, size_)});
  }
  /// One of several tokens that all stand for the same byte.
  void share(TokenId id, bool last) {
    out_.push(id, {at_, at_ + 1});
    at_ += last;
  }
  void token_at_end_of(TokenId id, uint32_t length, bool last) {
    const uint32_t begin = at_;
    if (last) at_ += length;
    out_.push(id, {begin, at_});
  }

 private:
  TokenBuffer& out_;
  uint32_t size_;
  uint32_t at_ = 0;
};

class BpeModel final : public Model {
 public:
  explicit BpeModel(BpeTables tables)
      : tables_(gathered(std::move(tables))),
        frozen_(!tables_.frozen.empty()),
        whole_(!tables_.whole.empty()),
        end_of_word_(tables_.settings.has(BpeSettings::kEndOfWord)),
        short_(tables_),
        cutter_(make_bpe_cutter(tables_)) {}

  std::unique_ptr<ModelScratch> make_scratch() const override {
    return std::make_unique<BpeScratch>(tables_);
  }
  const PreTokenizer* cuts() const override { return cutter_.get(); }
  uint32_t tokens_per_byte() const override {
    return tables_.settings.has(BpeSettings::kSpaceAlias) && tables_.settings.has(BpeSettings::kByteFallback)
               ? 3
               : 1;
  }
  bool byte_level_texts() const override { return tables_.settings.has(BpeSettings::kByteLevelText); }
  void write(FlatWriter& form) const override { tables_.write(form); }
  uint64_t bytes() const override { return tables_.bytes() + short_.bytes(); }

  void encode(const uint8_t* piece, size_t size, ModelScratch& scratch, TokenBuffer& out) const override {
    if (size == 0) return;
    BpeWork& work = static_cast<BpeScratch&>(scratch).work;
    if (whole_) {
      const TokenId id = tables_.whole.exact({reinterpret_cast<const char*>(piece), size});
      if (id != kNoToken) return out.push(id, {0, static_cast<uint32_t>(size)});
    }
    if (tables_.settings.has(BpeSettings::kHeapOnly)) return encode_by_heap(piece, size, work, out);

    if (!out.detailed() && !frozen_) {
      const size_t count = short_.encode(tables_, piece, size, out.tail_ids());
      if (count != 0) return out.commit(count);
    }
    uint64_t few = 0;
    uint64_t* dead = &few;
    if (size >= 63) {
      work.dead.assign(size / 64 + 2, 0);
      dead = work.dead.data();
    }
    const uint8_t* text = piece;
    size_t end = size;
    if (end_of_word_) end = tag_last(text, size, work, dead);
    if (!out.detailed() && !frozen_) {
      // Nearly every piece: known symbols from end to end.
      size_t count = 0;
      const size_t reached = bpe_backtrack(tables_, text, 0, end, dead, work, out.tail_ids(), count);
      if (reached == end && end >= size) return out.commit(count);
    }
    encode_with_gaps(text, size, end, dead, work, out);
  }

 private:
  static BpeTables gathered(BpeTables tables) {
    tables.gather();
    return tables;
  }

  /// Copies the piece, tags its last symbol and returns the size with the tag; the piece's own where the
  /// last symbol is no token with the tag. A row that ends before the tag leads nowhere.
  size_t tag_last(const uint8_t*& text, size_t size, BpeWork& work, uint64_t* dead) const {
    work.tagged.assign(text, text + size);
    work.tagged.push_back(kLastTag);
    text = work.tagged.data();
    const size_t last = last_symbol(text, size);
    if (tables_.symbol(text + last, size + 1 - last) == kNoToken) return last;
    dead[size >> 6] |= uint64_t{1} << (size & 63);
    return size + 1;
  }

  size_t last_symbol(const uint8_t* text, size_t size) const {
    if (tables_.settings.has(BpeSettings::kByteLevel)) return size - 1;
    size_t at = size - 1;
    while (at > 0 && size - at < 4 && (text[at] & 0xC0) == 0x80) --at;
    return at + code_point_bytes(text[at]) == size ? at : size - 1;
  }

  /// With user defined symbols, unknown characters, spans. `end`: as tag_last returned it.
  void encode_with_gaps(const uint8_t* text, size_t size, size_t end, uint64_t* dead, BpeWork& work,
                        TokenBuffer& out) const {
    const BpeSettings& settings = tables_.settings;
    SpanWriter writer(out, static_cast<uint32_t>(size));
    uint32_t unknown = 0;  // bytes of unknown characters that wait to become one token
    const auto flush = [&] {
      if (unknown != 0) writer.token(settings.unk, unknown);
      unknown = 0;
    };
    size_t frozen_size = 0;
    TokenId frozen = kNoToken;
    size_t stop = frozen_ ? 0 : end;
    size_t at = 0;
    while (at < size) {
      if (frozen_ && at >= stop) stop = next_frozen(text, at, size, frozen, frozen_size);
      size_t count = 0;
      const size_t reached = bpe_backtrack(tables_, text, at, stop, dead, work, out.tail_ids(), count);
      if (count != 0) {
        if (unknown != 0) {
          // Rare: the unknown goes first, so the tokens behind it move up.
          std::copy_backward(out.tail_ids(), out.tail_ids() + count, out.tail_ids() + count + 1);
          flush();
        }
        for (size_t i = 0; i < count; ++i) {
          const TokenId id = *out.tail_ids();
          writer.token(id, tables_.tokens[id].size());
        }
      }
      at = reached;
      if (at >= size) break;
      if (at == stop && frozen != kNoToken) {
        flush();
        writer.token(frozen, static_cast<uint32_t>(frozen_size));
        at += frozen_size;
        frozen = kNoToken;
        continue;
      }
      const size_t width = settings.symbol_bytes(text + at, size - at);
      if (!fall_back(text + at, width, writer, flush) && settings.unk != kNoToken) {
        if (!settings.has(BpeSettings::kFuseUnk)) flush();
        unknown += static_cast<uint32_t>(width);
      }
      at += width;
    }
    flush();
  }

  /// Where the next user defined symbol begins; the longest one there counts.
  size_t next_frozen(const uint8_t* text, size_t at, size_t size, TokenId& id, size_t& id_size) const {
    while (at < size) {
      id = tables_.frozen.longest(text + at, text + size, id_size);
      if (id != kNoToken) return at;
      at += std::min(code_point_bytes(text[at]), size - at);
    }
    return size;
  }

  /// The bytes whose tokens stand for an unknown character. Empty if it does not fall back.
  std::string_view fallback_bytes(const uint8_t* text, size_t width) const {
    const BpeSettings& settings = tables_.settings;
    if (!settings.has(BpeSettings::kByteFallback)) return {};
    std::string_view bytes(reinterpret_cast<const char*>(text), width);
    if (settings.has(BpeSettings::kSpaceAlias) && bytes == " ") bytes = kSpaceSymbol;
    for (const char byte : bytes)
      if (settings.fallback[static_cast<uint8_t>(byte)] == kNoToken) return {};
    return bytes;
  }

  template <class Flush>
  bool fall_back(const uint8_t* text, size_t width, SpanWriter& writer, const Flush& flush) const {
    const BpeSettings& settings = tables_.settings;
    const std::string_view bytes = fallback_bytes(text, width);
    if (bytes.empty()) return false;
    flush();
    for (size_t i = 0; i < bytes.size(); ++i) {
      const TokenId id = settings.fallback[static_cast<uint8_t>(bytes[i])];
      const bool last = i + 1 == bytes.size();
      if (settings.has(BpeSettings::kSentencePiece)) {
        writer.token_at_end_of(id, static_cast<uint32_t>(width), last);
      } else if (bytes.size() != width) {
        writer.share(id, last);
      } else {
        writer.token(id, 1);
      }
    }
    return true;
  }

  void encode_by_heap(const uint8_t* piece, size_t size, BpeWork& work, TokenBuffer& out) const;

  BpeTables tables_;
  bool frozen_, whole_, end_of_word_;
  BpeShort short_;
  PreTokenizerPtr cutter_;
};

/// The reference word for word, with all its ways: an unknown character waits for the next known one even
/// while others fall back to bytes.
void BpeModel::encode_by_heap(const uint8_t* piece, size_t size, BpeWork& work, TokenBuffer& out) const {
  const BpeSettings& settings = tables_.settings;
  BpeHeap& heap = work.heap;
  heap.clear();
  uint32_t unknown = 0;
  for (size_t at = 0; at < size;) {
    const size_t width = settings.symbol_bytes(piece + at, size - at);
    uint8_t symbol[8];
    std::copy_n(piece + at, width, symbol);
    const bool continuing = at != 0 && settings.has(BpeSettings::kContinuing);
    const bool last = at + width == size && end_of_word_;
    if (continuing || last) symbol[width] = symbol_tag(continuing, last);
    const TokenId id = tables_.symbol(symbol, width + (continuing || last));
    const uint32_t length = static_cast<uint32_t>(width);
    at += width;
    if (id != kNoToken) {
      if (unknown != 0) heap.push(settings.unk, unknown);
      unknown = 0;
      heap.push(id, length);
      continue;
    }
    if (const std::string_view bytes = fallback_bytes(symbol, width); !bytes.empty()) {
      for (const char byte : bytes) heap.push(settings.fallback[static_cast<uint8_t>(byte)], 1);
      continue;
    }
    if (settings.unk == kNoToken) continue;
    if (unknown != 0 && !settings.has(BpeSettings::kFuseUnk)) {
      heap.push(settings.unk, unknown);
      unknown = 0;
    }
    unknown += length;
  }
  if (unknown != 0) heap.push(settings.unk, unknown);
  heap.merge(tables_.pairs);
  SpanWriter writer(out, static_cast<uint32_t>(size));
  for (const BpeSymbol& made : heap.symbols()) writer.token(made.id, made.length);
}

}  // namespace

Result<ModelPtr> make_bpe(const TokenizerDefinition& definition, const ModelContext& context) {
  ONPATH_TAKE(tables, make_bpe_tables(definition, context));
  return ModelPtr(std::make_unique<BpeModel>(std::move(tables)));
}

Result<ModelPtr> read_bpe(const FlatReader& form) {
  ONPATH_TAKE(tables, BpeTables::read(form));
  return ModelPtr(std::make_unique<BpeModel>(std::move(tables)));
}

}  // namespace onpath::text
