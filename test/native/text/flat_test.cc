#include "text/flat.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "support/aligned.h"

namespace onpath::text {
namespace {

std::vector<uint8_t> form() {
  FlatWriter writer;
  const std::vector<uint32_t> numbers = {7, 8, 9};
  writer.array("numbers", std::span<const uint32_t>(numbers));
  writer.text("word", "hello");
  writer.number("one", uint64_t{1} << 40);
  writer.array("none", std::span<const uint16_t>());
  return writer.finish();
}

TEST(Flat, ReadsBackWhatWasWritten) {
  const Aligned bytes(form());
  Result<FlatReader> reader = FlatReader::open(bytes.span());
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  Result<Flat<uint32_t>> numbers = reader.value().array<uint32_t>("numbers");
  ASSERT_TRUE(numbers.ok());
  EXPECT_EQ(std::vector<uint32_t>(numbers.value().begin(), numbers.value().end()),
            (std::vector<uint32_t>{7, 8, 9}));
  EXPECT_EQ(reader.value().text("word").value(), "hello");
  EXPECT_EQ(reader.value().number<uint64_t>("one").value(), uint64_t{1} << 40);
  EXPECT_TRUE(reader.value().array<uint16_t>("none").value().empty());
  EXPECT_TRUE(reader.value().has("word"));
  EXPECT_FALSE(reader.value().has("wor"));
}

TEST(Flat, ArraysLieAtMultiplesOf64) {
  const Aligned bytes(form());
  Result<FlatReader> reader = FlatReader::open(bytes.span());
  ASSERT_TRUE(reader.ok());
  for (const char* name : {"numbers", "one"}) {
    const void* at = name[0] == 'n'
                         ? static_cast<const void*>(reader.value().array<uint32_t>(name).value().data())
                         : reader.value().array<uint64_t>(name).value().data();
    EXPECT_EQ(reinterpret_cast<uintptr_t>(at) % 64, 0u) << name;
  }
}

TEST(Flat, RefusesOtherNamesSizesAndCounts) {
  const Aligned bytes(form());
  Result<FlatReader> reader = FlatReader::open(bytes.span());
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ(reader.value().array<uint32_t>("missing").error().code, ErrorCode::INVALID_VOCABULARY);
  EXPECT_EQ(reader.value().array<uint64_t>("numbers").error().code, ErrorCode::INVALID_VOCABULARY);
  EXPECT_EQ(reader.value().number<uint32_t>("numbers").error().code, ErrorCode::INVALID_VOCABULARY);
}

TEST(Flat, EveryChangedByteAndEveryTruncationIsFound) {
  const std::vector<uint8_t> good = form();
  for (size_t i = 0; i < good.size(); ++i) {
    if (i >= 48 && i < 64) continue;  // zeros of the header that mean nothing
    std::vector<uint8_t> bad = good;
    bad[i] ^= 0x10;
    const Aligned bytes(bad);
    EXPECT_FALSE(FlatReader::open(bytes.span()).ok()) << "byte " << i;
  }
  for (size_t size = 0; size < good.size(); ++size) {
    const Aligned bytes(std::vector<uint8_t>(good.begin(), good.begin() + static_cast<ptrdiff_t>(size)));
    EXPECT_FALSE(FlatReader::open(bytes.span()).ok()) << "size " << size;
  }
}

TEST(Flat, AnOwnedArrayStaysWhereItIsWhenMoved) {
  Flat<uint32_t> first(std::vector<uint32_t>{1, 2, 3});
  Flat<uint32_t> second(std::move(first));
  ASSERT_EQ(second.size(), 3u);
  EXPECT_EQ(second[2], 3u);
  EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move)
}

}  // namespace
}  // namespace onpath::text
