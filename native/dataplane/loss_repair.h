// What one route on one worker tells the senders of its streams: which packets it misses (RTCP generic NACK,
// RFC 4585 section 6.2.1) and how many were lost (receiver reports, RFC 3550 section 6.4.2). Only sources
// that the configuration lists are told anything, at a bounded rate. Hot path: in order, a packet costs a
// compare and an add; no allocation, no lock, no system call.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "dataplane/config.h"
#include "dataplane/counters.h"
#include "dataplane/host_addresses.h"
#include "dataplane/lost_packets.h"
#include "dataplane/rate_limit.h"
#include "dataplane/source_list.h"
#include "dataplane/stream_table.h"
#include "dataplane/transmit_queue.h"
#include "wire/frame.h"
#include "wire/rtcp.h"
#include "wire/rtp.h"

namespace onpath {

class RouteLane;

class LossRepair {
 public:
  struct Parts {
    StreamTable* streams;
    const onpath_port* port;    // of the route; feedback leaves by
    TransmitQueue* queue;       // its queue of this worker
    const HostAddresses* host;  // null: the port has no addresses of its own
    RouteCounters* counters;
    uint32_t ssrc;  // of our own, as who reports
  };
  /// Errors: INVALID_SPEC (the port sends too little at a time).
  static Result<std::unique_ptr<LossRepair>> make(const RouteConfig& route, const Parts& parts);
  static uint64_t bytes_for(const RouteConfig& route);

  /// A packet that is about to be taken: what is read of it now, for its bytes may leave meanwhile.
  void arriving(const onpath_packet& packet, const Datagram& datagram, const RtpPacket& rtp);
  /// It has been taken: of which stream, if the route follows it.
  void taken(uint64_t now);
  /// The next packet of a stream that a flow cache knows, so that taken() was told of one before.
  void next(uint32_t stream, uint32_t sequence, uint32_t timestamp, bool marker, uint64_t now) {
    StreamLoss& loss = losses_[stream];
    if (sequence == loss.highest + 1 && timestamp == loss.timestamp && loss.lost.none() && loss.active)
        [[likely]] {
      loss.highest = sequence;
      ++loss.received;
      loss.marker = marker;
      loss.last_packet_ns = now;
    } else if (loss.feedback) {
      follow(stream, {sequence, timestamp, marker}, now);
    }
  }
  /// A sender report came. False: of no stream that is followed.
  bool take_sender_report(uint32_t ssrc, const Endpoint& source, uint64_t ntp, uint64_t now);

  /// Asks and reports what is due.
  void tick(uint64_t now, RouteLane& lane);
  uint64_t next_tick_ns() const { return next_due_ns_; }

 private:
  static constexpr size_t kMostEntries = 64;  // of one NACK
  static constexpr uint64_t kMostWaitNs = 200'000'000;

  /// One stream as its sender is told of it.
  struct StreamLoss {
    StreamKey key;
    bool known = false;
    bool feedback = false;  // its source may be told
    bool active = false;    // in active_
    bool has_restart = false;
    bool marker = false;             // of the packet with the highest number
    uint32_t highest = 0, base = 0;  // extended sequence numbers
    uint32_t restart_at = 0;         // RFC 3550 appendix A.1: the next of a jump that may be a restart
    uint32_t timestamp = 0;          // of the packet with the highest number
    uint64_t received = 0;
    uint64_t last_packet_ns = 0;
    uint64_t expected_before = 0, received_before = 0;  // as of the last report
    uint64_t next_report_ns = 0;
    uint32_t jitter = 0;  // times 16
    uint32_t transit = 0;
    uint32_t sender_report = 0;  // middle of its NTP time; 0: none
    uint64_t sender_report_ns = 0;
    uint64_t round_trip_ns = 0, round_trip_varies_ns = 0;  // smoothed; 0: not measured yet
    uint32_t tail_asked = 0;
    uint32_t tail_highest = 0;  // when it was asked
    uint64_t tail_due_ns = 0;
    RateLimit limit;
    MacAddress mac{};
    Endpoint own, peer;
    LostPackets lost;
  };
  /// What of a packet's header matters here; the sequence number is extended.
  struct Numbers {
    uint32_t sequence = 0, timestamp = 0;
    bool marker = false;
  };
  /// The packet between arriving() and taken().
  struct Arriving {
    Numbers numbers;
    uint32_t ssrc = 0;
    uint32_t before = 0;      // packets of its sample that come before it, about
    bool answerable = false;  // it is known where an answer goes
    Endpoint source, destination;
    MacAddress mac{};
  };
  struct Entries {
    std::array<NackEntry, kMostEntries> entries;
    size_t count = 0;
    uint64_t packets = 0;
  };

  LossRepair(const RouteConfig& route, const Parts& parts);
  uint32_t packets_before(std::span<const uint8_t> payload) const;
  void begin(uint32_t index, const StreamKey& key, uint64_t now);
  static void restart(StreamLoss& loss, const Numbers& numbers);
  void follow(uint32_t index, const Numbers& numbers, uint64_t now);
  void note_transit(StreamLoss& loss, uint32_t timestamp, uint64_t now);
  void note_round_trip(StreamLoss& loss, uint64_t ns);
  void activate(uint32_t index, uint64_t due);
  uint64_t serve(uint32_t index, uint64_t now, RouteLane& lane);
  uint64_t ask_for_gaps(StreamLoss& loss, const Stream& stream, uint64_t now);
  uint64_t ask_for_tail(StreamLoss& loss, uint64_t now);
  uint64_t report(StreamLoss& loss, uint64_t now);
  uint64_t wait_after(const StreamLoss& loss, uint32_t asked) const;
  bool is_awaited(const Gap& gap, const Stream& stream, uint64_t now) const;
  static bool add_entry(Entries& entries, uint32_t sequence, size_t most);
  bool send_nack(StreamLoss& loss, Entries& entries, uint64_t now);
  bool may_send(StreamLoss& loss, uint64_t now);
  uint8_t* begin_packet();
  void send_packet(const StreamLoss& loss, size_t bytes);

  const RepairConfig config_;
  const SourceList feedback_;
  const Parts parts_;
  const bool chunks_;
  const bool interleaves_;  // packets of several samples of a stream may alternate
  const uint64_t deadline_ns_;
  const uint32_t window_, most_gaps_;
  const std::string cname_;
  size_t most_entries_ = kMostEntries;
  RateLimit limit_;
  Arriving arriving_;
  std::unique_ptr<StreamLoss[]> losses_;  // by stream
  std::unique_ptr<uint64_t[]> words_;
  std::unique_ptr<Gap[]> gaps_;
  std::unique_ptr<uint32_t[]> active_;  // streams that something is to be done for
  uint32_t active_count_ = 0;
  uint64_t next_due_ns_ = UINT64_MAX;
  uint16_t identification_ = 0;
  onpath_packet* building_ = nullptr;
  RouteCounters own_packets_;  // a transmit queue counts by route; these are nobody's
};

}  // namespace onpath
