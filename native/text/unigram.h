// Unigram: of all ways to cut a piece into tokens the one with the highest sum of scores, found from left to
// right (Viterbi). The sums are rounded, and equal sums decided, as the reference does; so the order in which
// candidates are looked at is part of the contract: by their start, and of each start the shortest first.
#pragma once

#include <memory>
#include <string>

#include "text/flat.h"
#include "text/model.h"

namespace onpath::text {

/// A node of the trie of all tokens (see double_array.h).
struct UnigramNode {
  uint32_t base;
  uint32_t check;
  double score;  // of the token that ends here; not a number: none does
};

enum class UnigramCutRule : uint32_t {
  none = 0,    // sums begin anew with each piece: the pre-tokenizer's pieces are the pieces
  spaces = 1,  // before each space that follows something else: no token has a space there
  reach = 2    // where no token that stands in the text spans the cut
};

struct UnigramSettings {
  double unk_score = 0;
  TokenId unk = 0;
  uint32_t longest_token = 0;     // bytes; at least 4
  uint32_t single_precision = 0;  // SentencePiece's sums and its way with unknown characters
  uint32_t byte_fallback = 0;
  uint32_t space_alias = 0;
  uint32_t running = 0;  // sums run along the text
  UnigramCutRule cut_rule = UnigramCutRule::none;
  uint32_t reserved = 0;

  /// Unknown characters next to each other become one token. Otherwise each becomes its bytes.
  bool joins_unknown() const { return single_precision == 0 || byte_fallback == 0; }
};

struct UnigramTables {
  Flat<UnigramNode> nodes;
  Flat<TokenId> ids;       // of the token that ends at each node
  Flat<TokenId> byte_ids;  // 256: of <0x00> to <0xFF>, or kNoToken
  UnigramSettings settings;

  bool ends_token(uint32_t node) const { return nodes[node].score == nodes[node].score; }
  /// The node of bytes[0, size), or 0.
  uint32_t find(const uint8_t* bytes, size_t size) const;
};

/// Cuts for texts without a pre-tokenizer. Exact because the best way to the left of a cut that no token
/// spans leaves nothing to the right but its sum, which the scratch carries on; and because a cut is never
/// where unknown characters might be joined across it.
class UnigramCuts final : public PreTokenizer {
 public:
  explicit UnigramCuts(const UnigramTables& tables) : tables_(tables) {}
  SplitResult split(const uint8_t* text, size_t size, bool last, std::span<uint32_t> ends) const override;
  std::string_view name() const override;

 private:
  SplitResult split_at_spaces(const uint8_t* text, size_t size, bool last, std::span<uint32_t> ends) const;
  SplitResult split_by_reach(const uint8_t* text, size_t size, bool last, std::span<uint32_t> ends) const;
  const UnigramTables& tables_;
};

class Unigram final : public Model {
 public:
  explicit Unigram(UnigramTables tables) : tables_(std::move(tables)), cuts_(tables_) {}
  Unigram(const Unigram&) = delete;  // cuts_ would stay with the other's tables

  std::unique_ptr<ModelScratch> make_scratch() const override;
  void encode(const uint8_t* piece, size_t size, ModelScratch& scratch, TokenBuffer& out) const override;
  uint32_t tokens_per_byte() const override {
    return tables_.settings.space_alias != 0 && tables_.settings.byte_fallback != 0 ? 3 : 1;
  }
  bool cacheable() const override { return tables_.settings.running == 0; }
  const PreTokenizer* cuts() const override {
    return tables_.settings.cut_rule == UnigramCutRule::none ? nullptr : &cuts_;
  }
  void write(FlatWriter& form) const override;
  uint64_t bytes() const override {
    return tables_.nodes.bytes() + tables_.ids.bytes() + tables_.byte_ids.bytes();
  }

 private:
  UnigramTables tables_;
  UnigramCuts cuts_;
};

/// Errors: INVALID_VOCABULARY if following the tables could leave them.
Result<void> check_unigram(const UnigramTables& tables);

}  // namespace onpath::text
