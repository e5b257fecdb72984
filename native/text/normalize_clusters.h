// Grapheme clusters, as the reference's crate finds them.
#pragma once

#include "text/normalize_unicode.h"

namespace onpath::text {

/// What decides whether a cluster ends, of the code points up to here.
class ClusterState {
 public:
  /// Not before the first push.
  bool breaks_before(CodePointKind next) const {
    using enum ClusterKind;
    const ClusterKind after = next.cluster();
    if (last_ == cr && after == lf) return false;
    if (is_control(last_) || is_control(after)) return true;
    if (after == any && last_ != prepend) return true;
    switch (last_) {
      case hangul_l:
        if (after == hangul_l || after == hangul_v || after == hangul_lv || after == hangul_lvt) return false;
        break;
      case hangul_lv:
      case hangul_v:
        if (after == hangul_v || after == hangul_t) return false;
        break;
      case hangul_lvt:
      case hangul_t:
        if (after == hangul_t) return false;
        break;
      case prepend:
        return false;
      default:
        break;
    }
    if (after == extend || after == joiner || after == spacing_mark) return false;
    if (after == conjunct_consonant) return conjunct_ != Conjunct::linked;
    if (last_ == joiner && after == pictographic) return emoji_ != Emoji::joined;
    if (last_ == regional_indicator && after == regional_indicator) return !odd_indicators_;
    return true;
  }

  void push(CodePointKind kind) {
    using enum ClusterKind;
    last_ = kind.cluster();
    odd_indicators_ = last_ == regional_indicator && !odd_indicators_;
    if (last_ == pictographic)
      emoji_ = Emoji::base;
    else if (last_ == joiner && emoji_ == Emoji::base)
      emoji_ = Emoji::joined;
    else if (last_ != extend || emoji_ != Emoji::base)
      emoji_ = Emoji::none;
    if (last_ == conjunct_consonant)
      conjunct_ = Conjunct::consonant;
    else if (kind.conjunct_links())
      conjunct_ = conjunct_ == Conjunct::none ? Conjunct::none : Conjunct::linked;
    else if (!kind.conjunct_extends())
      conjunct_ = Conjunct::none;
  }

 private:
  enum class Emoji : uint8_t { none, base, joined };
  enum class Conjunct : uint8_t { none, consonant, linked };
  static bool is_control(ClusterKind kind) {
    return kind == ClusterKind::control || kind == ClusterKind::cr || kind == ClusterKind::lf;
  }
  ClusterKind last_ = ClusterKind::control;
  bool odd_indicators_ = false;
  Emoji emoji_ = Emoji::none;
  Conjunct conjunct_ = Conjunct::none;
};

}  // namespace onpath::text
