// The declarative specification of a pipeline, as the compiler takes it. Plain data; checked by compile().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/dtype.h"

namespace onpath {

/// Interleaved 8-bit pixel formats. Alpha of rgba and bgra is premultiplied around a resize of the profiles
/// pillow (but for nearest) and exact4, as Pillow does; the fourth channel of rgbx is an ordinary channel.
/// uyvy is YCbCr-4:2:2, two pixels as Cb Y0 Cr Y1, and only an input. Values are part of the plan's byte
/// form.
enum class PixelFormat : uint8_t { gray = 0, rgb = 1, bgr = 2, rgba = 3, bgra = 4, rgbx = 5, uyvy = 6 };

/// Bytes of a pixel; of uyvy, half of a group of two pixels.
constexpr uint32_t pixel_format_channels(PixelFormat format) {
  switch (format) {
    case PixelFormat::gray:
      return 1;
    case PixelFormat::uyvy:
      return 2;
    case PixelFormat::rgb:
    case PixelFormat::bgr:
      return 3;
    default:
      return 4;
  }
}

/// Pixels that share bytes and so travel together.
constexpr uint32_t pixel_group_pixels(PixelFormat format) { return format == PixelFormat::uyvy ? 2 : 1; }
constexpr uint32_t pixel_group_bytes(PixelFormat format) {
  return pixel_format_channels(format) * pixel_group_pixels(format);
}

enum class Layout : uint8_t { hwc = 0, chw = 1 };

/// The order in which a sample's bytes travel, see plan/order.h. Values are part of the plan's byte form.
enum class SerializationOrder : uint8_t { row_major = 0, planar = 1, tile_major = 2 };

struct ImageInput {
  uint32_t width = 0;   // pixels
  uint32_t height = 0;  // pixels
  PixelFormat format = PixelFormat::rgb;
  SerializationOrder order = SerializationOrder::row_major;
  bool skip_unread = false;  // pixels that no output reads are not sent
};

/// Values of these are part of the plan's byte form.
enum class ResizeProfile : uint8_t { pillow = 0, exact4 = 1, torch = 2, opencv = 3 };
enum class ResizeFilter : uint8_t {
  bilinear = 0,
  nearest = 1,
  box = 2,
  hamming = 3,
  bicubic = 4,
  lanczos3 = 5
};
/// Rule of centerCrop's offset: torchvision rounds (size - crop) / 2 half to even, floor rounds down.
enum class OffsetRule : uint8_t { torchvision = 0, floor = 1 };
/// Arithmetic of normalize, see docs/semantics.md: torchvision divides after subtracting, fused multiplies
/// scale into mean and std.
enum class NormalizeRecipe : uint8_t { torchvision = 0, fused = 1 };

/// Either width and height, or one of the edges; what is not given is 0.
struct ResizeSpec {
  uint32_t width = 0;
  uint32_t height = 0;
  ResizeProfile profile = ResizeProfile::pillow;
  ResizeFilter filter = ResizeFilter::bilinear;
  uint32_t shortest_edge = 0;  // the other side = trunc(edge * long / short)
  uint32_t longest_edge = 0;   // the other side = max(1, trunc(edge * short / long))
};
/// Keeps width x height pixels from (left, top). What lies outside the image is zero.
struct CropSpec {
  int64_t left = 0;
  int64_t top = 0;
  uint32_t width = 0;
  uint32_t height = 0;
};
struct CenterCropSpec {
  uint32_t width = 0;
  uint32_t height = 0;
  OffsetRule rule = OffsetRule::torchvision;
};
/// Puts pixels of one value around the image: as many as the sides say; or, if width and height are given, as
/// many as bring it to that size, round(d - 0.1) of them left and above, round(d + 0.1) right and below,
/// where d is half of what is missing (the letterbox of YOLO).
struct PadSpec {
  uint32_t left = 0;
  uint32_t top = 0;
  uint32_t right = 0;
  uint32_t bottom = 0;
  uint32_t width = 0;
  uint32_t height = 0;
  std::vector<uint32_t> value;  // 0..255; one per channel, or one for all
};
enum class YcbcrMatrix : uint8_t { bt601 = 0, bt709 = 1 };
enum class YcbcrRange : uint8_t { studio = 0, full = 1 };
/// uyvy to rgb.
struct ToRgbSpec {
  YcbcrMatrix matrix = YcbcrMatrix::bt601;
  YcbcrRange range = YcbcrRange::studio;
};
/// Reorders, drops or replicates channels: rgb <-> bgr, rgba -> rgb (alpha dropped), gray -> rgb
/// (replicated), ...
struct ChannelsSpec {
  PixelFormat to = PixelFormat::rgb;
};
struct NormalizeSpec {
  double scale = 1.0 / 255.0;
  std::vector<double> mean;  // one per channel, or one for all
  std::vector<double> std;
  NormalizeRecipe recipe = NormalizeRecipe::torchvision;
};
/// One table of 256 entries for all channels, or one per channel; `data` holds tables * 256 *
/// dtype_bytes(dtype) bytes.
struct LookupSpec {
  DType dtype = DType::uint8;
  uint32_t tables = 1;
  std::vector<uint8_t> data;
};
/// clamp(rne(f32(x) / f32(scale)) + zero_point, -128, 127) as int8.
struct QuantizeSpec {
  double scale = 1.0;
  int32_t zero_point = 0;
};

using StageSpec = std::variant<ResizeSpec, CropSpec, CenterCropSpec, PadSpec, ToRgbSpec, ChannelsSpec,
                               NormalizeSpec, LookupSpec, QuantizeSpec>;

struct OutputSpec {
  std::string name = "pixels";
  std::optional<DType> dtype;  // default: what the last stage produces
  Layout layout = Layout::hwc;
};

struct PipelineSpec {
  ImageInput input;
  std::vector<StageSpec> stages;
  OutputSpec output;
  uint64_t max_state_bytes = 256u << 20;  // compile refuses a plan whose one sample could need more
};

}  // namespace onpath
