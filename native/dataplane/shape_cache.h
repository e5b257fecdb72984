// The plans of a route that takes images of many sizes, on one worker: a fixed table of shapes with the
// states of their samples, and the waiting samples whose plan is still being made. The worker only looks up,
// asks and takes back; plans and states are made and freed by the maker (shape_maker.h), and each place of
// the table belongs to one of them at a time. Worker's side: no allocation, no lock, no system call.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/drop_reason.h"
#include "base/result.h"
#include "dataplane/config.h"
#include "dataplane/sample_pool.h"
#include "dataplane/spsc_ring.h"
#include "dataplane/waiting_sample.h"

namespace onpath {

class ShapeCache {
 public:
  /// A shape that n samples have had is not given up before it has gone unused for n - 1 times this, up to a
  /// minute; and none that a sample has had while there is one that none has. A flood of new shapes must not
  /// drive out those that live traffic has.
  static constexpr uint64_t kHoldNs = 1'000'000'000;
  static constexpr uint64_t kMostHolds = 60;

  /// Throws std::bad_alloc.
  ShapeCache(const ShapesConfig& config, uint32_t open_samples);
  /// The most memory of one cache, or UINT64_MAX if that overflows.
  static uint64_t bytes_for(const ShapesConfig& config, uint32_t open_samples);
  /// Of one shape: its tables, and a state for every sample that may be open.
  static uint64_t shape_bytes(const Plan& plan, uint32_t open_samples);

  // Worker's side.

  bool allows(InputShape shape) const { return family_->allows(shape.width, shape.height); }
  uint64_t sample_bytes(InputShape shape) const { return uint64_t{shape.width} * shape.height * channels_; }
  /// Whether samples of this shape have their plan.
  bool ready(InputShape shape) const;
  /// Why no sample of this shape can be opened now, if so.
  std::optional<DropReason> refusal(InputShape shape, uint64_t now) const;
  /// Gives the sample, whose shape is set, a state: that of its plan, or one that waits for it. Only if
  /// nothing refused it.
  void open(OpenSample& sample, uint64_t now);
  /// The sample ended, complete or not; it loses its state.
  void leave(OpenSample& sample);
  /// The sample's last packet came; if it waits, it stays open until it has been replayed.
  void note_complete(const OpenSample& sample, uint64_t now) {
    ++slots_[sample.slot].completed;
    slots_[sample.slot].last_used_ns = now;
  }
  void note_full(const OpenSample& sample, uint64_t time_ns) { waiting_[sample.waits].full_ns = time_ns; }

  bool all_wait() const { return free_waiting_.empty(); }
  OpenSample* waiting(uint32_t index) { return waiting_[index].sample; }
  uint32_t waiting_places() const { return static_cast<uint32_t>(waiting_.size()); }
  bool any_waits() const { return free_waiting_.size() < waiting_.size(); }
  bool has_news() const { return !made_.empty(); }
  /// Takes what the maker has done.
  void take_back();
  /// Asks again for what found no room, after making some.
  void tick(uint64_t now);
  /// A waiting sample of which it is decided what becomes of it; null: there is none.
  OpenSample* next_decided(bool& has_plan);
  /// Replays the sample, which has its plan now, into `outputs`. Returns when its last packet came, 0 if it
  /// is still to come.
  uint64_t adopt(OpenSample& sample, std::span<uint8_t* const> outputs, EmitListener* listener);

  // Maker's side.

  bool has_requests() const { return !requests_.empty(); }
  /// Carries out one request. False if there is none.
  bool make_next();

 private:
  enum class Place : uint8_t {
    empty,
    making,   // the maker has it
    ready,    // samples can be opened
    no_room,  // a plan there is, but the states of other shapes take the memory
    refused,  // there is no plan, or no memory for it; samples that waited for it are about to end
    freeing,  // the maker has it
  };
  enum class Outcome : uint8_t { ready, no_room, refused, out_of_memory, freed };

  struct Slot {
    InputShape shape;
    Place place = Place::empty;
    uint32_t open_samples = 0;
    uint64_t completed = 0;  // samples of this shape since it came
    uint64_t last_used_ns = 0;
    // The maker's while it has the place.
    Outcome outcome = Outcome::freed;
    uint64_t bytes = 0;  // that it takes, or would take
    ProgramPtr program;
    std::vector<std::unique_ptr<SampleState>> states;
    std::vector<SampleState*> free_states;  // a stack: the state used last is the one in the caches
  };
  struct Waiting {
    std::unique_ptr<WaitingSample> bytes;
    OpenSample* sample = nullptr;
    uint64_t full_ns = 0;  // when its last packet came
  };

  Slot* find(InputShape shape);
  const Slot* find(InputShape shape) const { return const_cast<ShapeCache*>(this)->find(shape); }
  bool was_refused(InputShape shape) const;
  /// The place that is given up first, or null.
  const Slot* victim(uint64_t now, bool empty_too) const;
  uint32_t index_of(const Slot& slot) const { return static_cast<uint32_t>(&slot - slots_.data()); }
  void request(Slot& slot, Place as);
  void left(Slot& slot);

  Outcome make(Slot& slot);
  void free_plan(Slot& slot);

  const PlanFamilyPtr family_;
  const uint64_t budget_;
  const uint32_t channels_;
  const uint32_t state_count_;  // of each shape
  std::vector<Slot> slots_;
  std::vector<Waiting> waiting_;
  std::vector<uint32_t> free_waiting_;
  std::vector<InputShape> refused_;  // the last ones that have no plan, as a ring
  uint32_t next_refused_ = 0;
  SpscRing requests_;
  SpscRing made_;
  uint64_t held_bytes_ = 0;  // maker's: of all shapes that have states
};

}  // namespace onpath
