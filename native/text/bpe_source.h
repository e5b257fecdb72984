// A BPE definition in the terms of bytes: what tokens stand for, and which merges there are. Only while a
// model is made.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "text/bpe_heap.h"
#include "text/bpe_tables.h"
#include "text/definition.h"
#include "text/model.h"

namespace onpath::text {

class BpeSource {
 public:
  /// `definition` outlives it.
  static Result<BpeSource> make(const TokenizerDefinition& definition, const ModelContext& context);

  BpeSettings settings;
  size_t limit = 0;
  /// Sorted by rank; ranks from 1. Of two with the same neighbours the later one counts.
  std::vector<BpePair> merges;
  bool repeats = false;  // there may be two with the same neighbours
  /// Heap only: the strings of symbols with their tags.
  std::vector<std::pair<std::string, TokenId>> tagged;

  /// What the token stands for, as the matcher sees it; empty: no text leads to it.
  std::string_view text(TokenId id) const {
    return std::string_view(pool_).substr(starts_[id], starts_[id + 1] - starts_[id]);
  }
  bool is_symbol(TokenId id) const { return symbol_[id] != 0; }
  bool is_frozen(TokenId id) const { return frozen_[id] != 0; }
  bool exists(TokenId id) const { return file_texts_[id] != nullptr; }
  /// The token's symbols, before any merge. False if a part of it is none.
  bool push_symbols(TokenId id, BpeHeap& heap) const;
  size_t symbol_bytes(std::string_view text) const;

 private:
  Result<void> take_texts(const TokenizerDefinition& definition, const BpeDefinition& bpe);
  Result<void> take_settings(const BpeDefinition& bpe, const ModelContext& context);
  void take_symbols(const BpeDefinition& bpe);
  Result<void> take_merges(const BpeDefinition& bpe);
  Result<void> take_concatenations(const TokenizerDefinition& definition, const BpeDefinition& bpe);
  void append_text(const std::string& text, const BpeDefinition& bpe);
  void take_tagged(const BpeDefinition& bpe);

  std::vector<const std::string*> file_texts_;
  std::string pool_;
  std::vector<uint32_t> starts_;
  std::vector<uint8_t> symbol_;
  std::vector<uint8_t> frozen_;
  BpeTrie symbols_;
  bool all_bytes_ = false;  // byte level, and each byte is a symbol
};

}  // namespace onpath::text
