// What the tests of routes with many sizes share: a family, images of it, a plane whose plans are made when
// the test says so.
#pragma once

#include "dataplane/stepped_plane.h"

namespace onpath::testing {

/// rgb up to width x height, resized to 8x6 and normalized: float32 chw.
inline PipelineSpec family_spec(uint32_t width = 64, uint32_t height = 48) {
  OutputSpec output;
  output.layout = Layout::chw;
  return pipeline(width, height, PixelFormat::rgb, {resize_to(8, 6), imagenet()}, output);
}

inline RouteConfig route_of(PlanFamilyPtr family) {
  RouteConfig route = route_to_host(family->largest());
  route.shapes.emplace();
  route.shapes->family = std::move(family);
  return route;
}

/// An image, and what is to come of it.
struct ShapedImage {
  ShapedImage(const PlanFamily& family, InputShape of, uint64_t number)
      : shape(of),
        program(must(family.program(of.width, of.height))),
        bytes(sample_of(*program, number)),
        expected(expected_of(*program, bytes)) {}

  std::vector<ChunkPacket> packets(uint64_t packet_bytes, uint32_t timestamp, uint32_t ssrc = 1) const {
    auto made = cut(*program, bytes, packet_bytes, timestamp, timestamp, ssrc);
    for (ChunkPacket& packet : made) packet.dims = {shape.height, shape.width};
    return made;
  }

  InputShape shape;
  ProgramPtr program;
  Bytes bytes;
  Bytes expected;
};

class ShapedPlane : public SteppedPlane {
 public:
  static constexpr uint64_t kTickNs = 1'000'000;

  explicit ShapedPlane(RouteConfig route) : SteppedPlane({std::move(route)}) {}

  /// Makes the plans asked for, and lets the worker find them.
  void make_plans() {
    parts->shapes->make_all();
    pass(kTickNs);
  }
  /// Until nothing is asked for: a plan may have to wait for another to be freed.
  void make_all_plans() {
    for (int i = 0; i < 8; ++i) make_plans();
  }
  uint64_t dropped_packets() {
    uint64_t packets = 0;
    for (size_t i = 0; i < kDropReasonCount; ++i) {
      if (drop_reason_scope(static_cast<DropReason>(i)) == DropScope::packet)
        packets += route().drops[i].get();
    }
    return packets;
  }
};

}  // namespace onpath::testing
