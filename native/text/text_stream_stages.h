// The stages of a stream. Each takes text as segments: text() some times, the last time with `last`; and
// added tokens between segments, which pass to the end. A segment without any byte is none.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "text/added_tokens.h"
#include "text/normalizer.h"
#include "text/piece_encoder.h"
#include "text/text_stream_block.h"
#include "text/tokenizer.h"

namespace onpath::text {

/// What a push works with: the worker's memory and the caller's buffer.
struct PushContext {
  EncoderMemory* memory = nullptr;
  NormalizedText* normalized = nullptr;
  BuiltText* marked = nullptr;
  BuiltText* repaired = nullptr;
  TokenBuffer* out = nullptr;
  size_t most_tokens = SIZE_MAX;  // of out->size()
};

struct AddedHit {
  const AddedTokenDef* token = nullptr;
  ByteSpan span;
  uint32_t leading = 0;  // whitespace at its front and end, in code points
  uint32_t trailing = 0;
};

class Stage {
 public:
  virtual ~Stage() = default;
  virtual void begin() = 0;
  virtual StreamStatus text(const Block& block, bool last, PushContext& context) = 0;
  virtual StreamStatus token(const AddedHit& hit, PushContext& context) = 0;
  virtual size_t held() const = 0;
  virtual uint64_t bytes() const = 0;
};

/// Limits of what a stage may hold.
struct HoldLimits {
  size_t cap = SIZE_MAX;
  bool detailed = false;
};

/// Runs `process` over pending text and what follows it without copying more than it must. It is called with
/// text and `last`, hands on what is decided, and sets the bytes that it took; with `last` it takes all.
/// Undecided text is given again only when it has doubled (or is small), so that long runs stay linear.
class Holding {
 public:
  explicit Holding(const HoldLimits& limits) : pending(limits.detailed), cap_(limits.cap) {
    if (cap_ != SIZE_MAX) pending.reserve(cap_ + kJoinBytes);
  }

  template <class Process>
  StreamStatus feed(const Block& block, bool last, Process process) {
    if (!pending.empty()) return feed_joined(block, last, process);
    size_t taken = 0;
    const StreamStatus status = process(block, last, taken);
    if (status != StreamStatus::ok || last || taken == block.size) return status;
    return keep(block.from(taken));
  }
  void begin() {
    pending.clear();
    retry_ = 0;
  }

  Pending pending;

 private:
  static constexpr size_t kSmall = 4096;
  static constexpr size_t kJoinBytes = 16384;

  /// Behind text that is pending.
  template <class Process>
  __attribute__((noinline)) StreamStatus feed_joined(Block block, bool last, Process process) {
    for (;;) {
      // Joined with the front of the block only, then the block is read where it lies again.
      const size_t joined = block.whole(kJoinBytes);
      pending.append(block.part(0, joined));
      const bool all = joined == block.size;
      if (!(last && all) && pending.size() < retry_ && pending.size() <= cap_) {
        if (all) return StreamStatus::ok;
        block = block.from(joined);
        continue;
      }
      const size_t before = pending.size() - joined;
      size_t taken = 0;
      const StreamStatus status = process(pending.block(), last && all, taken);
      if (status != StreamStatus::ok || (last && all)) {
        pending.clear();
        retry_ = 0;
        return status;
      }
      if (taken >= before) {
        const Block rest = block.from(taken - before);
        pending.clear();
        retry_ = 0;
        return all ? keep(rest) : feed(rest, last, process);
      }
      pending.drop(taken);
      retry_ = pending.size() < kSmall ? 0 : 2 * pending.size();
      if (pending.size() > cap_) return StreamStatus::over_cap;
      if (all) return StreamStatus::ok;
      block = block.from(joined);
    }
  }

  StreamStatus keep(const Block& rest) {
    if (rest.size > cap_) return StreamStatus::over_cap;
    if (rest.size == 0) return StreamStatus::ok;
    pending.append(rest);
    retry_ = rest.size < kSmall ? 0 : 2 * rest.size;
    return StreamStatus::ok;
  }
  size_t cap_;
  size_t retry_ = 0;
};

/// A stage that holds back what is not decided yet.
class HoldingStage : public Stage {
 public:
  size_t held() const override { return holding_.pending.size(); }
  uint64_t bytes() const override { return holding_.pending.capacity_bytes(); }

 protected:
  explicit HoldingStage(const HoldLimits& limits) : holding_(limits) {}
  StreamStatus feed(const Block& block, bool last, PushContext& context) {
    return holding_.feed(block, last, [this, &context](const Block& joined, bool end, size_t& taken) {
      return process(joined, end, taken, context);
    });
  }
  Holding holding_;

 private:
  /// As Holding has it.
  virtual StreamStatus process(const Block& block, bool last, size_t& taken, PushContext& context) = 0;
};

/// What becomes of an added token that stands in the text.
enum class AddedAction : uint8_t {
  parse = 0,
  refuse = 1,
  skip = 2,      // it is text, and so is all of it (Hugging Face)
  skip_one = 3,  // it is text; another token may begin inside of it (tiktoken)
};

/// Cuts segments at added tokens.
class AddedStage : public HoldingStage {
 public:
  /// `actions` of the matcher's entries. `space_is_mark`: spaces stand for U+2581, which is no whitespace.
  AddedStage(const AddedMatcher& matcher, std::vector<AddedAction> actions, bool space_is_mark, Stage& next,
             const HoldLimits& limits);
  void begin() override;
  StreamStatus text(const Block& block, bool last, PushContext& context) override;
  StreamStatus token(const AddedHit& hit, PushContext& context) override;
  std::optional<TokenId> refused() const { return refused_; }

 private:
  StreamStatus process(const Block& block, bool last, size_t& taken, PushContext& context) override;
  bool is_space(uint32_t code) const;
  bool word_before(const Block& block, size_t at) const;
  size_t space_before(const Block& block, size_t from, size_t at) const;
  size_t space_behind(const Block& block, size_t at) const;

  const AddedMatcher& matcher_;
  std::vector<AddedAction> actions_;
  bool space_is_mark_;
  Stage& next_;
  // Of the segment: text up to `handed_` (of what is pending) went on, text up to `scanned_` has no token.
  size_t handed_ = 0;
  size_t scanned_ = 0;
  bool open_ = false;         // the current piece of text was begun downstream
  bool word_before_ = false;  // the code point before what is pending is of a word
  std::optional<TokenId> refused_;
};

class NormalizeStage : public HoldingStage {
 public:
  /// `know_start`: what follows asks for Block::input_start exactly.
  NormalizeStage(const Normalizer& normalizer, bool know_start, Stage& next, const HoldLimits& limits);
  void begin() override;
  StreamStatus text(const Block& block, bool last, PushContext& context) override;
  StreamStatus token(const AddedHit& hit, PushContext& context) override;

 private:
  StreamStatus process(const Block& block, bool last, size_t& taken, PushContext& context) override;

  const Normalizer& normalizer_;
  bool know_start_;
  bool detailed_;
  Stage& next_;
  bool first_ = true;  // of the segment
};

/// Metaspace's replacing where normalizers have not done it already: U+2581 becomes a space. With `words`
/// (WhitespaceSplit before Metaspace) each word gets a space in front unless it has one, and other whitespace
/// goes.
class MarkStage : public Stage {
 public:
  MarkStage(bool words, bool detailed, Stage& next) : words_(words), detailed_(detailed), next_(next) {}
  void begin() override { in_word_ = false; }
  StreamStatus text(const Block& block, bool last, PushContext& context) override;
  StreamStatus token(const AddedHit& hit, PushContext& context) override { return next_.token(hit, context); }
  size_t held() const override { return 0; }
  uint64_t bytes() const override { return 0; }

 private:
  void replace_marks(const Block& block, BuiltText& out) const;
  void split_words(const Block& block, BuiltText& out);

  bool words_;
  bool detailed_;
  Stage& next_;
  bool in_word_ = false;
};

/// When a space goes in front of a segment that does not begin with one.
enum class PrefixSpace : uint8_t { never, always, at_input_start };

/// Whitespace at the front and end of each token's text, for trimming of offsets.
struct TokenTrim {
  std::vector<uint8_t> leading;
  std::vector<uint8_t> trailing;
};
struct TrimRule {
  const TokenTrim* tokens = nullptr;  // null: no trimming
  bool add_prefix_space = true;
};

/// The end: pieces, model, ids.
class PieceStage : public HoldingStage {
 public:
  /// `one_word`: there is no pre-tokenizer, each segment is one word.
  PieceStage(const PieceEncoder& encoder, PrefixSpace prefix, bool one_word, TrimRule trim,
             const HoldLimits& limits);
  void begin() override;
  StreamStatus text(const Block& block, bool last, PushContext& context) override;
  StreamStatus token(const AddedHit& hit, PushContext& context) override;

 private:
  StreamStatus process(const Block& block, bool last, size_t& taken, PushContext& context) override;
  void place(const Block& block, size_t first, TokenBuffer& out);
  uint32_t leading_to_trim(ByteSpan span, bool first_token, uint32_t leading) const;

  const PieceEncoder& encoder_;
  PrefixSpace prefix_;
  bool one_word_;
  TrimRule trim_;
  bool detailed_;
  bool open_ = false;
  uint64_t run_ = 0;  // EncoderMemory::run() of the segment
  uint32_t word_ = 0;
  uint64_t tokens_ = 0;  // of the text, for the rule of its first token
};

}  // namespace onpath::text
