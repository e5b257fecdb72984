// What binding adds to a plan's explanation. For the plan room only.
#pragma once

#include <string_view>
#include <vector>

#include "plan/plan.h"
#include "plan/step.h"

namespace onpath {

std::vector<StepExplanation> explain_steps(const CompiledPlan& plan, std::string_view kernels);

}  // namespace onpath
