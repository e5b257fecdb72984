#include "text/normalize_chain.h"

#include <algorithm>
#include <utility>

#include "text/normalize_table.h"

namespace onpath::text {
namespace {

constexpr size_t kBlock = 4096;
constexpr size_t kLeastUnchanged = 512;
/// Places that are tried one by one before the search for a cut takes larger steps.
constexpr size_t kNearTries = 8;

class Chain final : public Normalizer {
 public:
  Chain(std::vector<NormalizerStagePtr> stages, bool with_table) : stages_(std::move(stages)) {
    for (size_t i = 0; i < stages_.size(); ++i) {
      if (stages_[i]->asks_for_next()) asking_ = i + 1;
      asks_for_first_ = asks_for_first_ || stages_[i]->asks_for_first();
    }
    if (!with_table) return;
    auto table = std::make_unique<CharacterTable>(stages_, asking_);
    if (table->useful()) table_ = std::move(table);
  }

  size_t unchanged(const uint8_t* text, size_t size, Place place) const override {
    if (place.first && asks_for_first_) return 0;
    const size_t whole = place.last ? size : whole_code_points(text, size);
    if (stages_.size() == 1) {
      if (const std::optional<size_t> same = stages_[0]->unchanged(text, whole, place.last)) return *same;
    }
    if (!table_ || !table_->keeps_letters()) return 0;
    // Short runs cost more to hand on than to copy.
    const size_t same = table_->unchanged(text, whole);
    return same == whole || same >= kLeastUnchanged ? same : 0;
  }

  size_t normalize(const uint8_t* text, size_t size, Place place, NormalizedText& out) const override {
    if (!out.scratch) out.scratch = std::make_shared<StageScratch>();
    const size_t whole = place.last ? size : whole_code_points(text, size);
    const Block all{text, whole, place.last, *out.scratch, out};
    size_t taken = 0;
    size_t width = kBlock;
    const size_t written = out.bytes.size();
    while (taken < whole) {
      const bool first = place.first && (taken == 0 || (asks_for_first_ && out.bytes.size() == written));
      if (table_) {
        if (!first || !asks_for_first_) {
          taken += table_->apply(text + taken, whole - taken, place.last, taken, out);
          if (taken == whole) break;
        }
        // What is not in the table, up to where the table goes on.
        const size_t near = std::min(whole - taken, kBlock);
        const size_t cut = width == kBlock ? table_->next_cut(text + taken, near) : near;
        if (cut < near && run(all, taken, taken + cut, first)) {
          taken += cut;
          continue;
        }
      }
      const size_t limit = cut_down(text, std::min(whole, taken + width), taken, whole);
      const size_t end = take(all, taken, limit, first);
      if (end > taken) {
        taken = end;
        width = kBlock;
      } else if (limit == whole) {
        break;
      } else {
        width *= 2;
      }
    }
    return taken;
  }

  uint32_t expansion() const override {
    uint64_t all = 1;
    for (const NormalizerStagePtr& stage : stages_)
      all = std::min<uint64_t>(all * stage->expansion(), UINT32_MAX);
    return static_cast<uint32_t>(all);
  }
  uint64_t bytes() const override {
    uint64_t all = sizeof(*this) + (table_ ? table_->bytes() : 0);
    for (const NormalizerStagePtr& stage : stages_) all += stage->bytes();
    return all;
  }

 private:
  struct Block {
    const uint8_t* text;
    size_t whole;
    bool last;
    StageScratch& scratch;
    NormalizedText& out;
  };

  /// The start of a code point at or before `at`, behind `after`.
  static size_t cut_down(const uint8_t* text, size_t at, size_t after, size_t whole) {
    if (at == whole) return at;
    size_t cut = at;
    while (cut > after && is_continuation(text[cut]) && at - cut < 4) --cut;
    return cut > after ? cut : at;
  }

  /// Takes text[begin, to) for the largest `to` up to `limit` that a search finds, or nothing.
  size_t take(const Block& all, size_t begin, size_t limit, bool first) const {
    if (limit == all.whole && all.last) return run(all, begin, limit, first) ? limit : begin;
    size_t tries = 0;
    size_t step = 1;
    size_t end = limit;
    // Where parts ask for the next character, that has to be there.
    if (limit == all.whole && asking_) end -= decode_utf8_before(all.text + end).size;
    while (end > begin) {
      if (may_cut(all, end) && run(all, begin, end, first)) return end;
      if (++tries > kNearTries) step = std::max<size_t>(1, (end - begin) / 2);
      const size_t next = end > begin + step ? end - step : begin;
      end = next;
      while (end > begin && is_continuation(all.text[end])) --end;
    }
    return begin;
  }

  NextCharacter next_at(const Block& all, size_t at) const {
    if (at == all.whole) return all.last ? NextCharacter{} : NextCharacter::unknown();
    const CodePoint c = decode_utf8(all.text + at);
    NextCharacter next{NextCharacter::Kind::known, c.code, 1};
    for (size_t i = at + c.size; next.repeats < 4 && i + c.size <= all.whole; i += c.size) {
      if (std::memcmp(all.text + i, all.text + at, c.size) != 0) break;
      ++next.repeats;
    }
    return next;
  }

  bool may_cut(const Block& all, size_t at) const {
    NextCharacter next = next_at(all, at);
    for (size_t i = 0; i < asking_; ++i) {
      if (!stages_[i]->cuts_before(next)) return false;
      next = stages_[i]->behind(next, all.scratch.character);
    }
    return true;
  }

  bool run(const Block& all, size_t begin, size_t end, bool first) const {
    StageText* in = &all.scratch.texts[0];
    StageText* made = &all.scratch.texts[1];
    in->begin(all.out.detailed);
    in->assign(all.text, begin, end);
    BlockPlace place{first, next_at(all, end)};
    for (size_t i = 0; i < stages_.size(); ++i) {
      made->begin(all.out.detailed);
      if (!stages_[i]->apply(*in, place, all.scratch, *made)) return false;
      if (i + 1 < asking_ && !place.next.is_end())
        place.next = stages_[i]->behind(place.next, all.scratch.character);
      std::swap(in, made);
    }
    all.out.failed = all.out.failed || std::exchange(all.scratch.failed, false);
    // What comes first in the segment is not out yet.
    if (first && asks_for_first_ && in->size() == 0 && !place.next.is_end()) return false;
    all.out.bytes.insert(all.out.bytes.end(), in->bytes(), in->bytes() + in->size());
    if (all.out.detailed)
      all.out.origin.insert(all.out.origin.end(), in->origin(), in->origin() + in->size());
    return true;
  }

  std::vector<NormalizerStagePtr> stages_;
  std::unique_ptr<const CharacterTable> table_;
  size_t asking_ = 0;  // parts up to the last that asks for the next character
  bool asks_for_first_ = false;
};

}  // namespace

NormalizerPtr make_chain(std::vector<NormalizerStagePtr> stages, bool table) {
  if (stages.empty()) return nullptr;
  return std::make_unique<Chain>(std::move(stages), table);
}

}  // namespace onpath::text
