// Vocabulary files to definitions. Bytes in, no I/O. Every loader takes any bytes: typed errors, bounded
// memory.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "text/definition.h"

namespace onpath::text {

/// Errors of all: INVALID_VOCABULARY naming field and value; UNSUPPORTED naming the component that the file
/// asks for and we lack; LIMIT_EXCEEDED.

/// Hugging Face tokenizer.json, as tokenizers 0.23.2 reads it.
Result<TokenizerDefinition> load_tokenizer_json(std::span<const uint8_t> file);

/// `base64 rank` lines. Pattern and special tokens come from a named encoding or from the caller.
struct TiktokenEncoding {
  std::string name;
  std::string pattern;
  std::map<std::string, TokenId> special_tokens;
};
/// "cl100k_base", "o200k_base", "o200k_harmony", "p50k_base", "p50k_edit", "r50k_base", "gpt2". Errors:
/// NOT_FOUND.
Result<TiktokenEncoding> named_encoding(std::string_view name);
Result<TokenizerDefinition> load_tiktoken(std::span<const uint8_t> file, const TiktokenEncoding& encoding);

/// SentencePiece .model (protobuf), read as SentencePiece 0.1.97 does.
Result<TokenizerDefinition> load_sentencepiece(std::span<const uint8_t> file);

/// Mistral's tekken.json: id = rank + number of special tokens.
Result<TokenizerDefinition> load_tekken(std::span<const uint8_t> file);

/// BERT's vocab.txt, a token per line.
struct VocabTxtOptions {
  bool lowercase = true;
  std::string unk = "[UNK]", cls = "[CLS]", sep = "[SEP]", pad = "[PAD]", mask = "[MASK]";
};
Result<TokenizerDefinition> load_vocab_txt(std::span<const uint8_t> file, const VocabTxtOptions& options);

}  // namespace onpath::text
