// What every streaming stage is to the program that runs it. A stage knows tables and kernels; it must not
// know plans, packets, or where its input comes from.
//   Stage       immutable, bound to kernels, shared by all samples
//   StageState  the memory of one sample inside one stage; taken once, reused for sample after sample
// The path of bytes (begin, take) takes no lock, allocates nothing, makes no system call and logs nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace onpath {

/// Where a stage's output goes: the next stage, or the placed output. Offsets count in the stage's serialized
/// output.
class Downstream {
 public:
  virtual ~Downstream() = default;
  /// Any cut, any order, every byte at most once per sample. `bytes` is read before the call returns.
  virtual void take(uint64_t offset, std::span<const uint8_t> bytes) = 0;
};

/// The mutable side of one stage for one sample.
class StageState : public Downstream {
 public:
  /// Starts a sample, whatever became of the last one; output that depends on no input goes downstream here.
  virtual void begin(Downstream& next) = 0;
};

/// A stage in the middle of a chain: 8-bit interleaved pixels in, 8-bit interleaved pixels out. It refers to
/// the step that it was made from, which must outlive it.
class Stage {
 public:
  virtual ~Stage() = default;
  /// Throws std::bad_alloc.
  virtual std::unique_ptr<StageState> make_state() const = 0;
  /// The same for a chain whose input comes in whole pixel groups only, as packets bring it.
  virtual std::unique_ptr<StageState> make_state_for_whole_groups() const { return make_state(); }
};

/// Told of every run of bytes that the last stage has placed.
class PlacedListener {
 public:
  virtual ~PlacedListener() = default;
  virtual void placed(uint64_t offset, uint64_t bytes) = 0;
};

/// What is known of bytes that were turned into output where they lie.
struct TurnedInPlace {
  /// Their ones' complement sum (RFC 1071; words in network order, folded), if it fell out on the way.
  std::optional<uint16_t> sum;
};

/// The last stage's state: writes into memory that the caller owns.
class PlaceState : public StageState {
 public:
  /// Later bytes go to `output` and are told to `listener`, which may be null.
  virtual void place_at(uint8_t* output, PlacedListener* listener) = 0;
  /// Only if the step can work in place: instead of take(), the bytes become the output bytes of the same
  /// offsets, and nobody is told. Whole pixels where channels change places.
  virtual TurnedInPlace turn_in_place(uint64_t offset, std::span<uint8_t> bytes) = 0;
};

}  // namespace onpath
