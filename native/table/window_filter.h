// The filters of antialiased resampling as functions of the distance from a window's centre, in double, each
// operation in the order of Pillow's libImaging/Resample.c. For resample_weights.cc only.
#pragma once

#include "table/resample_weights.h"

namespace onpath {

struct WindowShape {
  double support;              // the filter is zero from here on, in pixels of the coarser side
  double (*weight)(double x);  // of a pixel x away
};

WindowShape window_shape(WindowFilter filter);

}  // namespace onpath
