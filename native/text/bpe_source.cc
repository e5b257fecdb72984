#include "text/bpe_source.h"

#include <algorithm>
#include <variant>

#include "text/vocabulary.h"

namespace onpath::text {
namespace {

constexpr uint64_t kMaxWork = uint64_t{1} << 30;

bool ends_a_word(std::string_view text, std::string_view suffix) {
  return !suffix.empty() && text.size() > suffix.size() && text.ends_with(suffix);
}

Error too_much_work() {
  return Error{ErrorCode::LIMIT_EXCEEDED,
               "The tokens of this vocabulary are too long: analysing their merges would take more than " +
                   std::to_string(kMaxWork) + " steps."};
}

}  // namespace

size_t BpeSource::symbol_bytes(std::string_view text) const {
  size_t size = settings.symbol_bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  if (settings.has(BpeSettings::kEndOfWord) && text.size() == size + 1 &&
      static_cast<uint8_t>(text[size]) == kLastTag)
    ++size;
  return size;
}

bool BpeSource::push_symbols(TokenId id, BpeHeap& heap) const {
  std::string_view rest = text(id);
  while (!rest.empty()) {
    const size_t size = symbol_bytes(rest);
    const TokenId symbol = symbols_.exact(rest.substr(0, size));
    if (symbol == kNoToken) return false;
    heap.push(symbol, static_cast<uint32_t>(size));
    rest.remove_prefix(size);
  }
  return true;
}

/// The token's text as the matcher sees it: bytes, a space for U+2581, a tag for the end of a word. Nothing
/// if no text leads to it.
void BpeSource::append_text(const std::string& text, const BpeDefinition& bpe) {
  std::string_view body = text;
  const bool last = ends_a_word(text, bpe.end_of_word_suffix);
  if (last) body.remove_suffix(bpe.end_of_word_suffix.size());
  const size_t before = pool_.size();
  if (settings.has(BpeSettings::kByteLevelText)) {
    const std::optional<std::string> bytes = bytes_of_byte_level(body);
    if (!bytes) return;
    pool_ += *bytes;
  } else if (settings.has(BpeSettings::kSpaceAlias)) {
    if (body.find(' ') != body.npos) return;
    pool_ += with_spaces(body);
  } else {
    pool_ += body;
  }
  if (!bpe.end_of_word_suffix.empty()) {
    // The tag is no byte of UTF-8: a token that has it as a byte is never produced.
    if (pool_.find(static_cast<char>(kLastTag), before) != pool_.npos) {
      pool_.resize(before);
    } else if (last) {
      pool_ += static_cast<char>(kLastTag);
    }
  }
}

Result<void> BpeSource::take_texts(const TokenizerDefinition& definition, const BpeDefinition& bpe) {
  for (const TokenEntry& entry : definition.tokens) {
    if (entry.id >= kMaxTokens) return too_large_id(entry.id);
    if (entry.text.size() > kMaxTokenBytes) return too_long_token(entry.id, entry.text.size());
    limit = std::max<size_t>(limit, size_t{entry.id} + 1);
  }
  file_texts_.assign(limit, nullptr);
  uint64_t bytes = 0;
  for (const TokenEntry& entry : definition.tokens) {
    if (file_texts_[entry.id])
      return invalid_vocabulary("Token id " + std::to_string(entry.id) + " occurs twice in the vocabulary.");
    file_texts_[entry.id] = &entry.text;
    bytes += entry.text.size() + 1;
  }
  if (bytes > uint64_t{1} << 31)
    return Error{ErrorCode::LIMIT_EXCEEDED,
                 "The tokens have " + std::to_string(bytes) + " bytes together: too many."};
  pool_.reserve(bytes);
  starts_.reserve(limit + 1);
  for (size_t id = 0; id < limit; ++id) {
    starts_.push_back(static_cast<uint32_t>(pool_.size()));
    if (file_texts_[id]) append_text(*file_texts_[id], bpe);
  }
  starts_.push_back(static_cast<uint32_t>(pool_.size()));
  return {};
}

Result<void> BpeSource::take_settings(const BpeDefinition& bpe, const ModelContext& context) {
  const auto set = [&](bool on, uint32_t flag) { settings.flags |= on ? flag : 0; };
  set(bpe.byte_level, BpeSettings::kByteLevel);
  set(bpe.byte_level && context.format == Format::tokenizer_json, BpeSettings::kByteLevelText);
  set(bpe.whole_piece, BpeSettings::kWholePiece);
  set(bpe.byte_fallback, BpeSettings::kByteFallback);
  set(bpe.fuse_unk, BpeSettings::kFuseUnk);
  set(context.space_alias && !bpe.byte_level, BpeSettings::kSpaceAlias);
  set(context.format == Format::sentencepiece, BpeSettings::kSentencePiece);
  set(!bpe.end_of_word_suffix.empty(), BpeSettings::kEndOfWord);
  set(!bpe.continuing_prefix.empty(), BpeSettings::kContinuing | BpeSettings::kHeapOnly);
  if (bpe.byte_fallback && (!bpe.end_of_word_suffix.empty() || !bpe.continuing_prefix.empty()))
    return unsupported(
        "model.byte_fallback together with end_of_word_suffix or continuing_subword_prefix is not "
        "supported.");
  if (bpe.whole_piece && (!bpe.end_of_word_suffix.empty() || !bpe.continuing_prefix.empty()))
    return unsupported(
        "model.ignore_merges together with end_of_word_suffix or continuing_subword_prefix is not "
        "supported.");
  return {};
}

void BpeSource::take_symbols(const BpeDefinition& bpe) {
  settings.id_limit = static_cast<uint32_t>(limit);
  settings.fallback.fill(kNoToken);
  symbol_.assign(limit, 0);
  frozen_.assign(limit, 0);
  for (const TokenId id : bpe.user_defined)
    if (id < limit) frozen_[id] = 1;
  std::vector<BpeTrie::Entry> symbols;
  size_t bytes = 0;
  for (TokenId id = 0; id < limit; ++id) {
    if (!exists(id)) continue;
    const std::string_view body = text(id);
    if (!body.empty() && symbol_bytes(body) == body.size()) {
      symbol_[id] = 1;
      symbols.push_back({body, id});
      bytes += body.size() == 1;
    }
    if (!bpe.byte_fallback) continue;
    if (const int byte = byte_of_piece(*file_texts_[id]); byte >= 0)
      settings.fallback[static_cast<size_t>(byte)] = id;
  }
  all_bytes_ = settings.has(BpeSettings::kByteLevel) && bytes == 256;
  symbols_ = BpeTrie::make(std::move(symbols));
}

Result<void> BpeSource::take_merges(const BpeDefinition& bpe) {
  if (bpe.merges.size() > kMaxMerges)
    return Error{ErrorCode::LIMIT_EXCEEDED, "There are " + std::to_string(bpe.merges.size()) +
                                                " merges: at most " + std::to_string(kMaxMerges) +
                                                " are allowed."};
  repeats = true;
  // Bytes and unknown characters are tokens that stand before any merge: only the heap lets them merge.
  std::vector<uint8_t> stand_in(limit, 0);
  if (bpe.byte_fallback)
    for (const TokenId id : settings.fallback)
      if (id != kNoToken) stand_in[id] = 1;
  if (bpe.unk && !all_bytes_ && !settings.falls_back_always()) stand_in[*bpe.unk] = 1;

  uint64_t work = 0;
  merges.reserve(bpe.merges.size());
  for (size_t i = 0; i < bpe.merges.size(); ++i) {
    const MergeRule& rule = bpe.merges[i];
    const auto name = [i] { return "model.merges[" + std::to_string(i) + "]"; };
    for (const TokenId id : {rule.left, rule.right, rule.result})
      if (id >= limit || !exists(id))
        return invalid_vocabulary(name() + " has the id " + std::to_string(id) +
                                  ", which is no token of the vocabulary.");
    const std::string& left = *file_texts_[rule.left];
    const std::string& right = *file_texts_[rule.right];
    const std::string& result = *file_texts_[rule.result];
    const size_t cut = bpe.continuing_prefix.size();
    if (right.size() < cut || result.size() != left.size() + right.size() - cut || left.empty() ||
        right.size() == cut || !result.starts_with(left) ||
        std::string_view(result).substr(left.size()) != std::string_view(right).substr(cut))
      return invalid_vocabulary(name() + " merges \"" + left + "\" and \"" + right + "\" into \"" + result +
                                "\", which is not both together.");
    if (stand_in[rule.left] || stand_in[rule.right]) settings.flags |= BpeSettings::kHeapOnly;
    if (ends_a_word(result, bpe.end_of_word_suffix) && !ends_a_word(right, bpe.end_of_word_suffix))
      settings.flags |= BpeSettings::kHeapOnly;
    work += result.size();
    merges.push_back({rule.left, rule.right, rule.result, static_cast<uint32_t>(i + 1)});
  }
  if (work > kMaxWork) return too_much_work();
  if (settings.has(BpeSettings::kHeapOnly)) return {};
  // What no text leads to does not merge; neither does what ends a word, with anything behind it.
  std::erase_if(merges, [&](const BpePair& pair) {
    return text(pair.left).empty() || text(pair.right).empty() || text(pair.result).empty() ||
           ends_a_word(*file_texts_[pair.left], bpe.end_of_word_suffix);
  });
  return {};
}

Result<void> BpeSource::take_concatenations(const TokenizerDefinition& definition, const BpeDefinition& bpe) {
  if (bpe.ranks.size() != definition.tokens.size())
    return invalid_vocabulary("There are " + std::to_string(bpe.ranks.size()) + " ranks for " +
                              std::to_string(definition.tokens.size()) + " tokens.");
  if (settings.has(BpeSettings::kByteLevel) && !all_bytes_)
    return invalid_vocabulary(
        "The vocabulary lacks tokens for some of the 256 single bytes: every byte needs one.");
  std::vector<BpeTrie::Entry> entries;
  std::vector<std::pair<uint32_t, TokenId>> order;
  uint64_t work = 0;
  for (size_t i = 0; i < definition.tokens.size(); ++i) {
    const TokenId id = definition.tokens[i].id;
    if (frozen_[id] || text(id).empty()) continue;
    const bool ranked = bpe.ranks[i] != BpeDefinition::kNoRank;
    if (ranked && bpe.ranks[i] > 0xFFFFFFFC)
      return invalid_vocabulary("Token " + std::to_string(id) + " has the rank " +
                                std::to_string(bpe.ranks[i]) + ": ranks must be less than 4294967293.");
    if (!ranked && !is_symbol(id)) continue;
    entries.push_back({text(id), id});
    if (!is_symbol(id)) order.emplace_back(bpe.ranks[i] + 1, id);
    work += uint64_t{text(id).size()} * text(id).size();
  }
  if (work > kMaxWork) return too_much_work();
  const BpeTrie all = BpeTrie::make(std::move(entries));
  std::sort(order.begin(), order.end());
  for (const auto& [rank, id] : order) {
    const std::string_view whole = text(id);
    for (size_t cut = 0; cut < whole.size();) {
      const size_t size = symbol_bytes(whole.substr(cut));
      if (symbols_.exact(whole.substr(cut, size)) == kNoToken)
        return unsupported("Token " + std::to_string(id) + " (\"" + std::string(whole) +
                           "\") contains a character that is no token itself; such vocabularies are not "
                           "supported.");
      cut += size;
      if (cut == whole.size()) break;
      const TokenId left = all.exact(whole.substr(0, cut));
      if (left == kNoToken) continue;
      const TokenId right = all.exact(whole.substr(cut));
      if (right != kNoToken) merges.push_back({left, right, id, rank});
    }
  }
  return {};
}

void BpeSource::take_tagged(const BpeDefinition& bpe) {
  for (TokenId id = 0; id < limit; ++id) {
    if (!exists(id)) continue;
    for (const bool continuing : {false, true}) {
      for (const bool last : {false, true}) {
        std::string_view body = *file_texts_[id];
        if (continuing && (bpe.continuing_prefix.empty() || !body.starts_with(bpe.continuing_prefix)))
          continue;
        if (continuing) body.remove_prefix(bpe.continuing_prefix.size());
        if (last && (bpe.end_of_word_suffix.empty() || !body.ends_with(bpe.end_of_word_suffix))) continue;
        if (last) body.remove_suffix(bpe.end_of_word_suffix.size());
        if (body.empty() || code_point_bytes(static_cast<uint8_t>(body[0])) != body.size()) continue;
        std::string symbol(body);
        if (settings.has(BpeSettings::kByteLevelText)) {
          const std::optional<std::string> bytes = bytes_of_byte_level(body);
          if (!bytes) continue;
          symbol = *bytes;
        } else if (settings.has(BpeSettings::kSpaceAlias)) {
          if (symbol == " ") continue;
          if (symbol == kSpaceSymbol) symbol = " ";
        }
        if (continuing || last) symbol += static_cast<char>(symbol_tag(continuing, last));
        tagged.emplace_back(std::move(symbol), id);
      }
    }
  }
}

Result<BpeSource> BpeSource::make(const TokenizerDefinition& definition, const ModelContext& context) {
  const BpeDefinition& bpe = std::get<BpeDefinition>(definition.model);
  BpeSource source;
  if (Result<void> taken = source.take_settings(bpe, context); !taken.ok()) return taken.error();
  if (Result<void> taken = source.take_texts(definition, bpe); !taken.ok()) return taken.error();
  if (bpe.unk && (*bpe.unk >= source.limit || !source.exists(*bpe.unk)))
    return invalid_vocabulary("The unknown token has the id " + std::to_string(*bpe.unk) +
                              ", which is no token of the vocabulary.");
  source.settings.unk = bpe.unk.value_or(kNoToken);
  for (const TokenId id : bpe.user_defined)
    if (id >= source.limit || source.text(id).empty())
      return invalid_vocabulary("The user defined token " + std::to_string(id) +
                                " is no token that a text can have.");
  source.take_symbols(bpe);
  if (bpe.byte_fallback && bpe.byte_level && !source.all_bytes_)
    return unsupported(
        "model.byte_fallback with a byte-level vocabulary that lacks some bytes is not supported.");
  // The reference lets an unknown character wait while characters behind it fall back to bytes.
  if (bpe.byte_fallback && bpe.unk && !bpe.byte_level && !source.settings.falls_back_always())
    source.settings.flags |= BpeSettings::kHeapOnly;
  Result<void> taken =
      bpe.ranks.empty() ? source.take_merges(bpe) : source.take_concatenations(definition, bpe);
  if (!taken.ok()) return taken.error();
  if (source.settings.has(BpeSettings::kHeapOnly) || source.settings.has(BpeSettings::kEndOfWord)) {
    if (!bpe.user_defined.empty())
      return unsupported("User defined symbols are not supported with the other settings of this model.");
  }
  if (source.settings.has(BpeSettings::kHeapOnly)) source.take_tagged(bpe);
  return source;
}

}  // namespace onpath::text
