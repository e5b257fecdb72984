// Bytes at a multiple of 64, as a mapped file has them.
#pragma once

#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <vector>

namespace onpath::text {

class Aligned {
 public:
  explicit Aligned(const std::vector<uint8_t>& bytes)
      : size_(bytes.size()), bytes_(static_cast<uint8_t*>(::operator new(bytes.size() + 1, kAlign))) {
    if (size_ > 0) std::memcpy(bytes_, bytes.data(), size_);
  }
  ~Aligned() { ::operator delete(bytes_, kAlign); }
  Aligned(const Aligned&) = delete;
  Aligned& operator=(const Aligned&) = delete;
  std::span<const uint8_t> span() const { return {bytes_, size_}; }

 private:
  static constexpr std::align_val_t kAlign{64};
  size_t size_;
  uint8_t* bytes_;
};

}  // namespace onpath::text
