// Any datagram as RTCP: what check_rtcp() takes is walked to its end, every field read, and what can be built
// is built again and read as the same.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "wire/rtcp.h"

namespace {

using namespace onpath;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

void read_nack(const RtcpPacket& packet) {
  std::vector<NackEntry> entries(nack_entries(packet));
  require(!entries.empty(), "a NACK has an entry");
  for (size_t i = 0; i < entries.size(); ++i) entries[i] = nack_entry(packet, i);
  std::vector<uint8_t> built(kNackBytes + kNackEntryBytes * entries.size());
  require(build_nack(built.data(), packet.ssrc, nack_media_ssrc(packet), entries) == built.size(),
          "it is built again");
  require(!check_rtcp(built), "and taken");
  RtcpPacket again;
  require(RtcpWalk(built).next(again) && is_nack(again) && nack_entries(again) == entries.size(),
          "and read as the same");
  require(nack_entry(again, entries.size() - 1).packet == entries.back().packet, "to its last entry");
}

void read_report(const RtcpPacket& packet) {
  if (packet.type == RtcpType::sender_report) {
    std::array<uint8_t, kSenderReportBytes> built;
    build_sender_report(built.data(), packet.ssrc, sender_info(packet));
    require(!check_rtcp(built), "a sender report is built again");
  }
  std::vector<ReportBlock> blocks(report_blocks(packet));
  for (size_t i = 0; i < blocks.size(); ++i) {
    blocks[i] = report_block(packet, i);
    require(blocks[i].packets_lost >= -(1 << 23) && blocks[i].packets_lost < 1 << 23, "24 bits with a sign");
  }
  std::vector<uint8_t> built(kReceiverReportBytes + kReportBlockBytes * blocks.size());
  require(build_receiver_report(built.data(), packet.ssrc, blocks) == built.size() && !check_rtcp(built),
          "a receiver report is built again");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const uint8_t> datagram(data, size);
  if (check_rtcp(datagram)) return 0;
  RtcpWalk walk(datagram);
  size_t packets = 0;
  for (RtcpPacket packet; walk.next(packet); ++packets) {
    require(packet.body.empty() ||
                (packet.body.data() >= data && packet.body.data() + packet.body.size() <= data + size),
            "a packet lies inside its datagram");
    if (is_nack(packet)) read_nack(packet);
    if (packet.type == RtcpType::sender_report || packet.type == RtcpType::receiver_report)
      read_report(packet);
  }
  require(packets > 0, "a compound that is taken has packets");
  return 0;
}
