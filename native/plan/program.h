// A plan bound to the kernels of this machine, and the state of one sample on its way through it.
// The hot path (push) takes no lock, allocates nothing, makes no system call and logs nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "plan/plan.h"
#include "stage/stage.h"

namespace onpath {

/// Told of every run of final output bytes, once, right after they were placed. Offsets count in the laid-out
/// output.
class EmitListener {
 public:
  virtual ~EmitListener() = default;
  virtual void emitted(uint32_t output, uint64_t offset, uint64_t bytes) = 0;
};

enum class PushStatus : uint8_t {
  used,          // at least one byte was new
  duplicate,     // all bytes had been seen before
  misaligned,    // begins or ends inside an element; nothing was taken (only with Granularity::element)
  out_of_range,  // reaches past the sample; nothing was taken
};

struct PushResult {
  PushStatus status = PushStatus::used;
  uint64_t new_bytes = 0;
  uint64_t repeated_bytes = 0;  // had been seen before: first bytes win
};

/// How finely coverage is tracked: whole pixel groups (packets) or bytes (function calls, any cut).
enum class Granularity : uint8_t { element, byte };

class Program;

/// Reusable. All memory is taken when it is made; begin() starts the next sample in it.
class SampleState {
 public:
  virtual ~SampleState() = default;
  /// Starts a sample whose outputs are placed at outputs[i] (each of the plan's output size, 64-byte
  /// alignment not required). Output bytes that depend on no input (pixels that a crop or pad adds) are
  /// placed, and told to the listener, here.
  virtual void begin(std::span<uint8_t* const> outputs, EmitListener* listener = nullptr) = 0;
  /// Takes a chunk at `offset` of the serialized sample, in any order, any overlap.
  virtual PushResult push(uint64_t offset, std::span<const uint8_t> bytes,
                          EmitListener* listener = nullptr) = 0;
  /// Takes a chunk and turns its bytes into the output bytes at the same offsets, where they lie; the output
  /// memory is not touched, no listener is told. Empty, and nothing is taken or changed, if the plan does not
  /// work in place, if any of the bytes had been seen before, if the chunk is one that push() refuses, or if
  /// it begins or ends inside a pixel: push() is for those.
  virtual std::optional<TurnedInPlace> push_in_place(uint64_t offset, std::span<uint8_t> bytes) = 0;
  /// True once every byte of the sample has been pushed; then every output byte has been placed.
  virtual bool complete() const = 0;
  virtual uint64_t missing_bytes() const = 0;
  /// Outputs placed so far move to other memory (already copied by the caller); later pushes place there.
  virtual void rebase(std::span<uint8_t* const> outputs) = 0;
};

using ProgramPtr = std::shared_ptr<const Program>;

class Program {
 public:
  virtual ~Program() = default;
  virtual const Plan& plan() const = 0;
  virtual const PlanPtr& plan_ptr() const = 0;
  /// Errors: OUT_OF_MEMORY.
  virtual Result<std::unique_ptr<SampleState>> make_state(Granularity granularity) const = 0;
  virtual std::vector<StepExplanation> explain() const = 0;
  /// Name of the instruction set its kernels were written for.
  virtual std::string_view kernels() const = 0;
};

/// Binds with the best kernels this CPU has, or with the named ones ("scalar", "sse4", "avx2", "avx3",
/// "avx3_dl") for tests and benchmarks. Errors: UNSUPPORTED if this CPU lacks them.
Result<ProgramPtr> bind(PlanPtr plan, std::string_view kernels = {});

/// Names that bind() takes on this CPU, best first; the last is "scalar".
std::vector<std::string_view> kernel_names();

/// Whether `bytes` bytes hold a sample of the plan. `stride` is the bytes from one row to the next, 0 if rows
/// have no gaps; with gaps the memory ends with the last row or anywhere behind it. Errors: INVALID_ARGUMENT.
Result<void> check_sample(const Plan& plan, uint64_t bytes, uint64_t stride);

/// Runs one whole sample: the same code as chunks take. `input` holds the sample as check_sample() has it,
/// outputs[i] the plan's i-th output. Errors: INVALID_ARGUMENT if sizes do not fit. `state` must come from
/// the program's make_state.
Result<void> run_sample(const Program& program, SampleState& state, std::span<const uint8_t> input,
                        std::span<uint8_t* const> outputs, uint64_t stride = 0);

}  // namespace onpath
