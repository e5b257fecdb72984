#include "plan/serialization.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "plan/order.h"

namespace onpath {
namespace {

class FirstEmit final : public EmitListener {
 public:
  void emitted(uint32_t, uint64_t, uint64_t) override { any = true; }
  bool any = false;
};

}  // namespace

Result<PlanPtr> with_order(const Plan& plan, SerializationOrder order, bool skip_unread) {
  const auto* compiled = dynamic_cast<const CompiledPlan*>(&plan);
  if (compiled == nullptr) {
    return Error{ErrorCode::INVALID_ARGUMENT,
                 "with_order expects a plan made by compile or plan_from_bytes."};
  }
  const SampleFormat& from = plan.input();
  const ImageInput input{from.width, from.height, from.format, order, skip_unread};
  if (const auto ok = check_order(input); !ok) return ok.error();
  const OutputFormat& output = plan.outputs()[0];
  auto made = std::make_shared<const CompiledPlan>(
      input, output.name, output.format,
      std::vector<Step>(compiled->steps().begin(), compiled->steps().end()));
  if (const auto ok = check_order(*made); !ok) return ok.error();
  return PlanPtr(std::move(made));
}

void serialize_image(const Plan& plan, const uint8_t* image, uint64_t stride, uint8_t* out) {
  const auto& compiled = dynamic_cast<const CompiledPlan&>(plan);
  if (compiled.order() != nullptr) return serialize(*compiled.order(), image, stride, out);
  const SampleFormat& input = plan.input();
  const uint64_t row = input.bytes / input.height;
  for (uint32_t y = 0; y < input.height; ++y) std::memcpy(out + y * row, image + y * stride, row);
}

Result<uint64_t> chunks_to_first_output(const Program& program, uint64_t chunk_bytes) {
  const Plan& plan = program.plan();
  auto state = program.make_state(Granularity::element);
  if (!state.ok()) return state.error();
  try {
    std::vector<uint8_t> output(plan.outputs()[0].bytes);
    const std::vector<uint8_t> chunk(std::min(chunk_bytes, plan.input().bytes));
    uint8_t* const outputs[] = {output.data()};
    state.value()->begin(outputs);
    FirstEmit first;
    uint64_t chunks = 0;
    for (uint64_t at = 0; at < plan.input().bytes && !first.any; at += chunk.size(), ++chunks) {
      const uint64_t n = std::min<uint64_t>(chunk.size(), plan.input().bytes - at);
      state.value()->push(at, std::span(chunk).first(n), &first);
    }
    return first.any ? chunks : uint64_t{0};
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::OUT_OF_MEMORY, "The output of one sample, " +
                                               std::to_string(plan.outputs()[0].bytes) +
                                               " bytes, could not be had. Use a smaller image."};
  }
}

}  // namespace onpath
