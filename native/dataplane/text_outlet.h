// Where a route for texts puts what becomes final: parts for JavaScript, or packets. Hot path: no allocation,
// no lock, no system call.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/drop_reason.h"
#include "dataplane/open_pool.h"
#include "dataplane/waiting_bytes.h"
#include "plan/text_plan.h"

namespace onpath {

struct TextVersion;

/// A text that is being assembled.
struct OpenText : OpenEntry {
  TextVersion* version = nullptr;  // that it was opened under, and ends under
  TextState* state = nullptr;
  std::unique_ptr<WaitingBytes> waiting;
  uint64_t request_id = 0;
  uint64_t first_packet_ns = 0;
  uint64_t last_packet_ns = 0;
  uint64_t deadline_ns = 0;
  uint64_t length = kUnknown;  // of the text, once a packet told
  // What has become final: elements, and the parts that have left.
  uint64_t elements = 0;
  uint32_t parts = 0;
  // Host: the first and last segment that it holds.
  uint32_t head = kNone, tail = kNone;
  // Forward: its staging place, bytes that wait there, bytes that have left, and whether a packet was lost.
  uint8_t* staging = nullptr;
  uint64_t staged = 0;
  uint64_t sent = 0;
  bool send_failed = false;

  static constexpr uint64_t kUnknown = UINT64_MAX;
};

class TextOutlet {
 public:
  virtual ~TextOutlet() = default;
  /// This is a newer version of `before`, which is of the same kind; called once, before the first stream.
  virtual void continue_from(const TextOutlet&) {}
  /// A stream was added to the table.
  virtual void begin_stream(Stream&) {}
  /// Whether another text can be opened.
  virtual bool has_room() = 0;
  /// Only if has_room(). `index`: of the text's place in its pool.
  virtual void open(OpenText& text, uint32_t index) = 0;
  /// The next elements. False: there is no room for them, and the text must be given up.
  virtual bool add(OpenText& text, Stream& stream, std::span<const uint8_t> elements,
                   std::span<const TextSpan> spans) = 0;
  /// All elements have been added.
  virtual void complete(OpenText& text, Stream& stream) = 0;
  /// The text ends early.
  virtual void abandon(OpenText& text, Stream& stream, DropReason reason) = 0;
};

}  // namespace onpath
