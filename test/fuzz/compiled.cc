// Any compiled form: refused, or a tokenizer that takes any text. The input changes bytes of a good form's
// arrays, whose directory and checksum are made anew; or is the form itself.
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

struct Array {
  std::string name;
  uint32_t element = 1;
  std::vector<uint8_t> bytes;
};

// The directory as flat.cc lays it out.
std::vector<Array> arrays_of(const std::vector<uint8_t>& form) {
  const auto number = [&form](size_t at, size_t bytes) {
    uint64_t value = 0;
    std::memcpy(&value, form.data() + at, bytes);
    return value;
  };
  std::vector<Array> arrays;
  const size_t count = number(32, 4);
  const size_t directory = number(40, 8);
  const size_t names = directory + 32 * count;
  for (size_t i = 0; i < count; ++i) {
    const size_t at = directory + 32 * i;
    Array array;
    const auto* name = reinterpret_cast<const char*>(form.data()) + names + number(at + 16, 4);
    array.name.assign(name, number(at + 20, 4));
    array.element = static_cast<uint32_t>(number(at + 24, 4));
    const auto first = form.begin() + static_cast<ptrdiff_t>(number(at, 8));
    array.bytes.assign(first, first + static_cast<ptrdiff_t>(number(at + 8, 8)));
    arrays.push_back(std::move(array));
  }
  return arrays;
}

template <size_t kBytes>
struct Element {
  uint8_t bytes[kBytes];
};

template <size_t kBytes>
void write(FlatWriter& writer, const Array& array) {
  std::vector<Element<kBytes>> elements(array.bytes.size() / kBytes);
  if (!elements.empty()) std::memcpy(elements.data(), array.bytes.data(), elements.size() * kBytes);
  writer.array(array.name, std::span<const Element<kBytes>>(elements));
}

void write(FlatWriter& writer, const Array& array) {
  switch (array.element) {
    case 1:
      return write<1>(writer, array);
    case 2:
      return write<2>(writer, array);
    case 4:
      return write<4>(writer, array);
    case 8:
      return write<8>(writer, array);
    case 12:
      return write<12>(writer, array);
    case 16:
      return write<16>(writer, array);
    case 24:
      return write<24>(writer, array);
    case 32:
      return write<32>(writer, array);
    default:
      std::abort();
  }
}

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
  static const std::vector<std::vector<Array>> good = [] {
    std::vector<std::vector<Array>> forms;
    for (const NamedDefinition& named : all_definitions()) {
      forms.push_back(arrays_of(build(named.definition).value()->save()));
    }
    return forms;
  }();
  if (size < 1) return 0;
  if (data[0] == 0xFF) {
    const Aligned form(std::vector<uint8_t>(data + 1, data + size));
    use(form.span());
    return 0;
  }
  std::vector<Array> arrays = good[data[0] % good.size()];
  // Edits: array, place, change.
  for (size_t at = 1; at + 5 <= size && at < 200; at += 5) {
    Array& array = arrays[data[at] % arrays.size()];
    const size_t place = static_cast<size_t>(data[at + 1] | data[at + 2] << 8);
    if (array.bytes.empty()) continue;
    if (data[at + 3] == 0) {
      array.bytes.resize(place % (array.bytes.size() / array.element + 1) * array.element);
    } else {
      // Mostly near the front or the end, where counts and limits are.
      const size_t index = data[at + 3] % 2 == 0 ? place % array.bytes.size()
                                                 : array.bytes.size() - 1 - place % array.bytes.size();
      array.bytes[index] = data[at + 4];
    }
  }
  FlatWriter writer;
  for (const Array& array : arrays) write(writer, array);
  const Aligned form(writer.finish());
  use(form.span());
  return 0;
}
