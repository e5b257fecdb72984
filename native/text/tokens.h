// Token ids on their way out of an encoder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace onpath::text {

using TokenId = uint32_t;
inline constexpr TokenId kNoToken = 0xFFFFFFFF;

/// Bytes [begin, end) of some text; the function that gives one says of which.
struct ByteSpan {
  uint32_t begin = 0;
  uint32_t end = 0;
};

/// Tokens in text order. Grows in reserve() only, so that a buffer that has seen its largest text allocates
/// no more. `spans` and `words` are filled only if `detailed`.
class TokenBuffer {
 public:
  explicit TokenBuffer(bool detailed = false) : detailed_(detailed) {}

  bool detailed() const { return detailed_; }
  size_t size() const { return size_; }
  const TokenId* ids() const { return ids_.data(); }
  const ByteSpan* spans() const { return spans_.data(); }
  const uint32_t* words() const { return words_.data(); }

  /// Makes room for `more` tokens behind size().
  void reserve(size_t more) {
    if (ids_.size() - size_ >= more) return;
    const size_t wanted = size_ + more + size_ / 2;
    ids_.resize(wanted);
    if (detailed_) {
      spans_.resize(wanted);
      words_.resize(wanted);
    }
  }
  void clear() { size_ = 0; }
  size_t capacity() const { return ids_.size(); }

  /// For encoders: write at tail_*(), then commit. Room has been reserved.
  TokenId* tail_ids() { return ids_.data() + size_; }
  ByteSpan* tail_spans() { return spans_.data() + size_; }
  uint32_t* tail_words() { return words_.data() + size_; }
  void commit(size_t count) { size_ += count; }
  void truncate(size_t size) { size_ = size < size_ ? size : size_; }
  void push(TokenId id, ByteSpan span = {}, uint32_t word = 0) {
    ids_[size_] = id;
    if (detailed_) {
      spans_[size_] = span;
      words_[size_] = word;
    }
    ++size_;
  }
  /// Ids that are of no text, of which nothing else is known.
  void append(std::span<const TokenId> ids, uint32_t word = 0) {
    reserve(ids.size());
    for (const TokenId id : ids) push(id, {}, word);
  }

 private:
  bool detailed_;
  size_t size_ = 0;
  std::vector<TokenId> ids_;
  std::vector<ByteSpan> spans_;
  std::vector<uint32_t> words_;
};

}  // namespace onpath::text
