// NativeProgram: a compiled plan bound to this CPU, and runs of whole samples on the event loop's thread or
// off it. Must not know packets.
#pragma once

#include <napi.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "addon/bytes.h"
#include "addon/wrapped.h"
#include "plan/program.h"

namespace onpath::addon {

/// A program and the states that its runs share. Used from the event loop's thread and from libuv's pool.
class ProgramCore {
 public:
  ProgramCore(napi_env env, ProgramPtr program) : program_(std::move(program)), memory_(env) {
    memory_.add(static_cast<int64_t>(program_->plan().table_bytes() + program_->plan().packet_state_bytes()));
  }

  const Program& program() const { return *program_; }
  const ProgramPtr& program_ptr() const { return program_; }
  /// Whole samples one after the other, their results one behind the other in each output. `stride` as for
  /// check_sample(). Waits for nothing: with every state in use it makes another, of which a few are kept.
  Result<void> run(std::span<const std::span<const uint8_t>> inputs, uint64_t stride,
                   std::vector<uint8_t*> outputs);

 private:
  static constexpr size_t kMostIdleStates = 4;  // libuv's pool has as many threads, unless told otherwise

  Result<std::unique_ptr<SampleState>> take_state();
  void give_back(std::unique_ptr<SampleState> state);

  const ProgramPtr program_;
  ExternalMemory memory_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<SampleState>> idle_;  // the last one given back is the warmest
};

class NativeProgram : public Wrapped<NativeProgram, ProgramCore> {
 public:
  static constexpr ClassId kId = ClassId::program;
  static constexpr napi_type_tag kTag = {0x6f6e706174685f70, 0x726f6772616d0001};
  using Wrapped::Wrapped;
  static std::vector<Napi::ClassPropertyDescriptor<NativeProgram>> methods();

  /// The object for a program, or an exception pending.
  static Napi::Value from_program(Environment& environment, ProgramPtr program);
  /// Binds and wraps a plan, or throws its error.
  static Napi::Value from_plan(Environment& environment, Result<PlanPtr> plan, const std::string& kernels);

 private:
  Napi::Value explain(const Napi::CallbackInfo& info);
  Napi::Value plan_bytes(const Napi::CallbackInfo& info);
  Napi::Value run(const Napi::CallbackInfo& info);
  Napi::Value run_async(const Napi::CallbackInfo& info);
  Napi::Value run_batch(const Napi::CallbackInfo& info);
  Napi::Value run_batch_async(const Napi::CallbackInfo& info);
  Napi::Value run_here(const Napi::CallbackInfo& info, bool batch);
  Napi::Value run_off_loop(const Napi::CallbackInfo& info, bool batch);
  Napi::Value stream(const Napi::CallbackInfo& info);
  Napi::Value with_order(const Napi::CallbackInfo& info);
  Napi::Value serialize(const Napi::CallbackInfo& info);
  Napi::Value chunks_to_first_output(const Napi::CallbackInfo& info);
};

/// Memory for the outputs of samples, given by JavaScript: sizes as the plan says, nothing overlaps.
struct OutputMemory {
  std::vector<Bytes> bytes;
  std::vector<uint8_t*> pointers;
};

/// Looks at collected values; runs no JavaScript. Throws INVALID_ARGUMENT and gives nothing if they do not
/// fit.
std::optional<OutputMemory> output_memory(napi_env env, const Plan& plan,
                                          const std::vector<napi_value>& values, uint64_t samples = 1);

napi_value explanations_to_js(napi_env env, const std::vector<StepExplanation>& steps);

/// The most outputs that are read from JavaScript; no plan has as many.
inline constexpr size_t kMostOutputs = 256;
/// The most samples of one call.
inline constexpr size_t kMostSamples = 65536;

}  // namespace onpath::addon
