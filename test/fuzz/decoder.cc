// Fuzzes decoders: any chain of steps over any tokens gives the same text whole and in portions, or an error.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "text/decoder.h"
#include "text/utf8.h"

namespace {

using namespace onpath::text;

DecoderDef step_of(uint8_t byte) {
  const uint32_t count = byte >> 6;
  switch (byte % 11) {
    case 0:
      return ByteLevelDecoderDef{};
    case 1:
      return WordPieceDecoderDef{"##", (byte & 64) != 0};
    case 2:
      return MetaspaceDecoderDef{};
    case 3:
      return BpeDecoderDef{"a"};
    case 4:
      return ReplaceDecoderDef{{"ab", false}, "\xC3\xA9"};
    case 5:
      return ByteFallbackDecoderDef{};
    case 6:
      return FuseDecoderDef{};
    case 7:
      return StripDecoderDef{' ', count, 0};
    case 8:
      return StripDecoderDef{'a', 0, count};
    case 9:
      return BytesDecoderDef{};
    default:
      return SentencePieceDecoderDef{};
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 4) return 0;
  TokenizerDefinition definition;
  definition.format = static_cast<Format>(data[0] % 5);
  const size_t steps = data[1] % 4;
  if (size < 4 + steps) return 0;
  for (size_t i = 0; i < steps; ++i) definition.decoders.push_back(step_of(data[2 + i]));
  data += 2 + steps;
  size -= 2 + steps;
  BpeDefinition model;
  model.byte_fallback = true;
  model.unk = 0;
  definition.model = model;
  const std::vector<std::string> fixed{"<unk>",        "<0xE2>", "<0x96>", "<0x81>", "<0xFF>",
                                       "\xE2\x96\x81", " a",     "b ",     "##a",    "a"};
  for (const std::string& text : fixed) {
    definition.tokens.push_back({static_cast<TokenId>(definition.tokens.size()), text});
  }
  const bool bytes = definition.format == Format::tiktoken || definition.format == Format::tekken;
  const std::string own(reinterpret_cast<const char*>(data), std::min<size_t>(size, 6));
  // Only tiktoken's and tekken's tokens may be other than UTF-8.
  if (bytes || check_utf8(data, own.size()).valid == own.size()) {
    definition.tokens.push_back({static_cast<TokenId>(fixed.size()), own});
  }
  const auto vocabulary = Vocabulary::make(definition);
  if (!vocabulary.ok()) return 0;
  const auto decoder = make_decoder(definition, vocabulary.value());
  if (!decoder.ok()) return 0;
  std::vector<TokenId> ids;
  for (size_t i = 0; i < size; ++i) ids.push_back(data[i] % (fixed.size() + 2));
  const auto whole = decoder.value()->decode(ids, false);
  const auto stream = make_decode_stream(*decoder.value(), false);
  std::string text;
  for (size_t i = 0; i < ids.size();) {
    const size_t count = std::min<size_t>(ids.size() - i, 1 + data[i] % 3);
    const auto part = stream->push(std::span(ids).subspan(i, count));
    if (!part.ok()) {
      if (whole.ok()) std::abort();
      return 0;
    }
    text += part.value();
    i += count;
  }
  text += stream->end();
  if (whole.ok() && text != whole.value()) std::abort();
  return 0;
}
