// Fuzzes programs: a specification and a way of cutting its sample, both from bytes; the placed output must
// equal that of one whole-sample call on the row-major image, and whatever compiles must also pass through
// the plan's byte form.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "plan/program.h"
#include "plan/serialization.h"

namespace {

using namespace onpath;

/// Takes numbers from the fuzzer's bytes; zeros once they are used up.
class Numbers {
 public:
  Numbers(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  uint8_t byte() { return at_ < size_ ? data_[at_++] : uint8_t{0}; }
  uint32_t below(uint32_t bound) { return (byte() | static_cast<uint32_t>(byte()) << 8) % bound; }
  bool more() const { return at_ < size_; }

 private:
  const uint8_t* data_;
  size_t size_;
  size_t at_ = 0;
};

constexpr uint32_t kMostSide = 90;

StageSpec stage(Numbers& in) {
  switch (in.byte() % 9) {
    case 0: {
      ResizeSpec resize;
      const uint32_t size[] = {in.below(kMostSide), in.below(kMostSide)};
      const uint8_t kind = in.byte();
      resize.profile = static_cast<ResizeProfile>(kind % 4);
      resize.filter = static_cast<ResizeFilter>(kind / 4 % 6);
      switch (kind / 24 % 4) {
        case 0:
          resize.shortest_edge = size[0];
          break;
        case 1:
          resize.longest_edge = size[0];
          break;
        default:
          resize.width = size[0];
          resize.height = size[1];
      }
      return resize;
    }
    case 1:
      return CropSpec{static_cast<int64_t>(in.below(kMostSide)) - 30,
                      static_cast<int64_t>(in.below(kMostSide)) - 30, in.below(kMostSide),
                      in.below(kMostSide)};
    case 2:
      return CenterCropSpec{in.below(kMostSide), in.below(kMostSide), static_cast<OffsetRule>(in.byte() % 2)};
    case 3:
      return ChannelsSpec{static_cast<PixelFormat>(in.byte() % 6)};
    case 4: {
      NormalizeSpec normalize;
      normalize.recipe = static_cast<NormalizeRecipe>(in.byte() % 2);
      for (uint32_t n = in.byte() % 5; n > 0; --n) {
        normalize.mean.push_back(in.byte() / 255.0);
        normalize.std.push_back(in.byte() / 255.0);
      }
      return normalize;
    }
    case 5: {
      LookupSpec lookup;
      lookup.dtype = static_cast<DType>(in.byte() % 8);
      lookup.tables = in.byte() % 5;
      const uint32_t factor = in.byte();
      lookup.data.resize(size_t{lookup.tables} * 256 * dtype_bytes(lookup.dtype));
      for (size_t i = 0; i < lookup.data.size(); ++i) lookup.data[i] = static_cast<uint8_t>(i * factor >> 3);
      return lookup;
    }
    case 7: {
      PadSpec pad{in.below(40), in.below(40), in.below(40), in.below(40), 0, 0, {}};
      if (in.byte() % 2 == 0) pad = PadSpec{0, 0, 0, 0, in.below(2 * kMostSide), in.below(2 * kMostSide), {}};
      for (uint32_t n = in.byte() % 5; n > 0; --n) pad.value.push_back(in.byte());
      return pad;
    }
    case 8:
      return ToRgbSpec{static_cast<YcbcrMatrix>(in.byte() % 2), static_cast<YcbcrRange>(in.byte() % 2)};
    default:
      return QuantizeSpec{in.byte() / 16.0, static_cast<int32_t>(in.byte()) - 128};
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Numbers in(data, size);
  PipelineSpec spec;
  spec.input = {in.below(kMostSide), in.below(kMostSide), static_cast<PixelFormat>(in.byte() % 7)};
  if (spec.input.format == PixelFormat::uyvy && in.byte() % 8 != 0) {  // else few would compile
    spec.input.width += spec.input.width % 2;
    spec.stages.push_back(
        ToRgbSpec{static_cast<YcbcrMatrix>(in.byte() % 2), static_cast<YcbcrRange>(in.byte() % 2)});
  }
  for (uint32_t n = in.byte() % 6; n > 0; --n) spec.stages.push_back(stage(in));
  if (const uint8_t dtype = in.byte() % 8; dtype < 7) spec.output.dtype = static_cast<DType>(dtype);
  spec.output.layout = static_cast<Layout>(in.byte() % 2);
  const uint8_t order = in.byte();
  spec.input.order = static_cast<SerializationOrder>(order % 4);  // 3: unknown
  spec.input.skip_unread = order / 4 % 2 == 1;
  const auto plan = compile(spec);
  if (!plan) {
    if (plan.error().message.empty()) std::abort();
    return 0;
  }
  const std::vector<uint8_t> bytes = plan.value()->to_bytes();
  const auto again = plan_from_bytes(bytes);
  if (!again || again.value()->hash() != plan.value()->hash()) std::abort();
  const auto row_major = with_order(*plan.value(), SerializationOrder::row_major, false);
  if (!row_major) std::abort();
  const auto whole = onpath::bind(row_major.value(), "scalar");
  const auto program = onpath::bind(again.value());
  if (!whole || !program) std::abort();

  std::vector<uint8_t> image(row_major.value()->input().bytes);
  uint32_t noise = in.byte();
  for (uint8_t& b : image) b = static_cast<uint8_t>((noise = noise * 1664525u + 1013904223u) >> 24);
  const uint64_t sample_bytes = plan.value()->input().bytes;
  std::vector<uint8_t> sample(sample_bytes);
  serialize_image(*plan.value(), image.data(), image.size() / spec.input.height, sample.data());
  std::vector<uint8_t> expected(plan.value()->outputs()[0].bytes, 0xA5);
  std::vector<uint8_t> actual(expected.size(), 0x5A);

  const auto whole_state = whole.value()->make_state(Granularity::byte);
  uint8_t* const whole_outputs[] = {expected.data()};
  if (!whole_state || !run_sample(*whole.value(), *whole_state.value(), image, whole_outputs)) std::abort();

  const auto state =
      program.value()->make_state(in.byte() % 2 == 0 ? Granularity::byte : Granularity::element);
  uint8_t* const outputs[] = {actual.data()};
  if (!state) std::abort();
  state.value()->begin(outputs);
  while (in.more()) {
    const uint64_t begin = in.below(static_cast<uint32_t>(sample_bytes));
    const uint64_t n = in.below(2000);
    const uint64_t left = sample_bytes - begin;
    state.value()->push(begin, std::span(sample).subspan(begin, n < left ? n : left));
  }
  state.value()->push(0, sample);
  if (!state.value()->complete() || actual != expected) std::abort();
  return 0;
}
