// Plans for texts: what they refuse, their byte form, and that a text's tokens do not depend on its cuts.
#include "plan/text_plan.h"

#include <gtest/gtest.h>

#include "support/pair_tokenizer.h"
#include "support/random.h"

namespace onpath::testing {
namespace {

TextPipelineSpec spec_of(uint8_t version = 0) {
  TextPipelineSpec spec;
  spec.replace = {{"b", "xx"}, {"ab", "y"}};
  spec.tokenize.emplace();
  spec.tokenize->tokenizer = PairTokenizer::make(version);
  spec.tokenize->special = text::SpecialPolicy::refuse;
  spec.tokenize->allowed_special = {7, 8};
  spec.tokenize->prefix = {kBegin};
  spec.tokenize->cap_bytes = 5000;
  return spec;
}

TextPlanPtr compiled(const TextPipelineSpec& spec) {
  auto plan = compile_text(spec);
  EXPECT_TRUE(plan.ok()) << (plan.ok() ? "" : plan.error().message);
  return plan.ok() ? plan.value() : nullptr;
}

struct Ids final : TextSink {
  bool take(std::span<const uint8_t> elements, std::span<const TextSpan> more) override {
    const auto* ids = reinterpret_cast<const uint32_t*>(elements.data());
    all.insert(all.end(), ids, ids + elements.size() / 4);
    spans.insert(spans.end(), more.begin(), more.end());
    return true;
  }
  std::vector<uint32_t> all;
  std::vector<TextSpan> spans;
};

TEST(TextPlan, tokens_do_not_depend_on_cuts) {
  TextPipelineSpec spec;
  spec.tokenize.emplace();
  spec.tokenize->tokenizer = PairTokenizer::make();
  spec.tokenize->offsets = true;
  spec.tokenize->prefix = {kBegin, kBegin};
  spec.tokenize->suffix = {kEnd};
  const TextPlanPtr plan = compiled(spec);
  auto state = std::move(plan->make_state(TextLength::streamed)).value();
  auto workspace = std::move(plan->make_workspace()).value();
  Random random(1);
  for (int round = 0; round < 200; ++round) {
    const std::vector<uint8_t> text = random.noise(random.below(20'000));
    std::vector<uint32_t> expected = pairs_of(text, true);
    expected.insert(expected.begin(), kBegin);
    Ids ids;
    state->begin();
    for (size_t at = 0; at < text.size();) {
      const size_t size = std::min<size_t>(text.size() - at, 1 + random.below(9000));
      ASSERT_EQ(state->push({&text[at], size}, *workspace, ids), TextStatus::ok);
      at += size;
    }
    ASSERT_EQ(state->end(*workspace, ids), TextStatus::ok);
    ASSERT_EQ(ids.all, expected);
    ASSERT_EQ(ids.spans.size(), expected.size());
  }
}

TEST(TextPlan, a_hash_names_specification_and_tokenizer) {
  const Hash hash = compiled(spec_of())->hash();
  EXPECT_EQ(compiled(spec_of())->hash(), hash);
  EXPECT_NE(compiled(spec_of(1))->hash(), hash);
  TextPipelineSpec swapped = spec_of();
  std::swap(swapped.replace[0], swapped.replace[1]);
  EXPECT_EQ(compiled(swapped)->hash(), hash);
  TextPipelineSpec other = spec_of();
  other.tokenize->cap_bytes = 5001;
  EXPECT_NE(compiled(other)->hash(), hash);
}

TEST(TextPlan, bytes_read_back_with_the_tokenizer_they_were_made_with) {
  const TextPlanPtr plan = compiled(spec_of());
  const std::vector<uint8_t> bytes = plan->to_bytes();
  EXPECT_TRUE(is_text_plan(bytes));
  const auto read = text_plan_from_bytes(bytes, PairTokenizer::make());
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read.value()->hash(), plan->hash());
  EXPECT_EQ(read.value()->to_bytes(), bytes);
  const auto other = text_plan_from_bytes(bytes, PairTokenizer::make(1));
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code, ErrorCode::INVALID_ARGUMENT);
  const auto none = text_plan_from_bytes(bytes, nullptr);
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, ErrorCode::INVALID_ARGUMENT);
}

/// With a hash that fits, so that fields are reached.
std::vector<uint8_t> signed_again(std::vector<uint8_t> bytes) {
  if (bytes.size() < 32) return bytes;
  const Hash hash = sha256(std::span(bytes).first(bytes.size() - 32));
  std::copy(hash.begin(), hash.end(), bytes.end() - 32);
  return bytes;
}

TEST(TextPlan, damaged_bytes_are_refused_or_read_as_what_they_say) {
  TextPipelineSpec spec = spec_of();
  spec.tokenize->cap_bytes = 100;  // reading a plan makes a workspace of that size
  const std::vector<uint8_t> bytes = compiled(spec)->to_bytes();
  const auto tokenizer = PairTokenizer::make();
  for (size_t size = 0; size < bytes.size(); ++size) {
    const std::vector<uint8_t> cut(bytes.begin(), bytes.begin() + static_cast<int64_t>(size));
    EXPECT_FALSE(text_plan_from_bytes(cut, tokenizer).ok());
    EXPECT_FALSE(text_plan_from_bytes(signed_again(cut), tokenizer).ok()) << size;
  }
  Random random(2);
  for (int round = 0; round < 3000; ++round) {
    std::vector<uint8_t> damaged = bytes;
    damaged[random.below(static_cast<uint32_t>(bytes.size()))] ^= static_cast<uint8_t>(1 + random.below(255));
    EXPECT_FALSE(text_plan_from_bytes(damaged, tokenizer).ok());
    const std::vector<uint8_t> again = signed_again(damaged);
    const auto read = text_plan_from_bytes(again, tokenizer);
    if (!read.ok()) continue;
    EXPECT_EQ(read.value()->hash(), sha256(std::span(again).first(again.size() - 32)));
  }
}

TEST(TextPlan, refuses_by_name) {
  const auto refused = [](auto change) {
    TextPipelineSpec spec = spec_of();
    change(spec);
    const auto plan = compile_text(spec);
    return plan.ok() ? std::string("ok") : plan.error().message;
  };
  EXPECT_EQ(refused([](auto&) {}), "ok");
  EXPECT_NE(refused([](auto& s) { s.replace.clear(), s.tokenize.reset(); }).find("does nothing"),
            std::string::npos);
  EXPECT_NE(refused([](auto& s) { s.output_name.clear(); }).find("output.name"), std::string::npos);
  EXPECT_NE(refused([](auto& s) { s.tokenize->tokenizer.reset(); }).find("no tokenizer"), std::string::npos);
  EXPECT_NE(refused([](auto& s) { s.tokenize->cap_bytes = 0; }).find("capBytes"), std::string::npos);
  EXPECT_NE(refused([](auto& s) { s.tokenize->offsets = true; }).find("Offsets"), std::string::npos);
  EXPECT_NE(refused([](auto& s) { s.max_state_bytes = 100; }).find("stateBytes"), std::string::npos);
}

}  // namespace
}  // namespace onpath::testing
