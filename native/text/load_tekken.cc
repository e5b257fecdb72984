// Mistral's tekken.json: a byte-level vocabulary by rank, and special tokens whose ids come first.
#include <array>
#include <utility>

#include "text/load.h"
#include "text/load_json.h"

namespace onpath::text {
namespace {

// Names of the first special tokens where the file has none (version v3); the others have no name in common.
constexpr std::array<const char*, 10> kNames = {"<unk>",
                                                "<s>",
                                                "</s>",
                                                "[INST]",
                                                "[/INST]",
                                                "[AVAILABLE_TOOLS]",
                                                "[/AVAILABLE_TOOLS]",
                                                "[TOOL_RESULTS]",
                                                "[/TOOL_RESULTS]",
                                                "[TOOL_CALLS]"};

Result<std::vector<AddedTokenDef>> special_tokens(const JsonObject& root, uint32_t count) {
  std::vector<std::string> names(count);
  if (root.has("special_tokens")) {
    ONPATH_TAKE(array, root.array("special_tokens"));
    for (rapidjson::SizeType i = 0; i < array->Size(); ++i) {
      ONPATH_TAKE(entry, as_object((*array)[i], "special_tokens[" + std::to_string(i) + "]"));
      ONPATH_TAKE(rank, entry.number("rank"));
      ONPATH_TAKE(text, entry.text("token_str"));
      if (rank >= count) return entry.wrong("rank", "a rank below " + std::to_string(count));
      if (text.empty() || !names[rank].empty())
        return entry.wrong("token_str", "a text of its own for each rank");
      names[rank] = std::move(text);
    }
  } else {
    for (size_t i = 0; i < kNames.size() && i < names.size(); ++i) names[i] = kNames[i];
  }
  std::vector<AddedTokenDef> added;
  for (uint32_t i = 0; i < count; ++i) {
    const bool named = !names[i].empty();
    added.push_back(special_token(i, named ? std::move(names[i]) : "<SPECIAL_" + std::to_string(i) + ">"));
  }
  return added;
}

}  // namespace

Result<TokenizerDefinition> load_tekken(std::span<const uint8_t> file) {
  ONPATH_TAKE(json, JsonFile::parse(file, "tekken.json"));
  const JsonObject root(json.root(), "tekken");
  ONPATH_TAKE(config, root.object("config"));
  ONPATH_TAKE(pattern, config.text("pattern"));
  ONPATH_TAKE(vocabulary_size, config.number("default_vocab_size"));
  ONPATH_TAKE(special_count, config.number("default_num_special_tokens"));
  if (vocabulary_size > kMaxTokens || special_count > vocabulary_size) {
    return invalid_vocabulary("`config` asks for " + std::to_string(vocabulary_size) + " tokens, " +
                              std::to_string(special_count) + " of them special; at most " +
                              std::to_string(kMaxTokens) + " are supported.");
  }
  ONPATH_TAKE(vocabulary, root.array("vocab"));
  const uint32_t wanted = vocabulary_size - special_count;
  if (vocabulary->Size() < wanted) {
    return invalid_vocabulary("`vocab` has " + std::to_string(vocabulary->Size()) +
                              " tokens, `config` asks for " + std::to_string(wanted) + ".");
  }
  TokenizerDefinition out;
  out.format = Format::tekken;
  BpeDefinition bpe;
  bpe.byte_level = true;
  bpe.whole_piece = true;
  out.tokens.reserve(wanted);
  for (uint32_t i = 0; i < wanted; ++i) {
    const std::string path = "vocab[" + std::to_string(i) + "]";
    ONPATH_TAKE(entry, as_object((*vocabulary)[i], path));
    ONPATH_TAKE(rank, entry.number("rank"));
    ONPATH_TAKE(encoded, entry.text("token_bytes"));
    std::optional<std::string> bytes = decode_base64(encoded);
    if (!bytes || bytes->empty() || bytes->size() > kMaxTokenBytes) {
      return entry.wrong("token_bytes", "base64 of at most " + std::to_string(kMaxTokenBytes) + " bytes");
    }
    if (rank != i) return entry.wrong("rank", std::to_string(i) + ", its place");
    if (i < 256 && (bytes->size() != 1 || static_cast<uint8_t>((*bytes)[0]) != i)) {
      return entry.wrong("token_bytes", "the byte " + std::to_string(i));
    }
    out.tokens.push_back({i + special_count, std::move(*bytes)});
    bpe.ranks.push_back(i);
  }
  if (wanted < 256) return invalid_vocabulary("`vocab` has fewer tokens than there are bytes.");
  out.model = std::move(bpe);
  ONPATH_TAKE(added, special_tokens(root, special_count));
  out.added = std::move(added);
  out.pre_tokenizers.emplace_back(SplitDef{{std::move(pattern), true}, SplitBehavior::isolated, false});
  out.post = default_post_processor();
  out.decoders.emplace_back(BytesDecoderDef{});
  return out;
}

}  // namespace onpath::text
