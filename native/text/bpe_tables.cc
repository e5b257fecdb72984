#include "text/bpe_tables.h"

#include <algorithm>
#include <bit>
#include <utility>
#include <vector>

#include "text/bpe_cuts.h"
#include "text/bpe_reach.h"
#include "text/bpe_source.h"

namespace onpath::text {
namespace {

/// Only symbols, and all merges.
void take_heap_only(const BpeSource& source, BpeTables& made) {
  std::vector<BpeToken> tokens(source.limit);
  std::vector<BpeTrie::Entry> entries;
  for (const auto& [text, id] : source.tagged) {
    entries.push_back({text, id});
    tokens[id].length = 1;
  }
  made.matcher = BpeTrie::make(std::move(entries));
  made.tokens = Flat<BpeToken>(std::move(tokens));
  made.prefixes = Flat<TokenId>(std::vector<TokenId>(source.limit, kNoToken));
  made.pairs = BpePairs(source.merges);
}

void take_reachable(const BpeSource& source, BpeTables& made) {
  BpeReach reach(source);
  reach.run();
  made.settings.improper = reach.improper;
  std::vector<BpeTrie::Entry> entries;
  entries.reserve(source.limit);
  for (TokenId id = 0; id < source.limit; ++id) {
    if (reach.tokens[id].length != 0) {
      entries.push_back({source.text(id), id});
      made.settings.longest = std::max(made.settings.longest, reach.tokens[id].size());
    } else if (source.exists(id)) {
      ++made.settings.unproducible;
    }
  }
  std::vector<TokenId> prefixes(source.limit, kNoToken);
  made.matcher = BpeTrie::make(std::move(entries), &prefixes);
  made.prefixes = Flat<TokenId>(std::move(prefixes));
  made.tokens = Flat<BpeToken>(std::move(reach.tokens));
  made.pairs = std::move(reach.pairs);
}

}  // namespace

Result<BpeTables> make_bpe_tables(const TokenizerDefinition& definition, const ModelContext& context) {
  ONPATH_TAKE(source, BpeSource::make(definition, context));
  BpeTables made;
  made.settings = source.settings;
  const bool heap_only = made.settings.has(BpeSettings::kHeapOnly);
  if (heap_only) {
    take_heap_only(source, made);
  } else {
    take_reachable(source, made);
  }
  made.pairs.freeze();
  std::vector<BpeTrie::Entry> whole;
  std::vector<BpeTrie::Entry> frozen;
  for (TokenId id = 0; id < source.limit; ++id) {
    const std::string_view text = source.text(id);
    if (text.empty()) continue;
    if (source.is_frozen(id)) frozen.push_back({text, id});
    const bool ends =
        static_cast<uint8_t>(text.back()) == kLastTag && made.settings.has(BpeSettings::kEndOfWord);
    if (made.settings.has(BpeSettings::kWholePiece) && (heap_only || made.tokens[id].length == 0) && !ends)
      whole.push_back({text, id});
  }
  made.whole = BpeTrie::make(std::move(whole));
  made.frozen = BpeTrie::make(std::move(frozen));
  made.cuts = make_bpe_cuts(made, source);
  return made;
}

void BpeTables::write(FlatWriter& form) const {
  form.number("bpe.settings", settings);
  form.array("bpe.tokens", tokens);
  form.array("bpe.prefixes", prefixes);
  pairs.write(form);
  matcher.write(form, "bpe.matcher");
  whole.write(form, "bpe.whole");
  frozen.write(form, "bpe.frozen");
  form.number("bpe.cuts", static_cast<uint32_t>(cuts.usable));
  form.array("bpe.cuts_ascii", cuts.ascii);
  form.array("bpe.cuts_hashed", cuts.hashed);
}

Result<BpeTables> BpeTables::read(const FlatReader& form) {
  BpeTables read;
  ONPATH_TAKE(settings, form.number<BpeSettings>("bpe.settings"));
  ONPATH_TAKE(tokens, form.array<BpeToken>("bpe.tokens"));
  ONPATH_TAKE(prefixes, form.array<TokenId>("bpe.prefixes"));
  read.settings = settings;
  read.tokens = std::move(tokens);
  read.prefixes = std::move(prefixes);
  const size_t limit = read.tokens.size();
  if (limit > kMaxTokens || read.settings.id_limit != limit || read.prefixes.size() != limit ||
      read.settings.longest > kMaxTokenBytes + 1)
    return damaged_form("number of tokens");
  // Lengths are looked up all over, so they are put together first; and few branches, as nothing is damaged.
  std::vector<uint32_t> lengths(limit + 1);
  std::vector<uint64_t> made(limit / 64 + 1);  // bits: little enough for the first cache
  uint32_t longest = 0;
  for (size_t id = 0; id < limit; ++id) {
    const uint32_t length = read.tokens[id].size();
    longest = std::max(longest, length);
    lengths[id] = length;
    made[id >> 6] |= uint64_t{length != 0} << (id & 63);
  }
  if (longest > std::max(read.settings.longest, 1u)) return damaged_form("length of a token");
  // Parts are shorter than the whole, prefixes too: so every way down ends.
  bool bad_parts = false;
  bool bad_prefix = false;
  for (size_t id = 0; id < limit; ++id) {
    const BpeToken& token = read.tokens[id];
    const uint32_t length = lengths[id];
    if (token.left != kNoToken) {
      if (token.left >= limit || token.right >= limit) return damaged_form("parts of a token");
      const uint32_t left = lengths[token.left];
      const uint32_t right = lengths[token.right];
      bad_parts |= (token.rank == 0) | (left == 0) | (right == 0) | (left + right != length);
    } else {
      bad_parts |= token.rank != 0;
    }
    const TokenId prefix = read.prefixes[id];
    const bool has_prefix = prefix != kNoToken;
    bad_prefix |= has_prefix & ((prefix >= limit) | (lengths[std::min<size_t>(prefix, limit)] >= length));
  }
  if (bad_parts) return damaged_form("parts of a token");
  if (bad_prefix) return damaged_form("prefix of a token");
  const auto names_token = [&](TokenId id) { return id == kNoToken || id < limit; };
  bool good = names_token(read.settings.unk);
  for (const TokenId id : read.settings.fallback) good = good && names_token(id);
  if (!good) return damaged_form("fallback tokens");

  ONPATH_TAKE(pairs, BpePairs::read(form, limit));
  read.pairs = std::move(pairs);
  for (const auto& [name, trie] : {std::pair<const char*, BpeTrie*>{"bpe.matcher", &read.matcher},
                                   {"bpe.whole", &read.whole},
                                   {"bpe.frozen", &read.frozen}}) {
    ONPATH_TAKE(found, BpeTrie::read(form, name, limit));
    *trie = std::move(found);
  }
  made[limit >> 6] |= uint64_t{1} << (limit & 63);
  if (!read.matcher.has_only(made, static_cast<uint32_t>(limit)))
    return damaged_form("tokens of the matcher");
  ONPATH_TAKE(usable, form.number<uint32_t>("bpe.cuts"));
  ONPATH_TAKE(ascii, form.array<uint64_t>("bpe.cuts_ascii"));
  ONPATH_TAKE(hashed, form.array<uint64_t>("bpe.cuts_hashed"));
  read.cuts.usable = usable != 0;
  read.cuts.ascii = std::move(ascii);
  read.cuts.hashed = std::move(hashed);
  if (read.cuts.usable && (read.cuts.ascii.size() != 256 || !std::has_single_bit(read.cuts.hashed.size())))
    return damaged_form("table of cuts");
  return read;
}

void BpeTables::gather() {
  LargeMemory memory(pairs.gathered_bytes() + matcher.gathered_bytes() + gathered_bytes(tokens) +
                     gathered_bytes(prefixes));
  uint8_t* free = memory.data();
  matcher.gather(free);
  gather_into(tokens, free);
  pairs.gather(free);
  gather_into(prefixes, free);
  gathered_ = std::move(memory);
}

uint64_t BpeTables::bytes() const {
  return sizeof *this + tokens.bytes() + prefixes.bytes() + pairs.bytes() + matcher.bytes() + whole.bytes() +
         frozen.bytes() + cuts.ascii.bytes() + cuts.hashed.bytes();
}

}  // namespace onpath::text
