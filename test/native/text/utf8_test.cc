// UTF-8: what is valid, and what becomes of the rest.
#include "text/utf8.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/random.h"

namespace onpath::text {
namespace {

using testing::Random;

/// In one push, or in chunks of 1 to 4 bytes.
std::string repaired(const std::string& bytes, Random* cuts = nullptr) {
  Utf8Repair repair;
  std::string out;
  std::vector<uint8_t> room;
  size_t at = 0;
  do {
    const size_t n = cuts == nullptr ? bytes.size() : std::min<size_t>(bytes.size() - at, 1 + cuts->below(4));
    room.resize(Utf8Repair::room_for(n));
    const size_t size = repair.push(reinterpret_cast<const uint8_t*>(bytes.data()) + at, n,
                                    at + n == bytes.size(), room.data());
    EXPECT_LE(size, room.size());
    out.append(reinterpret_cast<const char*>(room.data()), size);
    at += n;
  } while (at < bytes.size());
  return out;
}

TEST(Utf8, each_maximal_invalid_subpart_becomes_one_replacement_character) {
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_EQ(repaired("a\xF0\x9F\x98z"), "a" + r + "z");
  EXPECT_EQ(repaired("\xF0\x80\x80"), r + r + r);
  EXPECT_EQ(repaired("\xED\xA0\x80"), r + r + r);
  EXPECT_EQ(repaired("\xC0\xAF\xE2\x82"), r + r + r);
  EXPECT_EQ(repaired("\xE2\x82\xE2\x82\xAC"), r + "\xE2\x82\xAC");
  EXPECT_EQ(repaired("\xF4\x90\x80\x80"), r + r + r + r);
  EXPECT_EQ(repaired("\xFFz\x80"), r + "z" + r);
  EXPECT_EQ(repaired(""), "");
}

TEST(Utf8, repair_does_not_depend_on_chunks_and_keeps_what_is_valid) {
  Random random(testing::test_seed());
  const std::string parts[] = {"a",        "é",        "日",       "😀",    "\x80", "\xF0",
                               "\xE2\x82", "\xF0\x9F", "\xED\xA0", "\xC3", "\xFF"};
  for (int i = 0; i < 3000; ++i) {
    std::string bytes, valid;
    for (uint32_t n = random.below(30); n > 0; --n) {
      const uint32_t part = random.below(11);
      bytes += parts[part];
      if (part < 4) valid += parts[part];
    }
    const std::string whole = repaired(bytes);
    const auto* text = reinterpret_cast<const uint8_t*>(whole.data());
    ASSERT_EQ(check_utf8(text, whole.size()).valid, whole.size());
    ASSERT_EQ(repaired(bytes, &random), whole);
    ASSERT_EQ(repaired(valid), valid);
  }
}

TEST(Utf8, every_scalar_value_is_read_as_written) {
  for (uint32_t code = 0; code < 0x110000; ++code) {
    if (code >= 0xD800 && code < 0xE000) continue;
    uint8_t bytes[4];
    const uint32_t size = encode_utf8(code, bytes);
    ASSERT_EQ(check_utf8(bytes, size).valid, size);
    ASSERT_EQ(decode_utf8(bytes).code, code);
    ASSERT_EQ(decode_utf8_before(bytes + size).code, code);
    ASSERT_EQ(utf8_size(bytes[0]), size);
    for (uint32_t cut = 1; cut < size; ++cut) {
      ASSERT_EQ(check_utf8(bytes, cut).cut, cut);
      ASSERT_EQ(whole_code_points(bytes, cut), 0u);
    }
  }
}

std::string from_utf16(const std::u16string& units) {
  // Of the size that it may take at most, so that a sanitizer sees what is written beyond.
  std::vector<uint8_t> out(3 * units.size());
  out.resize(utf8_of_utf16(units.data(), units.size(), out.data()));
  return {out.begin(), out.end()};
}

TEST(Utf8, utf16_of_every_code_unit_and_pair) {
  for (uint32_t code = 0; code < 0x110000; ++code) {
    std::u16string units;
    const bool lone = code >= 0xD800 && code < 0xE000;
    if (code < 0x10000) {
      units = {static_cast<char16_t>(code)};
    } else {
      units = {static_cast<char16_t>(0xD800 + ((code - 0x10000) >> 10)),
               static_cast<char16_t>(0xDC00 + ((code - 0x10000) & 0x3FF))};
    }
    uint8_t bytes[4];
    const uint32_t size = encode_utf8(lone ? 0xFFFD : code, bytes);
    ASSERT_EQ(from_utf16(units), std::string(bytes, bytes + size)) << code;
  }
}

// Blocks are narrowed at once where they are ASCII: borders of blocks, pairs across them, lone halves.
TEST(Utf8, utf16_is_written_unit_by_unit_wherever_blocks_end) {
  Random random(7);
  const char16_t kinds[] = {u'a', u'\x7F', u'\x80', u'\u07FF', u'\u0800', u'\uFFFF'};
  for (int round = 0; round < 3000; ++round) {
    std::u16string units;
    std::string expected;
    const auto write = [&](uint32_t code) {
      uint8_t bytes[4];
      expected.append(bytes, bytes + encode_utf8(code, bytes));
    };
    const uint32_t steps = random.below(100);
    for (uint32_t i = 0; i < steps; ++i) {
      const uint32_t kind = random.below(12);
      if (kind == 10) {
        const uint32_t above = random.below(0x100000);
        units += static_cast<char16_t>(0xD800 + (above >> 10));
        units += static_cast<char16_t>(0xDC00 + (above & 0x3FF));
        write(0x10000 + above);
      } else if (kind == 11) {
        // A half without its other one: the next unit is no second half, the one before no first.
        units += static_cast<char16_t>((random.below(2) ? 0xD800 : 0xDC00) + random.below(0x400));
        units += u'x';
        write(0xFFFD);
        write('x');
      } else {
        const char16_t unit = kind < 6 ? kinds[kind] : u'b';
        const uint32_t times = kind < 6 ? 1 : random.below(40);
        for (uint32_t k = 0; k < times; ++k) {
          units += unit;
          write(unit);
        }
      }
    }
    ASSERT_EQ(from_utf16(units), expected);
  }
}

}  // namespace
}  // namespace onpath::text
