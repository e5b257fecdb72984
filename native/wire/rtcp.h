// RTCP: compound packets (RFC 3550 section 6) and reduced-size ones (RFC 5506). Sender and receiver reports
// and generic NACKs (RFC 4585 section 6.2.1) are read and built; SDES, BYE, APP and other feedback are
// skipped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/big_endian.h"
#include "base/drop_reason.h"

namespace onpath {

/// RFC 3550 section 12.1, RFC 4585 section 6.1.
enum class RtcpType : uint8_t {
  sender_report = 200,
  receiver_report = 201,
  source_description = 202,
  bye = 203,
  transport_feedback = 205,
};
inline constexpr uint8_t kGenericNack = 1;  // feedback message type

/// One packet of a compound.
struct RtcpPacket {
  RtcpType type{};                // may be none of those named
  uint8_t count = 0;              // report blocks, sources, or the feedback message type
  uint32_t ssrc = 0;              // of whom it comes from; 0 if it has none
  std::span<const uint8_t> body;  // behind that, without padding
};

/// What stands behind the SSRC of a sender report. RFC 3550 section 6.4.1.
struct SenderInfo {
  uint64_t ntp = 0;  // seconds since 1900 in 32.32
  uint32_t rtp_timestamp = 0;
  uint32_t packets = 0;
  uint32_t octets = 0;  // of payload
};

/// RFC 3550 section 6.4.1.
struct ReportBlock {
  uint32_t ssrc = 0;          // of whom it speaks
  uint8_t fraction_lost = 0;  // of 256, since the report before
  int32_t packets_lost = 0;   // 24 bits with a sign
  uint32_t highest_sequence = 0;
  uint32_t jitter = 0;              // in units of the media clock
  uint32_t last_sender_report = 0;  // the middle 32 bits of its NTP time; 0: none came
  uint32_t delay_since = 0;         // since it came, in 1/65536 s
};

/// One loss by its sequence number, and which of the 16 behind it were lost too, the next in bit 0.
struct NackEntry {
  uint16_t packet = 0;
  uint16_t following = 0;
};

inline constexpr size_t kSenderReportBytes = 28;   // without report blocks
inline constexpr size_t kReceiverReportBytes = 8;  // without report blocks
inline constexpr size_t kReportBlockBytes = 24;
inline constexpr size_t kNackBytes = 12;  // without entries
inline constexpr size_t kNackEntryBytes = 4;

/// bad_rtcp, or nothing: RtcpWalk may be given the datagram.
std::optional<DropReason> check_rtcp(std::span<const uint8_t> datagram);

/// The packets of a compound that check_rtcp() took, one by one.
class RtcpWalk {
 public:
  explicit RtcpWalk(std::span<const uint8_t> compound) : rest_(compound) {}
  bool next(RtcpPacket& out);

 private:
  std::span<const uint8_t> rest_;
};

/// Of a sender report.
SenderInfo sender_info(const RtcpPacket& report);
/// Of a sender or receiver report.
size_t report_blocks(const RtcpPacket& packet);
ReportBlock report_block(const RtcpPacket& packet, size_t index);
/// Whether it is a generic NACK; then its media source and entries.
bool is_nack(const RtcpPacket& packet);
uint32_t nack_media_ssrc(const RtcpPacket& nack);
size_t nack_entries(const RtcpPacket& nack);
NackEntry nack_entry(const RtcpPacket& nack, size_t index);

/// Each writes one packet and returns its bytes. At most 31 blocks.
size_t build_sender_report(uint8_t* out, uint32_t ssrc, const SenderInfo& info);
size_t build_receiver_report(uint8_t* out, uint32_t ssrc, std::span<const ReportBlock> blocks);
size_t build_nack(uint8_t* out, uint32_t ssrc, uint32_t media_ssrc, std::span<const NackEntry> entries);
/// A source description with a CNAME of at most 255 bytes (RFC 3550 section 6.5.1), which every compound has.
size_t build_cname(uint8_t* out, uint32_t ssrc, std::string_view cname);
constexpr size_t cname_bytes(size_t cname) { return 4 + (4 + 2 + cname + 1 + 3) / 4 * 4; }

}  // namespace onpath
