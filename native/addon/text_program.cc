#include "addon/text_program.h"

#include <cstring>
#include <utility>

#include "addon/input.h"
#include "addon/output.h"
#include "addon/program.h"
#include "addon/tokenizer.h"

namespace onpath::addon {

namespace {

constexpr size_t kMostWords = 1u << 22;

napi_value format_object(napi_env env, const TextFormat& format) {
  return ObjectWriter(env).count("digest", format.digest).text("text", format.text).value();
}

napi_value info_of(napi_env env, const TextPlan& plan) {
  ObjectWriter output(env);
  output.text("name", plan.output_name()).boolean("tokens", plan.element() == TextElement::token);
  output.boolean("offsets", plan.has_offsets());
  output.count("digest", plan.output_format().digest).text("text", plan.output_format().text);
  ObjectWriter info(env);
  info.text("hash", hash_hex(plan.hash())).set("input", format_object(env, plan.input()));
  info.set("output", output.value()).text("stageClass", "sequential");
  info.count("tableBytes", plan.table_bytes()).count("stateBytes", plan.state_bytes());
  return info.count("workspaceBytes", plan.workspace_bytes()).text("kernels", "").value();
}

}  // namespace

napi_value new_elements(napi_env env, TextElement element, size_t count, void*& data) {
  napi_value buffer = nullptr, view = nullptr;
  const bool tokens = element == TextElement::token;
  if (napi_create_arraybuffer(env, count * element_bytes(element), &data, &buffer) != napi_ok ||
      napi_create_typedarray(env, tokens ? napi_uint32_array : napi_uint8_array, count, buffer, 0, &view) !=
          napi_ok) {
    throw_error(env, ErrorCode::OUT_OF_MEMORY, "Memory for the result of a text could not be had.");
    return nullptr;
  }
  return view;
}

napi_value TextResult::to_js(napi_env env, const TextPlan& plan) const {
  void* data = nullptr;
  const napi_value elements =
      new_elements(env, plan.element(), elements_.size() / element_bytes(plan.element()), data);
  if (elements == nullptr) return nullptr;
  if (!elements_.empty()) std::memcpy(data, elements_.data(), elements_.size());
  ObjectWriter result(env);
  result.set("elements", elements);
  if (plan.has_offsets()) {
    const napi_value offsets = new_elements(env, TextElement::token, spans_.size() * 2, data);
    if (offsets == nullptr) return nullptr;
    if (!spans_.empty()) std::memcpy(data, spans_.data(), spans_.size() * sizeof(TextSpan));
    result.set("offsets", offsets);
  }
  return result.value();
}

Error text_refusal(TextStatus status, const TextPlan& plan, const TextState& state) {
  if (status == TextStatus::special_refused) {
    std::string token;
    if (const auto id = state.refused(); id && plan.tokenizer()) {
      token = " " + std::to_string(*id);
      if (const auto text = plan.tokenizer()->vocabulary().text(*id))
        token += " (" + std::string(*text) + ")";
    }
    return {ErrorCode::SPECIAL_TOKEN, "The text contains the special token" + token +
                                          ", which the policy refuses. Use special: 'parse' or 'text', or "
                                          "list it in allowedSpecial."};
  }
  return {ErrorCode::RUN_TOO_LONG, "More bytes of the text than tokenize.capBytes wait for a decision (" +
                                       std::to_string(state.held_bytes()) +
                                       "). Raise capBytes, or run the text whole."};
}

TextProgramCore::TextProgramCore(napi_env env, TextPlanPtr plan) : plan_(std::move(plan)), memory_(env) {
  memory_.add(static_cast<int64_t>(plan_->state_bytes()));
}

Result<TextWorkspace*> TextProgramCore::workspace() {
  if (workspace_ == nullptr) {
    auto made = plan_->make_workspace();
    if (!made) return made.error();
    workspace_ = std::move(made).value();
    memory_.add(static_cast<int64_t>(workspace_->bytes()));
  }
  return workspace_.get();
}

Result<TextState*> TextProgramCore::whole_state() {
  if (whole_ == nullptr) {
    auto made = plan_->make_state(TextLength::whole);
    if (!made) return made.error();
    whole_ = std::move(made).value();
  }
  return whole_.get();
}

std::vector<Napi::ClassPropertyDescriptor<NativeTextProgram>> NativeTextProgram::methods() {
  return {property<&NativeTextProgram::explain>("explain"),
          property<&NativeTextProgram::plan_bytes>("planBytes"), property<&NativeTextProgram::run>("run"),
          property<&NativeTextProgram::stream>("stream")};
}

Napi::Value NativeTextProgram::from(Environment& environment, Result<TextPlanPtr> plan) {
  napi_env env = environment.env();
  if (!plan.ok()) {
    throw_error(env, plan.error());
    return {};
  }
  const TextPlanPtr made = std::move(plan).value();
  Napi::Value object = make(environment, std::make_shared<TextProgramCore>(env, made));
  if (!object.IsEmpty()) {
    napi_property_descriptor property = {
        "info", nullptr, nullptr, nullptr, nullptr, info_of(env, *made), napi_enumerable, nullptr};
    napi_define_properties(env, object, 1, &property);
  }
  return object;
}

Napi::Value NativeTextProgram::explain(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return {env, explanations_to_js(env, core().plan()->explain())};
}

Napi::Value NativeTextProgram::plan_bytes(const Napi::CallbackInfo& info) {
  const std::vector<uint8_t> bytes = core().plan()->to_bytes();
  void* data = nullptr;
  const napi_value view = new_elements(info.Env(), TextElement::byte, bytes.size(), data);
  if (view != nullptr) std::memcpy(data, bytes.data(), bytes.size());
  return {info.Env(), view};
}

Napi::Value NativeTextProgram::run(const Napi::CallbackInfo& info) {
  const napi_env env = info.Env();
  const auto workspace = core().workspace();
  const auto state = core().whole_state();
  if (!workspace.ok() || !state.ok()) {
    throw_error(env, workspace.ok() ? state.error() : workspace.error());
    return {};
  }
  const auto text = core().room().read_argument(env, info[0]);
  if (!text) return {};
  TextResult out;
  TextState& one = *state.value();
  one.begin();
  TextStatus status = one.push(*text, *workspace.value(), out);
  if (status == TextStatus::ok) status = one.end(*workspace.value(), out);
  core().room().shrink();
  if (status != TextStatus::ok) {
    throw_error(env, text_refusal(status, *core().plan(), one));
    return {};
  }
  return {env, out.to_js(env, *core().plan())};
}

Napi::Value NativeTextProgram::stream(const Napi::CallbackInfo& info) {
  return NativePlanStream::of(*Environment::of(info.Env()), shared_core());
}

std::vector<Napi::ClassPropertyDescriptor<NativePlanStream>> NativePlanStream::methods() {
  return {property<&NativePlanStream::push>("push"), property<&NativePlanStream::end>("end"),
          property<&NativePlanStream::held_bytes>("heldBytes")};
}

Napi::Value NativePlanStream::of(Environment& environment, std::shared_ptr<TextProgramCore> program) {
  auto state = program->plan()->make_state(TextLength::streamed);
  if (!state.ok()) {
    throw_error(environment.env(), state.error());
    return {};
  }
  const auto bytes = static_cast<int64_t>(program->plan()->state_bytes());
  auto core = std::shared_ptr<PlanStreamCore>(new PlanStreamCore{
      std::move(program), std::move(state).value(), {}, ExternalMemory(environment.env()), false});
  core->memory.add(bytes);
  core->state->begin();
  return make(environment, std::move(core));
}

Napi::Value NativePlanStream::push(const Napi::CallbackInfo& info) {
  const napi_env env = info.Env();
  const auto workspace = core().program->workspace();
  if (!workspace.ok()) {
    throw_error(env, workspace.error());
    return {};
  }
  const auto text = core().program->room().read_argument(env, info[0]);
  if (!text) return {};
  if (core().over) {
    throw_error(env, ErrorCode::CLOSED, "This text is over: it was ended or refused. Start another stream.");
    return {};
  }
  core().out.clear();
  const TextStatus status = core().state->push(*text, *workspace.value(), core().out);
  core().program->room().shrink();
  return give(env, status);
}

Napi::Value NativePlanStream::end(const Napi::CallbackInfo& info) {
  const napi_env env = info.Env();
  const auto workspace = core().program->workspace();
  if (!workspace.ok() || std::exchange(core().over, true)) {
    throw_error(env, workspace.ok() ? Error{ErrorCode::CLOSED,
                                            "This text is over: it was ended or refused. "
                                            "Start another stream."}
                                    : workspace.error());
    return {};
  }
  core().out.clear();
  return give(env, core().state->end(*workspace.value(), core().out));
}

Napi::Value NativePlanStream::give(napi_env env, TextStatus status) {
  const TextPlan& plan = *core().program->plan();
  if (status == TextStatus::ok) return {env, core().out.to_js(env, plan)};
  core().over = true;
  throw_error(env, text_refusal(status, plan, *core().state));
  return {};
}

Napi::Value NativePlanStream::held_bytes(const Napi::CallbackInfo& info) {
  return {info.Env(), js_count(info.Env(), core().over ? 0 : core().state->held_bytes())};
}

TextPipelineSpec text_spec_from_js(const Input& input) {
  TextPipelineSpec spec;
  input["replace"].each(kMostWords, [&](const Input& entry) {
    Replacement made;
    made.word = entry["word"].text();
    made.with = entry["with"].text();
    spec.replace.push_back(std::move(made));
  });
  if (const Input stage = input["tokenize"]; !stage.is_undefined()) {
    TokenizeSpec tokenize;
    if (const auto core = NativeTokenizer::core_of(stage["tokenizer"], "a tokenizer"))
      tokenize.tokenizer = core->tokenizer_ptr();
    TextOptions options = text_options_from_js(stage["options"]);
    tokenize.offsets = options.stream.detailed;
    tokenize.special = options.stream.special;
    tokenize.allowed_special = std::move(options.stream.allowed_special);
    tokenize.prefix = std::move(options.prefix);
    tokenize.suffix = std::move(options.suffix);
    tokenize.cap_bytes = options.stream.cap_bytes;
    spec.tokenize = std::move(tokenize);
  }
  spec.output_name = input["outputName"].text();
  spec.max_state_bytes = input["maxStateBytes"].integer<uint64_t>();
  return spec;
}

}  // namespace onpath::addon
