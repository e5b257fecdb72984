// See resample_plan.h. Runs when a program is bound, never on the data path. Must not know: instruction sets.
#include "kernel/resample_plan.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

namespace onpath {
namespace {

constexpr size_t kStepAlignment = 64;

uint32_t divide_up(uint32_t value, uint32_t by) { return (value + by - 1) / by; }

struct Deal {
  uint32_t pixels = 1;
  uint32_t split = 1;

  uint32_t taps_per_step() const { return kTapsPerLane * split; }
};

/// Output pixels [begin, end) of one block, the input pixel at which its first window starts, and its steps.
struct Block {
  uint32_t begin = 0;
  uint32_t end = 0;
  uint32_t base = 0;
  uint32_t steps = 0;
};

/// The longest run of output pixels from `begin` on that one block can take. A pixel whose taps start too
/// late for the window may start earlier, with taps of weight 0, if that costs no further step.
Block take_block(const ResampleRow& row, const VectorShape& shape, const Deal& deal, uint32_t begin) {
  const uint32_t reach =
      shape.window / row.channels - deal.taps_per_step();  // latest start within the window, in pixels
  Block block{begin, begin + 1, row.first[begin], divide_up(row.count[begin], deal.taps_per_step())};
  const uint32_t limit = std::min(begin + deal.pixels, row.out_pixels);
  for (; block.end < limit; ++block.end) {
    const uint32_t x = block.end;
    if (row.first[x] < block.base) break;
    const uint32_t start = row.first[x] - block.base;
    const uint32_t leading_zeros = start > reach ? start - reach : 0;
    const uint32_t steps = divide_up(row.count[x] + leading_zeros, deal.taps_per_step());
    if (leading_zeros != 0 && steps > std::max(block.steps, divide_up(row.count[x], deal.taps_per_step())))
      break;
    block.steps = std::max(block.steps, steps);
  }
  return block;
}

bool deal_fits(const ResampleRow& row, const VectorShape& shape, const Deal& deal) {
  return deal.pixels * deal.split * row.channels <= shape.lanes &&
         deal.taps_per_step() * row.channels <= shape.window;
}

/// Fewest steps wins. Ending a group costs about as much as three steps, adding up shares as much as two
/// more.
Deal choose_deal(const ResampleRow& row, const VectorShape& shape) {
  Deal best;
  uint64_t least = ~uint64_t{0};
  for (Deal deal; deal_fits(row, shape, deal); ++deal.pixels) {
    for (deal.split = 1; deal_fits(row, shape, deal); ++deal.split) {
      uint64_t cost = 0;
      for (Block block; block.end < row.out_pixels;) {
        block = take_block(row, shape, deal, block.end);
        cost += block.steps + (deal.split == 1 ? 3 : 5);
      }
      if (cost >= least) continue;
      best = deal;
      least = cost;
    }
    deal.split = 1;
  }
  return best;
}

/// The taps of one block at one step, lane by lane. `offset` is the byte at which its window really starts.
void fill_block(const ResampleRow& row, const VectorShape& shape, const Deal& deal, const Block& block,
                uint32_t step, uint32_t offset, LaneTaps* lanes) {
  const uint32_t reach = shape.window / row.channels - deal.taps_per_step();
  for (uint32_t x = block.begin; x < block.end; ++x) {
    const int32_t* weights = row.weights + size_t{row.row[x]} * row.taps;
    const uint32_t start = std::min(row.first[x] - block.base, reach);
    const uint32_t leading_zeros = row.first[x] - block.base - start;
    for (uint32_t share = 0; share < deal.split; ++share) {
      for (uint32_t c = 0; c < row.channels; ++c) {
        LaneTaps& lane = lanes[(share * deal.pixels + (x - block.begin)) * row.channels + c];
        for (uint32_t t = 0; t < kTapsPerLane; ++t) {
          const uint32_t tap = (step * deal.split + share) * kTapsPerLane + t;
          if (tap < leading_zeros || tap - leading_zeros >= row.count[x]) continue;
          lane.index[t] = static_cast<uint8_t>((block.base + start + tap) * row.channels + c - offset);
          lane.weight[t] = weights[tap - leading_zeros];
        }
      }
    }
  }
}

bool weights_fit(const ResampleRow& row, const VectorShape& shape) {
  for (uint32_t x = 0; x < row.out_pixels; ++x) {
    const int32_t* weights = row.weights + size_t{row.row[x]} * row.taps;
    for (uint32_t i = 0; i < row.count[x]; ++i) {
      if (weights[i] < shape.least_weight || weights[i] > shape.greatest_weight) return false;
    }
  }
  return true;
}

struct Built {
  RowPlan head;
  std::vector<RowGroup> groups;
  std::string steps;

  size_t lists_bytes() const { return sizeof head + groups.size() * sizeof(RowGroup); }
};

Built build(const ResampleRow& row, const VectorShape& shape) {
  Built built;
  const Deal deal = choose_deal(row, shape);
  const uint32_t row_bytes = row.in_pixels * row.channels;
  built.head.pixels = deal.pixels;
  built.head.split = deal.split;
  built.head.stride = deal.taps_per_step() * row.channels;
  built.head.last_offset = row_bytes > shape.window ? row_bytes - shape.window : 0;

  std::unordered_map<std::string, uint32_t> known;
  std::vector<LaneTaps> lanes(size_t{shape.blocks} * shape.lanes);
  for (uint32_t x = 0; x < row.out_pixels;) {
    RowGroup group;
    Block blocks[kMaxBlocks];
    for (uint32_t b = 0; b < shape.blocks && x < row.out_pixels; ++b, x = blocks[b - 1].end) {
      blocks[b] = take_block(row, shape, deal, x);
      group.steps = std::max(group.steps, blocks[b].steps);
      group.offset[b] = blocks[b].base * row.channels;
      group.bytes[b] = (blocks[b].end - blocks[b].begin) * row.channels;
    }
    std::string steps(size_t{group.steps} * shape.step_bytes, '\0');
    for (uint32_t step = 0; step < group.steps; ++step) {
      std::fill(lanes.begin(), lanes.end(), LaneTaps{});
      for (uint32_t b = 0; b < shape.blocks; ++b) {
        const uint32_t offset = std::min(group.offset[b] + step * built.head.stride, built.head.last_offset);
        fill_block(row, shape, deal, blocks[b], step, offset, lanes.data() + b * shape.lanes);
      }
      shape.encode(lanes.data(), reinterpret_cast<uint8_t*>(steps.data()) + size_t{step} * shape.step_bytes);
    }
    const auto next_step = static_cast<uint32_t>(built.steps.size() / shape.step_bytes);
    const auto [found, inserted] = known.try_emplace(steps, next_step);
    if (inserted) built.steps += steps;
    group.first_step = found->second;
    built.groups.push_back(group);
  }
  built.head.groups = static_cast<uint32_t>(built.groups.size());
  return built;
}

}  // namespace

size_t row_plan_bytes(const ResampleRow& row, const VectorShape& shape) {
  if (row.out_pixels == 0 || !weights_fit(row, shape)) return 0;
  const Built built = build(row, shape);
  return built.lists_bytes() + kStepAlignment - 1 + built.steps.size();
}

void write_row_plan(const ResampleRow& row, const VectorShape& shape, void* prepared) {
  if (row.out_pixels == 0 || !weights_fit(row, shape)) return;
  Built built = build(row, shape);
  const size_t lists = built.lists_bytes();
  const size_t misaligned = (reinterpret_cast<uintptr_t>(prepared) + lists) % kStepAlignment;
  built.head.steps_offset = static_cast<uint32_t>(lists + (kStepAlignment - misaligned) % kStepAlignment);
  auto* bytes = static_cast<uint8_t*>(prepared);
  std::memcpy(bytes, &built.head, sizeof built.head);
  std::memcpy(bytes + sizeof built.head, built.groups.data(), built.groups.size() * sizeof(RowGroup));
  std::memcpy(bytes + built.head.steps_offset, built.steps.data(), built.steps.size());
}

}  // namespace onpath
