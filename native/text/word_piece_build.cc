// Makes the two tries of a WordPiece vocabulary and their failure links.
#include <string>
#include <vector>

#include "text/double_array.h"
#include "text/word_piece.h"

namespace onpath::text {
namespace {

constexpr uint32_t kNoNode = WordPieceTables::kNoNode;
constexpr uint32_t kNoPop = WordPieceTables::kNoPop;

/// The first byte of a key says which trie it is in.
constexpr char kFirst = 0;
constexpr char kRest = 1;

struct Key {
  std::string bytes;
  TokenId token;
};

/// Also of the roots. Of entries with the same text the last one counts.
std::vector<Key> make_keys(const TokenizerDefinition& definition, const std::string& prefix) {
  std::vector<Key> keys;
  keys.push_back({std::string(1, kFirst), kNoToken});
  keys.push_back({std::string(1, kRest), kNoToken});
  for (const TokenEntry& entry : definition.tokens) {
    if (entry.text.empty()) continue;
    keys.push_back({kFirst + entry.text, entry.id});
    if (entry.text.size() > prefix.size() && entry.text.starts_with(prefix)) {
      keys.push_back({kRest + entry.text.substr(prefix.size()), entry.id});
    }
  }
  return keys;
}

/// Fills fail, pops and depths, level by level: a node's come from its parent's.
class Links {
 public:
  Links(std::vector<WordPieceNode>& nodes, uint32_t rest_root) : nodes_(nodes), rest_root_(rest_root) {
    depths.resize(nodes.size(), 0);
  }
  std::vector<WordPiecePop> pops;
  std::vector<uint32_t> depths;

  void settle(uint32_t node, uint32_t parent, uint8_t byte, TokenId token) {
    depths[node] = depths[parent] + 1;
    if (token != kNoToken) {
      nodes_[node].pops = append(kNoPop, token, depths[node] - depths[rest_root_]);
      nodes_[node].fail = rest_root_;
      return;
    }
    uint32_t settled = nodes_[parent].pops;
    uint32_t at = nodes_[parent].fail;
    while (at != kNoNode) {
      const uint32_t target = nodes_[at].base + byte;
      if (nodes_[target].check == at) {
        nodes_[node].fail = target;
        nodes_[node].pops = settled;
        return;
      }
      if (nodes_[at].fail == kNoNode) return;
      settled = concatenate(settled, nodes_[at].pops);
      at = nodes_[at].fail;
    }
  }

 private:
  uint32_t append(uint32_t list, TokenId token, uint32_t bytes) {
    const uint32_t count = list == kNoPop ? 0 : pops[list].count;
    const uint32_t length = list == kNoPop ? 0 : pops[list].length;
    pops.push_back({token, list, count + 1, length + bytes});
    return static_cast<uint32_t>(pops.size() - 1);
  }
  uint32_t concatenate(uint32_t list, uint32_t more) {
    order_.clear();
    for (uint32_t i = more; i != kNoPop; i = pops[i].previous) order_.push_back(i);
    for (size_t k = order_.size(); k-- > 0;) {
      const WordPiecePop pop = pops[order_[k]];
      list = append(list, pop.token, pop.length - (pop.previous == kNoPop ? 0 : pops[pop.previous].length));
    }
    return list;
  }

  std::vector<WordPieceNode>& nodes_;
  uint32_t rest_root_;
  std::vector<uint32_t> order_;
};

}  // namespace

Result<ModelPtr> make_word_piece(const TokenizerDefinition& definition, const ModelContext&) {
  const auto* settings = std::get_if<WordPieceDefinition>(&definition.model);
  if (settings == nullptr) {
    return Error{ErrorCode::INVALID_ARGUMENT, "make_word_piece() expects a WordPiece model."};
  }
  std::vector<Key> keys = make_keys(definition, settings->continuing_prefix);
  ONPATH_TAKE(trie, build_double_array(keys));

  std::vector<WordPieceNode> nodes(trie.base.size());
  for (size_t i = 0; i < nodes.size(); ++i) nodes[i] = {trie.base[i], trie.check[i], kNoNode, kNoPop};
  const uint32_t first_root = trie.child(DoubleArray::kRoot, static_cast<uint8_t>(kFirst));
  const uint32_t rest_root = trie.child(DoubleArray::kRoot, static_cast<uint8_t>(kRest));
  Links links(nodes, rest_root);
  links.depths[first_root] = links.depths[rest_root] = 1;

  std::vector<uint32_t> level{first_root, rest_root};
  std::vector<uint32_t> below;
  while (!level.empty()) {
    below.clear();
    for (const uint32_t parent : level) {
      for (uint32_t byte = 0; byte < 256; ++byte) {
        const uint32_t node = trie.base[parent] + byte;
        if (trie.check[node] != parent) continue;
        const uint32_t key = trie.value[node];
        links.settle(node, parent, static_cast<uint8_t>(byte),
                     key == DoubleArray::kNone ? kNoToken : keys[key].token);
        below.push_back(node);
      }
    }
    level.swap(below);
  }
  WordPieceTables tables{std::move(nodes), std::move(links.pops), std::move(links.depths),  first_root,
                         rest_root,        settings->unk,         settings->max_input_chars};
  if (Result<void> checked = check_word_piece(tables); !checked.ok()) return checked.error();
  return ModelPtr(std::make_unique<WordPiece>(std::move(tables)));
}

}  // namespace onpath::text
