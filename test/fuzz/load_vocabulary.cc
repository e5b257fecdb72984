// Any bytes as a vocabulary file: refused, or a tokenizer that takes any text. The first byte says the
// format.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "text/load.h"
#include "text/tokenizer.h"

namespace {

using namespace onpath;
using namespace onpath::text;

Result<TokenizerDefinition> load(uint8_t format, std::span<const uint8_t> file) {
  switch (format % 5) {
    case 0:
      return load_tokenizer_json(file);
    case 1:
      return load_tiktoken(file, {"fuzz", R"(\p{L}+|\s+|.)", {{"<|end|>", 400}}});
    case 2:
      return load_sentencepiece(file);
    case 3:
      return load_tekken(file);
    default:
      return load_vocab_txt(file, {});
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const Result<TokenizerDefinition> loaded = load(data[0], {data + 1, size - 1});
  if (!loaded.ok()) {
    if (loaded.error().message.empty()) std::abort();
    return 0;
  }
  const Result<TokenizerPtr> built = build(loaded.value());
  if (!built.ok()) return 0;
  const Tokenizer& tokenizer = *built.value();
  StreamOptions options;
  options.whole = true;
  options.detailed = true;
  options.add_special_tokens = true;
  const auto stream = tokenizer.make_stream(options);
  if (!stream.ok()) return 0;
  const auto workspace = tokenizer.make_workspace(1u << 14);
  TokenBuffer out(true);
  const std::string text = " the  cat<s>\xC3\xA9\xFF\xE2\x96\x81 12 \n";
  (void)tokenizer.encode({reinterpret_cast<const uint8_t*>(text.data()), text.size()}, *stream.value(),
                         *workspace, out);
  for (size_t i = 0; i < out.size(); ++i) {
    if (out.spans()[i].begin > out.spans()[i].end || out.spans()[i].end > text.size()) std::abort();
  }
  return 0;
}
