// The worker's end of a TextHostSink: segments, filled by the worker, then read by the consumer, never by
// both at a time. Hot path: no allocation, no lock, no system call.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "dataplane/announcer.h"
#include "dataplane/config.h"
#include "dataplane/latency.h"
#include "dataplane/region.h"
#include "dataplane/spsc_ring.h"
#include "dataplane/text_outlet.h"
#include "dataplane/text_sink.h"

namespace onpath {

class TextHostLane final : public TextOutlet {
 public:
  /// `sources`: places in the table of sources. Errors: OUT_OF_MEMORY, LIMIT_EXCEEDED (sizes that overflow).
  static Result<std::unique_ptr<TextHostLane>> make(const TextRouteConfig& config, uint32_t segments,
                                                    uint32_t sources);
  /// Bytes that make() takes, or UINT64_MAX if that overflows.
  static uint64_t bytes_for(const TextRouteConfig& config, uint32_t segments, uint32_t sources);

  /// Times of texts and parts go there, from before the worker starts.
  void measure(std::shared_ptr<RouteLatency> latency) { latency_ = std::move(latency); }

  // Worker's side.

  /// Told when a part is ready; once, before the worker starts.
  void announce_to(Announcer& announcer) { announcer_ = &announcer; }
  void relieved_by(TextRelief& relief) override { relief_ = &relief; }
  uint32_t victim(uint32_t source, uint32_t its_class) const override;
  bool has_room() override;
  void open(OpenText& text, uint32_t index) override;
  bool add(OpenText& text, Stream& stream, std::span<const uint8_t> elements,
           std::span<const TextSpan> spans) override;
  void complete(OpenText& text, Stream& stream) override;
  void abandon(OpenText& text, Stream& stream, DropReason reason) override;

  // Consumer's side.

  bool pop(TextPart& out);
  bool has_ready() const { return !ready_.empty(); }
  /// False if the consumer does not have it.
  bool release(uint32_t head);
  uint32_t slots() const { return static_cast<uint32_t>(segments_.size()); }

 private:
  struct Segment : TextSegment {
    uint32_t next_index = kNone;
    bool taken = false;     // the consumer's
    uint32_t text = kNone;  // the place of the open text that holds it
    TextPart part;          // of the first of a chain
    uint64_t ready_ns = 0;
  };

  TextHostLane(const TextRouteConfig& config, uint32_t segments, uint32_t sources);
  uint32_t take_free(const OpenText& text);
  void leave_text(uint32_t head);
  void push_free(uint32_t head);
  bool next_segment(OpenText& text, const Stream& stream);
  void deliver(OpenText& text, const Stream& stream, bool last, std::optional<DropReason> failed);

  const uint32_t capacity_;  // elements of a segment
  const uint32_t element_bytes_;
  const bool whole_;
  Region memory_;
  std::vector<Segment> segments_;
  uint32_t free_ = kNone;  // a chain
  FairShare shares_;       // of segments that open texts hold
  TextRelief* relief_ = nullptr;
  SpscRing ready_;
  SpscRing released_;
  Announcer* announcer_ = nullptr;
  std::shared_ptr<RouteLatency> latency_;  // null: not measured
};

}  // namespace onpath
