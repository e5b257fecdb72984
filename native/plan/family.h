// One pipeline for images of many sizes: a specification, a plan for each size, the same output for all.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "plan/program.h"
#include "plan/spec.h"

namespace onpath {

/// Immutable; every call may be made from any thread.
class PlanFamily {
 public:
  /// `spec.input` has the largest size. Compiles for it and, to tell early that the output depends on the
  /// size, for two smaller ones. Errors: those of compile() and bind() for the largest size; INVALID_SPEC if
  /// the input is not whole row-major images, or if the outputs differ.
  static Result<std::shared_ptr<const PlanFamily>> make(PipelineSpec spec, std::string_view kernels = {});
  /// `largest`: `spec` compiled and bound. Errors: INVALID_SPEC as above, but nothing is compiled.
  static Result<std::shared_ptr<const PlanFamily>> of(PipelineSpec spec, ProgramPtr largest);

  const ProgramPtr& largest() const { return largest_; }
  /// Whether images of this size may come: 1 to the largest width and height, whole pixel groups.
  bool allows(uint32_t width, uint32_t height) const;
  /// The program for images of this size. Errors: INVALID_SPEC (a size that is not allowed, an output that is
  /// not the family's), those of compile().
  Result<ProgramPtr> program(uint32_t width, uint32_t height) const;

 private:
  PlanFamily(PipelineSpec spec, ProgramPtr largest) : spec_(std::move(spec)), largest_(std::move(largest)) {}

  const PipelineSpec spec_;
  const ProgramPtr largest_;
};

using PlanFamilyPtr = std::shared_ptr<const PlanFamily>;

}  // namespace onpath
