// NativeTextStream: a text that comes in pieces. NativeDecodeStream: text as ids come.
#pragma once

#include <napi.h>

#include <memory>
#include <vector>

#include "addon/tokenizer.h"

namespace onpath::addon {

/// Counts places of a streamed text in another unit than bytes. Keeps the bytes from the last token's first
/// one on: tokens to come begin no further left.
class StreamPlaces {
 public:
  explicit StreamPlaces(OffsetUnit unit) : unit_(unit) {}
  void begin();
  void add(std::span<const uint8_t> bytes);
  /// In place; `spans` count bytes of the whole text modulo 2^32.
  void convert(std::span<text::ByteSpan> spans);

 private:
  OffsetUnit unit_;
  std::vector<uint8_t> bytes_;
  uint32_t first_byte_ = 0;  // place of bytes_[0], in bytes and in units
  uint32_t first_unit_ = 0;
};

struct TextStreamCore {
  std::shared_ptr<TokenizerCore> tokenizer;
  TextOptions options;
  std::unique_ptr<text::TextStream> stream;
  text::TokenBuffer out;
  StreamPlaces places;
  ExternalMemory memory;
  bool started = false;  // the prefix has been given
  bool over = false;     // ended or refused
};

class NativeTextStream : public Wrapped<NativeTextStream, TextStreamCore> {
 public:
  static constexpr ClassId kId = ClassId::text_stream;
  static constexpr napi_type_tag kTag = {0x6f6e706174685f74, 0x6578747374720001};
  static constexpr bool kNumbered = true;
  using Wrapped::Wrapped;
  static std::vector<Napi::ClassPropertyDescriptor<NativeTextStream>> methods();
  static Napi::Value of(Environment& environment, std::shared_ptr<TokenizerCore> tokenizer,
                        TextOptions options, OffsetUnit unit);

 private:
  Napi::Value begin(const Napi::CallbackInfo& info);
  static napi_value push(napi_env env, TextStreamCore& core, const napi_value* arguments);
  Napi::Value end(const Napi::CallbackInfo& info);
  Napi::Value held_bytes(const Napi::CallbackInfo& info);
};

struct DecodeStreamCore {
  std::shared_ptr<TokenizerCore> tokenizer;  // the stream uses its decoder
  std::unique_ptr<text::DecodeStream> stream;
  bool over = false;
};

class NativeDecodeStream : public Wrapped<NativeDecodeStream, DecodeStreamCore> {
 public:
  static constexpr ClassId kId = ClassId::decode_stream;
  static constexpr napi_type_tag kTag = {0x6f6e706174685f64, 0x65636f6465730001};
  using Wrapped::Wrapped;
  static std::vector<Napi::ClassPropertyDescriptor<NativeDecodeStream>> methods();
  static Napi::Value of(Environment& environment, std::shared_ptr<TokenizerCore> tokenizer,
                        bool skip_special);

 private:
  Napi::Value push(const Napi::CallbackInfo& info);
  Napi::Value end(const Napi::CallbackInfo& info);
};

}  // namespace onpath::addon
