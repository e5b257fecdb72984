#include "text/normalizer_sentencepiece.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "text/charsmap.h"
#include "text/normalizer_prefixes.h"
#include "text/utf8.h"

namespace onpath::text {
namespace {

/// One step through the text: the longest key at a place and what it becomes.
struct Step {
  size_t size = 0;
  std::string_view image;
  bool open = false;  // more text may make it longer
};

class SentencePieceNormalizer final : public Normalizer {
 public:
  SentencePieceNormalizer(std::optional<Charsmap> map, PrefixSet kept, const PrecompiledDef& flags,
                          bool alias)
      : map_(std::move(map)),
        kept_(std::move(kept)),
        collapse_(flags.remove_extra_whitespaces),
        prefix_(flags.add_dummy_prefix && !flags.treat_whitespace_as_suffix),
        suffix_(flags.add_dummy_prefix && flags.treat_whitespace_as_suffix),
        escape_(flags.escape_whitespaces),
        alias_(alias && flags.escape_whitespaces),
        space_(escape_ && !alias_ ? kSpaceSymbol : " ") {
    for (uint32_t c = 1; c < 0x80; ++c) plain_[c] = c != ' ' && stands_alone(static_cast<uint8_t>(c));
    plain_space_ = stands_alone(' ');
  }

  size_t unchanged(const uint8_t*, size_t, Place) const override { return 0; }
  size_t normalize(const uint8_t* text, size_t size, Place place, NormalizedText& out) const override;

  uint32_t expansion() const override {
    // A space may grow to U+2581, and a prefix or suffix may come.
    return 3 * std::max<uint32_t>(1, map_ ? map_->longest_image() : 0) + 3;
  }
  uint64_t bytes() const override { return sizeof(*this) + (map_ ? map_->bytes() : 0) + kept_.bytes(); }

 private:
  /// Before an ASCII character but NUL it is itself, whatever follows.
  bool stands_alone(uint8_t c) const {
    if (kept_.may_begin_with(c)) return false;
    if (!map_) return true;
    bool leaf = false;
    const Charsmap::Node node = map_->step(map_->root(), c, leaf);
    if (leaf) return false;
    for (uint32_t next = 1; node.alive && next < 0x80; ++next)
      if (map_->step(node, static_cast<uint8_t>(next), leaf).alive) return false;
    return true;
  }

  Step step(const uint8_t* text, size_t size) const {
    const PrefixSet::Match kept = kept_.longest(text, size);
    if (kept.size) return {kept.size, {reinterpret_cast<const char*>(text), kept.size}, kept.open};
    const Charsmap::Match match = map_ ? map_->longest(text, size) : Charsmap::Match{};
    const bool open = match.open || kept.open;
    if (match.size) return {match.size, match.image, open};
    const size_t one = utf8_size(text[0]);
    return {one, {reinterpret_cast<const char*>(text), one}, open};
  }

  class Writer;
  std::optional<Charsmap> map_;
  PrefixSet kept_;
  bool collapse_, prefix_, suffix_, escape_, alias_;
  std::string_view space_;
  bool plain_[0x80] = {};
  bool plain_space_ = false;
};

/// Appends; the end of a byte's origin is where the next byte's begins.
class SentencePieceNormalizer::Writer {
 public:
  Writer(NormalizedText& out, const SentencePieceNormalizer& rules)
      : out_(out), rules_(rules), base_(out.bytes.size()) {}

  size_t written() const { return out_.bytes.size() - base_; }
  void space(size_t at) { bytes(rules_.space_.data(), rules_.space_.size(), at); }
  void image(std::string_view image, size_t at) {
    if (!rules_.escape_) return bytes(image.data(), image.size(), at);
    size_t copied = 0;
    for (size_t i = 0; i < image.size();) {
      size_t length = 0;
      if (image[i] == ' ') length = 1;
      if (rules_.alias_ && image.substr(i).starts_with(kSpaceSymbol)) length = kSpaceSymbol.size();
      if (length == 0) {
        ++i;
        continue;
      }
      bytes(image.data() + copied, i - copied, at);
      space(at);
      copied = i += length;
    }
    bytes(image.data() + copied, image.size() - copied, at);
  }
  /// ASCII without spaces to collapse, each character from itself.
  void plain(const uint8_t* text, size_t begin, size_t end) {
    if (!out_.detailed && (!rules_.escape_ || rules_.alias_)) {
      out_.bytes.insert(out_.bytes.end(), text + begin, text + end);
      return;
    }
    for (size_t at = begin; at < end;) {
      if (text[at] == ' ') {
        space(at);
        ++at;
        continue;
      }
      const void* found = std::memchr(text + at, ' ', end - at);
      const size_t to = found ? static_cast<size_t>(static_cast<const uint8_t*>(found) - text) : end;
      if (!out_.detailed) {
        out_.bytes.insert(out_.bytes.end(), text + at, text + to);
        at = to;
      }
      for (; at < to; ++at) bytes(reinterpret_cast<const char*>(text + at), 1, at);
    }
  }
  /// Back to so much written; what follows begins at `at`.
  void truncate(size_t written, size_t at) {
    out_.bytes.resize(base_ + written);
    if (!out_.detailed) return;
    out_.origin.resize(origin_base_ + written);
    close(at);
  }
  /// Removes spaces from the end; returns where the first of them came from, or `at`.
  size_t strip(size_t at) {
    size_t size = written();
    const std::string_view view(reinterpret_cast<const char*>(out_.bytes.data()) + base_, size);
    while (view.substr(0, size).ends_with(rules_.space_)) {
      size -= rules_.space_.size();
      if (out_.detailed) at = out_.origin[origin_base_ + size].begin;
    }
    truncate(size, at);
    return at;
  }
  void close(size_t at) {
    if (out_.detailed && written()) out_.origin.back().end = static_cast<uint32_t>(at);
  }
  bool ends_in_space() const {
    const std::string_view view(reinterpret_cast<const char*>(out_.bytes.data()) + base_, written());
    return view.ends_with(rules_.space_) || view.ends_with(' ');
  }

 private:
  void bytes(const char* data, size_t size, size_t at) {
    if (size == 0) return;
    close(at);
    out_.bytes.insert(out_.bytes.end(), data, data + size);
    const auto begin = static_cast<uint32_t>(at);
    if (out_.detailed) out_.origin.insert(out_.origin.end(), size, ByteSpan{begin, begin});
  }
  NormalizedText& out_;
  const SentencePieceNormalizer& rules_;
  size_t base_;
  size_t origin_base_ = out_.origin.size();
};

size_t SentencePieceNormalizer::normalize(const uint8_t* text, size_t size, Place place,
                                          NormalizedText& out) const {
  Writer writer(out, *this);
  if (!place.last) size = whole_code_points(text, size);
  size_t at = 0;
  if (place.first && collapse_) {
    while (at < size) {
      const Step found = step(text + at, size - at);
      if (found.open && !place.last) return 0;
      if (found.image != " ") break;
      at += found.size;
    }
  }
  if (at == size) return place.last ? size : 0;
  if (place.first && prefix_) writer.space(at);
  bool after_space = place.first && collapse_;
  // Where the text may be cut: everything before is written and final.
  size_t taken = 0;
  size_t final_size = 0;
  // A run of spaces that began where the text may be cut.
  size_t run_size = SIZE_MAX;
  const size_t empty = place.first ? writer.written() : SIZE_MAX;
  // What is written ends where no end of the text would take it away.
  auto may_begin_run = [&](size_t from) {
    return (!place.first && from == 0) ||
           (writer.written() && writer.written() != empty && !writer.ends_in_space());
  };
  while (at < size) {
    size_t end = at;
    while (end + 1 < size && text[end] < 0x80 && text[end + 1] - 1u < 0x7F) {
      if (text[end] == ' ' ? !plain_space_ || (collapse_ && (end == at ? after_space : text[end - 1] == ' '))
                           : !plain_[text[end]])
        break;
      ++end;
    }
    if (end > at) {
      if (text[at] != ' ' && !after_space && writer.written() != empty) {
        taken = at;
        final_size = writer.written();
      }
      const bool run_may_begin = may_begin_run(at);
      writer.plain(text, at, end);
      // The last one that is not a space, behind something.
      size_t last = end - 1;
      while (last > at && text[last] == ' ') --last;
      if (last > at && text[last] != ' ') {
        taken = last;
        final_size = writer.written() - (end - last - 1) * space_.size() - 1;
      }
      at = end;
      after_space = collapse_ && text[end - 1] == ' ';
      run_size = after_space && (end - at > 1 || run_may_begin) ? writer.written() - space_.size() : SIZE_MAX;
      continue;
    }
    const Step found = step(text + at, size - at);
    if (found.open && !place.last) break;
    std::string_view image = found.image;
    const bool blank = image == " ";
    const bool cuts =
        !image.empty() && (!collapse_ || (image[0] != ' ' && !(escape_ && image.starts_with(kSpaceSymbol))));
    if (cuts && writer.written() != empty) {
      taken = at;
      final_size = writer.written();
    }
    if (collapse_ && blank && !out.detailed) {
      // Of a run of spaces any one may stand for all, so that a run needs not be held.
      if (run_size == SIZE_MAX && may_begin_run(at)) run_size = writer.written();
      if (run_size != SIZE_MAX) {
        taken = at;
        final_size = run_size;
      }
    } else {
      run_size = SIZE_MAX;
    }
    while (after_space && image.starts_with(' ')) image.remove_prefix(1);
    if (!image.empty()) {
      writer.image(image, at);
      after_space = collapse_ && image.ends_with(' ');
    }
    at += found.size;
  }
  if (!place.last) {
    writer.truncate(final_size, taken);
    return taken;
  }
  size_t consumed = at;
  if (collapse_) consumed = writer.strip(consumed);
  if (suffix_) writer.space(consumed);
  writer.close(consumed);
  return size;
}

}  // namespace

Result<NormalizerPtr> make_sentencepiece_normalizer(const PrecompiledDef& definition, bool space_alias) {
  std::optional<Charsmap> map;
  if (!definition.charsmap.empty()) {
    Result<Charsmap> read = Charsmap::read(definition.charsmap);
    if (!read.ok()) return read.error();
    map = std::move(read).value();
  }
  return NormalizerPtr(std::make_unique<SentencePieceNormalizer>(
      std::move(map), PrefixSet(definition.user_defined), definition, space_alias));
}

}  // namespace onpath::text
