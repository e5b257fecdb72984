// Decoding where a token is a piece of SentencePiece.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "text/decoder_stages.h"

namespace onpath::text {

/// What a token is to SentencePiece's decoder.
enum class PieceKind : uint8_t { normal, control, unknown, byte };

/// SentencePiece 0.1.97's rules: the first space goes, byte pieces are characters if they are UTF-8.
class SentencePieceDecoding {
 public:
  SentencePieceDecoding(const SentencePieceDecoderDef& settings, bool remove_extra_whitespaces)
      : settings_(settings), remove_extra_whitespaces_(remove_extra_whitespaces) {}
  void piece(std::string_view text, PieceKind kind, DecodeRun& run);
  void end(DecodeRun& run) { give_bytes(true, run); }

 private:
  void give_bytes(bool all, DecodeRun& run);
  SentencePieceDecoderDef settings_;
  bool remove_extra_whitespaces_;
  bool at_begin_ = true;      // a space here is the one that encoding put there
  bool begin_space_ = false;  // the piece before was, or began with, that space
  bool have_text_ = false;
  std::string bytes_;  // of byte pieces, not yet a character
};

}  // namespace onpath::text
