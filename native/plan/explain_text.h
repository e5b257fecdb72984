// Words that the files of explain(), and messages, share. For the plan room only.
#pragma once

#include <cstdint>
#include <string>

#include "plan/plan.h"
#include "plan/step.h"

namespace onpath {

inline std::string size_text(uint32_t width, uint32_t height) {
  return std::to_string(width) + "x" + std::to_string(height);
}

inline std::string plural(uint64_t n, const char* noun) {
  return std::to_string(n) + " " + noun + (n == 1 ? "" : "s");
}

StepExplanation explain_resize(const NamedResizeStep& step);
StepExplanation explain_resize(const NamedGatherStep& step);

}  // namespace onpath
