// Profiles and filters of resize: what they are called, and which go together.
#pragma once

#include <cstddef>
#include <string_view>

#include "plan/spec.h"

namespace onpath {

/// Empty if unknown.
constexpr std::string_view resize_profile_name(ResizeProfile profile) {
  constexpr std::string_view kNames[] = {"pillow", "exact4", "torch", "opencv"};
  const auto i = static_cast<size_t>(profile);
  return i < std::size(kNames) ? kNames[i] : std::string_view();
}

/// Empty if unknown.
constexpr std::string_view resize_filter_name(ResizeFilter filter) {
  constexpr std::string_view kNames[] = {"bilinear", "nearest", "box", "hamming", "bicubic", "lanczos3"};
  const auto i = static_cast<size_t>(filter);
  return i < std::size(kNames) ? kNames[i] : std::string_view();
}

/// Whether the reference that the profile equals has the filter.
constexpr bool resize_has(ResizeProfile profile, ResizeFilter filter) {
  if (resize_filter_name(filter).empty()) return false;
  switch (profile) {
    case ResizeProfile::pillow:
      return true;
    case ResizeProfile::torch:
      return filter == ResizeFilter::bilinear || filter == ResizeFilter::bicubic;
    case ResizeProfile::opencv:
      return filter == ResizeFilter::bilinear || filter == ResizeFilter::nearest;
    case ResizeProfile::exact4:
      return filter == ResizeFilter::bilinear;
  }
  return false;
}

}  // namespace onpath
