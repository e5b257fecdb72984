// crop and pad: keeps a window of the image; what the window holds beyond the image is zero, or what a pad
// gave. Nothing is held back.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>

#include "stage/stage.h"

namespace onpath {

struct SelectStep {
  uint32_t in_width = 0;          // pixels
  uint32_t in_height = 0;         // pixels
  uint32_t channels = 0;          // 1..4
  int64_t left = 0;               // of the window's first column in the image; may be outside
  int64_t top = 0;                // of the window's first row in the image; may be outside
  uint32_t out_width = 0;         // pixels
  uint32_t out_height = 0;        // pixels
  std::array<uint8_t, 4> fill{};  // of each channel, beyond the image; zero beyond `channels`

  /// Whether the window reaches outside the image, so that some output is the same whatever comes in.
  bool pads() const {
    return left < 0 || top < 0 || left + out_width > in_width || top + out_height > in_height;
  }
  /// Bytes of the image that the window shows.
  uint64_t kept_bytes() const {
    const auto shown = [](int64_t start, uint32_t window, uint32_t size) {
      const int64_t first = std::clamp<int64_t>(start, 0, size);
      return static_cast<uint64_t>(std::clamp<int64_t>(start + window, first, size) - first);
    };
    return shown(left, out_width, in_width) * shown(top, out_height, in_height) * channels;
  }
};

std::unique_ptr<Stage> make_select_stage(const SelectStep& step);

/// Bytes that one sample's state takes.
uint64_t select_state_bytes();

}  // namespace onpath
