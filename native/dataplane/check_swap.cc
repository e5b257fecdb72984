// What a route may be swapped to: a pipeline that takes exactly what the route takes. Every refusal names the
// route, the field, what was received and what was expected.
#include <string>

#include "dataplane/plane_parts.h"
#include "dataplane/route_versions.h"

namespace onpath {
namespace {

Error unfit(const RouteConfig& route, const std::string& field, const std::string& received,
            const std::string& expected) {
  return {ErrorCode::INVALID_SPEC, "Route \"" + route.name + "\": the new pipeline's " + field + " is " +
                                       received + ", but the route takes " + expected +
                                       ". Swap to a pipeline with the same input, or start another route."};
}

const char* kind_of(bool text, bool family) {
  return text ? "texts" : family ? "images of many sizes (a PipelineFamily)" : "images of one size";
}

std::string size_of(const SampleFormat& format) {
  return std::to_string(format.width) + "x" + std::to_string(format.height);
}

Result<void> check_input(const RouteConfig& route, const SampleFormat& next) {
  const SampleFormat& now = route.program->plan().input();
  const std::string size = route.shapes ? "largest input size" : "input size";
  if (next.width != now.width || next.height != now.height)
    return unfit(route, size, size_of(next), size_of(now));
  if (next.digest != now.digest || next.text != now.text)
    return unfit(route, "input format", "'" + next.text + "'", "'" + now.text + "'");
  if (next.bytes != now.bytes)
    return unfit(route, "input bytes", std::to_string(next.bytes), std::to_string(now.bytes));
  return {};
}

}  // namespace

Result<RouteConfig> swapped_route(const RouteConfig& route, const RouteSwap& swap) {
  const bool text = swap.text != nullptr;
  if (text != route.text.has_value() || (!text && (swap.family != nullptr) != route.shapes.has_value())) {
    return unfit(route, "input", kind_of(text, swap.family != nullptr),
                 kind_of(route.text.has_value(), route.shapes.has_value()));
  }
  RouteConfig next = route;
  if (text) {
    next.text->plan = swap.text;
  } else {
    if (!swap.program) return unfit(route, "input", "missing", "images");
    if (const auto ok = check_input(route, swap.program->plan().input()); !ok) return ok.error();
    next.program = swap.program;
    if (swap.family) next.shapes->family = swap.family;
  }
  if (const auto ok = check_pipeline(next); !ok) return ok.error();
  return next;
}

}  // namespace onpath
