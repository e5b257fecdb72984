// What the tests of loss repair share: routes that ask, feedback as its receiver reads it, and RTCP to order.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <vector>

#include "dataplane/plane_testing.h"
#include "dataplane/stepped_plane.h"
#include "wire/rtcp.h"

namespace onpath::testing {

inline IpPrefix prefix(const std::string& text) { return must(parse_prefix(text)); }

inline RouteConfig repaired(RouteConfig route, const std::string& listed = "10.0.0.0/24") {
  route.repair.emplace();
  route.repair->feedback = {prefix(listed)};
  return route;
}

/// A datagram of feedback, read.
struct Heard {
  Endpoint source, destination;
  uint32_t media_ssrc = 0;
  std::vector<uint16_t> asked;  // of the NACKs in it
  std::vector<ReportBlock> reports;
};

inline std::optional<Heard> heard_of(const Datagram& datagram) {
  if (check_rtcp(datagram.payload)) return std::nullopt;
  Heard heard;
  heard.source = datagram.source;
  heard.destination = datagram.destination;
  RtcpWalk walk(datagram.payload);
  size_t packets = 0;
  for (RtcpPacket packet; walk.next(packet); ++packets) {
    // RFC 3550 section 6.1: a report first, and a name.
    if (packets < 2) {
      EXPECT_EQ(packet.type, packets == 0 ? RtcpType::receiver_report : RtcpType::source_description);
    }
    for (size_t i = 0; i < report_blocks(packet); ++i) heard.reports.push_back(report_block(packet, i));
    if (!is_nack(packet)) continue;
    heard.media_ssrc = nack_media_ssrc(packet);
    for (size_t i = 0; i < nack_entries(packet); ++i) {
      const NackEntry entry = nack_entry(packet, i);
      heard.asked.push_back(entry.packet);
      for (uint32_t bit = 0; bit < 16; ++bit) {
        if (entry.following >> bit & 1) heard.asked.push_back(static_cast<uint16_t>(entry.packet + bit + 1));
      }
    }
  }
  EXPECT_GE(packets, 2u);
  return heard;
}

/// All feedback that left by a port since the last time.
inline std::vector<Heard> heard_by(FakePort& port) {
  std::vector<Heard> all;
  for (size_t i = 0; i < port.sent.size(); ++i) {
    Datagram datagram;
    if (port.port()->framing == ONPATH_FRAMING_ETHERNET) {
      EXPECT_FALSE(parse_frame(port.sent[i], {}, datagram)) << "feedback is well-formed";
    } else {
      std::copy_n(port.sent_to[i].address, 16, datagram.destination.address.bytes.begin());
      datagram.destination.port = port.sent_to[i].port;
      datagram.payload = port.sent[i];
    }
    const auto heard = heard_of(datagram);
    EXPECT_TRUE(heard) << "feedback is RTCP";
    if (heard) all.push_back(*heard);
  }
  port.sent.clear();
  port.sent_to.clear();
  return all;
}

inline std::vector<uint16_t> asked_of(FakePort& port) {
  std::vector<uint16_t> asked;
  for (const Heard& heard : heard_by(port)) asked.insert(asked.end(), heard.asked.begin(), heard.asked.end());
  return asked;
}

inline Bytes nack_of(uint32_t media_ssrc, std::vector<NackEntry> entries) {
  Bytes bytes(kNackBytes + kNackEntryBytes * entries.size());
  build_nack(bytes.data(), 77, media_ssrc, entries);
  return bytes;
}

}  // namespace onpath::testing
