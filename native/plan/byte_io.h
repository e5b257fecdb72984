// Little-endian writing and bounds-checked reading of the plan's byte form.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace onpath {

static_assert(std::endian::native == std::endian::little, "tables are written as they lie in memory");

class ByteWriter {
 public:
  template <std::integral T>
  void number(T value) {
    array(std::span<const T>(&value, 1));
  }
  template <class T>
  void array(std::span<const T> values) {
    static_assert(std::is_arithmetic_v<T>);
    const size_t at = bytes_.size();
    bytes_.resize(at + values.size_bytes());
    if (!values.empty()) std::memcpy(bytes_.data() + at, values.data(), values.size_bytes());
  }
  std::vector<uint8_t> take() { return std::move(bytes_); }

 private:
  std::vector<uint8_t> bytes_;
};

/// Once something was missing, every later read gives zeros and failed() stays true.
class ByteReader {
 public:
  explicit ByteReader(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  template <std::integral T>
  T number() {
    T value{};
    if (const uint8_t* p = next(sizeof(T))) std::memcpy(&value, p, sizeof(T));
    return value;
  }
  /// `n` numbers; empty, and nothing is allocated, if that many are not there.
  template <class T>
  std::vector<T> array(uint64_t n) {
    std::vector<T> values;
    if (n > bytes_.size() / sizeof(T)) {
      failed_ = true;
      return values;
    }
    if (const uint8_t* p = next(n * sizeof(T)); p != nullptr && n > 0) {
      values.resize(n);
      std::memcpy(values.data(), p, n * sizeof(T));
    }
    return values;
  }
  bool failed() const { return failed_; }
  size_t remaining() const { return bytes_.size(); }

 private:
  const uint8_t* next(uint64_t n) {
    if (failed_ || n > bytes_.size()) {
      failed_ = true;
      return nullptr;
    }
    const uint8_t* p = bytes_.data();
    bytes_ = bytes_.subspan(n);
    return p;
  }

  std::span<const uint8_t> bytes_;
  bool failed_ = false;
};

}  // namespace onpath
