// .tiktoken files: a line per token, `base64 rank`. The token's id is its rank.
#include <array>
#include <string>
#include <utility>

#include "text/load.h"
#include "text/load_json.h"
#include "text/pre_tokenizer_patterns.h"

namespace onpath::text {
namespace {

std::map<std::string, TokenId> harmony_tokens() {
  std::map<std::string, TokenId> tokens = {{"<|startoftext|>", 199998}, {"<|endoftext|>", 199999},
                                           {"<|return|>", 200002},      {"<|constrain|>", 200003},
                                           {"<|channel|>", 200005},     {"<|start|>", 200006},
                                           {"<|end|>", 200007},         {"<|message|>", 200008},
                                           {"<|call|>", 200012},        {"<|endofprompt|>", 200018}};
  // 200018 has two names; this one is also o200k_base's.
  for (const TokenId id : {200000u, 200001u, 200004u, 200009u, 200010u, 200011u}) {
    tokens["<|reserved_" + std::to_string(id) + "|>"] = id;
  }
  for (TokenId id = 200013; id < 201088; ++id) {
    if (id != 200018) tokens["<|reserved_" + std::to_string(id) + "|>"] = id;
  }
  return tokens;
}

}  // namespace

Result<TiktokenEncoding> named_encoding(std::string_view name) {
  const auto encoding = [name](std::string_view pattern, std::map<std::string, TokenId> special_tokens) {
    return TiktokenEncoding{std::string(name), std::string(pattern), std::move(special_tokens)};
  };
  if (name == "gpt2" || name == "r50k_base" || name == "p50k_base") {
    return encoding(patterns::kGpt2, {{"<|endoftext|>", 50256}});
  }
  if (name == "p50k_edit") {
    return encoding(patterns::kGpt2, {{"<|endoftext|>", 50256},
                                      {"<|fim_prefix|>", 50281},
                                      {"<|fim_middle|>", 50282},
                                      {"<|fim_suffix|>", 50283}});
  }
  if (name == "cl100k_base") {
    return encoding(patterns::kCl100k, {{"<|endoftext|>", 100257},
                                        {"<|fim_prefix|>", 100258},
                                        {"<|fim_middle|>", 100259},
                                        {"<|fim_suffix|>", 100260},
                                        {"<|endofprompt|>", 100276}});
  }
  if (name == "o200k_base") {
    return encoding(patterns::kO200k, {{"<|endoftext|>", 199999}, {"<|endofprompt|>", 200018}});
  }
  if (name == "o200k_harmony") return encoding(patterns::kO200k, harmony_tokens());
  return Error{ErrorCode::NOT_FOUND, "There is no encoding '" + std::string(name.substr(0, 60)) +
                                         "'; known are cl100k_base, o200k_base, o200k_harmony, p50k_base, "
                                         "p50k_edit, r50k_base and gpt2. Give pattern and special tokens for "
                                         "others."};
}

Result<TokenizerDefinition> load_tiktoken(std::span<const uint8_t> file, const TiktokenEncoding& encoding) {
  TokenizerDefinition out;
  out.format = Format::tiktoken;
  out.name = encoding.name;
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  size_t line_number = 0;
  for (size_t at = 0; at < text.size();) {
    size_t end = text.find('\n', at);
    if (end == std::string_view::npos) end = text.size();
    std::string_view line = text.substr(at, end - at);
    at = end + 1;
    ++line_number;
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    if (line.empty()) continue;
    const auto wrong = [line_number](const char* expected) {
      return invalid_vocabulary("Line " + std::to_string(line_number) + " of the .tiktoken file: expected " +
                                expected + ".");
    };
    const size_t space = line.find(' ');
    if (space == std::string_view::npos || space == 0)
      return wrong("a token in base64, a space and its rank");
    std::optional<std::string> bytes = decode_base64(line.substr(0, space));
    if (!bytes || bytes->empty()) return wrong("a token in base64");
    const std::string_view rank = line.substr(space + 1);
    if (rank.empty() || rank.size() > 9 || rank.find_first_not_of("0123456789") != std::string_view::npos) {
      return wrong("a rank behind the token");
    }
    TokenId id = 0;
    for (const char digit : rank) id = id * 10 + static_cast<TokenId>(digit - '0');
    if (id >= kMaxTokens || bytes->size() > kMaxTokenBytes || out.tokens.size() >= kMaxTokens) {
      return Error{ErrorCode::LIMIT_EXCEEDED, "Line " + std::to_string(line_number) +
                                                  " of the .tiktoken file: ranks below " +
                                                  std::to_string(kMaxTokens) + " and tokens of at most " +
                                                  std::to_string(kMaxTokenBytes) + " bytes are supported."};
    }
    out.tokens.push_back({id, std::move(*bytes)});
  }
  sort_by_id(out.tokens);
  std::array<bool, 256> single{};
  BpeDefinition bpe;
  bpe.byte_level = true;
  bpe.whole_piece = true;
  for (size_t i = 0; i < out.tokens.size(); ++i) {
    const TokenEntry& token = out.tokens[i];
    if (i > 0 && token.id == out.tokens[i - 1].id) {
      return invalid_vocabulary("The .tiktoken file has the rank " + std::to_string(token.id) + " twice.");
    }
    if (token.text.size() == 1) single[static_cast<uint8_t>(token.text[0])] = true;
    bpe.ranks.push_back(token.id);
  }
  for (size_t byte = 0; byte < single.size(); ++byte) {
    if (single[byte]) continue;
    return invalid_vocabulary("The .tiktoken file has no token for the byte " + std::to_string(byte) +
                              "; expected one for each of 256.");
  }
  out.model = std::move(bpe);
  out.pre_tokenizers.emplace_back(SplitDef{{encoding.pattern, true}, SplitBehavior::isolated, false});
  for (const auto& [token, id] : encoding.special_tokens) {
    if (token.empty() || id >= kMaxTokens) {
      return invalid_vocabulary("The special token '" + token + "' has id " + std::to_string(id) +
                                "; expected a text and an id below " + std::to_string(kMaxTokens) + ".");
    }
    out.added.push_back(special_token(id, token));
  }
  out.post = default_post_processor();
  out.decoders.emplace_back(BytesDecoderDef{});
  return out;
}

}  // namespace onpath::text
