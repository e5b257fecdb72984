#include "text/word_piece.h"

namespace onpath::text {
namespace {

class NoScratch final : public ModelScratch {
 public:
  uint64_t bytes() const override { return 0; }
};

bool longer_than(const uint8_t* piece, size_t size, uint32_t most_chars) {
  if (size <= most_chars) return false;
  size_t chars = 0;
  for (size_t i = 0; i < size; ++i) chars += (piece[i] & 0xC0) != 0x80;
  return chars > most_chars;
}

Error damaged_word_piece(const std::string& what) {
  return {ErrorCode::INVALID_VOCABULARY, "The compiled WordPiece model " + what + "; compile it again."};
}

}  // namespace

std::unique_ptr<ModelScratch> WordPiece::make_scratch() const { return std::make_unique<NoScratch>(); }

void WordPiece::emit(uint32_t pop, size_t begin, TokenBuffer& out) const {
  const uint32_t count = tables_.pops[pop].count;
  for (uint32_t i = count; i-- > 0;) {
    const WordPiecePop& token = tables_.pops[pop];
    out.tail_ids()[i] = token.token;
    if (out.detailed()) {
      const size_t from = token.previous == WordPieceTables::kNoPop ? 0 : tables_.pops[token.previous].length;
      out.tail_spans()[i] = {static_cast<uint32_t>(begin + from),
                             static_cast<uint32_t>(begin + token.length)};
      out.tail_words()[i] = 0;
    }
    pop = token.previous;
  }
  out.commit(count);
}

void WordPiece::encode(const uint8_t* piece, size_t size, ModelScratch&, TokenBuffer& out) const {
  if (size == 0) return;
  const size_t before = out.size();
  const WordPieceNode* nodes = tables_.nodes.data();
  uint32_t node = tables_.first_root;
  size_t begin = 0;  // where the walk to `node` began: what comes before has its tokens
  const auto fail = [&] {
    const WordPieceNode stuck = nodes[node];
    if (stuck.fail == WordPieceTables::kNoNode) return false;
    emit(stuck.pops, begin, out);
    begin += tables_.pops[stuck.pops].length;
    node = stuck.fail;
    return true;
  };
  bool known = !longer_than(piece, size, tables_.max_input_chars);
  for (size_t i = 0; known && i < size; ++i) {
    uint32_t target = nodes[node].base + piece[i];
    while (nodes[target].check != node) {
      known = fail();
      if (!known) break;
      target = nodes[node].base + piece[i];
    }
    node = target;
  }
  // What was read last still waits for a longer match, which no more bytes can bring.
  while (known && begin < size) known = fail();
  if (!known) {
    out.truncate(before);
    out.push(tables_.unk, {0, static_cast<uint32_t>(size)});
  }
}

void WordPiece::write(FlatWriter& form) const {
  form.array("word_piece.nodes", tables_.nodes);
  form.array("word_piece.pops", tables_.pops);
  form.array("word_piece.depths", tables_.depths);
  form.number("word_piece.first_root", tables_.first_root);
  form.number("word_piece.rest_root", tables_.rest_root);
  form.number("word_piece.unk", tables_.unk);
  form.number("word_piece.max_input_chars", tables_.max_input_chars);
}

Result<void> check_word_piece(const WordPieceTables& tables) {
  const size_t size = tables.nodes.size();
  if (size == 0 || tables.depths.size() != size)
    return damaged_word_piece("has no nodes, or not as many depths");
  if (tables.first_root >= size || tables.rest_root >= size)
    return damaged_word_piece("has a root that is no node");
  if (tables.depths[tables.first_root] != tables.depths[tables.rest_root])
    return damaged_word_piece("has uneven roots");
  const uint32_t top = tables.depths[tables.rest_root];
  for (size_t i = 0; i < tables.pops.size(); ++i) {
    const WordPiecePop& pop = tables.pops[i];
    const bool first = pop.previous == WordPieceTables::kNoPop;
    if (!first && pop.previous >= i) return damaged_word_piece("has a token list that runs in circles");
    if (pop.count != (first ? 0 : tables.pops[pop.previous].count) + 1 ||
        pop.length <= (first ? 0 : tables.pops[pop.previous].length)) {
      return damaged_word_piece("has a token list whose lengths do not grow");
    }
  }
  for (size_t i = 0; i < size; ++i) {
    const WordPieceNode& node = tables.nodes[i];
    if (node.base > size || size - node.base < 256)
      return damaged_word_piece("has a node whose children lie outside");
    if (node.check < size && i - tables.nodes[node.check].base < 256 && tables.depths[node.check] >= top &&
        tables.depths[i] != tables.depths[node.check] + 1) {
      return damaged_word_piece("has a node that is not one below its parent");
    }
    if (node.fail == WordPieceTables::kNoNode) continue;
    // Each failure settles as many bytes as it goes up, at least one: so walks end, and tokens fit their
    // word.
    if (node.fail >= size || node.pops >= tables.pops.size() || tables.depths[node.fail] < top ||
        uint64_t{tables.depths[node.fail]} + tables.pops[node.pops].length != tables.depths[i]) {
      return damaged_word_piece("has a node that fails to the wrong place");
    }
  }
  return {};
}

Result<ModelPtr> read_word_piece(const FlatReader& form) {
  ONPATH_TAKE(nodes, form.array<WordPieceNode>("word_piece.nodes"));
  ONPATH_TAKE(pops, form.array<WordPiecePop>("word_piece.pops"));
  ONPATH_TAKE(depths, form.array<uint32_t>("word_piece.depths"));
  ONPATH_TAKE(first_root, form.number<uint32_t>("word_piece.first_root"));
  ONPATH_TAKE(rest_root, form.number<uint32_t>("word_piece.rest_root"));
  ONPATH_TAKE(unk, form.number<TokenId>("word_piece.unk"));
  ONPATH_TAKE(max_input_chars, form.number<uint32_t>("word_piece.max_input_chars"));
  WordPieceTables tables{std::move(nodes), std::move(pops), std::move(depths), first_root, rest_root, unk,
                         max_input_chars};
  if (Result<void> checked = check_word_piece(tables); !checked.ok()) return checked.error();
  return ModelPtr(std::make_unique<WordPiece>(std::move(tables)));
}

}  // namespace onpath::text
