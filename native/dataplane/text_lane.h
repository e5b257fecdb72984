// What one worker keeps of one route for texts, and the way of an RTP packet through it: allow-list, chunk
// header, stream, open text, its turn, tokenizer, sink. Every packet ends as used or dropped under one
// reason. Hot path: no lock, no system call, and no allocation once buffers have seen their largest run.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/drop_reason.h"
#include "base/result.h"
#include "dataplane/config.h"
#include "dataplane/open_pool.h"
#include "dataplane/route_lane.h"
#include "dataplane/stream_table.h"
#include "dataplane/text_outlet.h"
#include "dataplane/text_version.h"
#include "wire/chunk.h"
#include "wire/rtp.h"

namespace onpath {

/// The open texts of one route on one worker. The state of the text in each place belongs to the version that
/// the text was opened under.
class TextPool : public OpenPool<OpenText> {
 public:
  /// Throws std::bad_alloc.
  TextPool(const TextRouteConfig& config, uint32_t count);
  static uint64_t bytes_for(const TextRouteConfig& config, uint32_t count);
};

class TextLane final : public RouteLane, private TextSink {
 public:
  struct Parts {
    std::unique_ptr<TextPool> texts;
    std::unique_ptr<StreamTable> streams;
    TextVersion* version = nullptr;  // the first one
  };
  TextLane(const RouteConfig& route, uint32_t port, std::unique_ptr<RouteCounters> counters, Parts parts);

  void take(const RtpPacket& rtp, const Endpoint& source, uint64_t time_ns, uint64_t now);
  void tick(uint64_t now) override;
  uint64_t next_tick_ns() override;
  void take_version() override;
  void close() override;
  bool has_open(const Stream& stream, uint32_t timestamp) override {
    return parts_.texts->find(stream, timestamp) != nullptr;
  }
  /// From the control side; the worker takes it by take_version().
  void offer(TextVersion& version) { versions_.offer(version); }

 private:
  /// Where a packet's bytes belong, and what it says of the length.
  struct Chunk {
    uint64_t request_id = 0;
    uint64_t offset = 0;
    std::span<const uint8_t> bytes;
    uint64_t length = OpenText::kUnknown;
  };

  std::optional<DropReason> parse(const RtpPacket& rtp, Chunk& out);
  std::optional<DropReason> contradiction(const OpenText& text, const Chunk& chunk) const;
  bool make_room(DropReason& refusal);
  OpenText& open(Stream& stream, uint32_t timestamp, uint64_t request_id, uint64_t time_ns, uint64_t now);
  void push(OpenText& text, const Chunk& chunk, uint64_t time_ns, uint64_t now);
  void finish(OpenText& text, Stream& stream);
  void close_unfinished(OpenText& text, DropReason reason);
  bool take(std::span<const uint8_t> elements, std::span<const TextSpan> spans) override {
    return text_->version->outlet->add(*text_, *stream_, elements, spans);
  }

  void end(OpenText& text);

  Parts parts_;
  VersionList<TextVersion> versions_;
  const uint32_t digest_;
  const uint64_t window_bytes_;
  // Whose elements take() is given.
  OpenText* text_ = nullptr;
  Stream* stream_ = nullptr;
};

}  // namespace onpath
