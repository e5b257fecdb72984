// toRgb: uyvy (YCbCr-4:2:2, two pixels as Cb Y0 Cr Y1) to rgb. Nothing is held back of groups that come
// whole; the bytes of groups that come cut apart wait for each other.
#pragma once

#include <cstdint>
#include <memory>

#include "kernel/kernels.h"
#include "stage/stage.h"
#include "table/ycbcr.h"

namespace onpath {

struct ToRgbStep {
  static constexpr uint32_t kInGroupBytes = 4;   // Cb Y0 Cr Y1
  static constexpr uint32_t kOutGroupBytes = 6;  // two pixels of rgb

  uint32_t width = 0;   // pixels, even
  uint32_t height = 0;  // pixels
  std::shared_ptr<const YcbcrTables> tables;

  uint64_t groups() const { return uint64_t{width} / 2 * height; }
  uint64_t out_bytes() const { return groups() * kOutGroupBytes; }
};

std::unique_ptr<Stage> make_to_rgb_stage(const ToRgbStep& step, const KernelSet& kernels);

/// Bytes that one sample's state takes: with input cut anywhere, and with input that comes in whole groups.
uint64_t to_rgb_state_bytes(const ToRgbStep& step);
uint64_t to_rgb_whole_state_bytes(const ToRgbStep& step);

}  // namespace onpath
