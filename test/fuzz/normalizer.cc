// libFuzzer target: chains of normalizers over any text, charsmaps of any bytes. A text in two pieces must
// come out as the whole one.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "text/normalizer.h"
#include "text/utf8.h"

namespace onpath::text {
namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data), left_(size) {}
  uint8_t byte() { return left_ ? (--left_, *data_++) : 0; }
  std::string take(size_t most) {
    const size_t size = std::min<size_t>(left_, most ? byte() % most : 0);
    const std::string result(reinterpret_cast<const char*>(data_), size);
    data_ += size;
    left_ -= size;
    return result;
  }
  std::string text(size_t size) {
    std::string raw(reinterpret_cast<const char*>(data_), std::min(size, left_));
    data_ += raw.size();
    left_ -= raw.size();
    std::string repaired(Utf8Repair::room_for(raw.size()), '\0');
    Utf8Repair repair;
    repaired.resize(repair.push(reinterpret_cast<const uint8_t*>(raw.data()), raw.size(), true,
                                reinterpret_cast<uint8_t*>(repaired.data())));
    return repaired;
  }
  size_t left() const { return left_; }

 private:
  const uint8_t* data_;
  size_t left_;
};

NormalizerDef part(Input& in) {
  const uint8_t choice = in.byte();
  const uint8_t bits = in.byte();
  switch (choice % 9) {
    case 0:
      return UnicodeFormDef{(bits & 1) != 0, (bits & 2) != 0};
    case 1:
      return BertNormalizerDef{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0};
    case 2:
      return StripDef{(bits & 1) != 0, (bits & 2) != 0};
    case 3:
      return PrependDef{in.text(bits % 4)};
    case 4:
      return ReplaceDef{{in.text(bits % 5), false}, in.text(bits / 5 % 4)};
    case 5: {
      constexpr const char* kRegexes[] = {"\\s+", " {2,}", "[a-f]", "[^a-f ]+", "\\t", "ab+"};
      return ReplaceDef{{kRegexes[bits % 6], true}, in.text(bits / 6 % 4)};
    }
    case 6:
      return LowercaseDef{};
    case 7:
      return StripAccentsDef{};
    default:
      return PrecompiledDef{in.take(bits), false, false, false, false, false, {}};
  }
}

void check(const Normalizer& normalizer, const std::string& text, size_t cut) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  for (const bool detailed : {false, true}) {
    NormalizedText whole, pieces;
    whole.detailed = pieces.detailed = detailed;
    require(normalizer.normalize(bytes, text.size(), {true, true}, whole) == text.size());
    require(!detailed || whole.origin.size() == whole.bytes.size());
    require(normalizer.unchanged(bytes, text.size(), {true, true}) <= text.size());
    const size_t taken = normalizer.normalize(bytes, cut, {true, false}, pieces);
    require(taken <= cut);
    const size_t before = pieces.origin.size();
    require(normalizer.normalize(bytes + taken, text.size() - taken, {taken == 0, true}, pieces) ==
            text.size() - taken);
    require(pieces.bytes == whole.bytes);
    for (size_t i = 0; i < pieces.origin.size(); ++i) {
      const auto shift = static_cast<uint32_t>(i < before ? 0 : taken);
      require(pieces.origin[i].begin + shift == whole.origin[i].begin);
      require(pieces.origin[i].end + shift == whole.origin[i].end);
    }
    require(check_utf8(whole.bytes.data(), whole.bytes.size()).valid == whole.bytes.size());
  }
}

/// A chain with its table and without: made once, since tables take long to make.
struct Pair {
  NormalizerPtr fast, slow;
};
const Pair& known_chain(size_t which) {
  static const std::vector<Pair> pairs = [] {
    const std::vector<std::vector<NormalizerDef>> chains = {
        {BertNormalizerDef{}},
        {UnicodeFormDef{}, ReplaceDef{{"\\s+", true}, " "}, LowercaseDef{}},
        {ReplaceDef{{"``", false}, "\""}, UnicodeFormDef{false, true}, StripAccentsDef{}, StripDef{}},
        {ReplaceDef{{" {2,}", true}, "_"}, PrependDef{"_"}}};
    std::vector<Pair> made;
    for (const auto& chain : chains)
      made.push_back({make_normalizer(chain, false).value(), make_normalizer(chain, false, false).value()});
    return made;
  }();
  return pairs[which % pairs.size()];
}

void check_pair(const Pair& pair, const std::string& text, size_t cut) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  NormalizedText fast, slow;
  pair.fast->normalize(bytes, text.size(), {true, true}, fast);
  pair.slow->normalize(bytes, text.size(), {true, true}, slow);
  require(fast.bytes == slow.bytes);
  check(*pair.fast, text, cut);
}

}  // namespace
}  // namespace onpath::text

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace onpath::text;
  Input in(data, size);
  const uint8_t flags = in.byte();
  if ((flags & 0xE0) == 0x20) {
    const size_t cut = in.byte();
    const std::string text = in.text(in.left());
    check_pair(known_chain(flags), text, std::min(cut, text.size()));
    return 0;
  }
  std::vector<NormalizerDef> definitions;
  if (flags & 0x80) {
    PrecompiledDef own{in.take(255),     true, (flags & 1) != 0, (flags & 2) != 0, (flags & 4) != 0,
                       (flags & 8) != 0, {}};
    own.user_defined = {in.take(4), in.take(4)};
    definitions.push_back(own);
  } else {
    for (int parts = flags % 4; parts >= 0; --parts) definitions.push_back(part(in));
  }
  const size_t cut = in.byte();
  const auto made = make_normalizer(definitions, (flags & 0x40) != 0, false);
  if (!made.ok() || !made.value()) return 0;
  const std::string text = in.text(in.left());
  check(*made.value(), text, std::min(cut, text.size()));
  return 0;
}
