// NativeTextProgram: a compiled pipeline for texts, its runs on the event loop's thread, and streams of one
// text. Must not know packets.
#pragma once

#include <napi.h>

#include <memory>
#include <vector>

#include "addon/tokenizer_text.h"
#include "addon/wrapped.h"
#include "plan/text_plan.h"

namespace onpath::addon {

/// What came out of a text, or of a part of it.
class TextResult final : public TextSink {
 public:
  bool take(std::span<const uint8_t> elements, std::span<const TextSpan> spans) override {
    elements_.insert(elements_.end(), elements.begin(), elements.end());
    spans_.insert(spans_.end(), spans.begin(), spans.end());
    return true;
  }
  void clear() { elements_.clear(), spans_.clear(); }
  /// { elements, offsets? }; null, with an exception pending, if it could not be made.
  napi_value to_js(napi_env env, const TextPlan& plan) const;

 private:
  std::vector<uint8_t> elements_;
  std::vector<TextSpan> spans_;
};

/// A Uint32Array of token ids or a Uint8Array of text, with room for `count`; `data` is its memory. Null,
/// with an exception pending, if it could not be made.
napi_value new_elements(napi_env env, TextElement element, size_t count, void*& data);

/// Event loop's thread only.
class TextProgramCore {
 public:
  TextProgramCore(napi_env env, TextPlanPtr plan);

  const TextPlanPtr& plan() const { return plan_; }
  TextRoom& room() { return room_; }
  /// Errors: OUT_OF_MEMORY.
  Result<TextWorkspace*> workspace();
  Result<TextState*> whole_state();

 private:
  const TextPlanPtr plan_;
  ExternalMemory memory_;
  TextRoom room_;
  std::unique_ptr<TextWorkspace> workspace_;
  std::unique_ptr<TextState> whole_;
};

/// What a refusal says.
Error text_refusal(TextStatus status, const TextPlan& plan, const TextState& state);

class NativeTextProgram : public Wrapped<NativeTextProgram, TextProgramCore> {
 public:
  static constexpr ClassId kId = ClassId::text_program;
  static constexpr napi_type_tag kTag = {0x6f6e706174687470, 0x726f6772616d0001};
  using Wrapped::Wrapped;
  static std::vector<Napi::ClassPropertyDescriptor<NativeTextProgram>> methods();

  /// The object for a plan, or an exception pending.
  static Napi::Value from(Environment& environment, Result<TextPlanPtr> plan);

 private:
  Napi::Value explain(const Napi::CallbackInfo& info);
  Napi::Value plan_bytes(const Napi::CallbackInfo& info);
  Napi::Value run(const Napi::CallbackInfo& info);
  Napi::Value stream(const Napi::CallbackInfo& info);
};

struct PlanStreamCore {
  std::shared_ptr<TextProgramCore> program;
  std::unique_ptr<TextState> state;
  TextResult out;
  ExternalMemory memory;
  bool over = false;
};

class NativePlanStream : public Wrapped<NativePlanStream, PlanStreamCore> {
 public:
  static constexpr ClassId kId = ClassId::plan_stream;
  static constexpr napi_type_tag kTag = {0x6f6e706174687073, 0x747265616d000001};
  using Wrapped::Wrapped;
  static std::vector<Napi::ClassPropertyDescriptor<NativePlanStream>> methods();

  static Napi::Value of(Environment& environment, std::shared_ptr<TextProgramCore> program);

 private:
  Napi::Value push(const Napi::CallbackInfo& info);
  Napi::Value end(const Napi::CallbackInfo& info);
  Napi::Value held_bytes(const Napi::CallbackInfo& info);
  Napi::Value give(napi_env env, TextStatus status);
};

/// Reads what lib/native.ts calls NativeTextPipelineSpec.
TextPipelineSpec text_spec_from_js(const Input& input);

}  // namespace onpath::addon
