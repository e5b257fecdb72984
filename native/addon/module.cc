// What `require` gives: the functions of lib/native.ts. Must not know what any of them does.
#include <napi.h>

#include "addon/capture.h"
#include "addon/environment.h"
#include "addon/errors.h"
#include "addon/input.h"
#include "addon/names.h"
#include "addon/output.h"
#include "addon/plane.h"
#include "addon/plane_events.h"
#include "addon/plane_from_js.h"
#include "addon/program.h"
#include "addon/sender.h"
#include "addon/sink.h"
#include "addon/spec_from_js.h"
#include "addon/stream.h"
#include "addon/text_program.h"
#include "addon/text_sink.h"
#include "addon/tokenizer.h"
#include "addon/tokenizer_encoder.h"
#include "addon/tokenizer_load.h"
#include "addon/tokenizer_stream.h"
#include "plan/family.h"

namespace onpath::addon {

namespace {

Napi::Value set_error_class(const Napi::CallbackInfo& info) {
  Reading reading{info.Env()};
  if (!info[0].IsFunction()) {
    Input(reading, info[0], "errorClass").fail("a class");
  } else {
    Environment::of(info.Env())->set_error_class(info[0]);
  }
  return {};
}

Napi::Value list_kernels(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return {env, js_array(env, kernel_names(), [&](std::string_view name) { return js_text(env, name); })};
}

Napi::Value compile_program(const Napi::CallbackInfo& info) {
  Reading reading{info.Env()};
  const PipelineSpec spec = spec_from_js(Input(reading, info[0], "spec"));
  const std::string kernels = Input(reading, info[1], "kernels").text();
  if (reading.failed) return {};
  return NativeProgram::from_plan(*Environment::of(info.Env()), compile(spec), kernels);
}

Napi::Value compile_family(const Napi::CallbackInfo& info) {
  Reading reading{info.Env()};
  PipelineSpec spec = spec_from_js(Input(reading, info[0], "spec"));
  const std::string kernels = Input(reading, info[1], "kernels").text();
  if (reading.failed) return {};
  const Result<PlanFamilyPtr> family = PlanFamily::make(std::move(spec), kernels);
  if (!family.ok()) {
    throw_error(info.Env(), family.error());
    return {};
  }
  return NativeProgram::from_program(*Environment::of(info.Env()), family.value()->largest());
}

Napi::Value compile_member(const Napi::CallbackInfo& info) {
  Reading reading{info.Env()};
  PipelineSpec spec = spec_from_js(Input(reading, info[0], "spec"));
  const auto width = Input(reading, info[2], "width").integer<uint32_t>();
  const auto height = Input(reading, info[3], "height").integer<uint32_t>();
  const std::shared_ptr<ProgramCore> largest =
      NativeProgram::core_of(Input(reading, info[1], "largest"), "a compiled program");
  if (reading.failed) return {};
  const Result<PlanFamilyPtr> family = PlanFamily::of(std::move(spec), largest->program_ptr());
  Result<ProgramPtr> program = family.ok() ? family.value()->program(width, height) : family.error();
  if (!program.ok()) {
    throw_error(info.Env(), program.error());
    return {};
  }
  return NativeProgram::from_program(*Environment::of(info.Env()), std::move(program).value());
}

Napi::Value read_plan(const Napi::CallbackInfo& info) {
  Reading reading{info.Env()};
  const std::string kernels = Input(reading, info[1], "kernels").text();
  const std::optional<Bytes> bytes = bytes_of(info.Env(), info[0]);
  if (!bytes) Input(reading, info[0], "bytes").fail("a Uint8Array");
  if (reading.failed) return {};
  return NativeProgram::from_plan(*Environment::of(info.Env()), plan_from_bytes(bytes->span()), kernels);
}

Napi::Value compile_text_program(const Napi::CallbackInfo& info) {
  Reading reading{info.Env()};
  const TextPipelineSpec spec = text_spec_from_js(Input(reading, info[0], "spec"));
  if (reading.failed) return {};
  return NativeTextProgram::from(*Environment::of(info.Env()), compile_text(spec));
}

Napi::Value read_text_plan(const Napi::CallbackInfo& info) {
  Reading reading{info.Env()};
  text::TokenizerPtr tokenizer;
  if (const Input given(reading, info[1], "tokenizer"); !given.is_undefined()) {
    if (const auto core = NativeTokenizer::core_of(given, "a tokenizer")) tokenizer = core->tokenizer_ptr();
  }
  const std::optional<Bytes> bytes = bytes_of(info.Env(), info[0]);
  if (!bytes) Input(reading, info[0], "bytes").fail("a Uint8Array");
  if (reading.failed) return {};
  return NativeTextProgram::from(*Environment::of(info.Env()),
                                 text_plan_from_bytes(bytes->span(), std::move(tokenizer)));
}

Napi::Value describe_format(const Napi::CallbackInfo& info) {
  Reading reading{info.Env()};
  const auto width = Input(reading, info[0], "width").integer<uint32_t>();
  const auto height = Input(reading, info[1], "height").integer<uint32_t>();
  const PixelFormat pixels = Input(reading, info[2], "format").choice(kPixelFormats);
  if (reading.failed) return {};
  const Result<SampleFormat> format = sample_format(width, height, pixels);
  if (!format.ok()) {
    throw_error(info.Env(), format.error());
    return {};
  }
  ObjectWriter object(info.Env());
  object.count("elementBytes", format.value().element_bytes).count("bytes", format.value().bytes);
  object.count("digest", format.value().digest).text("text", format.value().text);
  return {info.Env(), object.value()};
}

Napi::Value start_plane_of(const Napi::CallbackInfo& info) {
  Reading reading{info.Env()};
  PlaneSpec spec = plane_from_js(Input(reading, info[0], "config"));
  napi_value promise = nullptr;
  if (!reading.failed) promise = NativePlane::start(*Environment::of(info.Env()), std::move(spec));
  if (promise == nullptr) promise = rejected_with_pending(info.Env());
  return {info.Env(), promise};
}

Napi::Value open_sender_of(const Napi::CallbackInfo& info) {
  Reading reading{info.Env()};
  SenderSpec spec = sender_from_js(Input(reading, info[0], "config"));
  if (reading.failed) return {};
  return NativeSender::open(*Environment::of(info.Env()), std::move(spec));
}

template <Napi::Value (*function)(const Napi::CallbackInfo&)>
Napi::Value entry(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] { return function(info); });
}

}  // namespace

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  if (!Environment::install(env)) {
    napi_throw_error(env, "NATIVE_MISSING", "onpath could not set itself up in this JavaScript environment.");
    return exports;
  }
  NativeProgram::define(env, "NativeProgram");
  NativeStream::define(env, "NativeStream");
  NativePlane::define(env, "NativePlane");
  NativeSink::define(env, "NativeSink");
  NativeSender::define(env, "NativeSender");
  NativeTokenizer::define(env, "NativeTokenizer");
  NativeEncoder::define(env, "NativeEncoder");
  NativeTextStream::define(env, "NativeTextStream");
  NativeDecodeStream::define(env, "NativeDecodeStream");
  NativeTextProgram::define(env, "NativeTextProgram");
  NativePlanStream::define(env, "NativePlanStream");
  NativeTextSink::define(env, "NativeTextSink");
  NativePlaneEvents::define(env, "NativePlaneEvents");
  NativeCapture::define(env, "NativeCapture");
  exports["setErrorClass"] = Napi::Function::New<entry<set_error_class>>(env, "setErrorClass");
  exports["availableKernels"] = Napi::Function::New<entry<list_kernels>>(env, "availableKernels");
  exports["compile"] = Napi::Function::New<entry<compile_program>>(env, "compile");
  exports["compileFamily"] = Napi::Function::New<entry<compile_family>>(env, "compileFamily");
  exports["compileMember"] = Napi::Function::New<entry<compile_member>>(env, "compileMember");
  exports["planFromBytes"] = Napi::Function::New<entry<read_plan>>(env, "planFromBytes");
  exports["compileText"] = Napi::Function::New<entry<compile_text_program>>(env, "compileText");
  exports["textPlanFromBytes"] = Napi::Function::New<entry<read_text_plan>>(env, "textPlanFromBytes");
  exports["sampleFormat"] = Napi::Function::New<entry<describe_format>>(env, "sampleFormat");
  exports["startPlane"] = Napi::Function::New<entry<start_plane_of>>(env, "startPlane");
  exports["openSender"] = Napi::Function::New<entry<open_sender_of>>(env, "openSender");
  exports["loadTokenizer"] = Napi::Function::New<entry<load_tokenizer>>(env, "loadTokenizer");
  exports["loadTokenizerAsync"] = Napi::Function::New<entry<load_tokenizer_async>>(env, "loadTokenizerAsync");
  exports["mapTokenizer"] = Napi::Function::New<entry<map_tokenizer>>(env, "mapTokenizer");
  exports["mapTokenizerAsync"] = Napi::Function::New<entry<map_tokenizer_async>>(env, "mapTokenizerAsync");
  return exports;
}

}  // namespace onpath::addon

namespace {
Napi::Object initialize_addon(Napi::Env env, Napi::Object exports) {
  return onpath::addon::initialize(env, exports);
}
}  // namespace

NODE_API_MODULE(onpath, initialize_addon)
