// WordPiece: the longest match first, in linear time.
//
// Two tries in one array: of all tokens, for the start of a word, and of what follows the continuing prefix,
// for the rest. Where a walk gets stuck, the node it is stuck at knows the tokens that are settled by now
// (its pops) and where in the second trie the rest of what was read lies (its fail): no byte is read twice
// (Song et al., "Fast WordPiece Tokenization", 2021).
#pragma once

#include <memory>

#include "text/flat.h"
#include "text/model.h"

namespace onpath::text {

struct WordPieceNode {
  uint32_t base;
  uint32_t check;
  uint32_t fail;  // kNoNode: the word has no tokens
  uint32_t pops;  // last of its tokens in WordPieceTables::pops, or kNoPop
};
/// Tokens settled when a node fails: a list from the last token to the first, shared with its parents.
struct WordPiecePop {
  TokenId token;
  uint32_t previous;  // kNoPop: this is the first
  uint32_t count;     // tokens up to this one
  uint32_t length;    // bytes of the word up to the end of this one
};
struct WordPieceTables {
  static constexpr uint32_t kNoNode = 0xFFFFFFFF;
  static constexpr uint32_t kNoPop = 0xFFFFFFFF;

  Flat<WordPieceNode> nodes;
  Flat<WordPiecePop> pops;
  Flat<uint32_t> depths;  // of each node: what bounds a walk, for checking
  uint32_t first_root = 0;
  uint32_t rest_root = 0;
  TokenId unk = 0;
  uint32_t max_input_chars = 0;
};

class WordPiece final : public Model {
 public:
  explicit WordPiece(WordPieceTables tables) : tables_(std::move(tables)) {}

  std::unique_ptr<ModelScratch> make_scratch() const override;
  void encode(const uint8_t* piece, size_t size, ModelScratch& scratch, TokenBuffer& out) const override;
  void write(FlatWriter& form) const override;
  uint64_t bytes() const override {
    return tables_.nodes.bytes() + tables_.pops.bytes() + tables_.depths.bytes();
  }

 private:
  void emit(uint32_t pop, size_t begin, TokenBuffer& out) const;
  WordPieceTables tables_;
};

/// Errors: INVALID_VOCABULARY if following the tables could leave them, never end, or give other tokens than
/// bytes were read.
Result<void> check_word_piece(const WordPieceTables& tables);

}  // namespace onpath::text
