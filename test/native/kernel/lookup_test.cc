// Every kernel set looks up what the definition looks up, and touches nothing else.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "kernel/guarded.h"
#include "kernel/kernels.h"

namespace onpath {
namespace {

using testing_kernels::Edge;
using testing_kernels::fill;
using testing_kernels::Guarded;
using testing_kernels::kLengths;

const KernelSet& definition() { return *find_kernels("scalar"); }

TEST(KernelSets, BestComesFirstAndTheDefinitionLast) {
  const auto sets = available_kernels();
  ASSERT_FALSE(sets.empty());
  EXPECT_EQ(sets.back()->name, "scalar");
  EXPECT_EQ(find_kernels({}), sets.front());
  for (const KernelSet* set : sets) EXPECT_EQ(find_kernels(set->name), set);
  EXPECT_EQ(find_kernels("mmx"), nullptr);
}

TEST(LookupKernels, DefinitionIsOneTablePerChannel) {
  const uint8_t src[] = {1, 2, 3, 4};
  std::vector<uint8_t> tables(768);
  for (size_t i = 0; i < 768; ++i) tables[i] = static_cast<uint8_t>(i % 256 + i / 256 * 100);
  uint8_t dst[4];
  definition().lookup_interleaved(src, 4, 3, 2, 1, tables.data(), dst);
  EXPECT_EQ(dst[0], 201);
  EXPECT_EQ(dst[1], 2);
  EXPECT_EQ(dst[2], 103);
  EXPECT_EQ(dst[3], 204);
}

TEST(LookupKernels, InterleavedEqualsTheDefinitionForEveryPhase) {
  for (const KernelSet* set : available_kernels()) {
    uint32_t seed = 0;
    for (const uint32_t entry : {1u, 2u, 4u}) {
      for (uint32_t channels = 1; channels <= 4; ++channels) {
        for (const size_t n : kLengths) {
          SCOPED_TRACE(testing::Message()
                       << set->name << " entry " << entry << " channels " << channels << " n " << n);
          const uint32_t phase = ++seed % channels;
          const Edge edge = seed % 2 == 0 ? Edge::before : Edge::after;
          const Guarded src(n, edge), dst(n * entry, edge), tables(channels * 256 * entry, edge);
          std::vector<uint8_t> expected(n * entry);
          fill(src.span(), seed);
          fill(tables.span(), 2);
          definition().lookup_interleaved(src.data(), n, channels, phase, entry, tables.data(),
                                          expected.data());
          set->lookup_interleaved(src.data(), n, channels, phase, entry, tables.data(), dst.data());
          ASSERT_TRUE(std::equal(expected.begin(), expected.end(), dst.data()));
          ASSERT_TRUE(dst.intact());
          if (entry == 1) {
            set->lookup_interleaved(src.data(), n, channels, phase, entry, tables.data(), src.data());
            ASSERT_TRUE(std::equal(expected.begin(), expected.end(), src.data())) << "in place";
          }
        }
      }
    }
  }
}

TEST(LookupKernels, DefinitionOfTheSumIsThatOfRfc1071) {
  // The example of section 3: 0001 f203 f4f5 f6f7 add up to ddf2. The table turns every byte over.
  std::vector<uint8_t> table(256);
  for (size_t i = 0; i < 256; ++i) table[i] = static_cast<uint8_t>(~i);
  std::vector<uint8_t> data = {0xff, 0xfe, 0x0d, 0xfc, 0x0b, 0x0a, 0x09, 0x08};
  EXPECT_EQ(definition().lookup_sum(data.data(), 8, 1, 0, table.data()), 0xddf2);
  EXPECT_EQ(data, (std::vector<uint8_t>{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}));
  uint8_t odd[] = {0xff, 0xff, 0xfe};
  EXPECT_EQ(definition().lookup_sum(odd, 3, 1, 0, table.data()), 0x0100);
}

TEST(LookupKernels, LookupWithSumEqualsTheDefinitionForEveryPhase) {
  std::vector<size_t> lengths(std::begin(kLengths), std::end(kLengths));
  lengths.insert(lengths.end(), {1399, 1400, 1401, 65535, 64 * 32767 + 129});  // lanes of sums fill up
  for (const KernelSet* set : available_kernels()) {
    uint32_t seed = 0;
    for (uint32_t channels = 1; channels <= 4; ++channels) {
      for (const size_t n : lengths) {
        for (const int kind : {0, 1, 2}) {  // noise, all ones, all zeros: sums at both ends
          SCOPED_TRACE(testing::Message()
                       << set->name << " channels " << channels << " n " << n << " kind " << kind);
          const uint32_t phase = ++seed % channels;
          const Edge edge = seed % 2 == 0 ? Edge::before : Edge::after;
          const Guarded data(n, edge), tables(size_t{channels} * 256, edge);
          fill(data.span(), seed);
          fill(tables.span(), 2);
          if (kind > 0) std::fill_n(tables.data(), tables.size(), static_cast<uint8_t>(kind == 1 ? 0xff : 0));
          std::vector<uint8_t> expected(data.data(), data.data() + n);
          const uint16_t sum = definition().lookup_sum(expected.data(), n, channels, phase, tables.data());
          ASSERT_EQ(set->lookup_sum(data.data(), n, channels, phase, tables.data()), sum);
          ASSERT_TRUE(std::equal(expected.begin(), expected.end(), data.data()));
          ASSERT_TRUE(data.intact());
        }
      }
    }
  }
}

TEST(LookupKernels, PlanarAndSelectEqualTheDefinitionForEverySelection) {
  for (const KernelSet* set : available_kernels()) {
    std::mt19937 random(3);
    for (const uint32_t entry : {1u, 2u, 4u}) {
      for (uint32_t channels = 1; channels <= 4; ++channels) {
        for (uint32_t outs = 1; outs <= 4; ++outs) {
          for (const size_t pixels : kLengths) {
            if (pixels > 700) continue;
            SCOPED_TRACE(testing::Message() << set->name << " entry " << entry << " " << channels << " -> "
                                            << outs << " pixels " << pixels);
            uint8_t select[4];
            for (uint8_t& channel : select) channel = static_cast<uint8_t>(random() % channels);
            const Edge edge = random() % 2 == 0 ? Edge::before : Edge::after;
            const Guarded src(pixels * channels, edge), tables(outs * 256 * entry, edge);
            const Guarded together(pixels * outs * entry, edge);
            std::vector<std::unique_ptr<Guarded>> planes;
            std::vector<std::vector<uint8_t>> expected(outs, std::vector<uint8_t>(pixels * entry));
            void *dst[4], *expected_dst[4];
            for (uint32_t o = 0; o < outs; ++o) {
              planes.push_back(std::make_unique<Guarded>(pixels * entry, edge));
              dst[o] = planes[o]->data();
              expected_dst[o] = expected[o].data();
            }
            fill(src.span(), static_cast<uint32_t>(random()));
            fill(tables.span(), 2);
            definition().lookup_planar(src.data(), pixels, channels, outs, select, entry, tables.data(),
                                       expected_dst);
            set->lookup_planar(src.data(), pixels, channels, outs, select, entry, tables.data(), dst);
            for (uint32_t o = 0; o < outs; ++o) {
              ASSERT_TRUE(std::equal(expected[o].begin(), expected[o].end(), planes[o]->data()))
                  << "plane " << o;
              ASSERT_TRUE(planes[o]->intact());
            }
            std::vector<uint8_t> expected_together(pixels * outs * entry);
            definition().lookup_select(src.data(), pixels, channels, outs, select, entry, tables.data(),
                                       expected_together.data());
            set->lookup_select(src.data(), pixels, channels, outs, select, entry, tables.data(),
                               together.data());
            ASSERT_TRUE(std::equal(expected_together.begin(), expected_together.end(), together.data()));
            ASSERT_TRUE(together.intact());
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace onpath
