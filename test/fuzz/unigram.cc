// Fuzzes Unigram: tables of any content that are accepted must be safe to follow, and a text encoded piece by
// piece between cuts must have the tokens of the whole text.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/unigram.h"
#include "text/utf8.h"

namespace {

using namespace onpath::text;

const uint8_t* bytes_of(std::string_view text) { return reinterpret_cast<const uint8_t*>(text.data()); }

std::vector<TokenId> ids_of(const Model& model, std::string_view text) {
  const auto scratch = model.make_scratch();
  TokenBuffer out(true);
  out.reserve(text.size() * model.tokens_per_byte() + 1);
  model.encode(bytes_of(text), text.size(), *scratch, out);
  for (size_t i = 0; i < out.size(); ++i) {
    if (out.spans()[i].end > text.size() || out.spans()[i].begin > out.spans()[i].end) std::abort();
  }
  return {out.ids(), out.ids() + out.size()};
}

std::vector<TokenId> ids_by_cuts(const Model& model, std::string_view text, size_t first) {
  const auto scratch = model.make_scratch();
  TokenBuffer out;
  out.reserve(text.size() * model.tokens_per_byte() + 1);
  uint32_t ends[5];
  size_t done = 0;
  for (const size_t size : {first, text.size()}) {
    for (bool exhausted = false; !exhausted;) {
      const SplitResult result =
          model.cuts()->split(bytes_of(text) + done, size - done, size == text.size(), ends);
      exhausted = result.exhausted;
      size_t begin = 0;
      for (size_t i = 0; i < result.pieces; begin = ends[i++]) {
        if (ends[i] <= begin || ends[i] > size - done) std::abort();
        out.reserve((ends[i] - begin) * model.tokens_per_byte());
        model.encode(bytes_of(text) + done + begin, ends[i] - begin, *scratch, out);
      }
      done += begin;
    }
    if (size == text.size()) break;
  }
  if (done != text.size()) std::abort();
  return {out.ids(), out.ids() + out.size()};
}

/// Tokens and text are what lies between zero bytes.
void fuzz_vocabulary(uint8_t flags, const uint8_t* data, size_t size) {
  TokenizerDefinition definition;
  UnigramDefinition settings;
  settings.single_precision = (flags & 1) != 0;
  settings.unk = 0;
  definition.tokens.push_back({0, "<unk>"});
  settings.scores.push_back(0);
  std::string rest(reinterpret_cast<const char*>(data), size);
  std::string text;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\0'), rest.size());
    const std::string part = rest.substr(0, end);
    rest.erase(0, end + 1);
    if (check_utf8(bytes_of(part), part.size()).valid != part.size()) return;
    if (rest.empty()) {
      text = part;
    } else if (!part.empty()) {
      definition.tokens.push_back({static_cast<TokenId>(definition.tokens.size()), part});
      settings.scores.push_back(-0.7 * static_cast<double>(part.back() & 7));
    }
  }
  definition.model = settings;
  const auto model = make_unigram(definition, {Format::tokenizer_json, (flags & 2) != 0});
  if (!model.ok()) return;
  if (ids_of(*model.value(), text) != ids_by_cuts(*model.value(), text, text.size() / 2)) std::abort();
}

void fuzz_tables(const uint8_t* data, size_t size) {
  UnigramTables tables;
  std::vector<UnigramNode> nodes(300, {0, 0xFFFFFFFF, 0});
  if (size < sizeof(UnigramSettings)) return;
  std::memcpy(&tables.settings, data, sizeof(UnigramSettings));
  data += sizeof(UnigramSettings);
  size -= sizeof(UnigramSettings);
  const size_t taken = std::min(size, nodes.size() * sizeof(UnigramNode));
  if (taken > 0) std::memcpy(nodes.data(), data, taken);
  tables.nodes = Flat<UnigramNode>(std::move(nodes));
  tables.ids = Flat<TokenId>(std::vector<TokenId>(300, 7));
  tables.byte_ids = Flat<TokenId>(std::vector<TokenId>(256, 8));
  if (!check_unigram(tables).ok()) return;
  const bool cuts = tables.settings.cut_rule != UnigramCutRule::none;
  const Unigram model(std::move(tables));
  const std::string text = "ab\xE2\x96\x81 \xF0\x9F\x98\x80zz  \x01";
  ids_of(model, text);
  if (cuts) ids_by_cuts(model, text, 3);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  if ((data[0] & 4) != 0) {
    fuzz_tables(data + 1, size - 1);
  } else {
    fuzz_vocabulary(data[0], data + 1, size - 1);
  }
  return 0;
}
