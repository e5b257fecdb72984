// A test double of a tokenizer: each byte becomes one token, whose id also tells the byte after it, so that a
// byte that is lost, doubled or out of order shows. The last three bytes are held back, and a run of the
// letter a at the end, however long. 0x01 is a special token.
#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace onpath::testing {

inline constexpr text::TokenId kBegin = 1, kEnd = 2;
inline constexpr uint8_t kSpecialByte = 1;

inline std::vector<uint32_t> pairs_of(std::span<const uint8_t> bytes, bool special_tokens = false) {
  std::vector<uint32_t> ids;
  if (special_tokens) ids.push_back(kBegin);
  for (size_t i = 0; i < bytes.size(); ++i)
    ids.push_back(bytes[i] * 256u + (i + 1 < bytes.size() ? bytes[i + 1] : 0));
  if (special_tokens) ids.push_back(kEnd);
  return ids;
}
inline std::vector<uint32_t> pairs_of(const std::string& text, bool special_tokens = false) {
  return pairs_of({reinterpret_cast<const uint8_t*>(text.data()), text.size()}, special_tokens);
}

class PairWorkspace final : public text::Workspace {
 public:
  uint64_t bytes() const override { return sizeof *this; }
  void reset() override {}
};

class PairStream final : public text::TextStream {
 public:
  explicit PairStream(const text::StreamOptions& options)
      : options_(options), held_(options.whole ? 0 : options.cap_bytes + 8192) {}

  void begin() override { size_ = begin_ = 0; }
  text::StreamStatus push(std::span<const uint8_t> bytes, text::Workspace&, text::TokenBuffer& out) override {
    for (const uint8_t byte : bytes) {
      if (byte == kSpecialByte && options_.special == text::SpecialPolicy::refuse)
        return text::StreamStatus::special_refused;
    }
    if (held_.size() - size_ < bytes.size()) held_.resize(size_ + bytes.size());  // whole texts only
    std::copy(bytes.begin(), bytes.end(), held_.begin() + static_cast<int64_t>(size_));
    size_ += bytes.size();
    size_t keep = std::min<size_t>(size_, 3);
    while (keep < size_ && held_[size_ - keep] == 'a') ++keep;
    emit(size_ - keep, out);
    return !options_.whole && size_ > options_.cap_bytes ? text::StreamStatus::over_cap
                                                         : text::StreamStatus::ok;
  }
  text::StreamStatus end(text::Workspace&, text::TokenBuffer& out) override {
    emit(size_, out);
    return text::StreamStatus::ok;
  }
  uint64_t held_bytes() const override { return size_; }
  uint64_t state_bytes() const override { return sizeof *this + held_.size(); }
  std::optional<text::TokenId> refused() const override { return kSpecialByte; }

 private:
  void emit(size_t count, text::TokenBuffer& out) {
    out.reserve(count);
    for (size_t i = 0; i < count; ++i) {
      out.push(held_[i] * 256u + (i + 1 < size_ ? held_[i + 1] : 0), {begin_, begin_ + 1});
      ++begin_;
    }
    std::copy(held_.begin() + static_cast<int64_t>(count), held_.begin() + static_cast<int64_t>(size_),
              held_.begin());
    size_ -= count;
  }

  const text::StreamOptions options_;
  std::vector<uint8_t> held_;
  size_t size_ = 0;
  uint32_t begin_ = 0;
};

class PairTokenizer final : public text::Tokenizer {
 public:
  explicit PairTokenizer(uint8_t version = 0) { hash_.fill(version); }
  static text::TokenizerPtr make(uint8_t version = 0) {
    return std::make_shared<const PairTokenizer>(version);
  }

  text::Format format() const override { return text::Format::tiktoken; }
  const text::Vocabulary& vocabulary() const override { return vocabulary_; }
  const text::TokenizerDefinition& settings() const override { return settings_; }
  const text::Decoder& decoder() const override { return decoder_; }
  std::unique_ptr<text::Workspace> make_workspace(uint64_t) const override {
    return std::make_unique<PairWorkspace>();
  }
  Result<std::unique_ptr<text::TextStream>> make_stream(const text::StreamOptions& options) const override {
    return std::unique_ptr<text::TextStream>(std::make_unique<PairStream>(options));
  }
  text::StreamStatus encode(std::span<const uint8_t> bytes, text::TextStream& stream,
                            text::Workspace& workspace, text::TokenBuffer& out, size_t) const override {
    stream.begin();
    const text::StreamStatus status = stream.push(bytes, workspace, out);
    return status == text::StreamStatus::ok ? stream.end(workspace, out) : status;
  }
  std::vector<uint8_t> save() const override { return {}; }
  const std::array<uint8_t, 32>& hash() const override { return hash_; }
  Result<text::TokenizerPtr> with_added(std::span<const text::AddedTokenDef>) const override {
    return Error{ErrorCode::UNSUPPORTED, "A test double adds no tokens."};
  }
  std::vector<Part> memory() const override { return {{"double", 1}}; }
  std::string explain() const override { return "pairs"; }

 private:
  class NoDecoder final : public text::Decoder {
    Result<std::string> decode(std::span<const text::TokenId>, bool) const override {
      return Error{ErrorCode::UNSUPPORTED, "A test double decodes nothing."};
    }
    uint64_t bytes() const override { return 0; }
  };

  text::Vocabulary vocabulary_;
  text::TokenizerDefinition settings_;
  NoDecoder decoder_;
  std::array<uint8_t, 32> hash_{};
};

}  // namespace onpath::testing
