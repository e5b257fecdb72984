#include "addon/text_sink.h"

#include <cstring>

#include "addon/output.h"
#include "addon/sink.h"
#include "addon/text_program.h"

namespace onpath::addon {

napi_value TextSinkCore::next(napi_env env) {
  TextPart part;
  if (!sink_->next(part)) return js_undefined(env);
  const napi_value made = to_js(env, part);
  sink_->release(part.handle);
  return made;
}

napi_value TextSinkCore::to_js(napi_env env, const TextPart& part) const {
  const TextPlan& plan = *part.plan;
  void* elements = nullptr;
  void* offsets = nullptr;
  const napi_value element_array = new_elements(env, plan.element(), part.count, elements);
  if (element_array == nullptr) return nullptr;
  ObjectWriter made = sample_info_to_js(env, part.info, epoch_offset_ns_);
  made.set("elements", element_array);
  if (plan.has_offsets()) {
    const napi_value offset_array = new_elements(env, TextElement::token, part.count * 2, offsets);
    if (offset_array == nullptr) return nullptr;
    made.set("offsets", offset_array);
  }
  auto* element_at = static_cast<uint8_t*>(elements);
  auto* offset_at = static_cast<uint8_t*>(offsets);
  for (const TextSegment* segment = part.first; segment != nullptr; segment = segment->next) {
    const size_t bytes = size_t{segment->count} * element_bytes(plan.element());
    if (bytes == 0) continue;
    std::memcpy(element_at, segment->elements, bytes);
    element_at += bytes;
    if (offset_at == nullptr) continue;
    std::memcpy(offset_at, segment->spans, segment->count * sizeof(TextSpan));
    offset_at += segment->count * sizeof(TextSpan);
  }
  made.count("version", part.version)
      .count("index", part.index)
      .count("firstElement", part.first_element)
      .boolean("last", part.last);
  if (part.failed) made.text("failed", drop_reason_name(*part.failed));
  return made.value();
}

std::vector<Napi::ClassPropertyDescriptor<NativeTextSink>> NativeTextSink::methods() {
  return {property<&NativeTextSink::next>("next"), property<&NativeTextSink::on_ready>("onReady")};
}

Napi::Value NativeTextSink::next(const Napi::CallbackInfo& info) {
  return {info.Env(), core().next(info.Env())};
}

Napi::Value NativeTextSink::on_ready(const Napi::CallbackInfo& info) {
  set_notify_from_js(info, core());
  return {};
}

}  // namespace onpath::addon
