// Methods of NativeProgram about serialization orders.
#include "addon/input.h"
#include "addon/names.h"
#include "addon/output.h"
#include "addon/program.h"
#include "plan/serialization.h"

namespace onpath::addon {

Napi::Value NativeProgram::with_order(const Napi::CallbackInfo& info) {
  Reading reading{info.Env()};
  const SerializationOrder order = Input(reading, info[0], "order").choice(kOrders);
  const bool skip_unread = Input(reading, info[1], "skipUnread").boolean();
  if (reading.failed) return {};
  const Program& program = core().program();
  return from_plan(*Environment::of(info.Env()), onpath::with_order(program.plan(), order, skip_unread),
                   std::string(program.kernels()));
}

Napi::Value NativeProgram::serialize(const Napi::CallbackInfo& info) {
  const napi_env env = info.Env();
  Reading reading{env};
  const auto stride = Input(reading, info[1], "stride").integer<uint64_t>();
  if (reading.failed) return {};
  // From here on no JavaScript runs.
  const SampleFormat& format = core().program().plan().input();
  const uint64_t row = uint64_t{format.width} * pixel_format_channels(format.format);
  const std::optional<Bytes> image = bytes_of(env, info[0]);
  const std::optional<Bytes> out = bytes_of(env, info[2]);
  uint64_t needed = 0;
  const bool huge = __builtin_mul_overflow(stride, uint64_t{format.height} - 1, &needed) ||
                    __builtin_add_overflow(needed, row, &needed);
  if (stride < row) {
    Input(reading, info[1], "stride").fail("at least " + std::to_string(row) + " bytes, one row");
  } else if (!image || huge || image->size < needed) {
    Input(reading, info[0], "image")
        .fail("a Uint8Array of at least (height - 1) * stride + one row of bytes");
  } else if (!out || out->size != format.bytes || overlap(*image, *out)) {
    Input(reading, info[2], "out")
        .fail("a Uint8Array of " + std::to_string(format.bytes) + " bytes apart from the image");
  } else {
    serialize_image(core().program().plan(), image->data, stride, out->data);
  }
  return {};
}

Napi::Value NativeProgram::chunks_to_first_output(const Napi::CallbackInfo& info) {
  Reading reading{info.Env()};
  const Input argument(reading, info[0], "chunkBytes");
  const auto bytes = argument.integer<uint64_t>();
  const uint64_t element = core().program().plan().input().element_bytes;
  if (!reading.failed && (bytes == 0 || bytes % element != 0)) {
    argument.fail("a multiple of " + std::to_string(element) + " bytes, one element");
  }
  if (reading.failed) return {};
  const Result<uint64_t> chunks = onpath::chunks_to_first_output(core().program(), bytes);
  if (!chunks.ok()) {
    throw_error(info.Env(), chunks.error());
    return {};
  }
  return {info.Env(), js_count(info.Env(), chunks.value())};
}

}  // namespace onpath::addon
