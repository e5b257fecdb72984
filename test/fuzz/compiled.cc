// Any compiled form: refused, or a tokenizer that takes any text. The input changes bytes of a good form,
// whose checksum is made anew; or is the form itself.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "support/aligned.h"
#include "support/text_definitions.h"
#include "text/tokenizer.h"

namespace {

using namespace onpath::text;

void use(std::span<const uint8_t> form) {
  const onpath::Result<TokenizerPtr> read = tokenizer_from_compiled(form, nullptr);
  if (!read.ok()) return;
  const Tokenizer& tokenizer = *read.value();
  StreamOptions options;
  options.whole = true;
  options.detailed = true;
  const auto stream = tokenizer.make_stream(options);
  if (!stream.ok()) return;
  const auto workspace = tokenizer.make_workspace(1u << 14);
  for (const bool detailed : {false, true}) {
    TokenBuffer out(detailed);
    const std::string text = " the  in<s>\xC3\xA9\xFF\xE2\x96\x81 12 \n the the <mask> x<end> ing";
    (void)tokenizer.encode({reinterpret_cast<const uint8_t*>(text.data()), text.size()}, *stream.value(),
                           *workspace, out);
    std::vector<TokenId> ids(out.ids(), out.ids() + out.size());
    (void)tokenizer.decoder().decode(ids, true);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<std::vector<uint8_t>> good = [] {
    std::vector<std::vector<uint8_t>> forms;
    for (const NamedDefinition& named : all_definitions())
      forms.push_back(build(named.definition).value()->save());
    return forms;
  }();
  if (size < 1) return 0;
  if (data[0] == 0xFF) {
    const Aligned form(std::vector<uint8_t>(data + 1, data + size));
    use(form.span());
    return 0;
  }
  std::vector<uint8_t> bytes = good[data[0] % good.size()];
  // Edits: a place (from the front or, for the directory, from the end) and the bytes to stand there.
  for (size_t at = 1; at + 6 <= size; at += 6) {
    const size_t place = static_cast<size_t>(data[at] | data[at + 1] << 8 | data[at + 2] << 16);
    const size_t from = data[at + 3] % 4 == 0 ? bytes.size() - 2 - place % 4096 % (bytes.size() - 64)
                                              : 64 + place % (bytes.size() - 66);
    if (from < 64) continue;
    bytes[from] = data[at + 4];
    if (data[at + 3] % 8 >= 4) bytes[from + 1] = data[at + 5];
  }
  const uint64_t checksum = flat_checksum(std::span<const uint8_t>(bytes).subspan(64));
  std::memcpy(bytes.data() + 24, &checksum, sizeof checksum);
  const Aligned form(bytes);
  use(form.span());
  return 0;
}
