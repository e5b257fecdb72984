#include "text/normalize_precompiled.h"

#include <algorithm>
#include <utility>

#include "text/charsmap.h"
#include "text/normalize_clusters.h"

namespace onpath::text {
namespace {

/// Clusters from this size on are looked up code point by code point.
constexpr size_t kLongCluster = 6;

/// Gives outputs their origins as the reference's list of changes does: the last output waits, because a
/// removal behind it counts as its own.
class ChangeList {
 public:
  ChangeList(const StageText& in, bool first, StageText& out)
      : in_(in), out_(out), counts_removals_(!first) {}

  void replace(const uint8_t* old, size_t old_size, std::string_view image) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(image.data());
    if (!in_.detailed) return out_.append(bytes, image.size(), {});
    int32_t left = 0;
    for (size_t i = 0; i < old_size; i += utf8_size(old[i])) ++left;
    for (size_t i = 0; i < image.size(); i += utf8_size(bytes[i])) {
      push(bytes + i, left > 0 ? 0 : 1);
      --left;
    }
    if (left <= 0) return;
    if (waits_)
      change_ -= left;
    else if (counts_removals_)
      advance(left);
    else
      lags_ = true;  // the reference forgets a removal with nothing before it
  }
  void keep(const uint8_t* bytes, size_t size) {
    if (!in_.detailed) return out_.append(bytes, size, {});
    push(bytes, 0);
  }
  /// The last output was inserted: a removal behind it would give it another origin.
  bool last_depends_on_removal() const { return waits_ && change_ > 0; }
  /// All that follows in the segment gets wrong origins, as in the reference.
  bool lags() const { return lags_; }
  void flush() {
    if (!waits_) return;
    waits_ = false;
    counts_removals_ = true;
    const ByteSpan from = change_ > 0 ? (at_ ? in_.origin()[at_ - 1] : ByteSpan{})
                                      : in_.origin()[std::min(at_, in_.size() - 1)];
    out_.append(waiting_, utf8_size(waiting_[0]), from);
    if (change_ <= 0) advance(1 - change_);
  }

 private:
  void push(const uint8_t* bytes, int32_t change) {
    flush();
    std::memcpy(waiting_, bytes, utf8_size(bytes[0]));
    change_ = change;
    waits_ = true;
  }
  void advance(int32_t count) {
    for (; count > 0 && at_ < in_.size(); --count) at_ += utf8_size(in_.bytes()[at_]);
  }
  const StageText& in_;
  StageText& out_;
  bool counts_removals_;
  size_t at_ = 0;
  uint8_t waiting_[4] = {};
  int32_t change_ = 0;
  bool waits_ = false;
  bool lags_ = false;
};

class PrecompiledStage final : public NormalizerStage {
 public:
  explicit PrecompiledStage(Charsmap map) : map_(std::move(map)) {
    for (uint8_t c = 0; c < 0x80; ++c) {
      const Charsmap::Match match = map_.shortest(&c, 1);
      same_alone_[c] = c >= 0x20 && c < 0x7F && match.size == 0;
    }
  }

  bool apply(const StageText& in, const BlockPlace& place, StageScratch&, StageText& out) const override {
    ChangeList changes(in, place.first, out);
    ClusterState state;
    size_t at = 0;
    while (at < in.size()) {
      if (!in.detailed) {
        const size_t same = same_alone(in, at);
        out.copy(in, at, same);
        at = same;
        if (at == in.size()) break;
      }
      const size_t end = cluster_end(in, at, state);
      take_cluster(in.bytes() + at, end - at, changes);
      at = end;
    }
    if (!place.next.is_end()) {
      // State is that of the last cluster; what was copied ends before a cluster, unless it ends the block.
      if (in.size() && !breaks_behind(in, state, place.next)) return false;
      if (in.detailed && changes.last_depends_on_removal() && may_be_removed(place.next.code)) return false;
    }
    changes.flush();
    return place.next.is_end() || !changes.lags();
  }
  bool cuts_before(const NextCharacter& next) const override {
    if (next.is_end()) return true;
    if (next.kind != NextCharacter::Kind::known) return false;
    const ClusterKind kind = CodePointKind(next.code).cluster();
    return kind != ClusterKind::extend && kind != ClusterKind::joiner && kind != ClusterKind::spacing_mark;
  }
  NextCharacter behind(const NextCharacter& next, StageText&) const override {
    const Charsmap::Match match = look_up(next.code);
    if (match.size == 0) return match.open ? NextCharacter::unknown() : next;
    if (match.image.empty()) return NextCharacter::unknown();
    const CodePoint first = decode_utf8(reinterpret_cast<const uint8_t*>(match.image.data()));
    return {NextCharacter::Kind::known, first.code, first.size == match.image.size() ? next.repeats : 1};
  }
  Alone stand_alone(const StageText& in, StageText& out) const override {
    for (size_t at = 0; at < in.size();) {
      const CodePoint c = decode_utf8(in.bytes() + at);
      if (!always_breaks(CodePointKind(c.code).cluster())) return Alone::no;
      const Charsmap::Match match = map_.shortest(in.bytes() + at, c.size);
      // A removal has to do with origins around it.
      if (match.size && match.image.empty()) return Alone::no;
      if (match.size)
        out.append(reinterpret_cast<const uint8_t*>(match.image.data()), match.image.size(), {});
      else
        out.copy(in, at, at + c.size);
      at += c.size;
    }
    return Alone::yes;
  }
  bool asks_for_first() const override { return true; }
  uint32_t expansion() const override { return map_.longest_image() + 1; }
  uint64_t bytes() const override { return sizeof(*this) + map_.bytes(); }

 private:
  /// Clusters end between any two of these.
  static bool always_breaks(ClusterKind kind) {
    using enum ClusterKind;
    return kind == any || kind == lf || kind == control || kind == pictographic ||
           kind == conjunct_consonant || kind == hangul_lv || kind == hangul_lvt;
  }
  Charsmap::Match look_up(uint32_t code) const {
    uint8_t utf8[4];
    const uint32_t size = encode_utf8(code, utf8);
    Charsmap::Match match = map_.shortest(utf8, size);
    if (match.size == 0 && match.open) match.open = has_longer(utf8, size);
    return match;
  }
  bool has_longer(const uint8_t* text, size_t size) const {
    if (text[0] == 0) return false;
    Charsmap::Node node = map_.root();
    bool leaf = false;
    for (size_t i = 0; i < size && node.alive; ++i) node = map_.step(node, text[i], leaf);
    for (uint32_t byte = 1; node.alive && byte < 256; ++byte)
      if (map_.step(node, static_cast<uint8_t>(byte), leaf).alive) return true;
    return false;
  }
  bool may_be_removed(uint32_t code) const {
    const Charsmap::Match match = look_up(code);
    return match.size ? match.image.empty() : match.open;
  }

  /// From `at`, up to where ASCII stays as it is and no cluster reaches out of it.
  size_t same_alone(const StageText& in, size_t at) const {
    size_t end = at;
    while (end < in.size() && in.bytes()[end] < 0x80 && same_alone_[in.bytes()[end]]) ++end;
    return end < in.size() && end > at && in.bytes()[end] >= 0x80 ? end - 1 : end;
  }
  size_t cluster_end(const StageText& in, size_t at, ClusterState& state) const {
    CodePoint c = decode_utf8(in.bytes() + at);
    state.push(CodePointKind(c.code));
    for (at += c.size; at < in.size(); at += c.size) {
      c = decode_utf8(in.bytes() + at);
      const CodePointKind kind(c.code);
      if (state.breaks_before(kind)) break;
      state.push(kind);
    }
    return at;
  }
  static bool breaks_behind(const StageText& in, ClusterState state, const NextCharacter& next) {
    if (next.kind != NextCharacter::Kind::known) return false;
    const CodePoint last = decode_utf8_before(in.bytes() + in.size());
    if (last.code < 0x80) {
      state = {};
      state.push(CodePointKind(last.code));
    }
    return state.breaks_before(CodePointKind(next.code));
  }
  void take_cluster(const uint8_t* text, size_t size, ChangeList& changes) const {
    if (size < kLongCluster) {
      const Charsmap::Match match = map_.shortest(text, size);
      if (match.size) return changes.replace(text, size, match.image);
    }
    for (size_t i = 0; i < size;) {
      const size_t length = utf8_size(text[i]);
      const Charsmap::Match match = map_.shortest(text + i, length);
      if (match.size)
        changes.replace(text + i, length, match.image);
      else
        changes.keep(text + i, length);
      i += length;
    }
  }

  Charsmap map_;
  bool same_alone_[0x80] = {};
};

}  // namespace

Result<NormalizerStagePtr> make_precompiled_stage(std::string_view charsmap) {
  Result<Charsmap> map = Charsmap::read(charsmap);
  if (!map.ok()) return map.error();
  return NormalizerStagePtr(std::make_unique<PrecompiledStage>(std::move(map).value()));
}

}  // namespace onpath::text
