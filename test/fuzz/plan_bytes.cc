// Fuzzes the plan's byte form: whatever is accepted must bind and run within its bounds.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "plan/program.h"
#include "support/plan_bytes.h"

namespace {

constexpr uint64_t kMostState = 8u << 20;
constexpr uint64_t kMostOutput = 8u << 20;
constexpr uint64_t kMostChunk = 4096;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<uint8_t> bytes(data, data + size);
  onpath::testing::fix_hash(bytes);
  const auto plan = onpath::plan_from_bytes(bytes, kMostState);
  if (!plan) return 0;
  if (plan.value()->to_bytes() != bytes) std::abort();
  if (plan.value()->outputs()[0].bytes > kMostOutput) return 0;
  const auto program = onpath::bind(plan.value());
  if (!program) std::abort();
  const auto state = program.value()->make_state(onpath::Granularity::byte);
  if (!state) return 0;
  std::vector<uint8_t> output(plan.value()->outputs()[0].bytes);
  uint8_t* const outputs[] = {output.data()};
  state.value()->begin(outputs);
  // The plan's own bytes serve as chunks, at offsets they name.
  const uint64_t sample = plan.value()->input().bytes;
  for (size_t i = 0; i + 4 < size && i < 64; i += 4) {
    const uint64_t n = (data[i] * 16u) % kMostChunk;
    const uint64_t offset = (uint64_t{data[i + 1]} << 16 | data[i + 2] << 8 | data[i + 3]) % (sample + 1);
    std::vector<uint8_t> chunk(bytes.begin(),
                               bytes.begin() + static_cast<std::ptrdiff_t>(n < size ? n : size));
    state.value()->push(offset, chunk);
  }
  if (sample <= 1u << 20) {
    const std::vector<uint8_t> rest(sample, data[0]);
    state.value()->push(0, rest);
    if (!state.value()->complete()) std::abort();
  }
  return 0;
}
