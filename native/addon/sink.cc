#include "addon/sink.h"

#include <cstdlib>
#include <cstring>

#include "addon/input.h"
#include "addon/output.h"
#include "plan/plan.h"

namespace onpath::addon {

namespace {

/// Node-API's own finding that the runtime forbids them; or ours to be told so, which tests and diagnosis
/// use.
bool external_buffers_allowed() {
  static const bool allowed = std::getenv("ONPATH_COPY_OUTPUTS") == nullptr;
  return allowed;
}

}  // namespace

/// What a finalizer knows. It runs on the environment's thread: from the event loop, or while the environment
/// is torn down.
struct ArrayBufferEnd {
  std::shared_ptr<HeldDelivery> held;
  std::shared_ptr<std::unordered_map<uint64_t, std::shared_ptr<HeldDelivery>>> all;
  uint64_t number;

  static void finalize(napi_env env, void*, void* hint) {
    const std::unique_ptr<ArrayBufferEnd> self(static_cast<ArrayBufferEnd*>(hint));
    if (--self->held->alive > 0) return;
    self->held->give_back();
    SinkCore::forget(env, *self->held);
    self->all->erase(self->number);
  }
};

void SinkCore::forget(napi_env env, HeldDelivery& held) {
  for (napi_ref reference : held.array_buffers) napi_delete_reference(env, reference);
  held.array_buffers.clear();
}

napi_value SinkCore::next(napi_env env) {
  Delivery delivery;
  if (sink_->next(delivery)) return deliver(env, delivery);
  return js_undefined(env);
}

napi_value SinkCore::deliver(napi_env env, const Delivery& delivery) {
  const uint64_t number = next_number_++;
  auto held = std::make_shared<HeldDelivery>();
  held->sink = sink_;
  held->buffer = delivery.buffer;
  held_->emplace(number, held);
  napi_value outputs = nullptr;
  const std::span<const OutputFormat> formats = delivery.plan->outputs();
  bool complete = napi_create_array_with_length(env, formats.size(), &outputs) == napi_ok;
  for (uint32_t i = 0; complete && i < formats.size(); ++i) {
    napi_value buffer =
        array_buffer(env, held, number, delivery.outputs[i], formats[i].bytes * delivery.count);
    complete = buffer != nullptr && napi_set_element(env, outputs, i, buffer) == napi_ok;
  }
  napi_value samples =
      js_array(env, std::span(delivery.samples, delivery.count), [&](const SampleInfo& info) {
        return sample_info_to_js(env, info, epoch_offset_ns_)
            .count("inputWidth", info.shape.width)
            .count("inputHeight", info.shape.height)
            .value();
      });
  if (!complete) {
    // The environment ends, or memory does. What was made detaches, so that the slot is free of readers.
    (void)release(env, number);
    throw_error(env, ErrorCode::OUT_OF_MEMORY,
                "A finished sample could not be handed to JavaScript; it was given up.");
    return nullptr;
  }
  if (held->copied) held->give_back();
  return ObjectWriter(env)
      .count("buffer", number)
      .count("version", delivery.version)
      .set("outputs", outputs)
      .set("samples", samples)
      .value();
}

napi_value SinkCore::array_buffer(napi_env env, const std::shared_ptr<HeldDelivery>& held, uint64_t number,
                                  uint8_t* data, size_t bytes) {
  napi_value buffer = nullptr;
  napi_ref reference = nullptr;
  auto end = std::make_unique<ArrayBufferEnd>(ArrayBufferEnd{held, held_, number});
  if (bytes > 0 && external_buffers_allowed()) {
    const napi_status status =
        napi_create_external_arraybuffer(env, data, bytes, ArrayBufferEnd::finalize, end.get(), &buffer);
    if (status == napi_ok) {
      end.release();
      ++held->alive;
      held->copied = false;
    } else if (status != napi_no_external_buffers_allowed) {
      return nullptr;
    }
  }
  if (buffer == nullptr) {
    void* copy = nullptr;
    if (napi_create_arraybuffer(env, bytes, &copy, &buffer) != napi_ok) return nullptr;
    if (bytes > 0) std::memcpy(copy, data, bytes);
    if (napi_add_finalizer(env, buffer, nullptr, ArrayBufferEnd::finalize, end.get(), nullptr) != napi_ok)
      return nullptr;
    end.release();
    ++held->alive;
  }
  if (napi_create_reference(env, buffer, 0, &reference) != napi_ok) return nullptr;
  held->array_buffers.push_back(reference);
  return buffer;
}

ObjectWriter sample_info_to_js(napi_env env, const SampleInfo& info, int64_t epoch_offset_ns) {
  const auto epoch_ms = [&](uint64_t monotonic_ns) {
    return static_cast<double>(static_cast<int64_t>(monotonic_ns) + epoch_offset_ns) / 1e6;
  };
  napi_value request_id = nullptr;
  napi_create_bigint_uint64(env, info.request_id, &request_id);
  ObjectWriter sample(env);
  sample.set("requestId", request_id).text("sourceAddress", address_text(info.source.address));
  sample.count("sourcePort", info.source.port).count("ssrc", info.ssrc).count("timestamp", info.timestamp);
  sample.number("firstPacketAt", epoch_ms(info.first_packet_ns));
  sample.number("lastPacketAt", epoch_ms(info.last_packet_ns));
  return sample;
}

Result<void> SinkCore::release(napi_env env, uint64_t number) {
  if (number == 0 || number >= next_number_) {
    return Error{ErrorCode::INVALID_ARGUMENT, "No delivery has the number " + std::to_string(number) + "."};
  }
  const auto found = held_->find(number);
  if (found == held_->end()) return {};
  const std::shared_ptr<HeldDelivery> held = found->second;
  // Memory that was transferred elsewhere, or whose owner is being collected, may still be read: then its
  // finalizer gives it back.
  bool all_detached = true;
  for (napi_ref reference : held->array_buffers) {
    napi_value buffer = nullptr;
    bool detached = true;
    if (napi_get_reference_value(env, reference, &buffer) != napi_ok || buffer == nullptr ||
        napi_is_detached_arraybuffer(env, buffer, &detached) != napi_ok || detached ||
        napi_detach_arraybuffer(env, buffer) != napi_ok) {
      all_detached = false;
    }
  }
  forget(env, *held);
  held_->erase(number);
  if (all_detached) held->give_back();
  return {};
}

std::vector<Napi::ClassPropertyDescriptor<NativeSink>> NativeSink::methods() {
  return {property<&NativeSink::next>("next"), property<&NativeSink::release>("release"),
          property<&NativeSink::on_ready>("onReady")};
}

Napi::Value NativeSink::next(const Napi::CallbackInfo& info) { return {info.Env(), core().next(info.Env())}; }

Napi::Value NativeSink::release(const Napi::CallbackInfo& info) {
  Reading reading{info.Env()};
  const auto number = Input(reading, info[0], "buffer").integer<uint64_t>();
  if (reading.failed) return {};
  if (const Result<void> result = core().release(info.Env(), number); !result.ok())
    throw_error(info.Env(), result.error());
  return {};
}

Napi::Value NativeSink::on_ready(const Napi::CallbackInfo& info) {
  set_notify_from_js(info, core());
  return {};
}

}  // namespace onpath::addon
