// The worker's end of a TextHostSink: segments, filled by the worker, then read by the consumer, never by
// both at a time. Hot path: no allocation, no lock, no system call.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "dataplane/announcer.h"
#include "dataplane/config.h"
#include "dataplane/region.h"
#include "dataplane/spsc_ring.h"
#include "dataplane/text_outlet.h"
#include "dataplane/text_sink.h"

namespace onpath {

class TextHostLane final : public TextOutlet {
 public:
  /// Errors: OUT_OF_MEMORY, LIMIT_EXCEEDED (sizes that overflow).
  static Result<std::unique_ptr<TextHostLane>> make(const TextRouteConfig& config, uint32_t segments);
  /// Bytes that make() takes, or UINT64_MAX if that overflows.
  static uint64_t bytes_for(const TextRouteConfig& config, uint32_t segments);

  // Worker's side.

  /// Told when a part is ready; once, before the worker starts.
  void announce_to(Announcer& announcer) { announcer_ = &announcer; }
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
    bool taken = false;  // the consumer's
    TextPart part;       // of the first of a chain
  };

  TextHostLane(const TextRouteConfig& config, uint32_t segments);
  uint32_t take_free();
  void push_free(uint32_t head);
  bool next_segment(OpenText& text, const Stream& stream);
  void deliver(OpenText& text, const Stream& stream, bool last, std::optional<DropReason> failed);

  const uint32_t capacity_;  // elements of a segment
  const uint32_t element_bytes_;
  const bool whole_;
  Region memory_;
  std::vector<Segment> segments_;
  uint32_t free_ = kNone;  // a chain
  SpscRing ready_;
  SpscRing released_;
  Announcer* announcer_ = nullptr;
};

}  // namespace onpath
