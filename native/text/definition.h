// What a vocabulary file says, whatever its format. Loaders make it and check it; build() makes a tokenizer
// of it. Plain data. Sizes are bounded: kMaxTokens tokens, kMaxTokenBytes each, kMaxMerges merges.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "text/tokens.h"

namespace onpath::text {

inline constexpr size_t kMaxTokens = size_t{1} << 22;
inline constexpr size_t kMaxTokenBytes = size_t{1} << 16;
inline constexpr size_t kMaxMerges = size_t{1} << 23;

/// The format a vocabulary came from decides defaults, and which reference it equals.
enum class Format : uint8_t {
  tokenizer_json = 0,
  tiktoken = 1,
  sentencepiece = 2,
  tekken = 3,
  vocab_txt = 4
};

/// One entry of the model's vocabulary. `text` is as the file has it: for byte-level vocabularies of
/// tokenizer.json in the GPT-2 byte alphabet ("Ġthe"), for tiktoken and tekken the bytes themselves.
/// Ids need not be dense: entries are sorted by id, each id once.
struct TokenEntry {
  TokenId id = 0;
  std::string text;
};

// --- Models ---------------------------------------------------------------------------------------------

struct MergeRule {
  TokenId left = 0;
  TokenId right = 0;
  TokenId result = 0;
};
/// tokenizer.json BPE: `merges` by rank. tiktoken, tekken and SentencePiece BPE: no merges; any two
/// neighbours whose bytes together are a token merge, lowest `ranks[i]` (of tokens[i]) first, leftmost first
/// among equals; entries of rank kNoRank never result from a merge.
struct BpeDefinition {
  static constexpr uint32_t kNoRank = 0xFFFFFFFF;
  std::vector<MergeRule> merges;
  std::vector<uint32_t> ranks;
  bool byte_level = false;     // symbols are bytes (tiktoken, tekken, ByteLevel); otherwise code points
  bool whole_piece = false;    // a piece that is a token is that token (ignore_merges; tiktoken)
  bool byte_fallback = false;  // a code point that is no token becomes its bytes as <0x00>..<0xFF>
  bool fuse_unk = false;
  std::optional<TokenId> unk;
  std::string continuing_prefix;   // continuing_subword_prefix
  std::string end_of_word_suffix;  // "</w>" (CLIP)
  /// SentencePiece: pieces that are never split (user defined symbols).
  std::vector<TokenId> user_defined;
};
struct WordPieceDefinition {
  TokenId unk = 0;
  std::string continuing_prefix = "##";
  uint32_t max_input_chars = 100;  // code points; a longer word is unk
};
/// HF: scores are doubles summed in double. SentencePiece: floats summed in float.
struct UnigramDefinition {
  std::vector<double> scores;  // of tokens[i]
  std::optional<TokenId> unk;
  bool byte_fallback = false;
  bool single_precision = false;  // SentencePiece 0.1.97's arithmetic
  std::vector<TokenId> user_defined;
  std::vector<TokenId> unused;  // SentencePiece: never produced
};
using ModelDefinition = std::variant<BpeDefinition, WordPieceDefinition, UnigramDefinition>;

// --- Normalizers (tokenizer.json's own, in order) ---------------------------------------------------------

struct Pattern {
  std::string text;
  bool regex = false;  // otherwise literal
};
struct BertNormalizerDef {
  bool clean_text = true;
  bool handle_chinese_chars = true;
  std::optional<bool> strip_accents;  // default: as lowercase
  bool lowercase = true;
};
struct StripDef {
  bool left = true, right = true;
};
struct StripAccentsDef {};
struct UnicodeFormDef {
  bool compose = true, compatibility = false;
};  // NFC, NFD, NFKC, NFKD
struct LowercaseDef {};
struct NmtDef {};
/// charsmap: SentencePiece's precompiled blob. `sentencepiece`: its own algorithm and flags, not Hugging
/// Face's reading of the same blob (they differ).
struct PrecompiledDef {
  std::string charsmap;
  bool sentencepiece = false;
  bool remove_extra_whitespaces = false;  // sentencepiece only
  bool add_dummy_prefix = false;          // sentencepiece only
  bool escape_whitespaces = false;        // sentencepiece only
  bool treat_whitespace_as_suffix = false;
  std::vector<std::string> user_defined;  // sentencepiece only: what stands in the text is left as it is
};
struct ReplaceDef {
  Pattern pattern;
  std::string content;
};
struct PrependDef {
  std::string text;
};
struct ByteLevelNormalizerDef {};
using NormalizerDef = std::variant<BertNormalizerDef, StripDef, StripAccentsDef, UnicodeFormDef, LowercaseDef,
                                   NmtDef, PrecompiledDef, ReplaceDef, PrependDef, ByteLevelNormalizerDef>;

// --- Pre-tokenizers (in order; empty: the text is one piece) ----------------------------------------------

enum class SplitBehavior : uint8_t { removed, isolated, merged_with_previous, merged_with_next, contiguous };
enum class PrependScheme : uint8_t { never, first, always };
struct BertPreTokenizerDef {};
struct ByteLevelDef {
  bool add_prefix_space = true, use_regex = true;
};
struct CharDelimiterSplitDef {
  uint32_t delimiter = ' ';
};  // code point
struct MetaspaceDef {
  uint32_t replacement = 0x2581;  // code point
  PrependScheme prepend = PrependScheme::always;
  bool split = true;
};
struct WhitespaceDef {};  // \w+|[^\w\s]+
struct WhitespaceSplitDef {};
struct SplitDef {
  Pattern pattern;
  SplitBehavior behavior = SplitBehavior::isolated;
  bool invert = false;
};
struct PunctuationDef {
  SplitBehavior behavior = SplitBehavior::isolated;
};
struct DigitsDef {
  bool individual = false;
};
using PreTokenizerDef = std::variant<BertPreTokenizerDef, ByteLevelDef, CharDelimiterSplitDef, MetaspaceDef,
                                     WhitespaceDef, WhitespaceSplitDef, SplitDef, PunctuationDef, DigitsDef>;

// --- Added tokens, post-processing, decoding --------------------------------------------------------------

struct AddedTokenDef {
  TokenId id = 0;
  std::string text;
  bool single_word = false, lstrip = false, rstrip = false, normalized = false, special = false;
};

/// A piece of a template: a special token, or the sequence A (0) or B (1).
struct TemplateItem {
  std::optional<uint8_t> sequence;
  std::vector<TokenId> ids;  // of a special token
  uint32_t type_id = 0;
};
struct PostProcessorDef {
  std::vector<TemplateItem> single,
      pair;                           // always end up as templates: Bert, Roberta, ByteLevel, Sequence too
  bool trim_offsets = false;          // ByteLevel, Roberta
  bool trim_add_prefix_space = true;  // their add_prefix_space, which trimming asks for
  bool all_type_zero = false;  // Roberta: also of what truncation cuts off, which templates leave as it is
};

enum class Side : uint8_t { left, right };
enum class TruncationStrategy : uint8_t { longest_first, only_first, only_second };
struct TruncationDef {
  uint32_t max_length = 0, stride = 0;
  Side side = Side::right;
  TruncationStrategy strategy = TruncationStrategy::longest_first;
};
struct PaddingDef {
  std::optional<uint32_t> fixed;  // otherwise the longest of a batch
  uint32_t multiple_of = 0;
  Side side = Side::right;
  TokenId id = 0;
  uint32_t type_id = 0;
  std::string token = "[PAD]";
};

struct ByteLevelDecoderDef {};
struct WordPieceDecoderDef {
  std::string prefix = "##";
  bool cleanup = true;
};
struct MetaspaceDecoderDef {
  uint32_t replacement = 0x2581;
  PrependScheme prepend = PrependScheme::always;
};
struct BpeDecoderDef {
  std::string suffix = "</w>";
};
struct ReplaceDecoderDef {
  Pattern pattern;
  std::string content;
};
struct ByteFallbackDecoderDef {};
struct FuseDecoderDef {};
struct StripDecoderDef {
  uint32_t content = ' ';
  uint32_t start = 0, stop = 0;
};
/// tiktoken, tekken: the tokens' bytes one after the other. SentencePiece: its own rules.
struct BytesDecoderDef {};
struct SentencePieceDecoderDef {
  bool add_dummy_prefix = true;
  std::string unk_surface = " \xE2\x81\x87 ";
};
using DecoderDef = std::variant<ByteLevelDecoderDef, WordPieceDecoderDef, MetaspaceDecoderDef, BpeDecoderDef,
                                ReplaceDecoderDef, ByteFallbackDecoderDef, FuseDecoderDef, StripDecoderDef,
                                BytesDecoderDef, SentencePieceDecoderDef>;

struct TokenizerDefinition {
  Format format = Format::tokenizer_json;
  std::string name;                // "cl100k_base", ... or empty
  std::vector<TokenEntry> tokens;  // sorted by id; tokens added beyond the model's vocabulary are not here
  ModelDefinition model;
  std::vector<NormalizerDef> normalizers;
  std::vector<PreTokenizerDef> pre_tokenizers;
  std::vector<AddedTokenDef> added;
  PostProcessorDef post;
  std::optional<TruncationDef> truncation;
  std::optional<PaddingDef> padding;
  std::vector<DecoderDef> decoders;  // empty: tokens joined by spaces, as Hugging Face does without a decoder
};

}  // namespace onpath::text
