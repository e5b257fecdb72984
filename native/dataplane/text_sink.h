// Texts on their way to JavaScript: token ids (or bytes) in segments of a pool. A part is one segment, or all
// those of a text, in a chain.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/drop_reason.h"
#include "dataplane/host_sink.h"
#include "plan/text_plan.h"

namespace onpath {

struct TextSegment {
  uint8_t* elements = nullptr;  // of the plan's kind
  TextSpan* spans = nullptr;    // null if the plan has no offsets
  uint32_t count = 0;           // elements
  const TextSegment* next = nullptr;
};

/// Valid until release(handle).
struct TextPart {
  uint64_t handle = 0;
  const TextSegment* first = nullptr;
  uint64_t count = 0;          // elements of all segments
  uint64_t first_element = 0;  // how many of the text came before
  uint32_t index = 0;          // of this part in its text
  bool last = false;           // the text ends with it
  /// With `last`: the text ended early, after other parts had left.
  std::optional<DropReason> failed;
  SampleInfo info;
  uint64_t version = 0;            // of the route: the text was opened under this one
  const TextPlan* plan = nullptr;  // the version's
};

/// The consumer's side. Outlives the plane while a consumer holds it. One consumer thread at a time.
class TextHostSink {
 public:
  virtual ~TextHostSink() = default;
  /// The next part; false if there is none now.
  virtual bool next(TextPart& out) = 0;
  /// Gives its segments back; each part exactly once.
  virtual void release(uint64_t handle) = 0;
  /// As HostSink::on_ready().
  virtual void on_ready(void (*notify)(void*), void* context) = 0;
  /// Of the newest version of the route.
  virtual TextPlanPtr plan() const = 0;
};

}  // namespace onpath
