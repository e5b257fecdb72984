// Makes the trie of a Unigram vocabulary, and decides where its texts can be cut.
#include <algorithm>
#include <cfloat>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "text/double_array.h"
#include "text/unigram.h"
#include "text/utf8.h"
#include "text/vocabulary.h"

namespace onpath::text {
namespace {

/// An unknown character costs this much more than the least likely token.
constexpr double kUnknownPenalty = 10.0;

struct ScoredKey {
  std::string bytes;
  TokenId token;
  double score;
};

Error bad_token(const TokenEntry& entry, const std::string& what) {
  return {ErrorCode::INVALID_VOCABULARY, "Token " + std::to_string(entry.id) + " (\"" +
                                             entry.text.substr(0, 64) + "\") " + what +
                                             "; load an undamaged vocabulary."};
}

/// What of a vocabulary the model may produce, each with the score that is summed.
class Builder {
 public:
  Builder(const TokenizerDefinition& definition, const UnigramDefinition& settings,
          const ModelContext& context)
      : definition_(definition), settings_(settings), context_(context) {}

  Result<UnigramTables> make() {
    if (settings_.scores.size() != definition_.tokens.size()) {
      return Error{ErrorCode::INVALID_VOCABULARY,
                   "A Unigram vocabulary has a score for each token; this one has " +
                       std::to_string(settings_.scores.size()) + " for " +
                       std::to_string(definition_.tokens.size()) + " tokens."};
    }
    if (!settings_.unk.has_value()) {
      return Error{
          ErrorCode::UNSUPPORTED,
          "This Unigram vocabulary has no unknown token (unk_id), so texts with other characters than its "
          "own have no tokens. Give it an unk_id."};
    }
    tables_.settings.unk = *settings_.unk;
    tables_.settings.single_precision = settings_.single_precision ? 1 : 0;
    tables_.settings.byte_fallback = settings_.byte_fallback ? 1 : 0;
    tables_.settings.space_alias = context_.space_alias ? 1 : 0;
    tables_.settings.longest_token = 4;
    Result<void> done = settings_.single_precision ? take_single() : take_double();
    if (!done.ok()) return done.error();
    find_bytes();
    if (!tables_.settings.joins_unknown() &&
        std::find(byte_ids_.begin(), byte_ids_.end(), kNoToken) != byte_ids_.end()) {
      return Error{
          ErrorCode::INVALID_VOCABULARY,
          "A SentencePiece model with byte_fallback has pieces for all 256 bytes; this one has not."};
    }
    done = make_trie();
    if (!done.ok()) return done.error();
    // Pre-tokenizers that cut begin each sum anew; otherwise one sum runs along the text.
    tables_.settings.running = cuts_text() ? 0 : 1;
    tables_.settings.cut_rule = choose_cuts();
    tables_.byte_ids = Flat<TokenId>(std::move(byte_ids_));
    if (done = check_unigram(tables_); !done.ok()) {
      return Error{
          ErrorCode::UNSUPPORTED,
          "Scores of this Unigram vocabulary are too large to be summed exactly. Use scores that are "
          "logarithms of probabilities."};
    }
    return std::move(tables_);
  }

 private:
  Result<void> take_double() {
    double lowest = std::numeric_limits<double>::infinity();
    for (size_t i = 0; i < definition_.tokens.size(); ++i) {
      const TokenEntry& entry = definition_.tokens[i];
      if (!std::isfinite(settings_.scores[i])) return bad_token(entry, "has a score that is no number");
      lowest = std::min(lowest, settings_.scores[i]);
      add(entry, settings_.scores[i]);
    }
    tables_.settings.unk_score = lowest - kUnknownPenalty;
    return {};
  }
  Result<void> take_single() {
    const std::vector<bool> never = flags_of_never();
    float lowest = FLT_MAX;
    float highest = FLT_MIN;  // as the reference: the smallest positive number, so at least that
    std::vector<TokenId> user_defined = settings_.user_defined;
    std::sort(user_defined.begin(), user_defined.end());
    const auto is_user_defined = [&user_defined](TokenId id) {
      return std::binary_search(user_defined.begin(), user_defined.end(), id);
    };
    for (size_t i = 0; i < definition_.tokens.size(); ++i) {
      const TokenEntry& entry = definition_.tokens[i];
      if (never[i] || is_user_defined(entry.id)) continue;
      if (!std::isfinite(settings_.scores[i])) return bad_token(entry, "has a score that is no number");
      lowest = std::min(lowest, static_cast<float>(settings_.scores[i]));
      highest = std::max(highest, static_cast<float>(settings_.scores[i]));
    }
    for (size_t i = 0; i < definition_.tokens.size(); ++i) {
      const TokenEntry& entry = definition_.tokens[i];
      if (never[i]) continue;
      if (entry.text.find('\0') != std::string::npos) {
        return Error{
            ErrorCode::UNSUPPORTED,
            "Piece " + std::to_string(entry.id) +
                " has a zero byte, where SentencePiece's own trie ends. Use a model without such pieces."};
      }
      if (!is_utf8(entry.text)) return bad_token(entry, "is no valid UTF-8");
      // A bonus in proportion to its bytes makes a user-defined piece win; in double, as the reference has
      // it.
      const float length = static_cast<float>(entry.text.size());
      add(entry, is_user_defined(entry.id) ? static_cast<double>(length * highest) - 0.1
                                           : static_cast<double>(static_cast<float>(settings_.scores[i])));
    }
    tables_.settings.unk_score = static_cast<double>(lowest - static_cast<float>(kUnknownPenalty));
    return {};
  }
  /// Of tokens[i]: unused, unknown, control and byte pieces, which no text matches.
  std::vector<bool> flags_of_never() const {
    std::vector<TokenId> ids = settings_.unused;
    ids.push_back(*settings_.unk);
    for (const AddedTokenDef& added : definition_.added) {
      if (added.special) ids.push_back(added.id);
    }
    std::sort(ids.begin(), ids.end());
    std::vector<bool> flags(definition_.tokens.size());
    for (size_t i = 0; i < flags.size(); ++i) {
      const TokenEntry& entry = definition_.tokens[i];
      flags[i] = std::binary_search(ids.begin(), ids.end(), entry.id) ||
                 (settings_.byte_fallback && byte_of_piece(entry.text) >= 0);
    }
    return flags;
  }
  void find_bytes() {
    byte_ids_.assign(256, kNoToken);
    for (const TokenEntry& entry : definition_.tokens) {
      if (const int byte = byte_of_piece(entry.text); byte >= 0)
        byte_ids_[static_cast<size_t>(byte)] = entry.id;
    }
  }
  void add(const TokenEntry& entry, double score) {
    if (entry.text.empty()) return;
    // Spaces have become U+2581 before the model: a token with a real one never matches.
    if (context_.space_alias && entry.text.find(' ') != std::string::npos) return;
    keys_.push_back({context_.space_alias ? with_spaces(entry.text) : entry.text, entry.id, score});
    tables_.settings.longest_token =
        std::max(tables_.settings.longest_token, static_cast<uint32_t>(keys_.back().bytes.size()));
  }

  Result<void> make_trie() {
    ONPATH_TAKE(trie, build_double_array(keys_));
    std::vector<UnigramNode> nodes(trie.base.size());
    std::vector<TokenId> ids(nodes.size(), kNoToken);
    for (size_t i = 0; i < nodes.size(); ++i) {
      const uint32_t key = trie.value[i];
      const bool ends = key != DoubleArray::kNone;
      nodes[i] = {trie.base[i], trie.check[i],
                  ends ? keys_[key].score : std::numeric_limits<double>::quiet_NaN()};
      if (ends) ids[i] = keys_[key].token;
    }
    tables_.nodes = Flat<UnigramNode>(std::move(nodes));
    tables_.ids = Flat<TokenId>(std::move(ids));
    return {};
  }

  bool cuts_text() const {
    return std::any_of(definition_.pre_tokenizers.begin(), definition_.pre_tokenizers.end(),
                       [](const PreTokenizerDef& definition) {
                         if (const auto* metaspace = std::get_if<MetaspaceDef>(&definition))
                           return metaspace->split;
                         if (const auto* bytes = std::get_if<ByteLevelDef>(&definition))
                           return bytes->use_regex;
                         return true;
                       });
  }
  UnigramCutRule choose_cuts() const {
    if (tables_.settings.running == 0) return UnigramCutRule::none;
    const std::string space = context_.space_alias ? " " : std::string(kSpaceSymbol);
    for (const ScoredKey& key : keys_) {
      // Past the spaces in front no space may come.
      size_t at = 0;
      while (key.bytes.compare(at, space.size(), space) == 0) at += space.size();
      if (key.bytes.find(space, at) != std::string::npos) return UnigramCutRule::reach;
      if (key.token == *settings_.unk && at > 0) return UnigramCutRule::reach;
    }
    const auto found =
        std::lower_bound(keys_.begin(), keys_.end(), space,
                         [](const ScoredKey& key, const std::string& text) { return key.bytes < text; });
    if (tables_.settings.joins_unknown() && (found == keys_.end() || found->bytes != space))
      return UnigramCutRule::reach;
    return UnigramCutRule::spaces;
  }

  const TokenizerDefinition& definition_;
  const UnigramDefinition& settings_;
  const ModelContext& context_;
  UnigramTables tables_;
  std::vector<TokenId> byte_ids_;
  std::vector<ScoredKey> keys_;
};

}  // namespace

Result<ModelPtr> make_unigram(const TokenizerDefinition& definition, const ModelContext& context) {
  const auto* settings = std::get_if<UnigramDefinition>(&definition.model);
  if (settings == nullptr) {
    return Error{ErrorCode::INVALID_ARGUMENT, "make_unigram() expects a Unigram model."};
  }
  Result<UnigramTables> tables = Builder(definition, *settings, context).make();
  if (!tables.ok()) return tables.error();
  return ModelPtr(std::make_unique<Unigram>(std::move(tables).value()));
}

}  // namespace onpath::text
