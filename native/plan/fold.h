// Adjacent element stages on their way to becoming one table per channel. Used by compile() only.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "plan/spec.h"
#include "plan/step.h"

namespace onpath {

/// Folds element stages that follow an edge of 8-bit pixels of one format. `field` is the path of a stage in
/// the specification, for messages.
class Fold {
 public:
  explicit Fold(PixelFormat edge);

  Result<void> channels(const ChannelsSpec& spec, const std::string& field);
  Result<void> normalize(const NormalizeSpec& spec, const std::string& field);
  Result<void> lookup(const LookupSpec& spec, const std::string& field);
  Result<void> quantize(const QuantizeSpec& spec, const std::string& field);
  Result<void> convert(DType dtype, const std::string& field);

  /// The format after the folded stages.
  PixelFormat format() const { return format_; }
  DType dtype() const { return map_.dtype; }
  bool empty() const { return folded_.empty(); }
  FoldedMapStep finish(uint32_t width, uint32_t height, Layout layout) const;

 private:
  uint32_t channel_count() const { return pixel_format_channels(format_); }
  Result<void> become(Result<ValueMap> map, FoldedStage stage, const std::string& field);

  uint32_t in_channels_;
  PixelFormat format_;
  std::vector<uint8_t> select_;  // channel of the edge of each channel of format_
  ValueMap map_;
  std::vector<FoldedStage> folded_;
};

std::string_view pixel_format_name(PixelFormat format);

}  // namespace onpath
