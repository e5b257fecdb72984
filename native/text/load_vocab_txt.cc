// BERT's vocab.txt: a token per line, its id is the number of the line.
#include <string>
#include <unordered_map>
#include <utility>

#include "text/load.h"
#include "text/load_json.h"

namespace onpath::text {

Result<TokenizerDefinition> load_vocab_txt(std::span<const uint8_t> file, const VocabTxtOptions& options) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  // A token that stands twice has its last id.
  std::unordered_map<std::string_view, TokenId> ids;
  TokenId line_number = 0;
  for (size_t at = 0; at < text.size(); ++line_number) {
    size_t end = text.find('\n', at);
    if (end == std::string_view::npos) end = text.size();
    std::string_view line = text.substr(at, end - at);
    at = end + 1;
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line_number >= kMaxTokens || line.size() > kMaxTokenBytes) {
      return Error{ErrorCode::LIMIT_EXCEEDED, "Line " + std::to_string(line_number + 1) +
                                                  " of vocab.txt: at most " + std::to_string(kMaxTokens) +
                                                  " lines of at most " + std::to_string(kMaxTokenBytes) +
                                                  " bytes are supported."};
    }
    if (!line.empty()) ids[line] = line_number;
  }
  TokenizerDefinition out;
  out.format = Format::vocab_txt;
  out.tokens.reserve(ids.size());
  for (const auto& [token, id] : ids) out.tokens.push_back({id, std::string(token)});
  sort_by_id(out.tokens);

  const auto id_of = [&ids](const std::string& token) -> Result<TokenId> {
    const auto found = ids.find(token);
    if (found != ids.end()) return found->second;
    return invalid_vocabulary("vocab.txt has no line '" + token + "'; expected one for each special token.");
  };
  ONPATH_TAKE(unk, id_of(options.unk));
  ONPATH_TAKE(cls, id_of(options.cls));
  ONPATH_TAKE(sep, id_of(options.sep));
  WordPieceDefinition model;
  model.unk = unk;
  out.model = std::move(model);
  BertNormalizerDef normalizer;
  normalizer.lowercase = options.lowercase;
  out.normalizers.emplace_back(normalizer);
  out.pre_tokenizers.emplace_back(BertPreTokenizerDef{});
  for (const std::string& token : {options.pad, options.unk, options.cls, options.sep, options.mask}) {
    const auto found = ids.find(token);
    if (found != ids.end()) out.added.push_back(special_token(found->second, token));
  }
  out.post.single = {{std::nullopt, {cls}, 0}, {uint8_t{0}, {}, 0}, {std::nullopt, {sep}, 0}};
  out.post.pair = {{std::nullopt, {cls}, 0},
                   {uint8_t{0}, {}, 0},
                   {std::nullopt, {sep}, 0},
                   {uint8_t{1}, {}, 1},
                   {std::nullopt, {sep}, 1}};
  out.decoders.emplace_back(WordPieceDecoderDef{});
  return out;
}

}  // namespace onpath::text
