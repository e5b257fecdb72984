// RTCP packets. Edges out of check_rtcp: a good compound, or bad_rtcp.
#include "wire/rtcp.h"

#include <algorithm>
#include <cstring>

namespace onpath {
namespace {

using Bytes = std::span<const uint8_t>;

constexpr size_t kHeaderBytes = 4;
constexpr uint8_t kLeastFirstType = 200, kLeastFeedback = 204, kMostFeedback = 207;

size_t packet_bytes(const uint8_t* packet) { return (size_t{load_be16(packet + 2)} + 1) * 4; }

/// The bytes that a packet of this type and count has at least, header included.
size_t least_bytes(uint8_t type, uint8_t count) {
  switch (static_cast<RtcpType>(type)) {
    case RtcpType::sender_report:
      return kSenderReportBytes + count * kReportBlockBytes;
    case RtcpType::receiver_report:
      return kReceiverReportBytes + count * kReportBlockBytes;
    case RtcpType::bye:
      return kHeaderBytes + size_t{count} * 4;
    case RtcpType::transport_feedback:
      // RFC 4585 section 6.2.1: a generic NACK has at least one entry.
      return kNackBytes + (count == kGenericNack ? kNackEntryBytes : 0);
    default:
      return kHeaderBytes;
  }
}

void put_header(uint8_t* out, uint8_t count, RtcpType type, size_t bytes) {
  out[0] = static_cast<uint8_t>(2 << 6 | count);
  out[1] = static_cast<uint8_t>(type);
  store_be16(out + 2, static_cast<uint16_t>(bytes / 4 - 1));
}

}  // namespace

std::optional<DropReason> check_rtcp(Bytes datagram) {
  // RFC 3550 appendix A.2 and RFC 5506 section 3.4.2: the first packet is a report, unless the compound was
  // reduced to feedback.
  if (datagram.size() < kHeaderBytes) return DropReason::bad_rtcp;
  const uint8_t first = datagram[1];
  const bool begins_well = first == kLeastFirstType || first == kLeastFirstType + 1 ||
                           (first >= kLeastFeedback && first <= kMostFeedback);
  if (!begins_well) return DropReason::bad_rtcp;
  for (Bytes rest = datagram; !rest.empty();) {
    // RFC 3550 section 6.4.1: version 2; the length counts 32-bit words less one, and the packets of a
    // compound fill the datagram.
    if (rest.size() < kHeaderBytes || rest[0] >> 6 != 2) return DropReason::bad_rtcp;
    const size_t bytes = packet_bytes(rest.data());
    if (bytes > rest.size()) return DropReason::bad_rtcp;
    size_t padding = 0;
    if ((rest[0] & 0x20) != 0) {
      // Only the last packet has padding; its last octet counts it, itself included, in whole words.
      padding = rest[bytes - 1];
      if (bytes != rest.size() || padding == 0 || padding % 4 != 0 || padding > bytes - kHeaderBytes)
        return DropReason::bad_rtcp;
    }
    if (bytes - padding < least_bytes(rest[1], rest[0] & 0x1f)) return DropReason::bad_rtcp;
    rest = rest.subspan(bytes);
  }
  return std::nullopt;
}

bool RtcpWalk::next(RtcpPacket& out) {
  if (rest_.empty()) return false;
  const size_t bytes = packet_bytes(rest_.data());
  const size_t padding = (rest_[0] & 0x20) != 0 ? rest_[bytes - 1] : 0;
  Bytes body = rest_.subspan(kHeaderBytes, bytes - kHeaderBytes - padding);
  out.count = rest_[0] & 0x1f;
  out.type = static_cast<RtcpType>(rest_[1]);
  out.ssrc = 0;
  if (body.size() >= 4) {
    out.ssrc = load_be32(body.data());
    body = body.subspan(4);
  }
  out.body = body;
  rest_ = rest_.subspan(bytes);
  return true;
}

SenderInfo sender_info(const RtcpPacket& report) {
  const uint8_t* at = report.body.data();
  return {load_be64(at), load_be32(at + 8), load_be32(at + 12), load_be32(at + 16)};
}

size_t report_blocks(const RtcpPacket& packet) {
  const bool reports = packet.type == RtcpType::sender_report || packet.type == RtcpType::receiver_report;
  return reports ? packet.count : 0;
}

ReportBlock report_block(const RtcpPacket& packet, size_t index) {
  const size_t before = packet.type == RtcpType::sender_report ? kSenderReportBytes - 8 : 0;
  const uint8_t* at = packet.body.data() + before + index * kReportBlockBytes;
  ReportBlock block;
  block.ssrc = load_be32(at);
  block.fraction_lost = at[4];
  block.packets_lost = static_cast<int32_t>(load_be32(at + 4) << 8) >> 8;
  block.highest_sequence = load_be32(at + 8);
  block.jitter = load_be32(at + 12);
  block.last_sender_report = load_be32(at + 16);
  block.delay_since = load_be32(at + 20);
  return block;
}

bool is_nack(const RtcpPacket& packet) {
  return packet.type == RtcpType::transport_feedback && packet.count == kGenericNack;
}

uint32_t nack_media_ssrc(const RtcpPacket& nack) { return load_be32(nack.body.data()); }

size_t nack_entries(const RtcpPacket& nack) { return (nack.body.size() - 4) / kNackEntryBytes; }

NackEntry nack_entry(const RtcpPacket& nack, size_t index) {
  const uint8_t* at = nack.body.data() + 4 + index * kNackEntryBytes;
  return {load_be16(at), load_be16(at + 2)};
}

size_t build_sender_report(uint8_t* out, uint32_t ssrc, const SenderInfo& info) {
  put_header(out, 0, RtcpType::sender_report, kSenderReportBytes);
  store_be32(out + 4, ssrc);
  store_be64(out + 8, info.ntp);
  store_be32(out + 16, info.rtp_timestamp);
  store_be32(out + 20, info.packets);
  store_be32(out + 24, info.octets);
  return kSenderReportBytes;
}

size_t build_receiver_report(uint8_t* out, uint32_t ssrc, std::span<const ReportBlock> blocks) {
  const size_t bytes = kReceiverReportBytes + blocks.size() * kReportBlockBytes;
  put_header(out, static_cast<uint8_t>(blocks.size()), RtcpType::receiver_report, bytes);
  store_be32(out + 4, ssrc);
  uint8_t* at = out + kReceiverReportBytes;
  for (const ReportBlock& block : blocks) {
    constexpr int32_t kMostLost = 0x7fffff;  // RFC 3550 appendix A.3: clamped to 24 bits with a sign
    const int32_t lost = std::clamp(block.packets_lost, -kMostLost - 1, kMostLost);
    store_be32(at, block.ssrc);
    store_be32(at + 4, uint32_t{block.fraction_lost} << 24 | (static_cast<uint32_t>(lost) & 0xffffff));
    store_be32(at + 8, block.highest_sequence);
    store_be32(at + 12, block.jitter);
    store_be32(at + 16, block.last_sender_report);
    store_be32(at + 20, block.delay_since);
    at += kReportBlockBytes;
  }
  return bytes;
}

size_t build_nack(uint8_t* out, uint32_t ssrc, uint32_t media_ssrc, std::span<const NackEntry> entries) {
  const size_t bytes = kNackBytes + entries.size() * kNackEntryBytes;
  put_header(out, kGenericNack, RtcpType::transport_feedback, bytes);
  store_be32(out + 4, ssrc);
  store_be32(out + 8, media_ssrc);
  uint8_t* at = out + kNackBytes;
  for (const NackEntry& entry : entries) {
    store_be16(at, entry.packet);
    store_be16(at + 2, entry.following);
    at += kNackEntryBytes;
  }
  return bytes;
}

size_t build_cname(uint8_t* out, uint32_t ssrc, std::string_view cname) {
  constexpr uint8_t kCname = 1;
  const size_t bytes = cname_bytes(cname.size());
  // Behind the item at least one zero octet ends the list and fills the word.
  std::memset(out, 0, bytes);
  put_header(out, 1, RtcpType::source_description, bytes);
  store_be32(out + 4, ssrc);
  out[8] = kCname;
  out[9] = static_cast<uint8_t>(cname.size());
  std::memcpy(out + 10, cname.data(), cname.size());
  return bytes;
}

}  // namespace onpath
