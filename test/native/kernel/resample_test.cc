// Every kernel set resamples bit for bit as the definition does, and touches nothing else.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "kernel/guarded.h"
#include "kernel/kernels.h"
#include "table/resample_weights.h"

namespace onpath {
namespace {

using testing_kernels::Edge;
using testing_kernels::fill;
using testing_kernels::Guarded;
using testing_kernels::kLengths;

const KernelSet& definition() { return *find_kernels("scalar"); }

ResampleRow row_of(const ResampleWeights& w, uint32_t channels) {
  return {w.in_size,      w.out_size,   channels,         w.taps, w.first.data(),
          w.count.data(), w.row.data(), w.weights.data(), nullptr};
}

/// Runs `row` through `set`, prepared at an odd address and moved after that, and unprepared, between
/// forbidden pages.
void expect_row_equals_definition(const KernelSet& set, ResampleRow row, uint32_t seed) {
  const size_t in = size_t{row.in_pixels} * row.channels, out = size_t{row.out_pixels} * row.channels;
  std::vector<uint8_t> expected(out);
  const size_t prepared_bytes = set.prepared_resample_row_bytes(row);
  const Guarded prepared(prepared_bytes, Edge::after);
  std::vector<uint8_t> moved;
  if (prepared_bytes != 0) {
    set.prepare_resample_row(row, prepared.data());
    moved.assign(prepared.data(), prepared.data() + prepared_bytes);
  }
  for (const Edge edge : {Edge::before, Edge::after}) {
    const Guarded src(in, edge), dst(out, edge);
    fill(src.span(), seed++);
    row.prepared = nullptr;
    definition().resample_row(row, src.data(), expected.data());
    for (const void* with : {static_cast<const void*>(nullptr), static_cast<const void*>(prepared.data()),
                             static_cast<const void*>(moved.data())}) {
      row.prepared = prepared_bytes == 0 ? nullptr : with;
      std::memset(dst.data(), 0x5a, dst.size());
      set.resample_row(row, src.data(), dst.data());
      ASSERT_TRUE(std::equal(expected.begin(), expected.end(), dst.data()));
      ASSERT_TRUE(dst.intact());
    }
  }
}

TEST(ResampleKernels, DefinitionRoundsHalfUpAndClips) {
  const int32_t weights[] = {1 << 21, 1 << 21, 3 << 22, -(1 << 22)};
  const uint32_t first[] = {0, 0};
  const uint16_t count[] = {2, 2}, rows[] = {0, 1};
  const ResampleRow row = {2, 2, 1, 2, first, count, rows, weights, nullptr};
  const uint8_t src[] = {100, 101}, dark[] = {10, 200};
  uint8_t dst[2];
  definition().resample_row(row, src, dst);
  EXPECT_EQ(dst[0], 101);  // 100.5
  EXPECT_EQ(dst[1], 199);
  definition().resample_row(row, dark, dst);
  EXPECT_EQ(dst[0], 105);
  EXPECT_EQ(dst[1], 0);
}

TEST(ResampleKernels, RowEqualsTheDefinitionForManySizes) {
  std::vector<std::pair<uint32_t, uint32_t>> sizes = {
      {1, 1},     {1, 2},        {1, 100},   {2, 1},      {3, 2},     {4, 17},   {5, 5},
      {16, 9},    {17, 16},      {21, 20},   {22, 3},     {64, 63},   {65, 8},   {100, 800},
      {224, 448}, {1280, 224},   {640, 333}, {1920, 224}, {500, 1},   {1000, 3}, {4000, 224},
      {10000, 7}, {9999, 10000}, {65535, 2}, {1279, 224}, {333, 3000}};
  std::mt19937 random(11);
  for (int i = 0; i < 40; ++i) sizes.emplace_back(1 + random() % 400, 1 + random() % 400);
  for (const KernelSet* set : available_kernels()) {
    for (const auto& [in, out] : sizes) {
      const ResampleWeights weights = pillow_weights(in, out, WindowFilter::bilinear).value();
      for (uint32_t channels = 1; channels <= 4; ++channels) {
        SCOPED_TRACE(testing::Message()
                     << set->name << " " << in << " -> " << out << " channels " << channels);
        expect_row_equals_definition(*set, row_of(weights, channels), in + out + channels);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(ResampleKernels, RowEqualsTheDefinitionForEveryFilter) {
  for (const KernelSet* set : available_kernels()) {
    for (const WindowFilter filter :
         {WindowFilter::box, WindowFilter::hamming, WindowFilter::bicubic, WindowFilter::lanczos3}) {
      for (const auto& [in, out] : std::vector<std::pair<uint32_t, uint32_t>>{
               {1, 1}, {2, 9}, {9, 2}, {17, 16}, {100, 800}, {1280, 224}, {640, 333}, {65, 8}, {9999, 70}}) {
        const ResampleWeights weights = pillow_weights(in, out, filter).value();
        for (uint32_t channels = 1; channels <= 4; ++channels) {
          SCOPED_TRACE(testing::Message() << set->name << " filter " << static_cast<int>(filter) << " " << in
                                          << " -> " << out << " channels " << channels);
          const ResampleRow row = row_of(weights, channels);
          // No filter is beyond what vectors hold, so none runs as slowly as the definition.
          EXPECT_EQ(set->prepared_resample_row_bytes(row) > 0, set != &definition());
          expect_row_equals_definition(*set, row, in + out + channels);
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

/// The largest sums that a table may have, of either sign, over bytes that reach them: every kernel is exact.
TEST(ResampleKernels, SumsAtTheEndsOf32BitsAreExact) {
  const size_t n = 200;
  for (const uint32_t taps : {2u, 3u, 8u, 13u, 64u}) {
    for (const bool least_last : {false, true}) {
      // The first half positive, the other negative; each adds up to what is allowed.
      ResampleWeights w{taps, 1, taps, {0}, {static_cast<uint16_t>(taps)}, {0}, {}};
      const auto part = static_cast<int64_t>(taps / 2);
      for (uint32_t t = 0; t < taps; ++t) {
        const bool positive = t < part;
        const int64_t sum = positive ? kMostWeight : kLeastWeight;
        const int64_t of = positive ? part : taps - part;
        const int64_t index = positive ? t : t - part;
        w.weights.push_back(static_cast<int32_t>(sum / of + (index == 0 ? sum % of : 0)));
      }
      std::vector<std::vector<uint8_t>> rows(taps, std::vector<uint8_t>(n));
      std::vector<const uint8_t*> pointers;
      std::vector<uint8_t> line;
      for (uint32_t t = 0; t < taps; ++t) {
        const uint8_t value = (w.weights[t] > 0) != least_last ? 255 : 0;
        std::fill(rows[t].begin(), rows[t].end(), value);
        pointers.push_back(rows[t].data());
        line.push_back(value);
      }
      for (const KernelSet* set : available_kernels()) {
        SCOPED_TRACE(testing::Message() << set->name << " taps " << taps);
        const uint8_t expected = least_last ? 0 : 255;
        ResampleRow row = row_of(w, 1);
        std::vector<uint8_t> prepared(set->prepared_resample_row_bytes(row));
        if (!prepared.empty()) {
          set->prepare_resample_row(row, prepared.data());
          row.prepared = prepared.data();
        }
        uint8_t one = 7;
        set->resample_row(row, line.data(), &one);
        EXPECT_EQ(one, expected);
        std::vector<uint8_t> column(n), parts(n);
        set->resample_column(pointers.data(), w.weights.data(), taps, n, column.data());
        EXPECT_EQ(column, std::vector<uint8_t>(n, expected));
        std::vector<int32_t> sums(n);
        for (uint32_t t = 0; t < taps; ++t) set->accumulate_row(pointers[t], w.weights[t], n, sums.data());
        set->round_sums(sums.data(), n, parts.data());
        EXPECT_EQ(parts, column);
      }
    }
  }
}

/// Weights no table makes: any sign, any position, any count, still within int32 for bytes.
ResampleWeights wild_weights(uint32_t in, uint32_t out, int32_t greatest, std::mt19937& engine) {
  const auto random = [&] { return static_cast<uint32_t>(engine()); };
  ResampleWeights w;
  w.in_size = in;
  w.out_size = out;
  w.taps = 1 + random() % std::min(in, 60u);
  const uint32_t rows = 1 + random() % 5;
  for (uint32_t x = 0; x < out; ++x) {
    w.count.push_back(static_cast<uint16_t>(1 + random() % w.taps));
    w.first.push_back(static_cast<uint32_t>(random() % (in - w.count[x] + 1)));
    w.row.push_back(static_cast<uint16_t>(random() % rows));
  }
  if (random() % 2 == 0) std::sort(w.first.begin(), w.first.end());
  for (uint32_t x = 0; x < out; ++x) w.first[x] = std::min(w.first[x], in - w.count[x]);
  for (uint32_t i = 0; i < rows * w.taps; ++i) {
    const int32_t magnitude =
        random() % 3 == 0 ? greatest : static_cast<int32_t>(random() % (static_cast<uint32_t>(greatest) + 1));
    w.weights.push_back(random() % 2 == 0 ? magnitude : -magnitude);
  }
  return w;
}

TEST(ResampleKernels, RowEqualsTheDefinitionForWeightsOfAnySignAndPlace) {
  for (const KernelSet* set : available_kernels()) {
    std::mt19937 random(13);
    for (int i = 0; i < 300; ++i) {
      const auto below = [&](uint32_t limit) { return static_cast<uint32_t>(random() % limit); };
      const uint32_t in = 1 + below(200), out = 1 + below(60), channels = 1 + below(4);
      // 60 taps * 255 * greatest stays below 2^31; the larger ones need more than three base-256 digits.
      const int32_t greatest = i % 3 == 0 ? 100 : 130000;
      ResampleWeights w = wild_weights(in, out, greatest, random);
      if (i % 5 == 0 && w.taps == 1) w.weights[0] = 8355712;  // one more than three balanced digits hold
      SCOPED_TRACE(testing::Message()
                   << set->name << " case " << i << ": " << in << " -> " << out << " channels " << channels);
      expect_row_equals_definition(*set, row_of(w, channels), static_cast<uint32_t>(i));
      if (HasFatalFailure()) return;
    }
  }
}

TEST(ResampleKernels, WeightsAtTheEndsOfWhatDigitsHoldAreExact) {
  // Three balanced base-256 digits hold -8421504 .. 8355711; two 16-bit halves hold 31 bits.
  for (const int32_t weight :
       {8355711, 8355712, -8421504, -8421505, (1 << 30) - 1, 1 << 30, -(1 << 30) - 1}) {
    const uint32_t first[] = {0};
    const uint16_t count[] = {1}, rows[] = {0};
    for (const uint8_t value : std::vector<uint8_t>{1, 2, 127, 255}) {
      const ResampleRow row = {1, 1, 1, 1, first, count, rows, &weight, nullptr};
      const uint8_t src[] = {value};
      const std::vector<uint8_t> line(64, value);
      const uint8_t* lines[] = {line.data()};
      uint8_t expected[1], got[1];
      std::vector<uint8_t> column(64);
      definition().resample_row(row, src, expected);
      for (const KernelSet* set : available_kernels()) {
        std::vector<uint8_t> prepared(set->prepared_resample_row_bytes(row));
        ResampleRow bound = row;
        if (!prepared.empty()) {
          set->prepare_resample_row(row, prepared.data());
          bound.prepared = prepared.data();
        }
        set->resample_row(bound, src, got);
        EXPECT_EQ(got[0], expected[0]) << set->name << " weight " << weight << " value " << int{value};
        set->resample_column(lines, &weight, 1, 64, column.data());
        EXPECT_EQ(column, std::vector<uint8_t>(64, expected[0])) << set->name << " weight " << weight;
      }
    }
  }
}

TEST(ResampleKernels, ColumnEqualsTheDefinition) {
  for (const KernelSet* set : available_kernels()) {
    std::mt19937 random(17);
    for (const uint32_t taps : {1u, 2u, 3u, 4u, 5u, 7u, 8u, 12u, 17u, 64u, 255u, 256u, 257u, 700u}) {
      for (const size_t n : kLengths) {
        if (taps > 64 && n > 200) continue;
        SCOPED_TRACE(testing::Message() << set->name << " taps " << taps << " n " << n);
        std::vector<int32_t> weights(taps);
        const int32_t limit = taps == 1 ? 8355712 : static_cast<int32_t>((1u << 23) / taps);
        for (int32_t& w : weights)
          w = static_cast<int32_t>(random() % (2u * static_cast<uint32_t>(limit) + 1)) - limit;
        if (n % 2 == 1) weights[0] = limit;
        const Edge edge = random() % 2 == 0 ? Edge::before : Edge::after;
        std::vector<std::unique_ptr<Guarded>> memory;
        std::vector<const uint8_t*> rows;
        for (uint32_t t = 0; t < taps; ++t) {
          if (t < 8) {
            memory.push_back(std::make_unique<Guarded>(n, edge));
            fill(memory.back()->span(), static_cast<uint32_t>(random()));
          }
          rows.push_back(memory[t % 8]->data());
        }
        const Guarded dst(n, edge);
        std::vector<uint8_t> expected(n);
        definition().resample_column(rows.data(), weights.data(), taps, n, expected.data());
        set->resample_column(rows.data(), weights.data(), taps, n, dst.data());
        ASSERT_TRUE(std::equal(expected.begin(), expected.end(), dst.data()));
        ASSERT_TRUE(dst.intact());
      }
    }
  }
}

TEST(ResampleKernels, PartialSumsEqualTheDefinitionInAnyOrder) {
  for (const KernelSet* set : available_kernels()) {
    std::mt19937 random(19);
    for (const size_t n : kLengths) {
      SCOPED_TRACE(testing::Message() << set->name << " n " << n);
      const Edge edge = n % 2 == 0 ? Edge::before : Edge::after;
      const Guarded row(n, edge), sums(n * 4, edge), dst(n, edge);
      std::vector<int32_t> expected_sums(n, -7);
      std::vector<uint8_t> expected(n);
      for (size_t i = 0; i < n; ++i) sums.as<int32_t>()[i] = -7;
      for (int t = 0; t < 6; ++t) {
        fill(row.span(), static_cast<uint32_t>(random()));
        const int32_t weight = static_cast<int32_t>(random() % (1u << 22)) - (t % 2 == 0 ? 1 << 20 : 0);
        if (t == 5) {  // the ends of int32: sums wrap alike in every set
          for (size_t i = 0; i < n; ++i) {
            expected_sums[i] = sums.as<int32_t>()[i] = i % 2 == 0 ? INT32_MAX : INT32_MIN;
          }
        } else {
          definition().accumulate_row(row.data(), weight, n, expected_sums.data());
          set->accumulate_row(row.data(), weight, n, sums.as<int32_t>());
        }
        ASSERT_TRUE(std::equal(expected_sums.begin(), expected_sums.end(), sums.as<int32_t>()));
        definition().round_sums(expected_sums.data(), n, expected.data());
        set->round_sums(sums.as<int32_t>(), n, dst.data());
        ASSERT_TRUE(std::equal(expected.begin(), expected.end(), dst.data()));
      }
      ASSERT_TRUE(sums.intact() && dst.intact());
    }
  }
}

TEST(ResampleKernels, PartialSumsOfRowsEqualTheColumn) {
  const size_t n = 333;
  std::vector<std::vector<uint8_t>> rows(9, std::vector<uint8_t>(n));
  std::vector<const uint8_t*> pointers;
  for (uint32_t t = 0; t < 9; ++t) {
    fill(rows[t], t);
    pointers.push_back(rows[t].data());
  }
  const ResampleWeights w = pillow_weights(720, 160, WindowFilter::bilinear).value();
  const int32_t* weights = w.weights.data() + size_t{w.row[80]} * w.taps;
  for (const KernelSet* set : available_kernels()) {
    std::vector<uint8_t> whole(n), parts(n);
    std::vector<int32_t> sums(n);
    set->resample_column(pointers.data(), weights, w.count[80], n, whole.data());
    for (uint32_t t = w.count[80]; t-- > 0;) set->accumulate_row(pointers[t], weights[t], n, sums.data());
    set->round_sums(sums.data(), n, parts.data());
    EXPECT_EQ(whole, parts) << set->name;
  }
}

}  // namespace
}  // namespace onpath
