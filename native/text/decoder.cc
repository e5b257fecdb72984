#include "text/decoder.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "text/decoder_pieces.h"
#include "text/decoder_stages.h"
#include "text/normalizer.h"

namespace onpath::text {
namespace {

enum class Way : uint8_t { stages, bytes, sentencepiece };

class TextDecoder final : public Decoder {
 public:
  TextDecoder(const TokenizerDefinition& definition, const Vocabulary& vocabulary)
      : vocabulary_(vocabulary), format_(definition.format), decoders_(definition.decoders) {}

  Result<void> prepare(const TokenizerDefinition& definition);
  Result<std::string> decode(std::span<const TokenId> ids, bool skip_special) const override;
  uint64_t bytes() const override { return bytes_; }

 private:
  friend class TextDecodeStream;

  /// Nothing: the reference leaves this id out.
  std::optional<std::string_view> text(TokenId id, bool skip_special) const {
    std::optional<std::string_view> found;
    if (const auto changed = changed_.find(id); changed != changed_.end()) {
      found = changed->second;
    } else {
      found = vocabulary_.text(id);
    }
    if (found.has_value() && skip_special && specials_.count(*found) != 0) found.reset();
    return found;
  }
  PieceKind kind(TokenId id, std::string_view text) const {
    if (unk_ == id) return PieceKind::unknown;
    if (byte_fallback_ && byte_of_piece(text) >= 0) return PieceKind::byte;
    return std::binary_search(special_ids_.begin(), special_ids_.end(), id) ? PieceKind::control
                                                                            : PieceKind::normal;
  }
  DecodeStagePtr make_stages() const {
    DecodeStagePtr stage = make_output_stage(decoders_.empty() ? " " : "");
    for (size_t i = decoders_.size(); i-- > 0;) {
      // prepare() has made each once: none can fail.
      stage =
          make_decode_stage(decoders_[i], regexes_[i] ? &*regexes_[i] : nullptr, std::move(stage)).value();
    }
    return stage;
  }

  const Vocabulary& vocabulary_;
  Format format_;
  std::vector<DecoderDef> decoders_;
  std::vector<std::optional<Regex>> regexes_;
  Way way_ = Way::stages;
  SentencePieceDecoderDef pieces_;
  bool remove_extra_whitespaces_ = false;
  bool byte_fallback_ = false;
  std::optional<TokenId> unk_;
  std::unordered_map<TokenId, std::string> changed_;  // added tokens that normalizing changed
  std::set<std::string, std::less<>> specials_;       // texts: the reference compares texts, not ids
  std::vector<TokenId> special_ids_;
  uint64_t bytes_ = 0;
};

class TextDecodeStream final : public DecodeStream {
 public:
  TextDecodeStream(const TextDecoder& decoder, bool skip_special, bool whole)
      : decoder_(decoder),
        skip_special_(skip_special),
        pieces_(decoder.pieces_, decoder.remove_extra_whitespaces_) {
    run_.whole = whole;
    if (decoder_.way_ == Way::stages) stages_ = decoder_.make_stages();
  }

  Result<std::string> push(std::span<const TokenId> ids) override {
    for (const TokenId id : ids) {
      if (!run_.error.has_value()) take(id);
    }
    if (run_.error.has_value()) return *run_.error;
    return std::exchange(run_.out, {});
  }
  std::string end() override {
    switch (decoder_.way_) {
      case Way::stages:
        stages_->end(run_);
        break;
      case Way::bytes:
        append_repaired(repair_, {}, true, run_.out);
        break;
      case Way::sentencepiece:
        pieces_.end(run_);
        break;
    }
    return std::exchange(run_.out, {});
  }
  const std::optional<Error>& error() const { return run_.error; }

 private:
  void take(TokenId id) {
    const std::optional<std::string_view> text = decoder_.text(id, skip_special_);
    if (!text.has_value()) {
      if (decoder_.way_ != Way::stages && !decoder_.text(id, false).has_value()) {
        run_.fail(ErrorCode::INVALID_ARGUMENT,
                  "Token " + std::to_string(id) + " is not in the vocabulary; expected ids below " +
                      std::to_string(decoder_.vocabulary_.id_limit()) + " that are tokens.");
      }
      // tekken decodes what stands between special tokens each by itself.
      if (decoder_.way_ == Way::bytes && decoder_.format_ == Format::tekken)
        append_repaired(repair_, {}, true, run_.out);
      return;
    }
    switch (decoder_.way_) {
      case Way::stages:
        stages_->fragment(*text, true, run_);
        break;
      case Way::bytes:
        append_repaired(repair_, *text, false, run_.out);
        break;
      case Way::sentencepiece:
        pieces_.piece(*text, decoder_.kind(id, *text), run_);
        break;
    }
  }

  const TextDecoder& decoder_;
  bool skip_special_;
  DecodeRun run_;
  DecodeStagePtr stages_;
  Utf8Repair repair_;  // Way::bytes
  SentencePieceDecoding pieces_;
};

Result<void> TextDecoder::prepare(const TokenizerDefinition& definition) {
  if (decoders_.size() == 1 && std::holds_alternative<BytesDecoderDef>(decoders_[0])) way_ = Way::bytes;
  if (decoders_.size() == 1 && std::holds_alternative<SentencePieceDecoderDef>(decoders_[0])) {
    way_ = Way::sentencepiece;
    pieces_ = std::get<SentencePieceDecoderDef>(decoders_[0]);
  }
  regexes_.resize(decoders_.size());
  for (size_t i = 0; i < decoders_.size() && way_ == Way::stages; ++i) {
    if (const auto* replace = std::get_if<ReplaceDecoderDef>(&decoders_[i]);
        replace != nullptr && replace->pattern.regex) {
      Result<Regex> regex = Regex::compile(replace->pattern.text);
      if (!regex.ok()) return regex.error();
      regexes_[i].emplace(std::move(regex).value());
      bytes_ += regexes_[i]->bytes();
    }
    const auto made =
        make_decode_stage(decoders_[i], regexes_[i] ? &*regexes_[i] : nullptr, make_output_stage(""));
    if (!made.ok()) return made.error();
  }
  for (const NormalizerDef& normalizer : definition.normalizers) {
    const auto* precompiled = std::get_if<PrecompiledDef>(&normalizer);
    if (precompiled != nullptr && precompiled->sentencepiece) {
      remove_extra_whitespaces_ = precompiled->remove_extra_whitespaces;
    }
  }
  if (const auto* bpe = std::get_if<BpeDefinition>(&definition.model)) {
    unk_ = bpe->unk;
    byte_fallback_ = bpe->byte_fallback;
  } else if (const auto* unigram = std::get_if<UnigramDefinition>(&definition.model)) {
    unk_ = unigram->unk;
    byte_fallback_ = unigram->byte_fallback;
  }

  NormalizerPtr normalizer;
  if (definition.format == Format::tokenizer_json || definition.format == Format::vocab_txt) {
    // For a few added tokens a table of all characters is not worth its making.
    Result<NormalizerPtr> made = make_normalizer(definition.normalizers, false, /*table=*/false);
    if (!made.ok()) return made.error();
    normalizer = std::move(made).value();
  }
  for (const AddedTokenDef& added : definition.added) {
    if (added.special) {
      specials_.insert(added.text);
      special_ids_.push_back(added.id);
      bytes_ += added.text.size() + sizeof(TokenId);
    }
    // The reference gives an added token back as normalizing makes it, which is how it was found.
    if (!added.normalized || normalizer == nullptr) continue;
    NormalizedText out;
    normalizer->normalize(reinterpret_cast<const uint8_t*>(added.text.data()), added.text.size(), {}, out);
    std::string changed(out.bytes.begin(), out.bytes.end());
    if (changed != added.text) {
      bytes_ += changed.size();
      changed_.insert_or_assign(added.id, std::move(changed));
    }
  }
  std::sort(special_ids_.begin(), special_ids_.end());
  return {};
}

Result<std::string> TextDecoder::decode(std::span<const TokenId> ids, bool skip_special) const {
  TextDecodeStream stream(*this, skip_special, true);
  Result<std::string> text = stream.push(ids);
  if (!text.ok()) return text;
  std::string all = std::move(text).value();
  all += stream.end();
  if (stream.error().has_value()) return *stream.error();
  return all;
}

}  // namespace

Result<std::unique_ptr<const Decoder>> make_decoder(const TokenizerDefinition& definition,
                                                    const Vocabulary& vocabulary) {
  auto decoder = std::make_unique<TextDecoder>(definition, vocabulary);
  if (Result<void> prepared = decoder->prepare(definition); !prepared.ok()) return prepared.error();
  return std::unique_ptr<const Decoder>(std::move(decoder));
}

std::unique_ptr<DecodeStream> make_decode_stream(const Decoder& decoder, bool skip_special) {
  return std::make_unique<TextDecodeStream>(static_cast<const TextDecoder&>(decoder), skip_special, false);
}

}  // namespace onpath::text
