// Settings as bytes. One description of the fields serves writing and reading.
#include <type_traits>
#include <utility>

#include "text/tokenizer_parts.h"
#include "text/varint.h"

namespace onpath::text {
namespace {

// The largest value of each enumeration: what is read is checked.
constexpr uint64_t most(Format) { return static_cast<uint64_t>(Format::vocab_txt); }
constexpr uint64_t most(SplitBehavior) { return static_cast<uint64_t>(SplitBehavior::contiguous); }
constexpr uint64_t most(PrependScheme) { return static_cast<uint64_t>(PrependScheme::always); }
constexpr uint64_t most(Side) { return static_cast<uint64_t>(Side::right); }
constexpr uint64_t most(TruncationStrategy) { return static_cast<uint64_t>(TruncationStrategy::only_second); }

class SettingsWriter {
 public:
  static constexpr bool kReads = false;
  void number(uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes.push_back(static_cast<uint8_t>(value | 0x80));
    bytes.push_back(static_cast<uint8_t>(value));
  }
  void text(const std::string& value) {
    number(value.size());
    bytes.insert(bytes.end(), value.begin(), value.end());
  }
  std::vector<uint8_t> bytes;
};

class SettingsReader {
 public:
  static constexpr bool kReads = true;
  explicit SettingsReader(std::span<const uint8_t> bytes)
      : left_(reinterpret_cast<const char*>(bytes.data()), bytes.size()) {}

  uint64_t number(uint64_t largest) {
    const std::optional<uint64_t> value = take_varint(left_);
    return value && *value <= largest ? *value : fail();
  }
  void text(std::string& value) {
    const uint64_t size = number(left_.size());
    if (!ok_ || size > left_.size()) {
      fail();
      return;
    }
    value.assign(left_.substr(0, size));
    left_.remove_prefix(size);
  }
  /// Every element takes a byte at least.
  uint64_t count() { return number(left_.size()); }
  bool ok() const { return ok_; }
  bool finished() const { return ok_ && left_.empty(); }

 private:
  uint64_t fail() {
    ok_ = false;
    left_ = {};
    return 0;
  }
  std::string_view left_;
  bool ok_ = true;
};

// --- Numbers, texts, lists ---------------------------------------------------------------------------------

template <class A>
void field(A& a, bool& value) {
  if constexpr (A::kReads) {
    value = a.number(1) != 0;
  } else {
    a.number(value ? 1 : 0);
  }
}
template <class A>
void field(A& a, uint8_t& value) {
  if constexpr (A::kReads) {
    value = static_cast<uint8_t>(a.number(UINT8_MAX));
  } else {
    a.number(value);
  }
}
template <class A>
void field(A& a, uint32_t& value) {
  if constexpr (A::kReads) {
    value = static_cast<uint32_t>(a.number(UINT32_MAX));
  } else {
    a.number(value);
  }
}
template <class A>
void field(A& a, std::string& value) {
  a.text(value);
}
template <class A, class E>
requires std::is_enum_v<E>
void field(A& a, E& value) {
  if constexpr (A::kReads) {
    value = static_cast<E>(a.number(most(E{})));
  } else {
    a.number(static_cast<uint64_t>(value));
  }
}

template <class A, class T>
void field(A& a, std::optional<T>& value);
template <class A, class T>
void field(A& a, std::vector<T>& values);
template <class A, class... T>
void field(A& a, std::variant<T...>& value);

// --- The parts of a definition -----------------------------------------------------------------------------

template <class A, class... T>
void fields(A& a, T&... values) {
  (field(a, values), ...);
}

// clang-format off
template <class A> void field(A& a, Pattern& d) { fields(a, d.text, d.regex); }
template <class A> void field(A& a, BertNormalizerDef& d) { fields(a, d.clean_text, d.handle_chinese_chars, d.strip_accents, d.lowercase); }
template <class A> void field(A& a, StripDef& d) { fields(a, d.left, d.right); }
template <class A> void field(A&, StripAccentsDef&) {}
template <class A> void field(A& a, UnicodeFormDef& d) { fields(a, d.compose, d.compatibility); }
template <class A> void field(A&, LowercaseDef&) {}
template <class A> void field(A&, NmtDef&) {}
template <class A> void field(A& a, PrecompiledDef& d) { fields(a, d.charsmap, d.sentencepiece, d.remove_extra_whitespaces, d.add_dummy_prefix, d.escape_whitespaces, d.treat_whitespace_as_suffix, d.user_defined); }
template <class A> void field(A& a, ReplaceDef& d) { fields(a, d.pattern, d.content); }
template <class A> void field(A& a, PrependDef& d) { field(a, d.text); }
template <class A> void field(A&, ByteLevelNormalizerDef&) {}
template <class A> void field(A&, BertPreTokenizerDef&) {}
template <class A> void field(A& a, ByteLevelDef& d) { fields(a, d.add_prefix_space, d.use_regex); }
template <class A> void field(A& a, CharDelimiterSplitDef& d) { field(a, d.delimiter); }
template <class A> void field(A& a, MetaspaceDef& d) { fields(a, d.replacement, d.prepend, d.split); }
template <class A> void field(A&, WhitespaceDef&) {}
template <class A> void field(A&, WhitespaceSplitDef&) {}
template <class A> void field(A& a, SplitDef& d) { fields(a, d.pattern, d.behavior, d.invert); }
template <class A> void field(A& a, PunctuationDef& d) { field(a, d.behavior); }
template <class A> void field(A& a, DigitsDef& d) { field(a, d.individual); }
template <class A> void field(A& a, AddedTokenDef& d) { fields(a, d.id, d.text, d.single_word, d.lstrip, d.rstrip, d.normalized, d.special); }
template <class A> void field(A& a, TemplateItem& d) { fields(a, d.sequence, d.ids, d.type_id); }
template <class A> void field(A& a, PostProcessorDef& d) { fields(a, d.single, d.pair, d.trim_offsets, d.trim_add_prefix_space, d.all_type_zero); }
template <class A> void field(A& a, TruncationDef& d) { fields(a, d.max_length, d.stride, d.side, d.strategy); }
template <class A> void field(A& a, PaddingDef& d) { fields(a, d.fixed, d.multiple_of, d.side, d.id, d.type_id, d.token); }
template <class A> void field(A&, ByteLevelDecoderDef&) {}
template <class A> void field(A& a, WordPieceDecoderDef& d) { fields(a, d.prefix, d.cleanup); }
template <class A> void field(A& a, MetaspaceDecoderDef& d) { fields(a, d.replacement, d.prepend); }
template <class A> void field(A& a, BpeDecoderDef& d) { field(a, d.suffix); }
template <class A> void field(A& a, ReplaceDecoderDef& d) { fields(a, d.pattern, d.content); }
template <class A> void field(A&, ByteFallbackDecoderDef&) {}
template <class A> void field(A&, FuseDecoderDef&) {}
template <class A> void field(A& a, StripDecoderDef& d) { fields(a, d.content, d.start, d.stop); }
template <class A> void field(A&, BytesDecoderDef&) {}
template <class A> void field(A& a, SentencePieceDecoderDef& d) { fields(a, d.add_dummy_prefix, d.unk_surface); }
template <class A> void field(A& a, BpeDefinition& d) {
  fields(a, d.byte_level, d.whole_piece, d.byte_fallback, d.fuse_unk, d.unk, d.continuing_prefix, d.end_of_word_suffix, d.user_defined);
}
template <class A> void field(A& a, WordPieceDefinition& d) { fields(a, d.unk, d.continuing_prefix, d.max_input_chars); }
template <class A> void field(A& a, UnigramDefinition& d) { fields(a, d.unk, d.byte_fallback, d.single_precision, d.user_defined, d.unused); }
template <class A> void field(A& a, TokenizerDefinition& d) {
  fields(a, d.format, d.name, d.model, d.normalizers, d.pre_tokenizers, d.added, d.post, d.truncation, d.padding, d.decoders);
}
// clang-format on

template <class A, class T>
void field(A& a, std::optional<T>& value) {
  if constexpr (A::kReads) {
    bool present = false;
    field(a, present);
    T held{};
    if (present) field(a, held);
    value = present ? std::optional<T>(std::move(held)) : std::nullopt;
  } else {
    bool present = value.has_value();
    field(a, present);
    if (present) field(a, *value);
  }
}

template <class A, class T>
void field(A& a, std::vector<T>& values) {
  if constexpr (A::kReads) {
    const uint64_t count = a.count();
    values.clear();
    for (uint64_t i = 0; i < count && a.ok(); ++i) field(a, values.emplace_back());
  } else {
    a.number(values.size());
    for (T& value : values) field(a, value);
  }
}

template <size_t I = 0, class... T>
void choose(std::variant<T...>& value, size_t index) {
  if constexpr (I < sizeof...(T)) {
    if (index == I) {
      value.template emplace<I>();
    } else {
      choose<I + 1>(value, index);
    }
  }
}

template <class A, class... T>
void field(A& a, std::variant<T...>& value) {
  if constexpr (A::kReads) {
    choose(value, a.number(sizeof...(T) - 1));
  } else {
    a.number(value.index());
  }
  std::visit([&a](auto& held) { field(a, held); }, value);
}

}  // namespace

std::vector<uint8_t> write_settings(const TokenizerDefinition& definition) {
  SettingsWriter writer;
  // One description of the fields serves both ways; writing changes none of them.
  field(writer, const_cast<TokenizerDefinition&>(definition));
  return std::move(writer.bytes);
}

Result<TokenizerDefinition> read_settings(std::span<const uint8_t> bytes) {
  SettingsReader reader(bytes);
  TokenizerDefinition definition;
  field(reader, definition);
  if (!reader.finished()) {
    return Error{ErrorCode::INVALID_VOCABULARY,
                 "The compiled tokenizer's settings are damaged. Compile the vocabulary again."};
  }
  return definition;
}

TokenizerDefinition settings_of(const TokenizerDefinition& definition) {
  return read_settings(write_settings(definition)).value();
}

}  // namespace onpath::text
