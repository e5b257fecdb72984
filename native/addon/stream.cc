#include "addon/stream.h"

#include "addon/input.h"
#include "addon/output.h"
#include "addon/program.h"

namespace onpath::addon {

namespace {

/// Collects runs; neighbours become one.
class Runs : public EmitListener {
 public:
  void emitted(uint32_t output, uint64_t offset, uint64_t bytes) override {
    if (!runs_.empty() && runs_.back().output == output &&
        runs_.back().offset + runs_.back().bytes == offset) {
      runs_.back().bytes += bytes;
    } else {
      runs_.push_back({output, offset, bytes});
    }
  }

  /// `head`, then output, offset and bytes of every run. One array of numbers: an object with named fields
  /// costs several times as much as the push itself.
  napi_value flat(napi_env env, std::initializer_list<uint64_t> head) const {
    napi_value array = nullptr;
    if (napi_create_array_with_length(env, head.size() + runs_.size() * 3, &array) != napi_ok) return nullptr;
    uint32_t index = 0;
    const auto add = [&](uint64_t number) { napi_set_element(env, array, index++, js_count(env, number)); };
    for (const uint64_t number : head) add(number);
    for (const Run& run : runs_) {
      add(run.output);
      add(run.offset);
      add(run.bytes);
    }
    return array;
  }

 private:
  struct Run {
    uint32_t output;
    uint64_t offset;
    uint64_t bytes;
  };
  std::vector<Run> runs_;
};

/// As lib/native.ts numbers them.
uint64_t status_number(PushStatus status) {
  switch (status) {
    case PushStatus::used:
      return 0;
    case PushStatus::duplicate:
      return 1;
    case PushStatus::misaligned:  // not with byte granularity
    case PushStatus::out_of_range:
      return 2;
  }
  return 2;
}

}  // namespace

std::vector<Napi::ClassPropertyDescriptor<NativeStream>> NativeStream::methods() {
  return {property<&NativeStream::begin>("begin"), property<&NativeStream::push>("push"),
          property<&NativeStream::missing_bytes>("missingBytes")};
}

Napi::Value NativeStream::begin(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::optional<std::vector<napi_value>> values = array_values(env, info[0], "outputs", kMostOutputs);
  if (!values) return {};
  std::optional<OutputMemory> memory = output_memory(env, core().program->plan(), *values);
  if (!memory) return {};
  core().outputs.drop();
  for (napi_value value : *values) {
    if (!core().outputs.keep(value)) {
      core().outputs.drop();
      return {};
    }
  }
  core().pointers = std::move(memory->pointers);
  Runs runs;
  core().state->begin(core().pointers, &runs);
  return {env, runs.flat(env, {})};
}

/// Their memory may have been detached, resized or moved since: then nothing may be written to where it was.
bool NativeStream::outputs_still_there(napi_env env, const Bytes& chunk) {
  const std::span<const OutputFormat> formats = core().program->plan().outputs();
  if (core().outputs.size() != formats.size()) {
    throw_error(env, ErrorCode::INVALID_ARGUMENT,
                "This stream has no sample under way. Call begin(outputs) first.");
    return false;
  }
  for (size_t i = 0; i < formats.size(); ++i) {
    const std::optional<Bytes> output = bytes_of(env, core().outputs.value(i));
    if (!output || output->data != core().pointers[i] || output->size != formats[i].bytes) {
      core().outputs.drop();
      throw_error(env, ErrorCode::INVALID_ARGUMENT,
                  "outputs[" + std::to_string(i) +
                      "]: its memory was detached or resized while the sample was under way. "
                      "Call begin(outputs) again and push the sample from its start.");
      return false;
    }
    if (overlap(*output, chunk)) {
      throw_error(env, ErrorCode::INVALID_ARGUMENT,
                  "bytes overlap outputs[" + std::to_string(i) + "]. Give each memory of its own.");
      return false;
    }
  }
  return true;
}

Napi::Value NativeStream::push(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Reading reading{env};
  const auto offset = Input(reading, info[0], "offset").integer<uint64_t>();
  if (reading.failed) return {};
  const std::optional<Bytes> chunk = bytes_of(env, info[1]);
  if (!chunk) {
    Input(reading, info[1], "bytes").fail("a Uint8Array");
    return {};
  }
  if (!outputs_still_there(env, *chunk)) return {};
  Runs runs;
  const PushResult result = core().state->push(offset, chunk->span(), &runs);
  return {env, runs.flat(env, {status_number(result.status), result.new_bytes, result.repeated_bytes})};
}

Napi::Value NativeStream::missing_bytes(const Napi::CallbackInfo& info) {
  if (core().pointers.empty())
    return {info.Env(), js_count(info.Env(), core().program->plan().input().bytes)};
  return {info.Env(), js_count(info.Env(), core().state->missing_bytes())};
}

}  // namespace onpath::addon
