// The front of a stream: bytes in, blocks of valid UTF-8 out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "text/text_stream_stages.h"

namespace onpath::text {

/// Valid text is handed on where it lies. Each maximal invalid subpart becomes U+FFFD, also across pushes.
class InputRepair {
 public:
  explicit InputRepair(bool detailed) : detailed_(detailed) {}
  void begin() { held_ = position_ = 0; }
  /// `last`: the text ends with these bytes.
  StreamStatus push(std::span<const uint8_t> bytes, bool last, Stage& next, PushContext& context);
  size_t held() const { return held_; }

 private:
  StreamStatus hand(const uint8_t* text, size_t size, bool last, Stage& next, PushContext& context);
  StreamStatus replace_held(Stage& next, PushContext& context);
  StreamStatus complete_held(std::span<const uint8_t> bytes, size_t& taken, Stage& next,
                             PushContext& context);
  StreamStatus build(std::span<const uint8_t> bytes, size_t& at, Stage& next, PushContext& context);

  bool detailed_;
  uint8_t held_bytes_[4] = {};  // of a code point that the last push ended in
  size_t held_ = 0;
  uint64_t position_ = 0;  // bytes of the input handed on
};

}  // namespace onpath::text
