// Element stages folded together: one table per output channel and a choice of input channels. Nothing is
// held back. In the middle of a chain it hands 8-bit pixels on; at the end it places elements of any type,
// interleaved or in planes.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "kernel/kernels.h"
#include "stage/stage.h"
#include "table/value_map.h"

namespace onpath {

struct MapStep {
  uint32_t width = 0;         // pixels
  uint32_t height = 0;        // pixels
  uint32_t in_channels = 0;   // 1..4
  uint32_t out_channels = 0;  // 1..4
  std::array<uint8_t, 4> select{0, 1, 2,
                                3};  // input channel of each output channel; zero beyond out_channels
  bool planar = false;
  ValueMap map;  // one table per output channel

  uint64_t pixels() const { return uint64_t{width} * height; }
  uint64_t out_bytes() const { return pixels() * out_channels * dtype_bytes(map.dtype); }
  /// Whether output element i is a function of input byte i alone.
  bool bytewise() const;
  /// Whether the bytes of the output are the bytes of the input.
  bool copies() const;
  /// Whether the output bytes of a pixel lie where its input bytes lay and depend on nothing else.
  bool works_in_place() const;
};

/// For the middle of a chain: map.dtype is uint8 and the layout is interleaved.
std::unique_ptr<Stage> make_map_stage(const MapStep& step, const KernelSet& kernels);

/// For the end of a chain.
std::unique_ptr<PlaceState> make_place_state(const MapStep& step, const KernelSet& kernels);

/// Bytes that one sample's state takes.
uint64_t map_state_bytes(const MapStep& step);
uint64_t place_state_bytes();

}  // namespace onpath
