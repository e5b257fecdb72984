// Binding a plan to kernels, and the path of a chunk: coverage first, then the stages in the order of their
// steps.
#include "plan/program.h"

#include <new>
#include <utility>

#include "plan/bound.h"
#include "plan/coverage.h"
#include "plan/exact_divider.h"
#include "plan/step.h"
#include "stage/reorder.h"
#include "stage/tile_lerp.h"

namespace onpath {
namespace {

class BoundProgram final : public Program {
 public:
  BoundProgram(std::shared_ptr<const CompiledPlan> plan, const KernelSet& kernels);

  const Plan& plan() const override { return *plan_; }
  const PlanPtr& plan_ptr() const override { return plan_ptr_; }
  Result<std::unique_ptr<SampleState>> make_state(Granularity granularity) const override;
  std::vector<StepExplanation> explain() const override { return explain_steps(*plan_, kernels_.name); }
  std::string_view kernels() const override { return kernels_.name; }

  const CompiledPlan& compiled() const { return *plan_; }
  std::span<const std::unique_ptr<Stage>> stages() const { return stages_; }
  const KernelSet& kernel_set() const { return kernels_; }

 private:
  std::shared_ptr<const CompiledPlan> plan_;
  PlanPtr plan_ptr_;
  const KernelSet& kernels_;
  std::vector<std::unique_ptr<Stage>> stages_;  // the order of input, and all steps but the last
};

class ProgramState final : public SampleState, private PlacedListener {
 public:
  ProgramState(const BoundProgram& program, Granularity granularity);

  void begin(std::span<uint8_t* const> outputs, EmitListener* listener) override;
  PushResult push(uint64_t offset, std::span<const uint8_t> bytes, EmitListener* listener) override;
  std::optional<TurnedInPlace> push_in_place(uint64_t offset, std::span<uint8_t> bytes) override;
  bool complete() const override { return coverage_.missing() == 0; }
  uint64_t missing_bytes() const override { return coverage_.missing() * unit_bytes_; }
  void rebase(std::span<uint8_t* const> outputs) override {
    output_ = outputs[0];
    listen(listener_);
  }

 private:
  void placed(uint64_t offset, uint64_t bytes) override { listener_->emitted(0, offset, bytes); }
  void listen(EmitListener* listener) {
    listener_ = listener;
    place_->place_at(output_, listener == nullptr ? nullptr : this);
  }
  PushResult push_out_of_order(uint64_t begin, uint64_t end, uint64_t offset, std::span<const uint8_t> bytes);

  const uint64_t sample_bytes_;
  const uint64_t unit_bytes_;
  const ExactDivider units_;
  const ExactDivider pixels_;
  const bool whole_pixels_;  // a unit is one
  const bool in_place_;
  Coverage coverage_;
  std::vector<std::unique_ptr<StageState>> states_;
  std::unique_ptr<PlaceState> place_;
  Downstream* first_ = nullptr;  // the one of these that the input goes to
  uint8_t* output_ = nullptr;
  EmitListener* listener_ = nullptr;
};

BoundProgram::BoundProgram(std::shared_ptr<const CompiledPlan> plan, const KernelSet& kernels)
    : plan_(std::move(plan)), plan_ptr_(plan_), kernels_(kernels) {
  const SampleOrder* order = plan_->order();
  if (order != nullptr && !plan_->tile_step()) stages_.push_back(make_reorder_stage(*order));
  for (size_t i = 0; i + 1 < plan_->steps().size(); ++i) {
    const Step& step = plan_->steps()[i];
    if (plan_->absorbed(i)) continue;
    if (plan_->tile_step() == i) {
      stages_.push_back(make_tile_lerp_stage(std::get<NamedResizeStep>(step.what), *order, kernels));
      continue;
    }
    if (const auto* select = std::get_if<SelectStep>(&step.what))
      stages_.push_back(make_select_stage(*select));
    if (const auto* resize = std::get_if<NamedResizeStep>(&step.what))
      stages_.push_back(make_resize_stage(*resize, kernels));
    if (const auto* gather = std::get_if<NamedGatherStep>(&step.what))
      stages_.push_back(make_gather_stage(*gather));
    if (const auto* map = std::get_if<FoldedMapStep>(&step.what))
      stages_.push_back(make_map_stage(*map, kernels));
    if (const auto* ycbcr = std::get_if<YcbcrStep>(&step.what))
      stages_.push_back(make_to_rgb_stage(*ycbcr, kernels));
  }
}

Result<std::unique_ptr<SampleState>> BoundProgram::make_state(Granularity granularity) const {
  try {
    return std::unique_ptr<SampleState>(std::make_unique<ProgramState>(*this, granularity));
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::OUT_OF_MEMORY,
                 "The state of one sample takes " +
                     std::to_string(granularity == Granularity::byte ? plan_->state_bytes()
                                                                     : plan_->packet_state_bytes()) +
                     " bytes, which could not be had. Use fewer slots or a smaller image."};
  }
}

ProgramState::ProgramState(const BoundProgram& program, Granularity granularity)
    : sample_bytes_(program.plan().input().bytes),
      unit_bytes_(granularity == Granularity::byte ? 1 : program.plan().input().element_bytes),
      units_(unit_bytes_),
      pixels_(program.plan().input().element_bytes),
      whole_pixels_(unit_bytes_ == program.plan().input().element_bytes),
      in_place_(program.plan().works_in_place()),
      coverage_(sample_bytes_ / unit_bytes_),
      place_(make_place_state(program.compiled().last(), program.kernel_set())) {
  for (const auto& stage : program.stages()) {
    states_.push_back(granularity == Granularity::byte ? stage->make_state()
                                                       : stage->make_state_for_whole_groups());
  }
  first_ = states_.empty() ? static_cast<Downstream*>(place_.get()) : states_.front().get();
}

void ProgramState::begin(std::span<uint8_t* const> outputs, EmitListener* listener) {
  output_ = outputs[0];
  listen(listener);
  coverage_.reset();
  // From the last to the first: what a stage emits now must find the next one ready.
  Downstream* next = place_.get();
  for (auto state = states_.rbegin(); state != states_.rend(); ++state) {
    (*state)->begin(*next);
    next = state->get();
  }
}

PushResult ProgramState::push(uint64_t offset, std::span<const uint8_t> bytes, EmitListener* listener) {
  PushResult result;
  if (offset > sample_bytes_ || bytes.size() > sample_bytes_ - offset) {
    result.status = PushStatus::out_of_range;
    return result;
  }
  uint64_t begin = 0, end = 0;
  if (!units_.divide(offset, begin) || !units_.divide(offset + bytes.size(), end)) {
    result.status = PushStatus::misaligned;
    return result;
  }
  if (listener != listener_) [[unlikely]]
    listen(listener);
  if (begin != coverage_.in_order() || end == begin) return push_out_of_order(begin, end, offset, bytes);
  coverage_.add_in_order(end);
  first_->take(offset, bytes);
  result.new_bytes = bytes.size();
  return result;
}

/// Units [begin, end): the bytes at `offset`.
[[gnu::noinline]] PushResult ProgramState::push_out_of_order(uint64_t begin, uint64_t end, uint64_t offset,
                                                             std::span<const uint8_t> bytes) {
  const uint64_t added = coverage_.add(begin, end, [&](uint64_t run_begin, uint64_t run_end) {
    const uint64_t at = run_begin * unit_bytes_;
    first_->take(at, bytes.subspan(at - offset, (run_end - run_begin) * unit_bytes_));
  });
  PushResult result;
  result.new_bytes = added * unit_bytes_;
  result.repeated_bytes = bytes.size() - result.new_bytes;
  result.status = added > 0 ? PushStatus::used : PushStatus::duplicate;
  return result;
}

std::optional<TurnedInPlace> ProgramState::push_in_place(uint64_t offset, std::span<uint8_t> bytes) {
  if (!in_place_ || offset > sample_bytes_ || bytes.size() > sample_bytes_ - offset) return std::nullopt;
  uint64_t begin = 0, end = 0;
  if (!units_.divide(offset, begin) || !units_.divide(offset + bytes.size(), end)) return std::nullopt;
  if (!whole_pixels_ && !(pixels_.divides(offset) && pixels_.divides(bytes.size()))) return std::nullopt;
  if (begin == coverage_.in_order() && begin < end) {
    coverage_.add_in_order(end);
  } else if (!coverage_.add_if_new(begin, end)) {
    return std::nullopt;
  }
  return place_->turn_in_place(offset, bytes);
}

}  // namespace

Result<ProgramPtr> bind(PlanPtr plan, std::string_view kernels) {
  auto compiled = std::dynamic_pointer_cast<const CompiledPlan>(std::move(plan));
  if (compiled == nullptr)
    return Error{ErrorCode::INVALID_ARGUMENT, "bind expects a plan made by compile or plan_from_bytes."};
  const KernelSet* set = find_kernels(kernels);
  if (set == nullptr) {
    std::string names;
    for (const std::string_view name : kernel_names()) {
      if (!names.empty()) names += ", ";
      names += name;
    }
    return Error{ErrorCode::UNSUPPORTED, "Kernels '" + std::string(kernels) +
                                             "' are unknown or this CPU lacks them; it has " + names +
                                             ". Name one of these, or none for the best."};
  }
  return ProgramPtr(std::make_shared<const BoundProgram>(std::move(compiled), *set));
}

std::vector<std::string_view> kernel_names() {
  std::vector<std::string_view> names;
  for (const KernelSet* set : available_kernels()) names.push_back(set->name);
  return names;
}

Result<void> check_sample(const Plan& plan, uint64_t bytes, uint64_t stride) {
  const SampleFormat& format = plan.input();
  if (!format.row_major && stride != 0) {
    return Error{ErrorCode::INVALID_ARGUMENT,
                 "The stride is " + std::to_string(stride) +
                     " bytes, but samples of this plan have no rows: they are '" + format.text +
                     "'. Give the stride where the image is serialized."};
  }
  const uint64_t row = format.bytes / format.height;
  uint64_t gaps = 0;  // bytes between rows that belong to none
  if (stride != 0 &&
      (stride < row || __builtin_mul_overflow(stride - row, uint64_t{format.height} - 1, &gaps))) {
    return Error{ErrorCode::INVALID_ARGUMENT, "The stride is " + std::to_string(stride) +
                                                  " bytes; expected at least " + std::to_string(row) +
                                                  ", the bytes of one row."};
  }
  // Rows without gaps are the whole sample and nothing more; behind rows with gaps anything may lie.
  const bool gapless = stride == 0 || stride == row;
  if (gapless ? bytes == format.bytes : bytes >= gaps && bytes - gaps >= format.bytes) return {};
  return Error{ErrorCode::INVALID_ARGUMENT,
               "The sample has " + std::to_string(bytes) + " bytes; expected " +
                   std::to_string(format.bytes) +
                   (gaps > 0 ? " and " + std::to_string(gaps) + " between its rows" : "") + " (" +
                   std::to_string(format.width) + "x" + std::to_string(format.height) + ", " +
                   std::to_string(row) + " bytes per row). Pass exactly one sample."};
}

Result<void> run_sample(const Program& program, SampleState& state, std::span<const uint8_t> input,
                        std::span<uint8_t* const> outputs, uint64_t stride) {
  const Plan& plan = program.plan();
  if (auto ok = check_sample(plan, input.size(), stride); !ok) return ok;
  if (outputs.size() != plan.outputs().size() || outputs[0] == nullptr) {
    return Error{ErrorCode::INVALID_ARGUMENT, "Got " + std::to_string(outputs.size()) +
                                                  " outputs; expected memory for " +
                                                  std::to_string(plan.outputs().size()) + "."};
  }
  const uint64_t row = plan.input().bytes / plan.input().height;
  state.begin(outputs);
  if (stride == 0 || stride == row) {
    state.push(0, input);
  } else {
    for (uint64_t y = 0; y < plan.input().height; ++y) state.push(y * row, input.subspan(y * stride, row));
  }
  return {};
}

}  // namespace onpath
