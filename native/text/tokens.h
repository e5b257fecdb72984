// Token ids on their way out of an encoder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include "text/large_memory.h"

namespace onpath::text {

using TokenId = uint32_t;
inline constexpr TokenId kNoToken = 0xFFFFFFFF;

/// Bytes [begin, end) of some text; the function that gives one says of which.
struct ByteSpan {
  uint32_t begin = 0;
  uint32_t end = 0;
};

/// Tokens in text order. Grows in reserve() only, so that a buffer that has seen its largest text allocates
/// no more. Room is reserved for the most tokens that a text can have, few of which come: of a large room the
/// system gives what is written. `spans` and `words` are filled only if `detailed`.
class TokenBuffer {
 public:
  explicit TokenBuffer(bool detailed = false) : detailed_(detailed) {}

  bool detailed() const { return detailed_; }
  size_t size() const { return size_; }
  const TokenId* ids() const { return as<TokenId>(ids_); }
  const ByteSpan* spans() const { return as<ByteSpan>(spans_); }
  const uint32_t* words() const { return as<uint32_t>(words_); }

  /// Makes room for `more` tokens behind size().
  void reserve(size_t more) {
    if (capacity() - size_ >= more) return;
    const size_t wanted = size_ + more + size_ / 2;
    enlarge<TokenId>(ids_, wanted);
    if (detailed_) {
      enlarge<ByteSpan>(spans_, wanted);
      enlarge<uint32_t>(words_, wanted);
    }
  }
  void clear() { size_ = 0; }
  size_t capacity() const { return ids_.size() / sizeof(TokenId); }

  /// For encoders: write at tail_*(), then commit. Room has been reserved.
  TokenId* tail_ids() { return as<TokenId>(ids_) + size_; }
  ByteSpan* tail_spans() { return as<ByteSpan>(spans_) + size_; }
  uint32_t* tail_words() { return as<uint32_t>(words_) + size_; }
  void commit(size_t count) { size_ += count; }
  void truncate(size_t size) { size_ = size < size_ ? size : size_; }
  void push(TokenId id, ByteSpan span = {}, uint32_t word = 0) {
    *tail_ids() = id;
    if (detailed_) {
      *tail_spans() = span;
      *tail_words() = word;
    }
    ++size_;
  }
  /// Ids that are of no text, of which nothing else is known.
  void append(std::span<const TokenId> ids, uint32_t word = 0) {
    reserve(ids.size());
    for (const TokenId id : ids) push(id, {}, word);
  }

 private:
  template <class Element>
  static Element* as(const LargeMemory& memory) {
    return reinterpret_cast<Element*>(memory.data());
  }
  template <class Element>
  void enlarge(LargeMemory& memory, size_t wanted) const {
    LargeMemory larger(wanted * sizeof(Element));
    if (size_ > 0) std::memcpy(larger.data(), memory.data(), size_ * sizeof(Element));
    memory = std::move(larger);
  }

  bool detailed_;
  size_t size_ = 0;
  LargeMemory ids_, spans_, words_;
};

}  // namespace onpath::text
