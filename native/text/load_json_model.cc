// Models of tokenizer.json.
#include <array>
#include <bit>
#include <optional>
#include <utility>

#include "text/load_tokenizer_json.h"

namespace onpath::text {
namespace {

Error too_many(const std::string& path, size_t count, size_t most) {
  return {ErrorCode::LIMIT_EXCEEDED, "`" + path + "` has " + std::to_string(count) + " entries; at most " +
                                         std::to_string(most) + " are taken."};
}

Error too_long(const std::string& path, std::string_view text) {
  return {ErrorCode::LIMIT_EXCEEDED, "`" + path + "` has a token of " + std::to_string(text.size()) +
                                         " bytes ('" + std::string(text.substr(0, 20)) + "'...); at most " +
                                         std::to_string(kMaxTokenBytes) + " are taken."};
}

// {"token": id}. `ids` points into the document.
Result<void> read_vocabulary(const JsonObject& model, TokenizerDefinition& out, TokenIds& ids) {
  const std::string path = model.path() + ".vocab";
  ONPATH_TAKE(vocabulary, model.object("vocab"));
  const size_t count = vocabulary.value().MemberCount();
  if (count > kMaxTokens) return too_many(path, count, kMaxTokens);
  ids.reserve(count);
  for (const auto& member : vocabulary.value().GetObject()) {
    const std::string_view text = view(member.name);
    if (!member.value.IsUint()) {
      return invalid_vocabulary("`" + path + "` gives the token '" + std::string(text.substr(0, 40)) +
                                "' a " + kind_of(member.value) + "; expected an id.");
    }
    const TokenId id = member.value.GetUint();
    if (id >= kMaxTokens) {
      return Error{ErrorCode::LIMIT_EXCEEDED, "`" + path + "` has the id " + std::to_string(id) +
                                                  "; ids below " + std::to_string(kMaxTokens) +
                                                  " are supported."};
    }
    if (text.size() > kMaxTokenBytes) return too_long(path, text);
    ids.set(text, id);
  }
  out.tokens.reserve(ids.size());
  if (ids.size() == count) {
    for (const auto& member : vocabulary.value().GetObject()) {
      out.tokens.push_back({member.value.GetUint(), std::string(view(member.name))});
    }
  } else {
    ids.each([&out](std::string_view text, TokenId id) { out.tokens.push_back({id, std::string(text)}); });
  }
  sort_by_id(out.tokens);
  for (size_t i = 1; i < out.tokens.size(); ++i) {
    if (out.tokens[i].id == out.tokens[i - 1].id) {
      return invalid_vocabulary("`" + path + "` gives '" + out.tokens[i - 1].text.substr(0, 40) + "' and '" +
                                out.tokens[i].text.substr(0, 40) + "' the same id " +
                                std::to_string(out.tokens[i].id) + ".");
    }
  }
  return {};
}

// The reference joins the parts of a merge, without the prefix of the second, and looks the result up.
class Merges {
 public:
  Merges(const JsonObject& model, const TokenIds& ids, size_t prefix)
      : path_(model.path() + ".merges"), ids_(ids), prefix_(prefix) {}

  Result<void> read(const JsonValue& array, std::vector<MergeRule>& out) {
    if (array.Size() > kMaxMerges) return too_many(path_, array.Size(), kMaxMerges);
    out.reserve(array.Size());
    for (size_t at = 0; at < array.Size();) {
      // Tokens lie all over memory: those of some merges are sent for together.
      size_t count = 0;
      std::optional<Error> failed;
      for (; at < array.Size() && count < parts_.size() && !failed; ++at) {
        const JsonValue& merge = array[static_cast<rapidjson::SizeType>(at)];
        // A header of old merges.txt files.
        if (merge.IsString() && view(merge).starts_with("#version")) continue;
        failed = split(merge, at, parts_[count]);
        if (!failed) send_for(parts_[count++]);
      }
      for (size_t i = 0; i < count; ++i)
        for (const uint32_t hash : parts_[i].hashes) ids_.fetch_text(hash);
      for (size_t i = 0; i < count; ++i) {
        const Parts& parts = parts_[i];
        const TokenId* a = ids_.find(parts.left, parts.hashes[0]);
        const TokenId* b = ids_.find(parts.right, parts.hashes[1]);
        const TokenId* c = ids_.find(parts.joined, parts.hashes[2]);
        if (!a || !b || !c) {
          const std::string_view missing = !a ? parts.left : !b ? parts.right : parts.joined;
          return wrong(parts.index,
                       "tokens of the vocabulary, but '" + std::string(missing.substr(0, 40)) + "' is none");
        }
        out.push_back({*a, *b, *c});
      }
      if (failed) return *std::move(failed);
    }
    return {};
  }

 private:
  struct Parts {
    size_t index = 0;
    std::string_view left, right;
    std::string joined;
    std::array<uint32_t, 3> hashes{};
  };

  std::optional<Error> split(const JsonValue& merge, size_t i, Parts& parts) const {
    if (merge.IsString()) {
      const std::string_view text = view(merge);
      const size_t space = text.find(' ');
      if (space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos) {
        return wrong(i, "two tokens and a space between them");
      }
      parts.left = text.substr(0, space);
      parts.right = text.substr(space + 1);
    } else if (merge.IsArray() && merge.Size() == 2 && merge[0].IsString() && merge[1].IsString()) {
      parts.left = view(merge[0]);
      parts.right = view(merge[1]);
    } else {
      return wrong(i, "\"a b\" or [\"a\", \"b\"]");
    }
    if (parts.right.size() < prefix_) return wrong(i, "a second token with the continuing prefix");
    parts.index = i;
    parts.joined.assign(parts.left);
    parts.joined.append(parts.right.substr(prefix_));
    return std::nullopt;
  }
  void send_for(Parts& parts) const {
    parts.hashes = {TokenIds::hash_of(parts.left), TokenIds::hash_of(parts.right),
                    TokenIds::hash_of(parts.joined)};
    for (const uint32_t hash : parts.hashes) ids_.fetch_slot(hash);
  }
  Error wrong(size_t i, const std::string& expected) const {
    return invalid_vocabulary("`" + path_ + "[" + std::to_string(i) + "]`: expected " + expected + ".");
  }
  std::string path_;
  const TokenIds& ids_;
  size_t prefix_;
  std::array<Parts, 32> parts_;
};

Result<void> read_bpe(const JsonObject& model, TokenizerDefinition& out) {
  BpeDefinition bpe;
  if (const JsonValue* dropout = model.find("dropout")) {
    if (!dropout->IsNumber()) return model.wrong("dropout", "null or a number");
    if (dropout->GetDouble() != 0) return unsupported_component("model.dropout", "dropout");
  }
  ONPATH_TAKE(prefix, model.text_or("continuing_subword_prefix", ""));
  ONPATH_TAKE(suffix, model.text_or("end_of_word_suffix", ""));
  ONPATH_TAKE(fuse, model.boolean_or("fuse_unk", false));
  ONPATH_TAKE(fallback, model.boolean_or("byte_fallback", false));
  ONPATH_TAKE(ignore, model.boolean_or("ignore_merges", false));
  TokenIds ids;
  Result<void> done = read_vocabulary(model, out, ids);
  if (!done.ok()) return done;
  ONPATH_TAKE(merges, model.array("merges"));
  done = Merges(model, ids, prefix.size()).read(*merges, bpe.merges);
  if (!done.ok()) return done;
  if (model.has("unk_token")) {
    ONPATH_TAKE(unk, model.text("unk_token"));
    const TokenId* found = ids.find(unk);
    if (!found) return model.wrong("unk_token", "a token of the vocabulary");
    bpe.unk = *found;
  }
  for (const PreTokenizerDef& pre_tokenizer : out.pre_tokenizers) {
    bpe.byte_level = bpe.byte_level || std::holds_alternative<ByteLevelDef>(pre_tokenizer);
  }
  bpe.continuing_prefix = std::move(prefix);
  bpe.end_of_word_suffix = std::move(suffix);
  bpe.fuse_unk = fuse;
  bpe.byte_fallback = fallback;
  bpe.whole_piece = ignore;
  out.model = std::move(bpe);
  return {};
}

Result<void> read_word_piece(const JsonObject& model, TokenizerDefinition& out) {
  WordPieceDefinition word_piece;
  ONPATH_TAKE(prefix, model.text("continuing_subword_prefix"));
  ONPATH_TAKE(most, model.number("max_input_chars_per_word"));
  ONPATH_TAKE(unk, model.text("unk_token"));
  TokenIds ids;
  Result<void> done = read_vocabulary(model, out, ids);
  if (!done.ok()) return done;
  const TokenId* found = ids.find(unk);
  if (!found) return model.wrong("unk_token", "a token of the vocabulary");
  word_piece.unk = *found;
  word_piece.continuing_prefix = std::move(prefix);
  word_piece.max_input_chars = most;
  out.model = std::move(word_piece);
  return {};
}

Result<void> read_unigram(const JsonObject& model, TokenizerDefinition& out) {
  UnigramDefinition unigram;
  ONPATH_TAKE(fallback, model.boolean_or("byte_fallback", false));
  ONPATH_TAKE(vocabulary, model.array("vocab"));
  const size_t count = vocabulary->Size();
  if (count > kMaxTokens) return too_many(model.path() + ".vocab", count, kMaxTokens);
  unigram.scores.reserve(count);
  out.tokens.reserve(count);
  for (rapidjson::SizeType i = 0; i < count; ++i) {
    const JsonValue& entry = (*vocabulary)[i];
    const std::string path = model.path() + ".vocab[" + std::to_string(i) + "]";
    if (!entry.IsArray() || entry.Size() != 2 || !entry[0].IsString() || !entry[1].IsNumber()) {
      return invalid_vocabulary("`" + path + "` is no [token, score].");
    }
    if (entry[0].GetStringLength() > kMaxTokenBytes) return too_long(path, view(entry[0]));
    out.tokens.push_back({i, std::string(view(entry[0]))});
    unigram.scores.push_back(entry[1].GetDouble());
  }
  if (model.has("unk_id")) {
    ONPATH_TAKE(unk, model.number("unk_id"));
    if (unk >= count) return model.wrong("unk_id", "an index below " + std::to_string(count));
    unigram.unk = unk;
  }
  unigram.byte_fallback = fallback;
  out.model = std::move(unigram);
  return {};
}

}  // namespace

void TokenIds::reserve(size_t count) {
  std::vector<Slot> old = std::move(slots_);
  slots_.assign(std::bit_ceil(2 * count + 2), {});
  for (const Slot& slot : old) {
    if (slot.id != kNoToken) slots_[slot_of(slot.text, slot.hash)] = slot;
  }
}

size_t TokenIds::slot_of(std::string_view text, uint32_t hash) const {
  size_t at = hash & mask();
  while (slots_[at].id != kNoToken && (slots_[at].hash != hash || slots_[at].text != text))
    at = (at + 1) & mask();
  return at;
}

void TokenIds::set(std::string_view text, TokenId id) {
  if (2 * size_ + 2 > slots_.size()) reserve(2 * size_ + 16);
  const uint32_t hash = hash_of(text);
  Slot& slot = slots_[slot_of(text, hash)];
  if (slot.id == kNoToken) ++size_;
  slot = {text, hash, id};
}

const TokenId* TokenIds::find(std::string_view text, uint32_t hash) const {
  if (slots_.empty()) return nullptr;
  const Slot& slot = slots_[slot_of(text, hash)];
  return slot.id != kNoToken ? &slot.id : nullptr;
}

Result<void> read_model(const JsonObject& model, TokenizerDefinition& out) {
  ONPATH_TAKE(type, model.text_or("type", ""));
  // Files before "type" are told apart by their fields.
  if (type.empty()) {
    const JsonValue* vocabulary = model.find("vocab");
    if (model.has("merges")) {
      type = "BPE";
    } else if (model.has("max_input_chars_per_word")) {
      type = "WordPiece";
    } else {
      type = vocabulary != nullptr && vocabulary->IsArray() ? "Unigram" : "WordLevel";
    }
  }
  if (type == "BPE") return read_bpe(model, out);
  if (type == "WordPiece") return read_word_piece(model, out);
  if (type == "Unigram") return read_unigram(model, out);
  return unsupported_component("model", "the model " + type);
}

}  // namespace onpath::text
