// How values of C++ enums are called in JavaScript. The words are those of lib/schema.ts.
#pragma once

#include "addon/input.h"
#include "dataplane/config.h"
#include "plan/plan.h"
#include "plan/program.h"
#include "plan/spec.h"

namespace onpath::addon {

inline constexpr Choice<PixelFormat> kPixelFormats[] = {
    {"gray", PixelFormat::gray}, {"rgb", PixelFormat::rgb},   {"bgr", PixelFormat::bgr},
    {"rgba", PixelFormat::rgba}, {"bgra", PixelFormat::bgra}, {"rgbx", PixelFormat::rgbx},
    {"uyvy", PixelFormat::uyvy}};
inline constexpr Choice<SerializationOrder> kOrders[] = {{"row-major", SerializationOrder::row_major},
                                                         {"planar", SerializationOrder::planar},
                                                         {"tile-major", SerializationOrder::tile_major}};
inline constexpr Choice<Layout> kLayouts[] = {{"hwc", Layout::hwc}, {"chw", Layout::chw}};
inline constexpr Choice<DType> kDTypes[] = {
    {dtype_name(DType::uint8), DType::uint8},       {dtype_name(DType::int8), DType::int8},
    {dtype_name(DType::uint16), DType::uint16},     {dtype_name(DType::float16), DType::float16},
    {dtype_name(DType::bfloat16), DType::bfloat16}, {dtype_name(DType::float32), DType::float32},
    {dtype_name(DType::uint32), DType::uint32}};
inline constexpr Choice<ResizeProfile> kProfiles[] = {{"pillow", ResizeProfile::pillow},
                                                      {"exact4", ResizeProfile::exact4},
                                                      {"torch", ResizeProfile::torch},
                                                      {"opencv", ResizeProfile::opencv}};
inline constexpr Choice<ResizeFilter> kFilters[] = {
    {"bilinear", ResizeFilter::bilinear}, {"nearest", ResizeFilter::nearest},
    {"box", ResizeFilter::box},           {"hamming", ResizeFilter::hamming},
    {"bicubic", ResizeFilter::bicubic},   {"lanczos3", ResizeFilter::lanczos3}};
inline constexpr Choice<YcbcrMatrix> kYcbcrMatrices[] = {{"bt601", YcbcrMatrix::bt601},
                                                         {"bt709", YcbcrMatrix::bt709}};
inline constexpr Choice<YcbcrRange> kYcbcrRanges[] = {{"studio", YcbcrRange::studio},
                                                      {"full", YcbcrRange::full}};
inline constexpr Choice<OffsetRule> kOffsetRules[] = {{"torchvision", OffsetRule::torchvision},
                                                      {"floor", OffsetRule::floor}};
inline constexpr Choice<NormalizeRecipe> kRecipes[] = {{"torchvision", NormalizeRecipe::torchvision},
                                                       {"fused", NormalizeRecipe::fused}};
inline constexpr Choice<StageClass> kStageClasses[] = {
    {"element", StageClass::element}, {"placed", StageClass::placed}, {"sequential", StageClass::sequential}};
inline constexpr Choice<PayloadFormat> kPayloads[] = {{"chunk", PayloadFormat::chunk},
                                                      {"rfc4175", PayloadFormat::rfc4175}};

template <class Value, size_t n>
constexpr std::string_view name_of(const Choice<Value> (&choices)[n], Value value) {
  for (const Choice<Value>& choice : choices) {
    if (choice.value == value) return choice.name;
  }
  return "?";
}

}  // namespace onpath::addon
