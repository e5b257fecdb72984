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
  StreamStatus push(std::span<const uint8_t> bytes, Stage& next, PushContext& context);
  /// The text ends: what is held is no code point.
  StreamStatus finish(Stage& next, PushContext& context) {
    return held_ > 0 ? replace_held(next, context) : StreamStatus::ok;
  }
  size_t held() const { return held_; }

 private:
  StreamStatus hand(const uint8_t* text, size_t size, Stage& next, PushContext& context);
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
