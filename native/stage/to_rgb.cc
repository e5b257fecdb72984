// The toRgb stage: whole groups go through the kernel; those that were cut apart are put together first.
#include "stage/to_rgb.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "stage/block_pool.h"

namespace onpath {
namespace {

constexpr uint64_t kIn = ToRgbStep::kInGroupBytes;
constexpr uint64_t kOut = ToRgbStep::kOutGroupBytes;
constexpr uint64_t kBlockGroups = 2730;  // 16 KiB of rgb: stays in the first-level cache

struct FreeZeroed {
  void operator()(uint8_t* p) const { std::free(p); }
};

/// The bytes of groups of which some are missing, at their place in the sample. Any number of groups may be
/// incomplete at a time, so there is room for all; pages where no group is ever cut apart stay untouched.
class IncompleteGroups {
 public:
  IncompleteGroups() = default;
  explicit IncompleteGroups(uint64_t groups)
      : bytes_(line_memory(groups * kIn)), have_(static_cast<uint8_t*>(std::calloc(groups, 1))) {
    if (have_ == nullptr) throw std::bad_alloc();
  }
  static uint64_t memory_bytes(uint64_t groups) { return groups * (kIn + 1); }

  void reset() {
    // What a sample that was given up has left behind; a complete one leaves nothing.
    if (open_ > 0) std::memset(have_.get() + first_, 0, end_ - first_);
    open_ = first_ = end_ = 0;
  }

  /// Some of a group's bytes, each once. The whole group when they were the last ones, else null.
  const uint8_t* add(uint64_t offset, std::span<const uint8_t> bytes) {
    const uint64_t group = offset / kIn;
    std::memcpy(bytes_.get() + offset, bytes.data(), bytes.size());
    uint8_t& have = have_[group];
    if (have == 0) {
      first_ = open_ == 0 && first_ == end_ ? group : std::min(first_, group);
      end_ = std::max(end_, group + 1);
      ++open_;
    }
    have = static_cast<uint8_t>(have + bytes.size());
    if (have < kIn) return nullptr;
    have = 0;
    --open_;
    return bytes_.get() + group * kIn;
  }

 private:
  LineMemory bytes_;
  std::unique_ptr<uint8_t[], FreeZeroed> have_;  // bytes of each group that have come; 0 once it is complete
  uint64_t open_ = 0;                            // groups that are incomplete
  uint64_t first_ = 0, end_ = 0;                 // all of them lie in here
};

uint64_t block_groups(const ToRgbStep& step) { return std::min<uint64_t>(kBlockGroups, step.width / 2); }

class ToRgbState final : public StageState {
 public:
  /// `whole`: the input comes in whole groups.
  ToRgbState(const ToRgbStep& step, const KernelSet& kernels, bool whole)
      : step_(step),
        kernels_(kernels),
        block_groups_(block_groups(step)),
        block_(line_memory(block_groups_ * kOut)),
        incomplete_(whole ? IncompleteGroups() : IncompleteGroups(step.groups())) {}

  void begin(Downstream& next) override {
    next_ = &next;
    incomplete_.reset();
  }

  void take(uint64_t offset, std::span<const uint8_t> bytes) override {
    if (const uint64_t past = offset % kIn; past != 0) {
      const size_t n = std::min<size_t>(kIn - past, bytes.size());
      take_part(offset, bytes.first(n));
      offset += n;
      bytes = bytes.subspan(n);
    }
    const size_t whole = bytes.size() / kIn * kIn;
    take_groups(offset / kIn, bytes.first(whole));
    if (whole < bytes.size()) take_part(offset + whole, bytes.subspan(whole));
  }

 private:
  void take_part(uint64_t offset, std::span<const uint8_t> bytes) {
    if (const uint8_t* group = incomplete_.add(offset, bytes)) take_groups(offset / kIn, {group, kIn});
  }

  /// Handed on in pieces that end where a row ends, so that a resize after it sees whole rows.
  void take_groups(uint64_t group, std::span<const uint8_t> bytes) {
    const uint64_t row = step_.width / 2;
    while (!bytes.empty()) {
      const uint64_t n = std::min({bytes.size() / kIn, row - group % row, block_groups_});
      kernels_.uyvy_to_rgb(bytes.data(), n, step_.tables->entries.data(), block_.get());
      next_->take(group * kOut, {block_.get(), n * kOut});
      group += n;
      bytes = bytes.subspan(n * kIn);
    }
  }

  const ToRgbStep& step_;
  const KernelSet& kernels_;
  uint64_t block_groups_;
  LineMemory block_;
  IncompleteGroups incomplete_;
  Downstream* next_ = nullptr;
};

class ToRgbStage final : public Stage {
 public:
  ToRgbStage(const ToRgbStep& step, const KernelSet& kernels) : step_(step), kernels_(kernels) {}
  std::unique_ptr<StageState> make_state() const override {
    return std::make_unique<ToRgbState>(step_, kernels_, false);
  }
  std::unique_ptr<StageState> make_state_for_whole_groups() const override {
    return std::make_unique<ToRgbState>(step_, kernels_, true);
  }

 private:
  const ToRgbStep& step_;
  const KernelSet& kernels_;
};

}  // namespace

std::unique_ptr<Stage> make_to_rgb_stage(const ToRgbStep& step, const KernelSet& kernels) {
  return std::make_unique<ToRgbStage>(step, kernels);
}

uint64_t to_rgb_whole_state_bytes(const ToRgbStep& step) {
  return sizeof(ToRgbState) + block_groups(step) * kOut;
}

uint64_t to_rgb_state_bytes(const ToRgbStep& step) {
  return to_rgb_whole_state_bytes(step) + IncompleteGroups::memory_bytes(step.groups());
}

}  // namespace onpath
