// Any vocabulary: refused or encoded, fast as by the heap alone. Any compiled form: refused or harmless.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "text/bpe_heap.h"
#include "text/bpe_source.h"
#include "text/model.h"

namespace {

using namespace onpath::text;

struct Input {
  const uint8_t* at;
  size_t left;
  uint8_t byte() { return left == 0 ? 0 : (--left, *at++); }
};

/// Tokens of letters, merges of any two of them.
TokenizerDefinition small_vocabulary(Input& input) {
  TokenizerDefinition definition;
  for (const char* letter : {"a", "b", "c"})
    definition.tokens.push_back({static_cast<TokenId>(definition.tokens.size()), letter});
  BpeDefinition bpe;
  for (size_t count = input.byte() % 48; count > 0; --count) {
    const TokenId left = input.byte() % static_cast<TokenId>(definition.tokens.size());
    const TokenId right = input.byte() % static_cast<TokenId>(definition.tokens.size());
    const std::string made = definition.tokens[left].text + definition.tokens[right].text;
    if (made.size() > 40) continue;
    TokenId result = 0;
    while (result < definition.tokens.size() && definition.tokens[result].text != made) ++result;
    if (result == definition.tokens.size()) definition.tokens.push_back({result, made});
    const size_t place = bpe.merges.empty() ? 0 : input.byte() % (bpe.merges.size() + 1);
    bpe.merges.insert(bpe.merges.begin() + static_cast<std::ptrdiff_t>(place), {left, right, result});
  }
  definition.model = bpe;
  return definition;
}

void encode_all(const Model& model, const std::string& text, std::vector<TokenId>& ids) {
  TokenBuffer out;
  out.reserve(text.size() * model.tokens_per_byte() + 4);
  model.encode(reinterpret_cast<const uint8_t*>(text.data()), text.size(), *model.make_scratch(), out);
  ids.assign(out.ids(), out.ids() + out.size());
}

void compare(Input input) {
  const TokenizerDefinition definition = small_vocabulary(input);
  const onpath::Result<ModelPtr> model = make_bpe(definition, {});
  const onpath::Result<BpeSource> source = BpeSource::make(definition, {});
  if (!model.ok() || !source.ok()) std::abort();
  BpePairs all(source.value().merges.size());
  for (const BpePair& merge : source.value().merges) all.insert(merge);
  std::string text;
  BpeHeap heap;
  while (input.left > 0) {
    const TokenId letter = input.byte() % 3;
    text += static_cast<char>('a' + letter);
    heap.push(letter, 1);
  }
  heap.merge(all);
  std::vector<TokenId> ids;
  encode_all(*model.value(), text, ids);
  if (ids.size() != heap.symbols().size()) std::abort();
  for (size_t i = 0; i < ids.size(); ++i)
    if (ids[i] != heap.symbols()[i].id) std::abort();
}

/// A good form with bytes changed: the checksum is made after that.
void damage(Input input) {
  Input copy = input;
  const TokenizerDefinition definition = small_vocabulary(copy);
  const onpath::Result<ModelPtr> model = make_bpe(definition, {.space_alias = true});
  if (!model.ok()) return;
  FlatWriter good;
  model.value()->write(good);
  std::vector<uint8_t> bytes = good.finish();
  std::vector<uint64_t> memory(bytes.size() / 8 + 16);
  uint8_t* aligned = reinterpret_cast<uint8_t*>((reinterpret_cast<uintptr_t>(memory.data()) + 63) / 64 * 64);
  std::copy(bytes.begin(), bytes.end(), aligned);
  const onpath::Result<FlatReader> form = FlatReader::open({aligned, bytes.size()});
  if (!form.ok()) std::abort();
  // What was opened is changed where it lies, as no checksum is looked at again.
  for (int changes = 1 + copy.byte() % 8; changes > 0; --changes) {
    const size_t place = (size_t{copy.byte()} << 16 | size_t{copy.byte()} << 8 | copy.byte()) % bytes.size();
    if (place >= bytes.size() / 16) aligned[place] = copy.byte();
  }
  const onpath::Result<ModelPtr> read = read_bpe(form.value());
  if (!read.ok()) return;
  std::vector<TokenId> ids;
  const std::string text(reinterpret_cast<const char*>(copy.at), copy.left);
  if (!text.empty()) encode_all(*read.value(), text + " abcabcabcab", ids);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2 || size > 4096) return 0;
  Input input{data + 1, size - 1};
  if (data[0] % 2 == 0) {
    compare(input);
  } else {
    damage(input);
  }
  return 0;
}
