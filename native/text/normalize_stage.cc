#include "text/normalize_stage.h"

#include <algorithm>

namespace onpath::text {

void StageText::grow(size_t more) {
  const size_t wanted = std::max<size_t>(1024, (size_ + more) + (size_ + more) / 2);
  auto bytes = std::make_unique_for_overwrite<uint8_t[]>(wanted);
  if (size_) std::memcpy(bytes.get(), bytes_.get(), size_);
  bytes_ = std::move(bytes);
  if (detailed || origin_) {
    auto origin = std::make_unique<ByteSpan[]>(wanted);
    if (size_ && origin_) std::copy_n(origin_.get(), size_, origin.get());
    origin_ = std::move(origin);
  }
  capacity_ = wanted;
}

void StageText::assign(const uint8_t* text, size_t begin, size_t end) {
  size_ = 0;
  if (capacity_ < end - begin) grow(end - begin);
  if (end > begin) std::memcpy(bytes_.get(), text + begin, end - begin);
  size_ = end - begin;
  if (!detailed) return;
  for (size_t at = begin; at < end;) {
    const size_t to = std::min<size_t>(end, at + utf8_size(text[at]));
    const ByteSpan span{static_cast<uint32_t>(at), static_cast<uint32_t>(to)};
    for (; at < to; ++at) origin_[at - begin] = span;
  }
}

}  // namespace onpath::text
