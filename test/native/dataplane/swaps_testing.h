// What the tests of swaps share: programs over one input whose outputs differ everywhere, and a plane driven
// by hand whose versions are offered, taken and freed when the test says so.
#pragma once

#include "dataplane/plane_versions.h"
#include "dataplane/shapes_testing.h"
#include "dataplane/text_testing.h"

namespace onpath::testing {

/// 16 x 8 rgb, every value v as (v + number) % 256: no two of them agree in any byte.
inline ProgramPtr shifted_program(uint32_t number) {
  LookupSpec lookup;
  for (uint32_t v = 0; v < 256; ++v) lookup.data.push_back(static_cast<uint8_t>(v + number));
  return must_bind(must_compile(pipeline(16, 8, PixelFormat::rgb, {lookup})));
}

/// What shifted_program(number) makes of a sample.
inline Bytes shifted(Bytes sample, uint32_t number) {
  for (uint8_t& value : sample) value = static_cast<uint8_t>(value + number);
  return sample;
}

/// Pairs between two ids that tell the version: a text of which one part is of another would show it.
inline TextPlanPtr marked_plan(uint32_t number) {
  TokenizeSpec tokenize;
  tokenize.tokenizer = PairTokenizer::make(static_cast<uint8_t>(number));
  tokenize.prefix = {1'000'000 + number};
  tokenize.suffix = {2'000'000 + number};
  return pair_plan(tokenize);
}

/// What marked_plan(number) makes of a text.
inline std::vector<uint32_t> marked(const Bytes& text, uint32_t number) {
  std::vector<uint32_t> ids = pairs_of(text);
  ids.insert(ids.begin(), 1'000'000 + number);
  ids.push_back(2'000'000 + number);
  return ids;
}

/// A delivered sample with its version.
struct Versioned {
  uint64_t version;
  uint32_t batch;
  SampleInfo info;
  Bytes output;
};
inline std::vector<Versioned> take_versions(SharedHostSink& sink) {
  std::vector<Versioned> taken;
  for (Delivery delivery; sink.next(delivery);) {
    const uint64_t bytes = delivery.plan->outputs()[0].bytes;
    for (uint32_t i = 0; i < delivery.count; ++i) {
      const uint8_t* at = delivery.outputs[0] + bytes * i;
      taken.push_back({delivery.version, delivery.count, delivery.samples[i], Bytes(at, at + bytes)});
    }
    sink.release(delivery.buffer);
  }
  return taken;
}

/// Swaps of a plane without threads.
class Swapping {
 public:
  explicit Swapping(SteppedPlane& plane)
      : versions(*plane.parts), memory(*plane.parts->memory), memory_at_start(memory.total()) {}

  Result<std::vector<uint64_t>> offer(RouteSwap swap) {
    if (swap.route.empty()) swap.route = "r";
    return versions.offer({swap});
  }
  /// Offered; the worker takes it with its next poll.
  void to(ProgramPtr program) { must(offer({.route = "r", .program = std::move(program)})); }
  void to(PlanFamilyPtr family) {
    must(offer({.route = "r", .program = family->largest(), .family = std::move(family)}));
  }
  void to(TextPlanPtr text) { must(offer({.route = "r", .text = std::move(text)})); }
  uint64_t alive(size_t route = 0) {
    versions.free_unused();
    return versions.alive(route).size();
  }

  /// What the plane has taken since; it can be less.
  int64_t more_bytes() const { return static_cast<int64_t>(memory.total() - memory_at_start); }

  PlaneVersions versions;
  const MemoryAccount& memory;
  const uint64_t memory_at_start;
};

}  // namespace onpath::testing
