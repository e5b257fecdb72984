// The compiled form of a tokenizer: named arrays of plain numbers in one block of memory, read where they lie
// (so that a file can be mapped). Components write their arrays when they are made and read them back
// checked.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/result.h"

namespace onpath::text {

/// An array that is owned (made just now) or lies in a compiled form (kept alive by the tokenizer).
template <class T>
class Flat {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Flat() = default;
  Flat(std::vector<T> owned)
      : owned_(std::move(owned)), view_(owned_) {}  // NOLINT(google-explicit-constructor)
  explicit Flat(std::span<const T> view) : view_(view) {}
  Flat(Flat&& other) noexcept { *this = std::move(other); }
  Flat& operator=(Flat&& other) noexcept {
    const bool owns = !other.owned_.empty();
    owned_ = std::move(other.owned_);
    view_ = owns ? std::span<const T>(owned_) : other.view_;
    other.view_ = {};
    return *this;
  }
  const T* data() const { return view_.data(); }
  size_t size() const { return view_.size(); }
  bool empty() const { return view_.empty(); }
  const T& operator[](size_t i) const { return view_[i]; }
  std::span<const T> span() const { return view_; }
  uint64_t bytes() const { return view_.size_bytes(); }
  auto begin() const { return view_.begin(); }
  auto end() const { return view_.end(); }

 private:
  std::vector<T> owned_;
  std::span<const T> view_;
};

/// Collects arrays under names ("bpe.pairs"); names are unique within a form.
class FlatWriter {
 public:
  template <class T>
  void array(std::string_view name, std::span<const T> values) {
    static_assert(std::is_trivially_copyable_v<T>);
    add(name, sizeof(T), std::as_bytes(values));
  }
  template <class T>
  void array(std::string_view name, const Flat<T>& values) {
    array(name, values.span());
  }
  template <class T>
  void number(std::string_view name, T value) {
    array(name, std::span<const T>(&value, 1));
  }
  void text(std::string_view name, std::string_view value) {
    array(name, std::span<const char>(value.data(), value.size()));
  }
  /// The whole form: magic, version, byte order, directory, checksum, arrays each at a multiple of 64 bytes.
  std::vector<uint8_t> finish() const;

 private:
  struct Entry {
    std::string name;
    uint32_t element_bytes;
    std::vector<uint8_t> bytes;
  };
  void add(std::string_view name, size_t element_bytes, std::span<const std::byte> bytes);
  std::vector<Entry> entries_;
};

/// Of all that lies behind the header's 64 bytes, stored at byte 24: for tests that change a form.
uint64_t flat_checksum(std::span<const uint8_t> bytes);

/// Of a component that finds numbers in its arrays which it did not write.
Error damaged_form(std::string_view what);

/// Reads a form back. Every directory entry was checked against the size of the form; what the numbers in an
/// array mean is for the component that reads it to check: a form can be anything, also with a right
/// checksum.
class FlatReader {
 public:
  /// `bytes` begins at a multiple of 64 and outlives everything read from it.
  /// Errors: INVALID_VOCABULARY (magic, version, byte order, checksum, directory).
  static Result<FlatReader> open(std::span<const uint8_t> bytes);

  template <class T>
  Result<Flat<T>> array(std::string_view name) const {
    Result<std::span<const uint8_t>> found = find(name, sizeof(T));
    if (!found.ok()) return found.error();
    return Flat<T>(std::span<const T>(reinterpret_cast<const T*>(found.value().data()),
                                      found.value().size() / sizeof(T)));
  }
  template <class T>
  Result<T> number(std::string_view name) const {
    Result<Flat<T>> found = array<T>(name);
    if (!found.ok()) return found.error();
    if (found.value().size() != 1) return wrong_count(name, 1, found.value().size());
    return found.value()[0];
  }
  Result<std::string> text(std::string_view name) const {
    Result<Flat<char>> found = array<char>(name);
    if (!found.ok()) return found.error();
    return std::string(found.value().data(), found.value().size());
  }
  bool has(std::string_view name) const { return entry(name) != nullptr; }

 private:
  struct Entry {
    std::string_view name;
    uint32_t element_bytes;
    std::span<const uint8_t> bytes;
  };
  const Entry* entry(std::string_view name) const;
  Result<std::span<const uint8_t>> find(std::string_view name, size_t element_bytes) const;
  static Error wrong_count(std::string_view name, size_t expected, size_t found);
  std::vector<Entry> entries_;
};

}  // namespace onpath::text
