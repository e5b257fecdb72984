// The streaming contract as one reusable check: whatever the cut, the order and the repetition of chunks, the
// placed output equals that of one whole-sample call, bit for bit, and every output byte is told of exactly
// once. Takes any program; must not know stages.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "plan/program.h"
#include "support/random.h"

namespace onpath::testing {

/// The laid-out first output of one whole-sample call.
std::vector<uint8_t> run_whole(const Program& program, std::span<const uint8_t> sample);

/// Half-open range of bytes of the sample.
struct Cut {
  uint64_t begin;
  uint64_t end;
};

/// Fails the current test with the way of cutting that broke the contract.
void expect_streams(const Program& program, std::span<const uint8_t> sample, uint64_t seed);

// ---------------------------------------------------------------------------------------------------------------------

/// Output memory with canaries around it, and a count of how often each byte was told of.
class WatchedOutput : public EmitListener {
 public:
  explicit WatchedOutput(uint64_t bytes)
      : bytes_(bytes), memory_(bytes + 2 * kCanary, kFill), told_(bytes, 0) {}

  uint8_t* data() { return memory_.data() + kCanary; }
  void emitted(uint32_t output, uint64_t offset, uint64_t n) override {
    if (output != 0 || n == 0 || offset > bytes_ || n > bytes_ - offset) {
      ++wrong_;
      return;
    }
    for (uint64_t i = offset; i < offset + n; ++i) {
      if (told_[i] < 2) ++told_[i];
    }
  }
  /// An empty string, or what is wrong.
  std::string compare(std::span<const uint8_t> expected) const {
    if (wrong_ > 0) return "told of bytes outside the output";
    for (uint64_t i = 0; i < kCanary; ++i) {
      if (memory_[i] != kFill || memory_[kCanary + bytes_ + i] != kFill) return "wrote outside the output";
    }
    for (uint64_t i = 0; i < bytes_; ++i) {
      if (memory_[kCanary + i] != expected[i]) {
        return "byte " + std::to_string(i) + " is " + std::to_string(memory_[kCanary + i]) + ", expected " +
               std::to_string(expected[i]);
      }
      if (told_[i] != 1)
        return "byte " + std::to_string(i) + (told_[i] == 0 ? " was never told of" : " was told of twice");
    }
    return {};
  }

 private:
  static constexpr uint64_t kCanary = 128;
  static constexpr uint8_t kFill = 0xA5;
  uint64_t bytes_;
  std::vector<uint8_t> memory_;
  std::vector<uint8_t> told_;
  uint64_t wrong_ = 0;
};

/// Consecutive pieces of random length that are multiples of `unit`.
inline std::vector<Cut> random_cuts(Random& random, uint64_t bytes, uint64_t unit, uint64_t pieces) {
  std::vector<Cut> cuts;
  const uint64_t units = bytes / unit;
  const auto most = static_cast<uint32_t>(std::max<uint64_t>(1, 2 * units / std::max<uint64_t>(1, pieces)));
  for (uint64_t at = 0; at < units;) {
    const uint64_t n = std::min<uint64_t>(units - at, random.between(1, most));
    cuts.push_back({at * unit, (at + n) * unit});
    at += n;
  }
  return cuts;
}

/// Pushes the cuts in order into a sample that was just begun, and checks results and completeness on the
/// way.
inline std::string push_all(const Program& program, SampleState& state, std::span<const uint8_t> sample,
                            const std::vector<Cut>& cuts, WatchedOutput& output, bool scribble_repeats) {
  std::vector<uint8_t> seen(sample.size(), 0);
  std::vector<uint8_t> chunk;
  uint64_t missing = sample.size();
  for (const Cut& cut : cuts) {
    if (state.complete() != (missing == 0)) return "complete() before all bytes are in";
    uint64_t fresh = 0;
    chunk.assign(sample.begin() + static_cast<std::ptrdiff_t>(cut.begin),
                 sample.begin() + static_cast<std::ptrdiff_t>(cut.end));
    for (uint64_t i = cut.begin; i < cut.end; ++i) {
      // First bytes win: repeated ones may be anything.
      if (seen[i] && scribble_repeats) chunk[i - cut.begin] = static_cast<uint8_t>(~chunk[i - cut.begin]);
      fresh += seen[i] ? 0 : 1;
      seen[i] = 1;
    }
    missing -= fresh;
    const PushResult result = state.push(cut.begin, chunk, &output);
    if (result.status != (fresh > 0 ? PushStatus::used : PushStatus::duplicate)) return "wrong push status";
    if (result.new_bytes != fresh || result.repeated_bytes != chunk.size() - fresh)
      return "wrong count of new bytes";
    if (state.missing_bytes() != missing) return "wrong count of missing bytes";
  }
  (void)program;
  return state.complete() == (missing == 0) ? "" : "complete() does not tell that all bytes are in";
}

inline std::vector<uint8_t> run_whole(const Program& program, std::span<const uint8_t> sample) {
  auto state = program.make_state(Granularity::byte);
  EXPECT_TRUE(state.ok());
  std::vector<uint8_t> output(program.plan().outputs()[0].bytes);
  uint8_t* const outputs[] = {output.data()};
  EXPECT_TRUE(run_sample(program, *state.value(), sample, outputs).ok());
  return output;
}

inline void expect_streams(const Program& program, std::span<const uint8_t> sample, uint64_t seed) {
  SCOPED_TRACE("seed " + std::to_string(seed) + ", kernels " + std::string(program.kernels()));
  Random random(seed);
  const std::vector<uint8_t> expected = run_whole(program, sample);
  ASSERT_EQ(sample.size(), program.plan().input().bytes);

  for (const Granularity granularity : {Granularity::byte, Granularity::element}) {
    const uint64_t unit = granularity == Granularity::byte ? 1 : program.plan().input().element_bytes;
    auto made = program.make_state(granularity);
    ASSERT_TRUE(made.ok()) << made.error().message;
    SampleState& state = *made.value();

    const auto check = [&](const char* what, const std::vector<Cut>& cuts, bool move_output = false) {
      WatchedOutput output(expected.size());
      WatchedOutput other(expected.size());
      uint8_t* const first[] = {move_output ? other.data() : output.data()};
      state.begin(first, &output);
      std::string wrong;
      if (move_output) {
        const size_t half = cuts.size() / 2;
        for (size_t i = 0; i < cuts.size(); ++i) {
          if (i == half) {
            std::copy_n(other.data(), expected.size(), output.data());
            uint8_t* const second[] = {output.data()};
            state.rebase(second);
          }
          state.push(cuts[i].begin, sample.subspan(cuts[i].begin, cuts[i].end - cuts[i].begin), &output);
        }
      } else {
        wrong = push_all(program, state, sample, cuts, output, true);
      }
      if (wrong.empty()) wrong = output.compare(expected);
      EXPECT_EQ(wrong, "") << what << ", " << (unit == 1 ? "bytes" : "elements");
      return wrong.empty();
    };

    if (!check("whole", {{0, sample.size()}})) return;
    if (!check("in order", random_cuts(random, sample.size(), unit, 12))) return;
    if (!check("in order, long pieces", random_cuts(random, sample.size(), unit, 3))) return;
    if (sample.size() <= 20000) {
      std::vector<Cut> ones;
      for (uint64_t i = 0; i < sample.size(); i += unit) ones.push_back({i, i + unit});
      if (!check("one each", ones)) return;
      std::reverse(ones.begin(), ones.end());
      if (!check("one each, reversed", ones)) return;
      random.shuffle(ones);
      if (!check("one each, shuffled", ones)) return;
    }
    auto cuts = random_cuts(random, sample.size(), unit, 20);
    std::reverse(cuts.begin(), cuts.end());
    if (!check("reversed", cuts)) return;
    for (const uint64_t pieces : {7u, 60u}) {
      cuts = random_cuts(random, sample.size(), unit, pieces);
      random.shuffle(cuts);
      if (!check("shuffled", cuts)) return;
      if (!check("shuffled, output moved half way", cuts, true)) return;
    }
    // Duplicates and overlaps, cut again at other places.
    cuts = random_cuts(random, sample.size(), unit, 15);
    for (int again = 0; again < 2; ++again) {
      for (const Cut& cut : random_cuts(random, sample.size(), unit, 9)) cuts.push_back(cut);
    }
    random.shuffle(cuts);
    if (!check("shuffled with overlaps", cuts)) return;

    // A sample that is given up half way leaves nothing behind.
    {
      WatchedOutput given_up(expected.size());
      uint8_t* const outputs[] = {given_up.data()};
      state.begin(outputs, &given_up);
      const size_t half = cuts.size() / 3;
      std::vector<uint8_t> other(sample.begin(), sample.end());
      for (uint8_t& b : other) b = static_cast<uint8_t>(~b);
      for (size_t i = 0; i < half; ++i) {
        state.push(cuts[i].begin, std::span(other).subspan(cuts[i].begin, cuts[i].end - cuts[i].begin),
                   &given_up);
      }
    }
    if (!check("after a sample given up", cuts)) return;

    // What cannot be taken changes nothing.
    WatchedOutput output(expected.size());
    uint8_t* const outputs[] = {output.data()};
    state.begin(outputs, &output);
    EXPECT_EQ(state.push(sample.size(), sample.first(1), &output).status, PushStatus::out_of_range);
    EXPECT_EQ(state.push(UINT64_MAX, sample.first(1), &output).status, PushStatus::out_of_range);
    if (unit > 1) {
      EXPECT_EQ(state.push(0, sample.first(1), &output).status, PushStatus::misaligned);
      EXPECT_EQ(state.push(1, sample.first(unit - 1), &output).status, PushStatus::misaligned);
    }
    EXPECT_EQ(state.push(0, {}, &output).status, PushStatus::duplicate);
    EXPECT_EQ(push_all(program, state, sample, {{0, sample.size()}}, output, true), "");
    EXPECT_EQ(output.compare(expected), "");
  }
}

}  // namespace onpath::testing
