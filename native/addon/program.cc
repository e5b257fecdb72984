#include "addon/program.h"

#include <cstring>
#include <utility>

#include "addon/input.h"
#include "addon/names.h"
#include "addon/off_loop.h"
#include "addon/output.h"
#include "addon/stream.h"
#include "base/sha256.h"

namespace onpath::addon {

namespace {

napi_value info_object(napi_env env, const Program& program) {
  const Plan& plan = program.plan();
  const SampleFormat& input = plan.input();
  ObjectWriter in(env);
  in.count("width", input.width)
      .count("height", input.height)
      .text("format", name_of(kPixelFormats, input.format));
  in.text("order", name_of(kOrders, input.order)).boolean("skipUnread", input.skip_unread);
  in.count("elementBytes", input.element_bytes).count("bytes", input.bytes).count("digest", input.digest);
  in.text("text", input.text);
  napi_value outputs = js_array(env, plan.outputs(), [&](const OutputFormat& output) {
    napi_value shape = js_array(env, output.shape, [&](uint32_t size) { return js_count(env, size); });
    ObjectWriter out(env);
    out.text("name", output.name)
        .text("dtype", dtype_name(output.dtype))
        .text("layout", name_of(kLayouts, output.layout));
    return out.set("shape", shape).count("bytes", output.bytes).value();
  });
  ObjectWriter info(env);
  info.text("hash", hash_hex(plan.hash())).set("input", in.value()).set("outputs", outputs);
  info.text("stageClass", name_of(kStageClasses, plan.stage_class())).count("tableBytes", plan.table_bytes());
  return info.count("stateBytes", plan.state_bytes()).text("kernels", program.kernels()).value();
}

/// What a run needs of its arguments.
struct RunMemory {
  std::vector<napi_value> values;  // inputs, then outputs
  std::vector<Bytes> inputs;
  OutputMemory outputs;
  uint64_t stride = 0;
};

/// Arguments: the sample, or an array of samples; the outputs; bytes from one row to the next, or undefined.
std::optional<RunMemory> run_memory(const Napi::CallbackInfo& info, const Plan& plan, bool batch) {
  const napi_env env = info.Env();
  const auto refuse = [&](const std::string& message) {
    throw_error(env, ErrorCode::INVALID_ARGUMENT, message);
    return std::nullopt;
  };
  RunMemory memory;
  Reading reading{env};
  if (const Input stride(reading, info[2], "stride"); !stride.is_undefined())
    memory.stride = stride.integer<uint64_t>();
  if (reading.failed) return std::nullopt;
  std::optional<std::vector<napi_value>> inputs = std::vector<napi_value>{info[0]};
  if (batch) inputs = array_values(env, info[0], "inputs", kMostSamples);
  if (!inputs) return std::nullopt;
  if (inputs->empty()) return refuse("inputs: expected at least one sample.");
  const std::optional<std::vector<napi_value>> values = array_values(env, info[1], "outputs", kMostOutputs);
  if (!values) return std::nullopt;
  // From here on no JavaScript runs until the memory has been used or is kept.
  for (size_t i = 0; i < inputs->size(); ++i) {
    const std::string path = batch ? "inputs[" + std::to_string(i) + "]" : "input";
    const std::optional<Bytes> input = bytes_of(env, (*inputs)[i]);
    const Result<void> fits = check_sample(plan, input ? input->size : 0, memory.stride);
    if (input && !fits.ok() && memory.stride != 0) return refuse(path + ": " + fits.error().message);
    if (!input || !fits.ok()) {
      return refuse(path + ": expected a Uint8Array of " + std::to_string(plan.input().bytes) +
                    " bytes, the whole sample, received " +
                    (input ? std::to_string(input->size) + " bytes." : "something else."));
    }
    memory.inputs.push_back(*input);
  }
  std::optional<OutputMemory> outputs = output_memory(env, plan, *values, inputs->size());
  if (!outputs) return std::nullopt;
  for (size_t i = 0; i < outputs->bytes.size(); ++i) {
    for (const Bytes& input : memory.inputs) {
      if (!overlap(input, outputs->bytes[i])) continue;
      return refuse("outputs[" + std::to_string(i) + "] overlaps input. Give each memory of its own.");
    }
  }
  memory.outputs = std::move(*outputs);
  memory.values = std::move(*inputs);
  memory.values.insert(memory.values.end(), values->begin(), values->end());
  return memory;
}

std::vector<std::span<const uint8_t>> spans_of(const std::vector<Bytes>& inputs) {
  std::vector<std::span<const uint8_t>> spans;
  for (const Bytes& input : inputs) spans.push_back(input.span());
  return spans;
}

using Copy = std::shared_ptr<std::vector<uint8_t>>;

/// Memory that is used off the event loop: its size when the run began, and the copy that is used instead.
struct Used {
  uint64_t bytes;
  Copy copy;
  bool output;
};

/// Puts copied outputs in their place. Memory that was transferred away or resized during the run is not one
/// any more.
Result<void> put_back(napi_env env, const Kept& kept, const std::vector<Used>& used) {
  bool all_there = true;
  for (size_t i = 0; i < kept.size(); ++i) {
    const std::optional<Bytes> bytes = bytes_of(env, kept.value(i));
    const bool there = bytes && bytes->size == used[i].bytes;
    if (!there) all_there = false;
    if (there && used[i].output && used[i].copy != nullptr)
      std::memcpy(bytes->data, used[i].copy->data(), bytes->size);
  }
  if (all_there) return {};
  return Error{ErrorCode::INVALID_ARGUMENT,
               "The memory of the sample or of an output was detached or resized while the run was under "
               "way. Leave both "
               "untouched until the promise settles."};
}

}  // namespace

std::optional<OutputMemory> output_memory(napi_env env, const Plan& plan,
                                          const std::vector<napi_value>& values, uint64_t samples) {
  const std::span<const OutputFormat> formats = plan.outputs();
  const auto refuse = [&](const std::string& message) {
    throw_error(env, ErrorCode::INVALID_ARGUMENT, message);
    return std::nullopt;
  };
  if (values.size() != formats.size()) {
    return refuse("outputs: expected " + std::to_string(formats.size()) +
                  " elements, one per output of the plan, received " + std::to_string(values.size()) + ".");
  }
  OutputMemory memory;
  for (size_t i = 0; i < values.size(); ++i) {
    const std::string path = "outputs[" + std::to_string(i) + "]";
    const std::optional<Bytes> bytes = bytes_of(env, values[i]);
    const uint64_t expected = formats[i].bytes * samples;
    if (!bytes || bytes->size != expected) {
      return refuse(path + ": expected a Uint8Array of " + std::to_string(expected) + " bytes for \"" +
                    formats[i].name + "\", received " +
                    (bytes ? std::to_string(bytes->size) + " bytes." : "something else."));
    }
    for (const Bytes& other : memory.bytes) {
      if (overlap(*bytes, other))
        return refuse(path + " overlaps another output. Give each memory of its own.");
    }
    memory.bytes.push_back(*bytes);
    memory.pointers.push_back(bytes->data);
  }
  return memory;
}

Result<std::unique_ptr<SampleState>> ProgramCore::take_state() {
  {
    std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<SampleState> state = std::move(idle_.back());
      idle_.pop_back();
      return state;
    }
  }
  return program_->make_state(Granularity::element);
}

void ProgramCore::give_back(std::unique_ptr<SampleState> state) {
  std::lock_guard lock(mutex_);
  if (idle_.size() < kMostIdleStates) idle_.push_back(std::move(state));
}

Result<void> ProgramCore::run(std::span<const std::span<const uint8_t>> inputs, uint64_t stride,
                              std::vector<uint8_t*> outputs) {
  Result<std::unique_ptr<SampleState>> state = take_state();
  if (!state.ok()) return state.error();
  const std::span<const OutputFormat> formats = program_->plan().outputs();
  Result<void> result;
  for (size_t i = 0; i < inputs.size() && result.ok(); ++i) {
    result = run_sample(*program_, *state.value(), inputs[i], outputs, stride);
    for (size_t o = 0; o < outputs.size(); ++o) outputs[o] += formats[o].bytes;
  }
  give_back(std::move(state).value());
  return result;
}

std::vector<Napi::ClassPropertyDescriptor<NativeProgram>> NativeProgram::methods() {
  return {property<&NativeProgram::explain>("explain"),
          property<&NativeProgram::plan_bytes>("planBytes"),
          property<&NativeProgram::run>("run"),
          property<&NativeProgram::run_async>("runAsync"),
          property<&NativeProgram::run_batch>("runBatch"),
          property<&NativeProgram::run_batch_async>("runBatchAsync"),
          property<&NativeProgram::stream>("stream"),
          property<&NativeProgram::with_order>("withOrder"),
          property<&NativeProgram::serialize>("serialize"),
          property<&NativeProgram::chunks_to_first_output>("chunksToFirstOutput")};
}

Napi::Value NativeProgram::from_program(Environment& environment, ProgramPtr program) {
  napi_env env = environment.env();
  napi_value info = info_object(env, *program);
  Napi::Value object = make(environment, std::make_shared<ProgramCore>(env, std::move(program)));
  if (!object.IsEmpty() && info != nullptr) {
    napi_property_descriptor property = {"info",  nullptr, nullptr,         nullptr,
                                         nullptr, info,    napi_enumerable, nullptr};
    napi_define_properties(env, object, 1, &property);
  }
  return object;
}

Napi::Value NativeProgram::from_plan(Environment& environment, Result<PlanPtr> plan,
                                     const std::string& kernels) {
  if (!plan.ok()) {
    throw_error(environment.env(), plan.error());
    return {};
  }
  Result<ProgramPtr> program = onpath::bind(std::move(plan).value(), kernels);
  if (!program.ok()) {
    throw_error(environment.env(), program.error());
    return {};
  }
  return from_program(environment, std::move(program).value());
}

napi_value explanations_to_js(napi_env env, const std::vector<StepExplanation>& steps) {
  return js_array(env, steps, [&](const StepExplanation& step) {
    ObjectWriter row(env);
    row.text("step", step.step).text("stageClass", name_of(kStageClasses, step.stage_class));
    row.count("naiveTableEntries", step.naive_table_entries).count("tableEntries", step.table_entries);
    row.count("tableBytes", step.table_bytes).count("windowBytes", step.window_bytes);
    row.text("tables", step.tables).count("stateBytes", step.state_bytes);
    return row.text("state", step.state).text("kernel", step.kernel).value();
  });
}

Napi::Value NativeProgram::explain(const Napi::CallbackInfo& info) {
  return {info.Env(), explanations_to_js(info.Env(), core().program().explain())};
}

Napi::Value NativeProgram::plan_bytes(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::vector<uint8_t> bytes = core().program().plan().to_bytes();
  return {env, js_typed_array(env, std::span<const uint8_t>(bytes))};
}

Napi::Value NativeProgram::run(const Napi::CallbackInfo& info) { return run_here(info, false); }
Napi::Value NativeProgram::run_batch(const Napi::CallbackInfo& info) { return run_here(info, true); }
Napi::Value NativeProgram::run_async(const Napi::CallbackInfo& info) { return run_off_loop(info, false); }
Napi::Value NativeProgram::run_batch_async(const Napi::CallbackInfo& info) {
  return run_off_loop(info, true);
}

Napi::Value NativeProgram::run_here(const Napi::CallbackInfo& info, bool batch) {
  const std::optional<RunMemory> memory = run_memory(info, core().program().plan(), batch);
  if (!memory) return {};
  const Result<void> result = core().run(spans_of(memory->inputs), memory->stride, memory->outputs.pointers);
  if (!result.ok()) throw_error(info.Env(), result.error());
  return {};
}

Napi::Value NativeProgram::run_off_loop(const Napi::CallbackInfo& info, bool batch) {
  const Napi::Env env = info.Env();
  Environment& environment = *Environment::of(env);
  std::optional<RunMemory> memory = run_memory(info, core().program().plan(), batch);
  napi_value promise = nullptr;
  Kept kept(env);
  bool ready = memory.has_value();
  for (size_t i = 0; ready && i < memory->values.size(); ++i) ready = kept.keep(memory->values[i]);
  if (ready) {
    std::vector<Used> used;
    std::vector<std::span<const uint8_t>> inputs = spans_of(memory->inputs);
    for (size_t i = 0; i < inputs.size(); ++i) {
      used.push_back({inputs[i].size(), copy_if_resizable(environment, memory->inputs[i]), false});
      if (used.back().copy != nullptr) inputs[i] = *used.back().copy;
    }
    std::vector<uint8_t*> outputs = memory->outputs.pointers;
    for (size_t i = 0; i < outputs.size(); ++i) {
      const Bytes& bytes = memory->outputs.bytes[i];
      used.push_back({bytes.size, copy_if_resizable(environment, bytes), true});
      if (used.back().copy != nullptr) outputs[i] = used.back().copy->data();
    }
    OffLoop job;
    job.name = "onpath.run";
    job.work = [core = shared_core(), inputs = std::move(inputs), stride = memory->stride,
                outputs = std::move(outputs)] { return core->run(inputs, stride, outputs); };
    job.check = [used = std::move(used)](napi_env loop, const Kept& still_kept) {
      return put_back(loop, still_kept, used);
    };
    promise = addon::run_off_loop(environment, std::move(job), std::move(kept));
  }
  if (promise == nullptr) promise = rejected_with_pending(env);
  return {env, promise};
}

Napi::Value NativeProgram::stream(const Napi::CallbackInfo& info) {
  Result<std::unique_ptr<SampleState>> state = core().program().make_state(Granularity::byte);
  if (!state.ok()) {
    throw_error(info.Env(), state.error());
    return {};
  }
  return NativeStream::make(
      *Environment::of(info.Env()),
      std::make_shared<StreamCore>(info.Env(), core().program_ptr(), std::move(state).value()));
}

}  // namespace onpath::addon
