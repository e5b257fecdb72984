// Small BPE vocabularies, and merging as the definition says it: one merge at a time, over strings.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "text/model.h"
#include "text/vocabulary.h"

namespace onpath::text {

using Ids = std::vector<TokenId>;

/// A vocabulary of strings in order of their ids, and merges of it.
struct SmallBpe {
  TokenizerDefinition definition;
  BpeDefinition& bpe() { return std::get<BpeDefinition>(definition.model); }
  std::map<std::string, TokenId> ids;

  SmallBpe() { definition.model = BpeDefinition{}; }
  TokenId add(const std::string& text) {
    const auto [at, fresh] = ids.emplace(text, static_cast<TokenId>(definition.tokens.size()));
    if (fresh) definition.tokens.push_back({at->second, text});
    return at->second;
  }
  void merge(const std::string& left, const std::string& right) {
    bpe().merges.push_back({add(left), add(right), add(left + right.substr(bpe().continuing_prefix.size()))});
  }
};

inline std::vector<std::string> characters_of(const std::string& text) {
  std::vector<std::string> characters;
  for (const char c : text) {
    if ((static_cast<uint8_t>(c) & 0xC0) == 0x80 && !characters.empty()) {
      characters.back() += c;
    } else {
      characters.emplace_back(1, c);
    }
  }
  return characters;
}

/// Merges `symbols` by rank, leftmost first, until nothing merges.
inline Ids merge_naively(const BpeDefinition& bpe, Ids symbols) {
  std::map<std::pair<TokenId, TokenId>, std::pair<size_t, TokenId>> merges;
  for (size_t i = 0; i < bpe.merges.size(); ++i)
    merges[{bpe.merges[i].left, bpe.merges[i].right}] = {i, bpe.merges[i].result};
  for (;;) {
    size_t best = SIZE_MAX, place = 0;
    TokenId made = 0;
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
      const auto found = merges.find({symbols[i], symbols[i + 1]});
      if (found == merges.end() || found->second.first >= best) continue;
      best = found->second.first;
      place = i;
      made = found->second.second;
    }
    if (best == SIZE_MAX) return symbols;
    symbols[place] = made;
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(place) + 1);
  }
}

/// Neighbours whose texts together are a ranked token merge.
inline Ids concatenate_naively(const SmallBpe& small, std::vector<std::string> parts) {
  const BpeDefinition& bpe = std::get<BpeDefinition>(small.definition.model);
  for (;;) {
    uint32_t best = BpeDefinition::kNoRank;
    size_t place = 0;
    for (size_t i = 0; i + 1 < parts.size(); ++i) {
      const auto found = small.ids.find(parts[i] + parts[i + 1]);
      if (found == small.ids.end() || bpe.ranks[found->second] >= best) continue;
      best = bpe.ranks[found->second];
      place = i;
    }
    if (best == BpeDefinition::kNoRank) break;
    parts[place] += parts[place + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(place) + 1);
  }
  Ids made;
  for (const std::string& part : parts) made.push_back(small.ids.at(part));
  return made;
}

inline Ids encode_with(const Model& model, ModelScratch& scratch, const std::string& text,
                       std::vector<ByteSpan>* spans = nullptr) {
  TokenBuffer out(spans != nullptr);
  out.reserve(text.size() * model.tokens_per_byte() + 4);
  model.encode(reinterpret_cast<const uint8_t*>(text.data()), text.size(), scratch, out);
  if (spans) spans->assign(out.spans(), out.spans() + out.size());
  return Ids(out.ids(), out.ids() + out.size());
}

inline ModelPtr must_make(const SmallBpe& small, const ModelContext& context = {}) {
  Result<ModelPtr> made = make_bpe(small.definition, context);
  if (!made.ok()) ADD_FAILURE() << made.error().message;
  return made.ok() ? std::move(made).value() : nullptr;
}

inline Ids encode(const SmallBpe& small, const std::string& text, const ModelContext& context = {},
                  std::vector<ByteSpan>* spans = nullptr) {
  const ModelPtr model = must_make(small, context);
  if (!model) return {};
  return encode_with(*model, *model->make_scratch(), text, spans);
}

using Random = std::mt19937;

inline std::string random_text(Random& random, const std::vector<std::string>& alphabet, size_t characters) {
  std::string text;
  for (size_t i = 0; i < characters; ++i) text += alphabet[random() % alphabet.size()];
  return text;
}

/// Merges of any earlier tokens in any order of ranks: improper tokens, and tokens nothing leads to, abound.
inline SmallBpe random_merges(Random& random, const std::vector<std::string>& alphabet, size_t merges,
                              bool shuffled) {
  SmallBpe small;
  std::vector<std::string> tokens = alphabet;
  for (const std::string& symbol : alphabet) small.add(symbol);
  std::map<std::pair<std::string, std::string>, bool> seen;
  for (size_t i = 0; i < merges; ++i) {
    const std::string left = tokens[random() % tokens.size()];
    const std::string right = tokens[random() % tokens.size()];
    if (left.size() + right.size() > 24 || !seen.emplace(std::pair(left, right), true).second) continue;
    small.merge(left, right);
    tokens.push_back(left + right);
  }
  if (shuffled) std::shuffle(small.bpe().merges.begin(), small.bpe().merges.end(), random);
  return small;
}

}  // namespace onpath::text
