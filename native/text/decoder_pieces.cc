#include "text/decoder_pieces.h"

#include "text/vocabulary.h"

namespace onpath::text {
void SentencePieceDecoding::piece(std::string_view text, PieceKind kind, DecodeRun& run) {
  if (kind == PieceKind::byte) {
    bytes_.push_back(static_cast<char>(byte_of_piece(text)));
    return give_bytes(false, run);
  }
  give_bytes(true, run);
  if (begin_space_ || have_text_) at_begin_ = false;
  begin_space_ = false;
  if (kind == PieceKind::control) return;
  if (kind == PieceKind::unknown) {
    run.out.append(settings_.unk_surface);
    have_text_ = have_text_ || !settings_.unk_surface.empty();
    return;
  }
  if (at_begin_ && (settings_.add_dummy_prefix || remove_extra_whitespaces_) &&
      text.starts_with(kSpaceSymbol)) {
    text.remove_prefix(kSpaceSymbol.size());
    // Where blanks are removed, all of them go that stand at the begin, not the first only.
    begin_space_ = !remove_extra_whitespaces_;
  }
  have_text_ = have_text_ || !text.empty();
  run.out.append(with_spaces(text));
}

void SentencePieceDecoding::give_bytes(bool all, DecodeRun& run) {
  size_t at = 0;
  while (at < bytes_.size()) {
    const Utf8Run read = check_utf8(reinterpret_cast<const uint8_t*>(bytes_.data()) + at, bytes_.size() - at);
    run.out.append(bytes_, at, read.valid);
    at += read.valid;
    have_text_ = have_text_ || read.valid > 0;
    if (at == bytes_.size() || (read.cut > 0 && !all)) break;
    // Byte for byte, not for each maximal subpart as elsewhere.
    run.out.append(kReplacementText);
    have_text_ = true;
    ++at;
  }
  bytes_.erase(0, at);
}

}  // namespace onpath::text
