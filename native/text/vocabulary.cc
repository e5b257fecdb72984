#include "text/vocabulary.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "text/utf8.h"

namespace onpath::text {
namespace {

constexpr uint64_t kMaxTextBytes = uint64_t{1} << 31;

/// Where the search for a text begins, of so many slots. A power of two of them would be up to twice as many
/// as are needed, and all are read when a compiled form is loaded.
size_t first_slot(std::string_view text, size_t slots) {
  uint64_t hash = 0xCBF29CE484222325ull;
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001B3ull;
  hash = (hash ^ hash >> 32) * 0x9E3779B97F4A7C15ull;
  return static_cast<size_t>((hash >> 32) * slots >> 32);
}
size_t slot_behind(size_t slot, size_t slots) { return slot + 1 == slots ? 0 : slot + 1; }

/// Code points of the GPT-2 alphabet: bytes that are printable in Latin-1 stand for themselves, the others
/// for U+0100 and up, in order.
struct ByteAlphabet {
  std::array<uint16_t, 256> code_point{};
  std::array<int16_t, 512> byte{};
  ByteAlphabet() {
    byte.fill(-1);
    uint16_t next = 256;
    for (unsigned value = 0; value < 256; ++value) {
      const bool printable = (value >= 0x21 && value <= 0x7E) || (value >= 0xA1 && value != 0xAD);
      const uint16_t point = printable ? static_cast<uint16_t>(value) : next++;
      code_point[value] = point;
      byte[point] = static_cast<int16_t>(value);
    }
  }
};
const ByteAlphabet& alphabet() {
  static const ByteAlphabet made;
  return made;
}

}  // namespace

Error too_large_id(uint64_t id) {
  return {ErrorCode::LIMIT_EXCEEDED, "Token id " + std::to_string(id) +
                                         " is too large: ids must be less than " +
                                         std::to_string(kMaxTokens) + "."};
}

Error too_long_token(TokenId id, size_t bytes) {
  return {ErrorCode::LIMIT_EXCEEDED, "Token " + std::to_string(id) + " has " + std::to_string(bytes) +
                                         " bytes: at most " + std::to_string(kMaxTokenBytes) +
                                         " are allowed."};
}

Result<Vocabulary> Vocabulary::make(const TokenizerDefinition& definition) {
  uint64_t limit = 0;
  for (const TokenEntry& entry : definition.tokens) limit = std::max<uint64_t>(limit, uint64_t{entry.id} + 1);
  for (const AddedTokenDef& entry : definition.added)
    limit = std::max<uint64_t>(limit, uint64_t{entry.id} + 1);
  if (limit > kMaxTokens) return too_large_id(limit - 1);

  // Added tokens come last: an added token that repeats a text of the model's vocabulary is what the text
  // means.
  std::vector<const std::string*> by_id(limit, nullptr);
  std::vector<TokenId> in_order;
  in_order.reserve(definition.tokens.size() + definition.added.size());
  uint64_t bytes = 0;
  const auto take = [&](TokenId id, const std::string& text) -> Result<void> {
    if (text.size() > kMaxTokenBytes) return too_long_token(id, text.size());
    if (by_id[id] && *by_id[id] != text)
      return invalid_vocabulary("Id " + std::to_string(id) + " is given to two tokens, \"" + *by_id[id] +
                                "\" and \"" + text + "\": every token needs an id of its own.");
    if (!by_id[id]) bytes += text.size();
    by_id[id] = &text;
    in_order.push_back(id);
    return {};
  };
  for (const TokenEntry& entry : definition.tokens)
    if (Result<void> taken = take(entry.id, entry.text); !taken.ok()) return taken.error();
  for (const AddedTokenDef& entry : definition.added)
    if (Result<void> taken = take(entry.id, entry.text); !taken.ok()) return taken.error();
  if (bytes > kMaxTextBytes)
    return Error{ErrorCode::LIMIT_EXCEEDED, "The tokens have " + std::to_string(bytes) +
                                                " bytes together: at most " + std::to_string(kMaxTextBytes) +
                                                " are allowed."};

  std::vector<char> texts;
  texts.reserve(bytes);
  std::vector<uint32_t> ends(limit);
  std::vector<uint8_t> used(limit);
  for (size_t id = 0; id < limit; ++id) {
    if (by_id[id]) texts.insert(texts.end(), by_id[id]->begin(), by_id[id]->end());
    ends[id] = static_cast<uint32_t>(texts.size());
    used[id] = by_id[id] != nullptr;
  }
  std::vector<uint32_t> slots(in_order.size() + in_order.size() / 2 + 1, kNoToken);
  for (const TokenId id : in_order) {
    size_t slot = first_slot(*by_id[id], slots.size());
    while (slots[slot] != kNoToken && *by_id[slots[slot]] != *by_id[id])
      slot = slot_behind(slot, slots.size());
    slots[slot] = id;
  }
  Vocabulary made;
  made.texts_ = Flat<char>(std::move(texts));
  made.ends_ = Flat<uint32_t>(std::move(ends));
  made.used_ = Flat<uint8_t>(std::move(used));
  made.slots_ = Flat<uint32_t>(std::move(slots));
  made.size_ = made.count();
  return made;
}

size_t Vocabulary::count() const {
  size_t count = 0;
  for (const uint8_t used : used_) count += used != 0;
  return count;
}

void Vocabulary::write(FlatWriter& form) const {
  form.array("vocabulary.texts", texts_);
  form.array("vocabulary.ends", ends_);
  form.array("vocabulary.used", used_);
  form.array("vocabulary.slots", slots_);
}

Result<Vocabulary> Vocabulary::read(const FlatReader& form) {
  ONPATH_TAKE(texts, form.array<char>("vocabulary.texts"));
  ONPATH_TAKE(ends, form.array<uint32_t>("vocabulary.ends"));
  ONPATH_TAKE(used, form.array<uint8_t>("vocabulary.used"));
  ONPATH_TAKE(slots, form.array<uint32_t>("vocabulary.slots"));

  Vocabulary read;
  read.texts_ = std::move(texts);
  read.ends_ = std::move(ends);
  read.used_ = std::move(used);
  read.slots_ = std::move(slots);
  const size_t limit = read.ends_.size();
  if (limit > kMaxTokens || read.used_.size() != limit) return damaged_form("number of ids");
  uint32_t before = 0;
  bool rising = true;
  for (const uint32_t end : read.ends_) {
    rising &= end >= before;
    before = end;
  }
  if (!rising) return damaged_form("ends of texts");
  if (before > read.texts_.size()) return damaged_form("length of texts");
  bool room = false;  // a free slot ends every search
  bool known = true;
  for (const uint32_t slot : read.slots_) {
    room |= slot == kNoToken;
    known &= (slot == kNoToken) | (slot < limit);
  }
  if (!known) return damaged_form("ids in slots");
  if (!room) return damaged_form("no free slot");
  read.size_ = read.count();
  return read;
}

TokenId Vocabulary::id_limit() const { return static_cast<TokenId>(ends_.size()); }
size_t Vocabulary::size() const { return size_; }

std::optional<std::string_view> Vocabulary::text(TokenId id) const {
  if (id >= ends_.size() || !used_[id]) return std::nullopt;
  const uint32_t begin = id == 0 ? 0 : ends_[id - 1];
  return std::string_view(texts_.data() + begin, ends_[id] - begin);
}

std::optional<TokenId> Vocabulary::id(std::string_view wanted) const {
  if (slots_.empty()) return std::nullopt;
  for (size_t slot = first_slot(wanted, slots_.size()); slots_[slot] != kNoToken;
       slot = slot_behind(slot, slots_.size()))
    if (text(slots_[slot]) == wanted) return slots_[slot];
  return std::nullopt;
}

uint64_t Vocabulary::bytes() const { return texts_.bytes() + ends_.bytes() + used_.bytes() + slots_.bytes(); }

std::optional<std::string> bytes_of_byte_level(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned point = static_cast<uint8_t>(text[i]);
    if (point >= 0x80) {
      // All of the alphabet beyond ASCII has two bytes in UTF-8.
      if ((point & 0xE0) != 0xC0 || i + 1 == text.size()) return std::nullopt;
      const unsigned next = static_cast<uint8_t>(text[++i]);
      if ((next & 0xC0) != 0x80) return std::nullopt;
      point = ((point & 0x1F) << 6) | (next & 0x3F);
      if (point < 0x80) return std::nullopt;
    }
    if (point >= alphabet().byte.size() || alphabet().byte[point] < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(alphabet().byte[point]));
  }
  return bytes;
}

std::string byte_level_of_bytes(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    uint8_t utf8[4];
    const uint32_t size = encode_utf8(alphabet().code_point[static_cast<uint8_t>(c)], utf8);
    text.append(utf8, utf8 + size);
  }
  return text;
}

std::string replace_all(std::string_view text, std::string_view pattern, std::string_view content) {
  std::string result;
  size_t from = 0;
  for (size_t at; (at = text.find(pattern, from)) != std::string_view::npos; from = at + pattern.size()) {
    result.append(text.substr(from, at - from)).append(content);
  }
  return result.append(text.substr(from));
}

int byte_of_piece(std::string_view text) {
  if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') return -1;
  int value = 0;
  for (const char c : text.substr(3, 2)) {
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

}  // namespace onpath::text
