// The steps of a compiled chain, and the plan that holds them. For the plan room only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "plan/plan.h"
#include "stage/gather.h"
#include "stage/map.h"
#include "stage/resize.h"
#include "stage/sample_order.h"
#include "stage/select.h"
#include "stage/to_rgb.h"

namespace onpath {

/// Sides of images, before, between and after steps.
inline constexpr uint32_t kMaxSide = 65535;
inline constexpr size_t kMaxSteps = 130;
inline constexpr size_t kMaxNameBytes = 64;
/// Padding is written when a sample begins, so what a plan may move for one packet has a bound of its own
/// beside its state.
inline constexpr uint64_t kMaxEdgeBytes = uint64_t{2} << 30;
/// Of exact4: 255 times this stays far inside 64 bits, and no two sides within kMaxSide exceed it.
inline constexpr uint64_t kMaxDenominator = uint64_t{1} << 40;

/// An element stage that was folded into a map step; for explain(). Values are part of the plan's byte form.
enum class FoldedStage : uint8_t { channels = 0, normalize = 1, lookup = 2, quantize = 3, convert = 4 };

struct FoldedMapStep : MapStep {
  std::vector<FoldedStage> folded;  // in stage order
};

/// A resize with what it was asked for; for explain().
struct NamedResizeStep : ResizeStep {
  ResizeProfile profile = ResizeProfile::pillow;
  ResizeFilter filter = ResizeFilter::bilinear;
};
/// A resize to the nearest pixel.
struct NamedGatherStep : GatherStep {
  ResizeProfile profile = ResizeProfile::pillow;
};

/// The first step on uyvy, and only there. Its tables follow from the names, so that the byte form has these.
struct YcbcrStep : ToRgbStep {
  YcbcrMatrix matrix = YcbcrMatrix::bt601;
  YcbcrRange range = YcbcrRange::studio;
};
YcbcrStep make_ycbcr_step(uint32_t width, uint32_t height, YcbcrMatrix matrix, YcbcrRange range);

struct Step {
  std::variant<SelectStep, NamedResizeStep, NamedGatherStep, FoldedMapStep, YcbcrStep> what;
};

class CompiledPlan final : public Plan {
 public:
  /// `steps` ends with its only placing map; dimensions, channels and tables of neighbours fit each other.
  CompiledPlan(const ImageInput& input, std::string output_name, PixelFormat output_format,
               std::vector<Step> steps);

  const SampleFormat& input() const override { return input_; }
  std::span<const OutputFormat> outputs() const override { return {&output_, 1}; }
  StageClass stage_class() const override { return stage_class_; }
  uint64_t read_bytes() const override { return read_bytes_; }
  bool works_in_place() const override {
    return steps_.size() == 1 && order_ == nullptr && last().works_in_place();
  }
  uint64_t table_bytes() const override { return table_bytes_; }
  uint64_t state_bytes() const override { return state_bytes_; }
  uint64_t packet_state_bytes() const override { return packet_state_bytes_; }
  const Hash& hash() const override { return hash_; }
  std::vector<uint8_t> to_bytes() const override;

  std::span<const Step> steps() const { return steps_; }
  /// Bytes of the images on all edges together, input and output included: what one sample moves at most.
  uint64_t edge_bytes() const { return edge_bytes_; }
  /// Null if samples are row-major images and taken so.
  const SampleOrder* order() const { return order_.get(); }
  /// The step that takes the serialized sample tile by tile; crops before it have no stage then.
  std::optional<size_t> tile_step() const { return tile_step_; }
  /// The step that places.
  const FoldedMapStep& last() const { return std::get<FoldedMapStep>(steps_.back().what); }
  /// Whether the order of input does a step's work, so that it has no stage.
  bool absorbed(size_t step) const {
    return tile_step_ && step < *tile_step_ && std::holds_alternative<SelectStep>(steps_[step].what);
  }

 private:
  void take_order(const ImageInput& input);
  uint64_t step_state_bytes(size_t step) const;

  SampleFormat input_;
  OutputFormat output_;
  std::vector<Step> steps_;
  std::shared_ptr<const SampleOrder> order_;
  std::optional<size_t> tile_step_;
  StageClass stage_class_ = StageClass::element;
  uint64_t table_bytes_ = 0;
  uint64_t read_bytes_ = 0;
  uint64_t edge_bytes_ = 0;
  uint64_t state_bytes_ = 0;
  uint64_t packet_state_bytes_ = 0;
  Hash hash_{};
};

/// The sentence for a plan beyond kMaxEdgeBytes.
std::string edge_limit_text(uint64_t edge_bytes);

/// Distinct tables, in order of first use. Tables that are equal by value are one.
struct DistinctTables {
  std::vector<const ResampleWeights*> resample;
  std::vector<const LerpWeights*> lerp;
  std::vector<const NearestPositions*> nearest;
  struct Values {
    DType dtype;
    std::span<const uint8_t> entries;  // 256 of them
  };
  std::vector<Values> values;

  /// The index of a table, which is added if it is new.
  uint32_t add(const ResampleWeights& weights);
  uint32_t add(const LerpWeights& weights);
  uint32_t add(const NearestPositions& positions);
  uint32_t add(const ValueMap& map, uint32_t table);
  uint64_t bytes() const;
};

uint64_t stored_bytes(const ResampleWeights& weights);
uint64_t stored_bytes(const LerpWeights& weights);
uint64_t stored_bytes(const NearestPositions& positions);

/// The byte form without and with its trailing hash.
std::vector<uint8_t> write_plan(const CompiledPlan& plan);

}  // namespace onpath
