// The parts of a tokenizer.json, each in a file of its own.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "text/load_json.h"

namespace onpath::text {

/// Components within components.
inline constexpr int kMaxComponentDepth = 16;

/// Appends; nested sequences are flattened.
Result<void> read_normalizer(const JsonObject& component, std::vector<NormalizerDef>& out);
Result<void> read_pre_tokenizer(const JsonObject& component, std::vector<PreTokenizerDef>& out);
Result<void> read_decoder(const JsonObject& component, std::vector<DecoderDef>& out);
Result<void> read_post_processor(const JsonObject& component, PostProcessorDef& out);
Result<Pattern> read_pattern(const JsonObject& component);

/// Fills tokens and model.
Result<void> read_model(const JsonObject& model, TokenizerDefinition& out);
/// After the model. Ids are given as tokenizers gives them: those of the model's vocabulary where it has the
/// text, further ones behind it; the file's own "id" is not asked.
Result<void> read_added_tokens(const JsonValue& array, TokenizerDefinition& out);

/// Ids by text: an open-addressing table, as these files have some 100,000 texts that are looked up three
/// times for each merge. Texts stay where they are.
class TokenIds {
 public:
  void reserve(size_t count);
  /// A text that is there already gets the new id.
  void set(std::string_view text, TokenId id);
  const TokenId* find(std::string_view text) const { return find(text, hash_of(text)); }
  /// In three steps, for several at once: each finds what the one before has sent for.
  static uint32_t hash_of(std::string_view text) {
    return static_cast<uint32_t>(std::hash<std::string_view>{}(text));
  }
  void fetch_slot(uint32_t hash) const {
    if (!slots_.empty()) __builtin_prefetch(slots_.data() + (hash & mask()));
  }
  void fetch_text(uint32_t hash) const {
    if (!slots_.empty()) __builtin_prefetch(slots_[hash & mask()].text.data());
  }
  const TokenId* find(std::string_view text, uint32_t hash) const;
  size_t size() const { return size_; }
  template <class Visit>
  void each(Visit visit) const {
    for (const Slot& slot : slots_) {
      if (slot.id != kNoToken) visit(slot.text, slot.id);
    }
  }

 private:
  struct Slot {
    std::string_view text;
    uint32_t hash = 0;
    TokenId id = kNoToken;
  };
  size_t mask() const { return slots_.size() - 1; }
  size_t slot_of(std::string_view text, uint32_t hash) const;
  std::vector<Slot> slots_;
  size_t size_ = 0;
};

}  // namespace onpath::text
