// A sample whose plan is still being made: its bytes are kept as they came, until they can be handed on. To
// the lane it is a state like any other. Hot path: no allocation, no lock, no system call.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>

#include "plan/coverage.h"
#include "plan/program.h"

namespace onpath {

class WaitingSample final : public SampleState {
 public:
  /// Memory for samples of at most so many bytes; none of it is touched before it is used. Throws
  /// std::bad_alloc.
  WaitingSample(uint64_t most_bytes, uint32_t element_bytes)
      : element_bytes_(element_bytes),
        bytes_(std::make_unique_for_overwrite<uint8_t[]>(most_bytes)),
        coverage_(most_bytes / element_bytes) {}

  static uint64_t bytes_for(uint64_t most_bytes, uint32_t element_bytes) {
    return most_bytes + Coverage::memory_bytes(most_bytes / element_bytes) + sizeof(WaitingSample);
  }

  /// The next sample has so many bytes, whole elements.
  void set_sample_bytes(uint64_t bytes) { missing_bytes_ = sample_bytes_ = bytes; }

  void begin(std::span<uint8_t* const>, EmitListener*) override {
    coverage_.reset();
    missing_bytes_ = sample_bytes_;
  }

  PushResult push(uint64_t offset, std::span<const uint8_t> bytes, EmitListener*) override {
    if (offset > sample_bytes_ || bytes.size() > sample_bytes_ - offset)
      return {.status = PushStatus::out_of_range};
    if (offset % element_bytes_ != 0 || bytes.size() % element_bytes_ != 0)
      return {.status = PushStatus::misaligned};
    const uint64_t begin = offset / element_bytes_;
    PushResult result;
    result.new_bytes = element_bytes_ * coverage_.add(begin, begin + bytes.size() / element_bytes_,
                                                      [&](uint64_t run_begin, uint64_t run_end) {
                                                        const uint64_t at = run_begin * element_bytes_;
                                                        std::memcpy(&bytes_[at], &bytes[at - offset],
                                                                    (run_end - run_begin) * element_bytes_);
                                                      });
    result.repeated_bytes = bytes.size() - result.new_bytes;
    if (result.new_bytes == 0) result.status = PushStatus::duplicate;
    missing_bytes_ -= result.new_bytes;
    return result;
  }

  std::optional<TurnedInPlace> push_in_place(uint64_t, std::span<uint8_t>) override { return std::nullopt; }
  bool complete() const override { return missing_bytes_ == 0; }
  uint64_t missing_bytes() const override { return missing_bytes_; }
  void rebase(std::span<uint8_t* const>) override {}

  /// Pushes what has come, in ascending order. Only begin() may follow.
  void replay(SampleState& to, EmitListener* listener) {
    uint64_t at = 0;
    const auto push_until = [&](uint64_t end) {
      if (at < end) to.push(at, {&bytes_[at], end - at}, listener);
    };
    // What is new now are the gaps: between them lies what has come.
    coverage_.add(0, sample_bytes_ / element_bytes_, [&](uint64_t gap_begin, uint64_t gap_end) {
      push_until(gap_begin * element_bytes_);
      at = gap_end * element_bytes_;
    });
    push_until(sample_bytes_);
  }

 private:
  const uint32_t element_bytes_;
  const std::unique_ptr<uint8_t[]> bytes_;
  Coverage coverage_;
  uint64_t sample_bytes_ = 0;
  uint64_t missing_bytes_ = 0;
};

}  // namespace onpath
