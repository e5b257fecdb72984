#include "text/bpe_pairs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include "support/aligned.h"
#include "text/large_memory.h"

namespace onpath::text {
namespace {

constexpr TokenId kLimit = 1000;

std::vector<BpePair> random_pairs(std::mt19937_64& random, size_t count) {
  std::map<std::pair<TokenId, TokenId>, BpePair> pairs;
  while (pairs.size() < count) {
    const auto left = static_cast<TokenId>(random() % kLimit);
    const auto right = static_cast<TokenId>(random() % kLimit);
    const auto result = static_cast<TokenId>(random() % kLimit);
    pairs[{left, right}] = {left, right, result, static_cast<uint32_t>(pairs.size() + 1)};
  }
  std::vector<BpePair> list;
  for (const auto& entry : pairs) list.push_back(entry.second);
  std::shuffle(list.begin(), list.end(), random);
  return list;
}

/// As a tokenizer has them: gathered.
struct Gathered {
  LargeMemory memory;
  BpePairs pairs;
  explicit Gathered(BpePairs given) : memory(given.gathered_bytes()), pairs(std::move(given)) {
    uint8_t* free = memory.data();
    pairs.gather(free);
    EXPECT_EQ(free, memory.data() + memory.size());
  }
};

std::vector<uint8_t> form_of(const BpePairs& pairs) {
  FlatWriter writer;
  pairs.write(writer);
  return writer.finish();
}

Result<BpePairs> read_form(const Aligned& form, TokenId limit = kLimit) {
  return BpePairs::read(FlatReader::open(form.span()).value(), limit);
}

TEST(BpePairs, AFormFindsEachAgainAndIsWrittenAlike) {
  std::mt19937_64 random(1);
  // Small tables: in many of them some pairs go round the end.
  for (size_t i = 0; i < 300; ++i) {
    const std::vector<BpePair> list = random_pairs(random, i % 60);
    BpePairs made(2 * list.size());
    for (const BpePair& pair : list) made.insert(pair);
    made.freeze();
    const Gathered first(std::move(made));
    const std::vector<uint8_t> bytes = form_of(first.pairs);
    const Aligned form(bytes);
    Result<BpePairs> read = read_form(form);
    ASSERT_TRUE(read.ok()) << read.error().message;
    const Gathered second(std::move(read).value());
    EXPECT_EQ(form_of(second.pairs), bytes);
    EXPECT_EQ(second.pairs.highest_rank(), first.pairs.highest_rank());
    EXPECT_EQ(second.pairs.bytes(), first.pairs.bytes());
    for (const BpePairs* pairs : {&first.pairs, &second.pairs}) {
      for (const BpePair& pair : list) {
        const BpePair* found = pairs->find(pair.left, pair.right);
        ASSERT_NE(found, nullptr);
        EXPECT_EQ(found->result, pair.result);
        EXPECT_EQ(found->rank, pair.rank);
      }
      EXPECT_EQ(pairs->find(kLimit, 0), nullptr);
    }
  }
}

TEST(BpePairs, AFormHasThemWithoutFreeSlots) {
  std::mt19937_64 random(2);
  // One more than half of a table's slots: a table of twice as many.
  BpePairs made(random_pairs(random, 129));
  made.freeze();
  EXPECT_LT(form_of(made).size(), 129 * sizeof(BpePair) + 2048);
}

TEST(BpePairs, RefusesAFormInAnotherOrderOrWithPairsThatAreNone) {
  std::mt19937_64 random(3);
  BpePairs made(random_pairs(random, 50));
  made.freeze();
  const Aligned form(form_of(made));
  const FlatReader reader = FlatReader::open(form.span()).value();
  const Flat<BpePair> good = reader.array<BpePair>("bpe.pairs").value();
  const Flat<uint64_t> filter = reader.array<uint64_t>("bpe.pair_filter").value();
  const auto refused = [&](auto change) {
    std::vector<BpePair> pairs(good.begin(), good.end());
    change(pairs);
    FlatWriter writer;
    writer.array("bpe.pairs", std::span<const BpePair>(pairs));
    writer.array("bpe.pair_filter", filter);
    const Aligned changed(writer.finish());
    const Result<BpePairs> read = read_form(changed);
    return !read.ok() && read.error().code == ErrorCode::INVALID_VOCABULARY;
  };
  EXPECT_FALSE(refused([](auto&) {}));
  EXPECT_TRUE(refused([](auto& pairs) { std::reverse(pairs.begin(), pairs.end()); }));
  EXPECT_TRUE(refused([](auto& pairs) { pairs[7].rank = 0; }));
  EXPECT_TRUE(refused([](auto& pairs) { pairs[7].result = kLimit; }));
}

}  // namespace
}  // namespace onpath::text
