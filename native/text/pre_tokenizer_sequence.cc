// Pre-tokenizers one after the other.
#include <algorithm>

#include "text/pre_tokenizer_component.h"

namespace onpath::text {
namespace {

using scan::Text;

/// What a component that is not the last looks at first. A stretch that goes on for long shall not be looked
/// at whole for each batch of pieces inside it.
constexpr size_t kWindow = 16 * 1024;

class Sequence final : public PreTokenizer {
 public:
  explicit Sequence(std::vector<ComponentPtr> components) : components_(std::move(components)) {
    for (const ComponentPtr& one : components_) name_ += (name_.empty() ? "sequence(" : ", ") + one->name();
    name_ += ')';
  }

  SplitResult split(const uint8_t* bytes, size_t size, bool last, std::span<uint32_t> ends) const override {
    Out out{ends};
    const Text text{bytes, last ? size : whole_code_points(bytes, size), last};
    const End end = cut(0, text, 0, out);
    SplitResult result{out.count, end == End::whole || end == End::undecided};
    // Nothing fits although there is room: the pieces of one match do not.
    result.failed = end == End::failed || (end == End::full && out.count == 0 && !ends.empty());
    if (result.failed) result.exhausted = true;
    return result;
  }
  std::string_view name() const override { return name_; }
  uint64_t bytes() const override {
    uint64_t sum = 0;
    for (const ComponentPtr& one : components_) sum += one->bytes();
    return sum;
  }

 private:
  enum class End { whole, undecided, full, failed };
  struct Out {
    std::span<uint32_t> ends;
    size_t count = 0;
    bool push(size_t end, bool dropped) {
      if (count == ends.size()) return false;
      ends[count++] = static_cast<uint32_t>(end) | (dropped ? kDropped : 0u);
      return true;
    }
    size_t last_end() const { return ends[count - 1] & ~kDropped; }
  };

  /// Cuts `text`, which begins at `base`, by the components from `level` on.
  End cut(size_t level, const Text& text, size_t base, Out& out) const {
    const bool innermost = level + 1 == components_.size();
    size_t window = innermost ? text.size : kWindow;
    for (size_t at = 0; at < text.size;) {
      const size_t left = text.size - at;
      const bool all = left <= window;
      Text view{text.bytes + at, all ? left : window, text.last && all};
      if (!all) view.size = whole_code_points(view.bytes, view.size);
      const ComponentPiece piece = components_[level]->next(view, 0);
      if (piece.failed) return End::failed;
      if (!piece.decided) {
        // What surely belongs to the piece can be cut further as far as its own continuation does not matter.
        if (!innermost && piece.resumable && !piece.dropped && piece.end > 0) {
          const size_t before = out.count;
          const End end = cut(level + 1, Text{view.bytes, piece.end, false}, base + at, out);
          if (end == End::full || end == End::failed) return end;
          if (out.count > before) {
            at = out.last_end() - base;
            continue;
          }
        }
        if (all) return End::undecided;
        window *= 2;
        continue;
      }
      if (innermost || piece.dropped) {
        if (!out.push(base + at + piece.end, piece.dropped)) return End::full;
      } else {
        const size_t before = out.count;
        const End end = cut(level + 1, Text{view.bytes, piece.end, true}, base + at, out);
        if (end == End::full && !piece.resumable) out.count = before;
        if (end != End::whole) return end;
      }
      at += piece.end;
      if (!innermost) window = kWindow;
    }
    return End::whole;
  }

  std::vector<ComponentPtr> components_;
  std::string name_;
};

}  // namespace

PreTokenizerPtr make_sequence(std::vector<ComponentPtr> components) {
  return std::make_unique<Sequence>(std::move(components));
}

}  // namespace onpath::text
