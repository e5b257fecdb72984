#include "text/unigram.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <vector>

#include "text/utf8.h"

namespace onpath::text {
namespace {

constexpr uint32_t kRoot = 0;
constexpr double kUnreached = -std::numeric_limits<double>::infinity();
/// Bytes looked at before what is settled is given out; so long pieces need no memory in proportion.
constexpr size_t kTableBytes = 8192;
constexpr uint32_t kOnPath = 0x80000000u;

/// The best way to a place in the piece.
struct Place {
  double sum;
  uint32_t node;    // of the last token; kRoot: an unknown character
  uint32_t length;  // of the last token, in bytes
};

class UnigramScratch final : public ModelScratch {
 public:
  uint64_t bytes() const override { return places.capacity() * sizeof(Place) + path.capacity() * 4; }
  uint64_t run() const override { return std::bit_cast<uint64_t>(sum); }
  void set_run(uint64_t run) override { sum = std::bit_cast<double>(run); }

  std::vector<Place> places;
  std::vector<uint32_t> path;
  double sum = 0;
};

/// Takes the tokens of the best way, from left to right, and joins unknown characters.
class Output {
 public:
  Output(const UnigramTables& tables, const uint8_t* piece, TokenBuffer& out)
      : tables_(tables), piece_(piece), out_(out) {}

  void token(uint32_t node, size_t begin, size_t end) {
    const TokenId id = node == kRoot ? tables_.settings.unk : tables_.ids[node];
    if (id == tables_.settings.unk) {
      if (!tables_.settings.joins_unknown()) {
        bytes(begin, end, true);
      } else if (!unknown_) {
        unknown_ = true;
        unknown_begin_ = begin;
      }
      return;
    }
    if (unknown_) end_unknown(begin);
    push(id, begin, end);
  }
  void finish(size_t end) {
    if (unknown_) end_unknown(end);
  }

 private:
  void push(TokenId id, size_t begin, size_t end) {
    out_.push(id, {static_cast<uint32_t>(begin), static_cast<uint32_t>(end)});
  }
  void end_unknown(size_t end) {
    unknown_ = false;
    if (tables_.settings.single_precision == 0) {
      // The reference looks the joined text up once more: it can be a token that lost to its parts.
      const uint32_t node = tables_.find(piece_ + unknown_begin_, end - unknown_begin_);
      if (node != kRoot && tables_.ends_token(node)) return push(tables_.ids[node], unknown_begin_, end);
      if (tables_.settings.byte_fallback != 0 && have_bytes(unknown_begin_, end)) {
        return bytes(unknown_begin_, end, false);
      }
    }
    push(tables_.settings.unk, unknown_begin_, end);
  }
  template <class F>
  void each_byte(size_t begin, size_t end, F f) const {
    for (size_t i = begin; i < end; ++i) {
      if (piece_[i] == ' ' && tables_.settings.space_alias != 0) {
        f(0xE2), f(0x96), f(0x81);
      } else {
        f(piece_[i]);
      }
    }
  }
  bool have_bytes(size_t begin, size_t end) const {
    bool all = true;
    each_byte(begin, end, [&](uint8_t byte) { all = all && tables_.byte_ids[byte] != kNoToken; });
    return all;
  }
  /// SentencePiece gives the last byte all of the character, the others an empty span before it; Hugging Face
  /// gives each the whole.
  void bytes(size_t begin, size_t end, bool last_has_all) {
    size_t count = 0;
    each_byte(begin, end, [&](uint8_t) { ++count; });
    each_byte(begin, end, [&](uint8_t byte) {
      push(tables_.byte_ids[byte], begin, last_has_all && --count > 0 ? begin : end);
    });
  }

  const UnigramTables& tables_;
  const uint8_t* piece_;
  TokenBuffer& out_;
  bool unknown_ = false;
  size_t unknown_begin_ = 0;
};

/// Carries the sums on from piece[from] over all starts before `until`. places[i] is the place piece[i].
template <bool kSingle>
size_t advance(const UnigramTables& tables, const uint8_t* piece, size_t size, size_t from, size_t until,
               Place* places) {
  const UnigramNode* nodes = tables.nodes.data();
  const uint32_t root_base = nodes[kRoot].base;
  const double unk_score = tables.settings.unk_score;
  const size_t longest = tables.settings.longest_token;
  const auto offer = [places](size_t start, size_t end, uint32_t node, double sum) {
    // The sum not yet rounded is compared with one that was: so does the reference.
    Place& place = places[end];
    if (sum > place.sum) {
      place = {kSingle ? static_cast<double>(static_cast<float>(sum)) : sum, node,
               static_cast<uint32_t>(end - start)};
    }
  };
  size_t start = from;
  while (start < until) {
    const double here = places[start].sum;
    const size_t limit = std::min(size, start + longest);
    const size_t next = std::min(size, start + utf8_size(piece[start]));
    uint32_t node = root_base + piece[start];
    bool walks = nodes[node].check == kRoot;
    size_t at = start + 1;
    for (; walks && at < next; ++at) {
      const uint32_t child = nodes[node].base + piece[at];
      walks = nodes[child].check == node;
      node = child;
    }
    if (walks && nodes[node].score == nodes[node].score) {
      offer(start, next, node, nodes[node].score + here);
    } else {
      const double sum = unk_score + here;
      offer(start, next, kRoot, kSingle ? static_cast<double>(static_cast<float>(sum)) : sum);
    }
    if (walks) {
      while (at < limit) {
        const uint32_t child = nodes[node].base + piece[at];
        const UnigramNode below = nodes[child];
        if (below.check != node) break;
        node = child;
        offer(start, ++at, node, below.score + here);  // not a number, where no token ends, is never more
      }
    }
    start = next;
  }
  return start;
}

/// The last place that the best ways to all places in [first, last) go through, where a place was reached.
/// Marks are taken back.
size_t common_place(Place* places, size_t first, size_t last) {
  size_t marked = 0;
  for (size_t i = first; i < last; ++i) {
    if (places[i].sum == kUnreached) continue;
    places[i].length |= kOnPath;
    ++marked;
  }
  for (size_t i = last; i-- > 0;) {
    if ((places[i].length & kOnPath) == 0) continue;
    places[i].length &= ~kOnPath;
    if (marked == 1) return i;
    Place& before = places[i - places[i].length];
    marked -= (before.length & kOnPath) != 0;
    before.length |= kOnPath;
  }
  return 0;
}

void give_out(const Place* places, size_t to, size_t offset, std::vector<uint32_t>& path, Output& output) {
  path.clear();
  for (size_t i = to; i > 0; i -= places[i].length) path.push_back(static_cast<uint32_t>(i));
  for (size_t k = path.size(); k-- > 0;) {
    const size_t end = path[k];
    output.token(places[end].node, offset + end - places[end].length, offset + end);
  }
}

}  // namespace

uint32_t UnigramTables::find(const uint8_t* bytes, size_t size) const {
  if (size > settings.longest_token) return kRoot;
  uint32_t node = kRoot;
  for (size_t i = 0; i < size; ++i) {
    const uint32_t child = nodes[node].base + bytes[i];
    if (nodes[child].check != node) return kRoot;
    node = child;
  }
  return node;
}

std::unique_ptr<ModelScratch> Unigram::make_scratch() const { return std::make_unique<UnigramScratch>(); }

void Unigram::encode(const uint8_t* piece, size_t size, ModelScratch& memory, TokenBuffer& out) const {
  if (size == 0) return;
  auto& scratch = static_cast<UnigramScratch&>(memory);
  const UnigramSettings& settings = tables_.settings;
  const size_t longest = settings.longest_token;
  size_t window = std::min(size, kTableBytes);
  const auto room = [&] {
    const size_t wanted = window + longest + 1;
    if (scratch.places.size() < wanted) scratch.places.resize(wanted, {kUnreached, kRoot, 0});
    if (scratch.path.capacity() < wanted) scratch.path.reserve(2 * wanted);  // not for every new record
  };
  room();
  const auto clear = [&](size_t from, size_t to) {
    for (size_t i = from; i < to; ++i) scratch.places[i] = {kUnreached, kRoot, 0};
  };
  clear(0, std::min(size, window + longest) + 1);
  scratch.places[0].sum = settings.running != 0 ? scratch.sum : 0;

  Output output(tables_, piece, out);
  size_t offset = 0;  // of places[0] in the piece
  size_t at = 0;      // in places
  for (;;) {
    const uint8_t* rest = piece + offset;
    const size_t left = size - offset;
    Place* places = scratch.places.data();
    at = settings.single_precision != 0
             ? advance<true>(tables_, rest, left, at, std::min(left, window), places)
             : advance<false>(tables_, rest, left, at, std::min(left, window), places);
    if (at >= left) {
      give_out(places, left, offset, scratch.path, output);
      output.finish(size);
      if (settings.running != 0) scratch.sum = places[left].sum;
      return;
    }
    // The window is full: give out what all open ways share, and move the rest to the front. A window that
    // stays half full grows, so that the work is linear in the piece.
    const size_t reached = std::min(left, window + longest) + 1;
    const size_t common = common_place(places, at, reached);
    give_out(places, common, offset, scratch.path, output);
    std::copy(places + common, places + reached, places);
    offset += common;
    at -= common;
    const size_t old_end = reached - common;
    if (at > window / 2) window *= 2;
    room();
    clear(old_end, std::min(size - offset, window + longest) + 1);
  }
}

}  // namespace onpath::text
