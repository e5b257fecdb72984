// Claims about value maps: each stage's rounding is kept, and what cannot be exact is refused.
#include "table/value_map.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "table/half.h"

namespace onpath {
namespace {

float float_at(const ValueMap& map, size_t entry) {
  float value;
  std::memcpy(&value, map.data.data() + entry * 4, 4);
  return value;
}

ValueMap floats(const std::vector<float>& cycle) {
  ValueMap map;
  map.dtype = DType::float32;
  map.data.resize(1024);
  for (size_t i = 0; i < 256; ++i) std::memcpy(map.data.data() + i * 4, &cycle[i % cycle.size()], 4);
  return map;
}

const std::vector<double> kMean = {0.485, 0.456, 0.406};
const std::vector<double> kStd = {0.229, 0.224, 0.225};

TEST(ValueMap, IdentityMapsEveryByteToItself) {
  const ValueMap map = identity_map(3);
  ASSERT_EQ(map.data.size(), 768u);
  for (size_t i = 0; i < 768; ++i) EXPECT_EQ(map.data[i], i % 256);
}

TEST(ValueMap, TorchvisionNormalizeRoundsAfterEachStep) {
  const auto map = then_normalize(identity_map(3), 1.0 / 255.0, kMean, kStd, false);
  ASSERT_TRUE(map.ok());
  for (size_t c = 0; c < 3; ++c) {
    for (size_t x = 0; x < 256; ++x) {
      // volatile keeps each step in memory as float32, whatever the flags of this test.
      volatile float scaled = static_cast<float>(static_cast<double>(x) * (1.0 / 255.0));
      volatile float mean = static_cast<float>(kMean[c]);
      volatile float std = static_cast<float>(kStd[c]);
      volatile float centred = scaled - mean;
      volatile float expected = centred / std;
      ASSERT_EQ(float_at(map.value(), c * 256 + x), expected) << c << " " << x;
    }
  }
}

TEST(ValueMap, TorchvisionNormalizeGivesTheBitsTorchGives) {
  // (x/255 - mean)/std of channel 0 as torchvision prints them: the classic ends of the ImageNet range.
  const auto map = then_normalize(identity_map(3), 1.0 / 255.0, kMean, kStd, false);
  EXPECT_EQ(std::bit_cast<uint32_t>(float_at(map.value(), 0)), std::bit_cast<uint32_t>(-2.1179039f));
  EXPECT_EQ(std::bit_cast<uint32_t>(float_at(map.value(), 255)), std::bit_cast<uint32_t>(2.2489083f));
}

TEST(ValueMap, FusedNormalizeFoldsScaleIntoMeanAndStd) {
  const auto map = then_normalize(identity_map(3), 1.0 / 255.0, kMean, kStd, true);
  ASSERT_TRUE(map.ok());
  size_t differing = 0;
  const auto plain = then_normalize(identity_map(3), 1.0 / 255.0, kMean, kStd, false);
  for (size_t c = 0; c < 3; ++c) {
    volatile float reciprocal = static_cast<float>(1.0 / (1.0 / 255.0));
    volatile float mean = static_cast<float>(kMean[c]) * reciprocal;
    volatile float std = static_cast<float>(kStd[c]) * reciprocal;
    for (size_t x = 0; x < 256; ++x) {
      volatile float centred = static_cast<float>(x) - mean;
      volatile float expected = centred / std;
      ASSERT_EQ(float_at(map.value(), c * 256 + x), expected);
      differing += float_at(map.value(), c * 256 + x) != float_at(plain.value(), c * 256 + x);
    }
  }
  EXPECT_GT(differing, 0u) << "the recipes are known to differ";
}

TEST(ValueMap, NormalizeContinuesFromTheFloatsOfTheStageBefore) {
  const auto once = then_normalize(identity_map(1), 1.0, std::vector{3.0}, std::vector{7.0}, false);
  const auto twice = then_normalize(once.value(), 0.1, std::vector{0.2}, std::vector{0.3}, false);
  ASSERT_TRUE(twice.ok());
  for (size_t x = 0; x < 256; ++x) {
    volatile float first = (static_cast<float>(x) - 3.0f) / 7.0f;
    volatile float scaled = static_cast<float>(static_cast<double>(first) * 0.1);
    volatile float centred = scaled - 0.2f;
    volatile float expected = centred / 0.3f;
    ASSERT_EQ(float_at(twice.value(), x), expected);
  }
}

TEST(ValueMap, NormalizeRefusesWhatIsNotAFiniteFloat32) {
  const ValueMap map = identity_map(1);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  const auto code = [&](double scale, double mean, double std, bool fused) {
    const auto result = then_normalize(map, scale, std::vector{mean}, std::vector{std}, fused);
    EXPECT_FALSE(result.ok());
    return result.ok() ? ErrorCode::INVALID_ARGUMENT : result.error().code;
  };
  for (const double bad : {nan, inf, -inf, 1e39}) {
    EXPECT_EQ(code(bad, 0, 1, false), ErrorCode::INVALID_SPEC);
    EXPECT_EQ(code(1, bad, 1, false), ErrorCode::INVALID_SPEC);
    EXPECT_EQ(code(1, 0, bad, true), ErrorCode::INVALID_SPEC);
  }
  EXPECT_EQ(code(1, 0, 0, false), ErrorCode::INVALID_SPEC);
  EXPECT_EQ(code(1, 0, 1e-60, false), ErrorCode::INVALID_SPEC) << "zero once it is float32";
  EXPECT_EQ(code(0, 0, 1, true), ErrorCode::INVALID_SPEC) << "no reciprocal";
  EXPECT_EQ(code(1e-30, 1e30, 1, true), ErrorCode::INVALID_SPEC) << "the folded mean overflows";
  EXPECT_TRUE(then_normalize(map, 0, std::vector{0.0}, std::vector{1.0}, false).ok());
  EXPECT_FALSE(then_normalize(identity_map(3), 1, std::vector{0.0}, std::vector{1.0}, false).ok())
      << "counts";
}

TEST(ValueMap, QuantizeRoundsHalfToEvenThenAddsThenClamps) {
  const auto map = then_quantize(identity_map(1), 2.0, -3);
  ASSERT_TRUE(map.ok());
  EXPECT_EQ(map.value().dtype, DType::int8);
  const auto at = [&](size_t x) { return static_cast<int>(static_cast<int8_t>(map.value().data[x])); };
  EXPECT_EQ(at(0), -3);
  EXPECT_EQ(at(1), -3);  // 0.5 -> 0
  EXPECT_EQ(at(3), -1);  // 1.5 -> 2
  EXPECT_EQ(at(5), -1);  // 2.5 -> 2
  EXPECT_EQ(at(255), 125);
  const auto wide = then_quantize(identity_map(1), 0.001, std::numeric_limits<int32_t>::min());
  EXPECT_EQ(static_cast<int8_t>(wide.value().data[255]), -128);
  const float inf = std::numeric_limits<float>::infinity();
  const auto ends = then_quantize(floats({inf, -inf}), 1.0, 0);
  EXPECT_EQ(static_cast<int8_t>(ends.value().data[0]), 127);
  EXPECT_EQ(static_cast<int8_t>(ends.value().data[1]), -128);
}

TEST(ValueMap, QuantizeRefusesNaNAndScalesThatAreNotPositive) {
  EXPECT_EQ(then_quantize(floats({std::nanf("")}), 1.0, 0).error().code, ErrorCode::INVALID_SPEC);
  for (const double scale : {0.0, -1.0, std::nan(""), 1e-60, 1e60}) {
    EXPECT_FALSE(then_quantize(identity_map(1), scale, 0).ok()) << scale;
  }
  ValueMap half = identity_map(1);
  half = then_convert(half, DType::float16).value();
  EXPECT_EQ(then_quantize(half, 1.0, 0).error().code, ErrorCode::UNSUPPORTED);
}

TEST(ValueMap, LookupComposesOneTableForAllOrOneForEach) {
  ValueMap invert = identity_map(1);
  for (size_t x = 0; x < 256; ++x) invert.data[x] = static_cast<uint8_t>(255 - x);
  const auto both = then_lookup(then_lookup(identity_map(2), invert).value(), invert);
  EXPECT_EQ(both.value(), identity_map(2));
  const auto normal =
      then_normalize(identity_map(2), 1, std::vector{0.0, 10.0}, std::vector{1.0, 2.0}, false).value();
  const auto each = then_lookup(then_lookup(identity_map(2), invert).value(), normal);
  EXPECT_EQ(float_at(each.value(), 5), 250.0f);
  EXPECT_EQ(float_at(each.value(), 256 + 5), 120.0f);
  EXPECT_EQ(then_lookup(identity_map(3), normal).error().code, ErrorCode::INVALID_SPEC);
  EXPECT_EQ(then_lookup(normal, invert).error().code, ErrorCode::UNSUPPORTED);
  ValueMap truncated = invert;
  truncated.data.pop_back();
  EXPECT_EQ(then_lookup(identity_map(1), truncated).error().code, ErrorCode::INVALID_SPEC);
}

TEST(ValueMap, ConvertIsExactOrRefused) {
  const ValueMap bytes = identity_map(1);
  EXPECT_EQ(then_convert(bytes, DType::uint8).value(), bytes);
  const auto f32 = then_convert(bytes, DType::float32).value();
  const auto f16 = then_convert(bytes, DType::float16).value();
  const auto bf16 = then_convert(bytes, DType::bfloat16).value();
  for (size_t x = 0; x < 256; ++x) {
    uint16_t half, brain;
    std::memcpy(&half, f16.data.data() + 2 * x, 2);
    std::memcpy(&brain, bf16.data.data() + 2 * x, 2);
    EXPECT_EQ(float_at(f32, x), static_cast<float>(x));
    EXPECT_EQ(half_to_float(half), static_cast<float>(x));
    EXPECT_EQ(bfloat16_to_float(brain), static_cast<float>(x));
  }
  for (const DType dtype : {DType::int8, DType::uint16, DType::uint32}) {
    EXPECT_EQ(then_convert(bytes, dtype).error().code, ErrorCode::UNSUPPORTED);
  }
  EXPECT_NE(then_convert(f32, DType::int8).error().message.find("quantize"), std::string::npos);
  EXPECT_EQ(then_convert(f16, DType::float32).error().code, ErrorCode::UNSUPPORTED);
}

TEST(ValueMap, SelectTablesReordersAndReplicates) {
  const auto map =
      then_normalize(identity_map(3), 1, std::vector{1.0, 2.0, 3.0}, std::vector{1.0, 1.0, 1.0}, false);
  const ValueMap picked = select_tables(map.value(), std::vector<uint8_t>{2, 0, 0, 1});
  ASSERT_EQ(picked.tables, 4u);
  EXPECT_EQ(float_at(picked, 0), -3.0f);
  EXPECT_EQ(float_at(picked, 256), -1.0f);
  EXPECT_EQ(float_at(picked, 512), -1.0f);
  EXPECT_EQ(float_at(picked, 768), -2.0f);
}

}  // namespace
}  // namespace onpath
