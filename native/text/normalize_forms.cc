#include "text/normalize_forms.h"

#include <array>
#include <cstring>

namespace onpath::text {
namespace {

/// Gives outputs the origins that Hugging Face's alignments give them: outputs take the input's code points
/// in turn, whatever their order became.
class Emitter {
 public:
  Emitter(const StageText& in, size_t begin, StageText& out) : in_(in), at_(begin), out_(out) {}

  void emit(uint32_t code, int32_t change) {
    ByteSpan from;
    if (in_.detailed) {
      from = change > 0 ? (at_ ? in_.origin()[at_ - 1] : ByteSpan{}) : in_.origin()[at_];
      for (int32_t i = change; i <= 0; ++i) at_ += utf8_size(in_.bytes()[at_]);
    }
    out_.append_code(code, from);
  }

 private:
  const StageText& in_;
  size_t at_;
  StageText& out_;
};

/// Canonical composition as the reference's crate does it, changes included.
class Composer {
 public:
  Composer(std::vector<FormItem>& waiting, Emitter& out) : waiting_(waiting), out_(out) { waiting_.clear(); }

  void push(const FormItem& item) {
    if (!started_) {
      if (item.rank) return out_.emit(item.code, item.change);
      starter_ = item;
      started_ = true;
      return;
    }
    const bool blocked = !waiting_.empty() && last_rank_ >= item.rank;
    if (!blocked) {
      if (const uint32_t composed = compose(starter_.code, item.code)) {
        starter_.code = composed;
        starter_.change += item.change - 1;
        return;
      }
    }
    if (item.rank == 0) {
      finish();
      starter_ = item;
      started_ = true;
      return;
    }
    waiting_.push_back(item);
    last_rank_ = item.rank;
  }
  void finish() {
    if (started_) out_.emit(starter_.code, starter_.change);
    for (const FormItem& item : waiting_) out_.emit(item.code, item.change);
    waiting_.clear();
    started_ = false;
  }

 private:
  std::vector<FormItem>& waiting_;
  Emitter& out_;
  FormItem starter_{};
  uint32_t last_rank_ = 0;
  bool started_ = false;
};

/// Stable, linear: a text may be one long run of marks.
void sort_by_rank(std::vector<FormItem>& items, std::vector<FormItem>& spare) {
  if (items.size() < 2) return;
  if (items.size() <= 16) {
    for (size_t i = 1; i < items.size(); ++i) {
      const FormItem item = items[i];
      size_t at = i;
      for (; at > 0 && items[at - 1].rank > item.rank; --at) items[at] = items[at - 1];
      items[at] = item;
    }
    return;
  }
  std::array<size_t, 257> starts{};
  for (const FormItem& item : items) ++starts[item.rank + 1];
  for (size_t i = 1; i < starts.size(); ++i) starts[i] += starts[i - 1];
  spare.resize(items.size());
  for (const FormItem& item : items) spare[starts[item.rank]++] = item;
  items.swap(spare);
}

class FormStage final : public NormalizerStage {
 public:
  explicit FormStage(UnicodeForm form) : form_(form) {}

  bool apply(const StageText& in, const BlockPlace& place, StageScratch& scratch,
             StageText& out) const override {
    if (!cuts_before(place.next)) return false;
    transform(in, scratch, out);
    return true;
  }
  Alone stand_alone(const StageText& in, StageText& out) const override {
    if (in.size() == 0) return Alone::yes;
    if (!CodePointKind(decode_utf8(in.bytes()).code).starts(form_)) return Alone::no;
    StageScratch scratch;
    transform(in, scratch, out);
    return Alone::yes;
  }
  bool cuts_before(const NextCharacter& next) const override {
    if (next.is_end()) return true;
    return next.kind != NextCharacter::Kind::unknown && CodePointKind(next.code).starts(form_);
  }
  NextCharacter behind(const NextCharacter& next, StageText&) const override {
    if (next.kind != NextCharacter::Kind::known) return NextCharacter::unknown();
    NextCharacter result = next;
    const CodePointKind kind(next.code);
    const bool decomposes = compatible() ? kind.decomposes_compatibly() : kind.decomposes();
    if (decomposes) {
      uint32_t parts[3];
      if (is_hangul_syllable(next.code))
        decompose_hangul(next.code, parts);
      else
        parts[0] = decode_utf8(decomposition(next.code, compatible()).data()).code;
      result = {NextCharacter::Kind::known, parts[0], 1};
    }
    if (composing() && CodePointKind(result.code).composes_first())
      result = {NextCharacter::Kind::composed, result.code, 1};
    return result;
  }
  std::optional<size_t> unchanged(const uint8_t* text, size_t size, bool last) const override {
    return unchanged_by_form(form_, text, size, last);
  }
  uint32_t expansion() const override { return compatible() ? 11 : 3; }

 private:
  bool composing() const { return form_ == UnicodeForm::nfc || form_ == UnicodeForm::nfkc; }
  bool compatible() const { return form_ == UnicodeForm::nfkc || form_ == UnicodeForm::nfkd; }

  void transform(const StageText& in, StageScratch& scratch, StageText& out) const {
    for (size_t at = 0; at < in.size();) {
      const size_t same = unchanged_by_form(form_, in.bytes() + at, in.size() - at, true);
      out.copy(in, at, at + same);
      at += same;
      if (at < in.size()) at = transform_run(in, at, scratch, out);
    }
  }

  /// From `begin`, where the text may be cut, to the next such place.
  size_t transform_run(const StageText& in, size_t begin, StageScratch& scratch, StageText& out) const {
    Emitter emitter(in, begin, out);
    Composer composer(scratch.composing, emitter);
    scratch.pending.clear();
    auto flush = [&] {
      sort_by_rank(scratch.pending, scratch.sorted);
      for (const FormItem& item : scratch.pending) {
        if (composing())
          composer.push(item);
        else
          emitter.emit(item.code, item.change);
      }
      scratch.pending.clear();
    };
    auto push = [&](uint32_t code, bool first) {
      const uint32_t rank = CodePointKind(code).rank();
      if (rank == 0) flush();
      scratch.pending.push_back({code, rank, first ? 0 : 1});
    };
    size_t at = begin;
    do {
      const CodePoint c = decode_utf8(in.bytes() + at);
      const CodePointKind kind(c.code);
      if (at != begin && kind.starts(form_)) break;
      at += c.size;
      if (!(compatible() ? kind.decomposes_compatibly() : kind.decomposes())) {
        push(c.code, true);
      } else if (is_hangul_syllable(c.code)) {
        uint32_t parts[3];
        const uint32_t count = decompose_hangul(c.code, parts);
        for (uint32_t i = 0; i < count; ++i) push(parts[i], i == 0);
      } else {
        const Utf8Image image = decomposition(c.code, compatible());
        for (size_t i = 0; i < image.size(); i += utf8_size(image[i]))
          push(decode_utf8(&image[i]).code, i == 0);
      }
    } while (at < in.size());
    flush();
    composer.finish();
    return at;
  }

  UnicodeForm form_;
};

}  // namespace

size_t unchanged_by_form(UnicodeForm form, const uint8_t* text, size_t size, bool ends) {
  // What follows a code point can change it only if it does not start anew.
  auto before_last = [&](size_t end) { return end ? end - decode_utf8_before(text + end).size : 0; };
  for (size_t at = 0; at < size;) {
    for (uint64_t word; at + 8 <= size; at += 8) {
      std::memcpy(&word, text + at, 8);
      if (word & 0x8080808080808080u) break;
    }
    if (at == size) break;
    const CodePoint c = decode_utf8(text + at);
    if (c.code >= 0x80) {
      const CodePointKind kind(c.code);
      if (!kind.starts(form)) return before_last(at);
      if (kind.changed_by(form)) return at;
    }
    at += c.size;
  }
  return ends ? size : before_last(size);
}

NormalizerStagePtr make_form_stage(UnicodeForm form) { return std::make_unique<FormStage>(form); }

}  // namespace onpath::text
