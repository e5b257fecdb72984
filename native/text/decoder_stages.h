// The steps of decoding, each a filter of tokens. Text flows through as fragments; a token can come in
// several (behind Fuse all text is one token), so that it can leave before its end is known.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "text/definition.h"
#include "text/regex.h"
#include "text/utf8.h"

namespace onpath::text {

/// Most bytes a stream holds because something that comes later could still change them.
inline constexpr size_t kMostHeldText = size_t{1} << 20;

/// U+FFFD.
inline constexpr std::string_view kReplacementText = "\xEF\xBF\xBD";
/// Bytes of tokens one after the other; what is no UTF-8 among them becomes U+FFFD.
void append_repaired(Utf8Repair& repair, std::string_view bytes, bool last, std::string& out);

/// What the stages of one stream share.
struct DecodeRun {
  std::string out;
  std::optional<Error> error;  // the first
  bool whole = false;          // all ids are there: what is held has no bound
  void fail(ErrorCode code, std::string message) {
    if (!error.has_value()) error = Error{code, std::move(message)};
  }
};

/// Where text goes: the next stage, or the output.
class DecodeStage {
 public:
  virtual ~DecodeStage() = default;
  /// Fragments are whole characters. `ends`: of the token.
  virtual void fragment(std::string_view text, bool ends, DecodeRun& run) = 0;
  virtual void end(DecodeRun& run) = 0;
};
using DecodeStagePtr = std::unique_ptr<DecodeStage>;

/// The last stage: tokens one after the other, with `separator` between them.
DecodeStagePtr make_output_stage(std::string_view separator);
/// Errors: UNSUPPORTED. `regex` is the compiled pattern of a ReplaceDecoderDef that has one, and outlives it.
Result<DecodeStagePtr> make_decode_stage(const DecoderDef& definition, const Regex* regex,
                                         DecodeStagePtr next);

}  // namespace onpath::text
