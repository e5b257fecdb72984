#include "text/tokenizer.h"

#include <atomic>
#include <new>
#include <utility>

#include "base/sha256.h"
#include "text/tokenizer_parts.h"
#include "text/unicode.h"

namespace onpath::text {
namespace {

using Version = std::array<uint8_t, 32>;

Result<ModelPtr> make_model(const TokenizerDefinition& definition, const ModelContext& context) {
  switch (definition.model.index()) {
    case 0:
      return make_bpe(definition, context);
    case 1:
      return make_word_piece(definition, context);
    default:
      return make_unigram(definition, context);
  }
}

Result<ModelPtr> read_model_form(const FlatReader& form, size_t kind) {
  switch (kind) {
    case 0:
      return read_bpe(form);
    case 1:
      return read_word_piece(form);
    default:
      return read_unigram(form);
  }
}

const char* model_name(const TokenizerDefinition& settings) {
  static constexpr const char* kSpelled[] = {"BPE", "WordPiece", "Unigram"};
  return kSpelled[settings.model.index()];
}

const char* format_name(Format format) {
  static constexpr const char* kSpelled[] = {"tokenizer.json", "tiktoken", "SentencePiece", "tekken",
                                             "vocab.txt"};
  return kSpelled[static_cast<size_t>(format)];
}

// What the compiled form and a definition have in common: components made of settings.
Result<void> make_settings_parts(const TokenizerDefinition& settings, TokenizerParts& parts) {
  Result<Plan> plan = make_plan(settings);
  if (!plan.ok()) return plan.error();
  parts.plan = std::move(plan).value();
  Result<NormalizerPtr> normalizer = make_normalizer(settings.normalizers, parts.plan.alias_by_normalizer);
  if (!normalizer.ok()) return normalizer.error();
  parts.normalizer = std::move(normalizer).value();
  // tiktoken's and Mistral's patterns are for the regex crate of Rust.
  const bool rust = settings.format == Format::tiktoken || settings.format == Format::tekken;
  Result<PreTokenizerPtr> pre_tokenizer = make_pre_tokenizer(
      parts.plan.pre_tokenizers, parts.plan.space_alias(), rust ? RegexEngine::rust : RegexEngine::oniguruma);
  if (!pre_tokenizer.ok()) return pre_tokenizer.error();
  parts.pre_tokenizer = std::move(pre_tokenizer).value();
  return {};
}

class BuiltTokenizer final : public Tokenizer, public std::enable_shared_from_this<BuiltTokenizer> {
 public:
  ~BuiltTokenizer() override { delete hash_.load(); }

  static Result<TokenizerPtr> make(std::shared_ptr<const TokenizerParts> parts, Vocabulary vocabulary,
                                   TokenizerDefinition settings, const Version* hash) {
    auto made = std::make_shared<BuiltTokenizer>();
    made->parts_ = std::move(parts);
    made->vocabulary_ = std::move(vocabulary);
    made->settings_ = std::move(settings);
    Result<AddedMatchers> matchers = make_added_matchers(made->settings_, *made->parts_);
    if (!matchers.ok()) return matchers.error();
    made->matchers_ = std::move(matchers).value();
    Result<SingleTemplate> single = make_single_template(made->settings_.post);
    if (!single.ok()) return single.error();
    made->single_ = std::move(single).value();
    if (made->settings_.post.trim_offsets) made->trim_ = make_token_trim(made->vocabulary_);
    Result<std::unique_ptr<const Decoder>> decoder = make_decoder(made->settings_, made->vocabulary_);
    if (!decoder.ok()) return decoder.error();
    made->decoder_ = std::move(decoder).value();
    if (hash) made->hash_ = new Version(*hash);
    return TokenizerPtr(std::move(made));
  }

  Format format() const override { return settings_.format; }
  const Vocabulary& vocabulary() const override { return vocabulary_; }
  const TokenizerDefinition& settings() const override { return settings_; }
  const Decoder& decoder() const override { return *decoder_; }

  std::unique_ptr<Workspace> make_workspace(uint64_t cache_bytes) const override {
    auto workspace = std::make_unique<StreamWorkspace>();
    workspace->memory = parts_->encoder->make_memory(cache_bytes);
    return workspace;
  }

  Result<std::unique_ptr<TextStream>> make_stream(const StreamOptions& options) const override {
    TokenizerView view;
    view.parts = parts_.get();
    view.settings = &settings_;
    view.matchers = &matchers_;
    view.trim = settings_.post.trim_offsets ? &trim_ : nullptr;
    view.single = &single_;
    view.keep = shared_from_this();
    try {
      return make_text_stream(view, options);
    } catch (const std::bad_alloc&) {
      return Error{ErrorCode::OUT_OF_MEMORY, "There is no memory for a stream that may hold " +
                                                 std::to_string(options.cap_bytes) +
                                                 " bytes; lower its cap."};
    }
  }

  StreamStatus encode(std::span<const uint8_t> text, TextStream& stream, Workspace& workspace,
                      TokenBuffer& out, size_t most_tokens) const override {
    return encode_whole(text, stream, workspace, out, most_tokens);
  }

  std::vector<uint8_t> save() const override {
    FlatWriter form;
    write(form);
    const Version* known = hash_.load(std::memory_order_acquire);
    form.array("hash", std::span<const uint8_t>(known ? *known : hash_of(form)));
    return form.finish();
  }

  const Version& hash() const override {
    if (const Version* known = hash_.load(std::memory_order_acquire)) return *known;
    FlatWriter form;
    write(form);
    return hash_of(form);
  }

  Result<TokenizerPtr> with_added(std::span<const AddedTokenDef> tokens) const override {
    TokenizerDefinition definition = settings_;
    definition.tokens.reserve(vocabulary_.size());
    for (TokenId id = 0; id < vocabulary_.id_limit(); ++id) {
      if (const auto text = vocabulary_.text(id)) definition.tokens.push_back({id, std::string(*text)});
    }
    for (const AddedTokenDef& token : tokens) {
      const auto invalid = [&token](const std::string& what) {
        return Error{ErrorCode::INVALID_ARGUMENT,
                     "The added token '" + token.text.substr(0, 60) + "' " + what + "."};
      };
      if (token.text.empty()) return invalid("has no text");
      if (token.text.size() > kMaxTokenBytes)
        return invalid("is longer than " + std::to_string(kMaxTokenBytes));
      if (token.id >= kMaxTokens) return invalid("has an id beyond " + std::to_string(kMaxTokens - 1));
      const auto known = vocabulary_.text(token.id);
      if (known && *known != token.text) {
        return invalid("has the id " + std::to_string(token.id) + ", which is that of '" +
                       std::string(*known) + "'");
      }
      const auto id = vocabulary_.id(token.text);
      if (id && *id != token.id) return invalid("is known already, with the id " + std::to_string(*id));
      // A token that is added again changes its properties, as in the reference.
      std::erase_if(definition.added, [&token](const AddedTokenDef& old) { return old.id == token.id; });
      definition.added.push_back(token);
    }
    Result<Vocabulary> vocabulary = Vocabulary::make(definition);
    if (!vocabulary.ok()) return vocabulary.error();
    definition.tokens.clear();
    return make(parts_, std::move(vocabulary).value(), std::move(definition), nullptr);
  }

  std::vector<Part> memory() const override {
    std::vector<Part> parts = {{"vocabulary", vocabulary_.bytes()},
                               {"model", parts_->model->bytes()},
                               {"cache seeds", parts_->encoder->bytes()},
                               {"added tokens", matchers_.raw.bytes() + matchers_.normalized.bytes()},
                               {"decoder", decoder_->bytes()}};
    if (parts_->pre_tokenizer) parts.push_back({"pre-tokenizer", parts_->pre_tokenizer->bytes()});
    if (parts_->normalizer) parts.push_back({"normalizer", parts_->normalizer->bytes()});
    if (settings_.post.trim_offsets) {
      parts.push_back({"trimming", trim_.leading.capacity() + trim_.trailing.capacity()});
    }
    return parts;
  }

  std::string explain() const override {
    const Plan& plan = parts_->plan;
    std::string text = std::string("format: ") + format_name(settings_.format) +
                       (settings_.name.empty() ? "" : " " + settings_.name) + "\n";
    text += "model: " + std::string(model_name(settings_)) + ", " + std::to_string(vocabulary_.size()) +
            " tokens, ";
    text += parts_->model->cacheable() ? "words are cached\n" : "words are not cached\n";
    text += "added tokens: " + std::to_string(matchers_.raw.entries().size()) + " in the text, " +
            std::to_string(matchers_.normalized.entries().size()) + " in the normalized text\n";
    text += "normalizers: " + std::to_string(settings_.normalizers.size()) + "\n";
    const PreTokenizer* cuts = parts_->model->cuts();
    text += "pre-tokenizer: ";
    if (parts_->pre_tokenizer) {
      text += std::string(parts_->pre_tokenizer->name());
    } else {
      text += cuts ? "none; cut by " + std::string(cuts->name()) : std::string("none");
    }
    text += "\n";
    if (plan.space_alias()) text += "U+2581: kept as spaces\n";
    if (plan.prefix != PrefixSpace::never) text += "prefix space: yes\n";
    return text;
  }

 private:
  // Of a form that write() has filled.
  const Version& hash_of(const FlatWriter& form) const {
    const Version* made = new Version(sha256(form.finish()));
    const Version* expected = nullptr;
    if (hash_.compare_exchange_strong(expected, made, std::memory_order_acq_rel)) return *made;
    delete made;
    return *expected;
  }

  void write(FlatWriter& form) const {
    const std::vector<uint8_t> settings = write_settings(settings_);
    form.array("settings", std::span<const uint8_t>(settings));
    vocabulary_.write(form);
    parts_->model->write(form);
    parts_->encoder->write(form);
  }

  std::shared_ptr<const TokenizerParts> parts_;
  Vocabulary vocabulary_;
  TokenizerDefinition settings_;
  AddedMatchers matchers_;
  SingleTemplate single_;
  TokenTrim trim_;
  std::unique_ptr<const Decoder> decoder_;
  mutable std::atomic<const Version*> hash_{nullptr};
};

Result<TokenizerPtr> build_checked(const TokenizerDefinition& definition) {
  auto parts = std::make_shared<TokenizerParts>();
  Result<void> done = make_settings_parts(definition, *parts);
  if (!done.ok()) return done.error();
  Result<Vocabulary> vocabulary = Vocabulary::make(definition);
  if (!vocabulary.ok()) return vocabulary.error();
  const ModelContext context{definition.format, parts->plan.space_alias()};
  Result<ModelPtr> model = make_model(definition, context);
  if (!model.ok()) return model.error();
  parts->model = std::move(model).value();
  parts->encoder = make_piece_encoder(*parts->model, parts->pre_tokenizer.get(), vocabulary.value(), context);
  return BuiltTokenizer::make(std::move(parts), std::move(vocabulary).value(), settings_of(definition),
                              nullptr);
}

Result<TokenizerPtr> read_checked(std::span<const uint8_t> bytes, std::shared_ptr<const void> keep) {
  Result<FlatReader> form = FlatReader::open(bytes);
  if (!form.ok()) return form.error();
  Result<Flat<uint8_t>> settings_bytes = form.value().array<uint8_t>("settings");
  if (!settings_bytes.ok()) return settings_bytes.error();
  Result<TokenizerDefinition> settings = read_settings(settings_bytes.value().span());
  if (!settings.ok()) return settings.error();
  Result<Flat<uint8_t>> hash = form.value().array<uint8_t>("hash");
  if (!hash.ok()) return hash.error();
  Version version;
  if (hash.value().size() != version.size()) {
    return Error{ErrorCode::INVALID_VOCABULARY, "The compiled tokenizer has a hash of " +
                                                    std::to_string(hash.value().size()) +
                                                    " bytes, expected 32. Compile the vocabulary again."};
  }
  std::copy(hash.value().begin(), hash.value().end(), version.begin());

  auto parts = std::make_shared<TokenizerParts>();
  parts->keep = std::move(keep);
  Result<void> done = make_settings_parts(settings.value(), *parts);
  if (!done.ok()) return done.error();
  Result<Vocabulary> vocabulary = Vocabulary::read(form.value());
  if (!vocabulary.ok()) return vocabulary.error();
  Result<ModelPtr> model = read_model_form(form.value(), settings.value().model.index());
  if (!model.ok()) return model.error();
  parts->model = std::move(model).value();
  Result<PieceEncoderPtr> encoder =
      read_piece_encoder(form.value(), *parts->model, parts->pre_tokenizer.get());
  if (!encoder.ok()) return encoder.error();
  parts->encoder = std::move(encoder).value();
  return BuiltTokenizer::make(std::move(parts), std::move(vocabulary).value(), std::move(settings).value(),
                              &version);
}

Error no_memory() { return {ErrorCode::OUT_OF_MEMORY, "There is no memory for the tokenizer's tables."}; }

}  // namespace

TokenTrim make_token_trim(const Vocabulary& vocabulary) {
  // The byte-level stand-in of a space, and whitespace.
  const auto trimmed = [](uint32_t code) {
    return code == 0x120 || (components_of(code) & component::kWhitespace) != 0;
  };
  const auto capped = [](uint32_t count) {
    return static_cast<uint8_t>(count < UINT8_MAX ? count : UINT8_MAX);
  };
  TokenTrim trim;
  trim.leading.resize(vocabulary.id_limit());
  trim.trailing.resize(vocabulary.id_limit());
  for (TokenId id = 0; id < vocabulary.id_limit(); ++id) {
    const std::optional<std::string_view> text = vocabulary.text(id);
    if (!text) continue;
    if (!is_utf8(*text)) continue;
    const auto* bytes = reinterpret_cast<const uint8_t*>(text->data());
    uint32_t count = 0;
    for (size_t at = 0; at < text->size() && trimmed(decode_utf8(bytes + at).code); ++count) {
      at += utf8_size(bytes[at]);
    }
    trim.leading[id] = capped(count);
    count = 0;
    for (size_t at = text->size(); at > 0 && trimmed(decode_utf8_before(bytes + at).code); ++count) {
      at -= decode_utf8_before(bytes + at).size;
    }
    trim.trailing[id] = capped(count);
  }
  return trim;
}

Result<TokenizerPtr> build(const TokenizerDefinition& definition) {
  try {
    return build_checked(definition);
  } catch (const std::bad_alloc&) {
    return no_memory();
  }
}

Result<TokenizerPtr> tokenizer_from_compiled(std::span<const uint8_t> bytes,
                                             std::shared_ptr<const void> keep) {
  try {
    return read_checked(bytes, std::move(keep));
  } catch (const std::bad_alloc&) {
    return no_memory();
  }
}

}  // namespace onpath::text
