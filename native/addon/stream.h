// NativeStream: one sample on its way through a program by function calls, chunk by chunk. Must not know
// packets.
#pragma once

#include <napi.h>

#include <memory>
#include <vector>

#include "addon/bytes.h"
#include "addon/wrapped.h"
#include "plan/program.h"

namespace onpath::addon {

struct StreamCore {
  StreamCore(napi_env env, ProgramPtr program_of, std::unique_ptr<SampleState> state_of)
      : program(std::move(program_of)), state(std::move(state_of)), outputs(env), memory(env) {
    memory.add(static_cast<int64_t>(program->plan().state_bytes()));
  }

  ProgramPtr program;
  std::unique_ptr<SampleState> state;
  Kept outputs;  // the Uint8Arrays given to begin(); none before, nor after their memory went away
  std::vector<uint8_t*> pointers;  // where they pointed then
  ExternalMemory memory;
};

class NativeStream : public Wrapped<NativeStream, StreamCore> {
 public:
  static constexpr ClassId kId = ClassId::stream;
  static constexpr napi_type_tag kTag = {0x6f6e706174685f73, 0x747265616d000001};
  using Wrapped::Wrapped;
  static std::vector<Napi::ClassPropertyDescriptor<NativeStream>> methods();

 private:
  Napi::Value begin(const Napi::CallbackInfo& info);
  Napi::Value push(const Napi::CallbackInfo& info);
  Napi::Value missing_bytes(const Napi::CallbackInfo& info);

  bool outputs_still_there(napi_env env, const Bytes& chunk);
};

}  // namespace onpath::addon
