#include "text/decoder_stages.h"

#include <algorithm>
#include <utility>

#include "text/vocabulary.h"

namespace onpath::text {
namespace {

std::string utf8_of(uint32_t code) {
  uint8_t utf8[4]{};
  return {reinterpret_cast<const char*>(utf8), encode_utf8(code, utf8)};
}

class OutputStage final : public DecodeStage {
 public:
  explicit OutputStage(std::string_view separator) : separator_(separator) {}
  void fragment(std::string_view text, bool ends, DecodeRun& run) override {
    if (between_) run.out.append(separator_);
    run.out.append(text);
    between_ = ends;
  }
  void end(DecodeRun&) override {}

 private:
  std::string separator_;
  bool between_ = false;
};

class Filter : public DecodeStage {
 public:
  explicit Filter(DecodeStagePtr next) : next_(std::move(next)) {}
  void end(DecodeRun& run) override { next_->end(run); }

 protected:
  void give(std::string_view text, bool ends, DecodeRun& run) { next_->fragment(text, ends, run); }

 private:
  DecodeStagePtr next_;
};

/// A filter that needs tokens whole.
class TokenFilter : public Filter {
 public:
  using Filter::Filter;
  void fragment(std::string_view text, bool ends, DecodeRun& run) final {
    if (ends && held_.empty()) return token(text, run);
    held_.append(text);
    if (held_.size() > kMostHeldText && !run.whole) {
      run.fail(ErrorCode::RUN_TOO_LONG, "More than " + std::to_string(kMostHeldText) +
                                            " bytes of text wait for the end of what this decoder sees as "
                                            "one token. Decode all ids at once.");
      held_.clear();
    }
    if (!ends) return;
    token(held_, run);
    held_.clear();
  }

 protected:
  virtual void token(std::string_view text, DecodeRun& run) = 0;

 private:
  std::string held_;
};

/// Each token's characters are bytes in the GPT-2 alphabet, or, if one is not, the token is text. All tokens
/// together become one.
class ByteLevelStage final : public TokenFilter {
 public:
  using TokenFilter::TokenFilter;
  void end(DecodeRun& run) override {
    push({}, true, run);
    TokenFilter::end(run);
  }

 private:
  void token(std::string_view text, DecodeRun& run) override {
    const std::optional<std::string> bytes = bytes_of_byte_level(text);
    push(bytes.has_value() ? *bytes : text, false, run);
  }
  void push(std::string_view bytes, bool last, DecodeRun& run) {
    repaired_.clear();
    append_repaired(repair_, bytes, last, repaired_);
    give(repaired_, last, run);
  }
  Utf8Repair repair_;
  std::string repaired_;
};

class WordPieceStage final : public TokenFilter {
 public:
  WordPieceStage(const WordPieceDecoderDef& settings, DecodeStagePtr next)
      : TokenFilter(std::move(next)), settings_(settings) {}

 private:
  void token(std::string_view text, DecodeRun& run) override {
    std::string result;
    if (first_) {
      result = text;
    } else if (text.starts_with(settings_.prefix)) {
      result = text.substr(settings_.prefix.size());
    } else {
      result.append(" ").append(text);
    }
    first_ = false;
    if (settings_.cleanup) {
      static constexpr std::pair<std::string_view, std::string_view> kRules[] = {
          {" .", "."},   {" ?", "?"},     {" !", "!"},    {" ,", ","},
          {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},  {" do not", " don't"},
          {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
      for (const auto& [pattern, content] : kRules) {
        if (result.find(pattern) != std::string::npos) result = replace_all(result, pattern, content);
      }
    }
    give(result, true, run);
  }
  WordPieceDecoderDef settings_;
  bool first_ = true;
};

class MetaspaceStage final : public Filter {
 public:
  MetaspaceStage(const MetaspaceDecoderDef& settings, DecodeStagePtr next)
      : Filter(std::move(next)),
        symbol_(utf8_of(settings.replacement)),
        drops_(settings.prepend != PrependScheme::never) {}
  void fragment(std::string_view text, bool ends, DecodeRun& run) override {
    give(replace_all(text, symbol_, first_ && drops_ ? "" : " "), ends, run);
    first_ = first_ && !ends;
  }

 private:
  std::string symbol_;
  bool drops_;
  bool first_ = true;
};

/// The end of a word becomes a space, except in the last token: what comes from it on waits for the next.
class BpeStage final : public TokenFilter {
 public:
  BpeStage(std::string_view suffix, DecodeStagePtr next) : TokenFilter(std::move(next)), suffix_(suffix) {}
  void end(DecodeRun& run) override {
    release("", run);
    TokenFilter::end(run);
  }

 private:
  void token(std::string_view text, DecodeRun& run) override {
    release(" ", run);
    const size_t at = std::min(text.find(suffix_), text.size());
    if (at == text.size()) return give(text, true, run);
    if (at > 0) give(text.substr(0, at), false, run);
    waiting_ = text.substr(at);
  }
  void release(std::string_view content, DecodeRun& run) {
    if (waiting_.empty()) return;
    give(replace_all(waiting_, suffix_, content), true, run);
    waiting_.clear();
  }
  std::string suffix_;
  std::string waiting_;
};

class ReplaceStage final : public Filter {
 public:
  ReplaceStage(const ReplaceDecoderDef& settings, DecodeStagePtr next)
      : Filter(std::move(next)), pattern_(settings.pattern.text), content_(settings.content) {}
  void fragment(std::string_view text, bool ends, DecodeRun& run) override {
    if (ends && held_.empty()) return give(replace_all(text, pattern_, content_), true, run);
    held_.append(text);
    std::string result;
    size_t from = 0;
    for (size_t at; (at = held_.find(pattern_, from)) != std::string::npos; from = at + pattern_.size()) {
      result.append(held_, from, at - from).append(content_);
    }
    // The end may be the front of a match.
    size_t keep = ends ? 0 : std::min(held_.size() - from, pattern_.size() - 1);
    while (keep > 0 && held_.compare(held_.size() - keep, keep, pattern_, 0, keep) != 0) --keep;
    result.append(held_, from, held_.size() - keep - from);
    held_.erase(0, held_.size() - keep);
    give(result, ends, run);
  }

 private:
  std::string pattern_, content_;
  std::string held_;
};

class RegexReplaceStage final : public TokenFilter {
 public:
  RegexReplaceStage(const Regex& regex, std::string_view content, DecodeStagePtr next)
      : TokenFilter(std::move(next)), regex_(regex), content_(content) {}

 private:
  void token(std::string_view text, DecodeRun& run) override {
    const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
    std::string result;
    size_t from = 0;
    while (from <= text.size()) {
      const RegexMatch match = regex_.find(bytes, text.size(), from);
      if (match.outcome == RegexMatch::Outcome::failed) {
        run.fail(ErrorCode::LIMIT_EXCEEDED,
                 "A regular expression of the decoder needs more steps than its limit for one token. Use a "
                 "simpler one.");
      }
      if (match.outcome != RegexMatch::Outcome::match) break;
      result.append(text.substr(from, match.begin - from)).append(content_);
      from = match.end;
    }
    give(result.append(text.substr(from)), true, run);
  }
  const Regex& regex_;
  std::string content_;
};

/// Tokens like <0x61> are bytes. A run of them is one token if it is UTF-8; otherwise each is U+FFFD, also
/// those that would have been characters: so a run waits for its end, or for its first flaw.
class ByteFallbackStage final : public Filter {
 public:
  using Filter::Filter;
  void fragment(std::string_view text, bool ends, DecodeRun& run) override {
    token_.append(text);
    if (!passing_ && (ends || token_.size() > 6)) {
      const int byte = ends ? byte_of(token_) : -1;
      if (byte >= 0) {
        token_.clear();
        return add(static_cast<char>(byte), run);
      }
      end_run(run);
      passing_ = true;
    }
    if (!passing_) return;
    give(token_, ends, run);
    token_.clear();
    passing_ = !ends;
  }
  void end(DecodeRun& run) override {
    end_run(run);
    Filter::end(run);
  }

 private:
  /// Two hexadecimal digits, or, as the reference's parser takes it, a plus and one.
  static int byte_of(std::string_view token) {
    if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return -1;
    int value = 0;
    for (const char c : token.substr(token[3] == '+' ? 4 : 3, token[3] == '+' ? 1 : 2)) {
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                               : -1;
      if (digit < 0) return -1;
      value = value * 16 + digit;
    }
    return value;
  }
  void add(char byte, DecodeRun& run) {
    if (flawed_) return give(kReplacementText, true, run);
    bytes_.push_back(byte);
    const Utf8Run read = rest();
    checked_ += read.valid;
    if (read.invalid > 0) return give_flawed(run);
    if (bytes_.size() > kMostHeldText && !run.whole) {
      run.fail(ErrorCode::RUN_TOO_LONG,
               "More than " + std::to_string(kMostHeldText) +
                   " byte tokens in a row wait for their end. Decode all ids at once.");
      bytes_.clear();
      checked_ = 0;
    }
  }
  Utf8Run rest() const {
    return check_utf8(reinterpret_cast<const uint8_t*>(bytes_.data()) + checked_, bytes_.size() - checked_);
  }
  void give_flawed(DecodeRun& run) {
    flawed_ = true;
    for (size_t i = 0; i < bytes_.size(); ++i) give(kReplacementText, true, run);
  }
  void end_run(DecodeRun& run) {
    if (!flawed_ && !bytes_.empty()) {
      if (rest().cut > 0) {
        give_flawed(run);
      } else {
        give(bytes_, true, run);
      }
    }
    bytes_.clear();
    checked_ = 0;
    flawed_ = false;
  }

  std::string token_;
  bool passing_ = false;  // the token that is coming is no byte
  std::string bytes_;
  size_t checked_ = 0;  // of bytes_: whole characters
  bool flawed_ = false;
};

class FuseStage final : public Filter {
 public:
  using Filter::Filter;
  void fragment(std::string_view text, bool, DecodeRun& run) override { give(text, false, run); }
  void end(DecodeRun& run) override {
    give({}, true, run);
    Filter::end(run);
  }
};

class StripStage final : public Filter {
 public:
  StripStage(const StripDecoderDef& settings, DecodeStagePtr next)
      : Filter(std::move(next)),
        content_(utf8_of(settings.content)),
        start_(settings.start),
        stop_(settings.stop) {}
  void fragment(std::string_view text, bool ends, DecodeRun& run) override {
    std::string result;
    for (size_t at = 0; at < text.size();) {
      const size_t size = std::min<size_t>(utf8_size(static_cast<uint8_t>(text[at])), text.size() - at);
      const std::string_view character = text.substr(at, size);
      at += size;
      ++chars_;
      if (character == content_) {
        ++trailing_;
        if (trailing_ == chars_ && chars_ <= start_) continue;
        if (held_ < stop_) {
          ++held_;
        } else {
          result.append(content_);
        }
      } else {
        trailing_ = 0;
        for (; held_ > 0; --held_) result.append(content_);
        result.append(character);
      }
    }
    if (ends) finish(run);
    give(result, ends, run);
  }

 private:
  void finish(DecodeRun& run) {
    if ((trailing_ == chars_ && stop_ > chars_) || held_ < std::min<uint64_t>(trailing_, stop_)) {
      run.fail(ErrorCode::INVALID_ARGUMENT,
               "The decoder's Strip step would cut more from a token than it has, where the reference fails. "
               "Decode other ids, or use another decoder.");
    }
    // Held are at most `stop_`, all at the end: none of them stays.
    held_ = chars_ = trailing_ = 0;
  }
  std::string content_;
  uint64_t start_, stop_;
  uint64_t chars_ = 0;     // of the token
  uint64_t trailing_ = 0;  // characters to be stripped at its end so far
  uint64_t held_ = 0;      // of those, not given on
};

}  // namespace

void append_repaired(Utf8Repair& repair, std::string_view bytes, bool last, std::string& out) {
  const size_t before = out.size();
  out.resize(before + Utf8Repair::room_for(bytes.size()));
  const size_t size = repair.push(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), last,
                                  reinterpret_cast<uint8_t*>(out.data()) + before);
  out.resize(before + size);
}

DecodeStagePtr make_output_stage(std::string_view separator) {
  return std::make_unique<OutputStage>(separator);
}

Result<DecodeStagePtr> make_decode_stage(const DecoderDef& definition, const Regex* regex,
                                         DecodeStagePtr next) {
  const auto empty = [](const char* what) {
    return Error{ErrorCode::UNSUPPORTED, std::string("A decoder that replaces an empty ") + what +
                                             " is not supported. Give it a text."};
  };
  if (std::holds_alternative<ByteLevelDecoderDef>(definition)) {
    return DecodeStagePtr(std::make_unique<ByteLevelStage>(std::move(next)));
  }
  if (const auto* word_piece = std::get_if<WordPieceDecoderDef>(&definition)) {
    return DecodeStagePtr(std::make_unique<WordPieceStage>(*word_piece, std::move(next)));
  }
  if (const auto* metaspace = std::get_if<MetaspaceDecoderDef>(&definition)) {
    return DecodeStagePtr(std::make_unique<MetaspaceStage>(*metaspace, std::move(next)));
  }
  if (const auto* bpe = std::get_if<BpeDecoderDef>(&definition)) {
    if (bpe->suffix.empty()) return empty("suffix");
    return DecodeStagePtr(std::make_unique<BpeStage>(bpe->suffix, std::move(next)));
  }
  if (const auto* replace = std::get_if<ReplaceDecoderDef>(&definition)) {
    if (replace->pattern.text.empty()) return empty("pattern");
    if (regex != nullptr) {
      if (regex->matches_empty()) {
        return Error{ErrorCode::UNSUPPORTED, "The decoder's pattern '" + replace->pattern.text +
                                                 "' matches an empty text. Use a pattern that does not."};
      }
      return DecodeStagePtr(std::make_unique<RegexReplaceStage>(*regex, replace->content, std::move(next)));
    }
    return DecodeStagePtr(std::make_unique<ReplaceStage>(*replace, std::move(next)));
  }
  if (std::holds_alternative<ByteFallbackDecoderDef>(definition)) {
    return DecodeStagePtr(std::make_unique<ByteFallbackStage>(std::move(next)));
  }
  if (std::holds_alternative<FuseDecoderDef>(definition)) {
    return DecodeStagePtr(std::make_unique<FuseStage>(std::move(next)));
  }
  if (const auto* strip = std::get_if<StripDecoderDef>(&definition)) {
    return DecodeStagePtr(std::make_unique<StripStage>(*strip, std::move(next)));
  }
  return Error{
      ErrorCode::UNSUPPORTED,
      "Bytes and SentencePiece decoders stand alone; use tokenizer.json's own decoders in a sequence."};
}

}  // namespace onpath::text
