// See window_filter.h. Built with -ffp-contract=off.
#include "table/window_filter.h"

#include <cmath>
#include <numbers>

namespace onpath {
namespace {

double box(double x) { return x > -0.5 && x <= 0.5 ? 1.0 : 0.0; }

double triangle(double x) {
  const double distance = std::abs(x);
  return distance < 1.0 ? 1.0 - distance : 0.0;
}

double hamming(double x) {
  const double distance = std::abs(x);
  if (distance == 0.0) return 1.0;
  if (distance >= 1.0) return 0.0;
  const double angle = distance * std::numbers::pi;
  // Pillow's constants are floats, which 22 bits can see.
  return std::sin(angle) / angle * (0.54F + 0.46F * std::cos(angle));
}

double cubic(double x) {
  constexpr double kA = -0.5;
  const double d = std::abs(x);
  if (d < 1.0) return ((kA + 2.0) * d - (kA + 3.0)) * d * d + 1;
  if (d < 2.0) return (((d - 5) * d + 8) * d - 4) * kA;
  return 0.0;
}

double sinc(double x) {
  if (x == 0.0) return 1.0;
  const double angle = x * std::numbers::pi;
  return std::sin(angle) / angle;
}

double lanczos3(double x) { return -3.0 <= x && x < 3.0 ? sinc(x) * sinc(x / 3) : 0.0; }

}  // namespace

WindowShape window_shape(WindowFilter filter) {
  static constexpr WindowShape kShapes[] = {
      {0.5, box}, {1.0, triangle}, {1.0, hamming}, {2.0, cubic}, {3.0, lanczos3}};
  return kShapes[static_cast<size_t>(filter)];
}

}  // namespace onpath
