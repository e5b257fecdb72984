#include "dataplane/capture_writer.h"

#include <algorithm>
#include <utility>

#include "dataplane/saturating.h"

namespace onpath {
namespace {

Endpoint endpoint_of(const onpath_endpoint& from) {
  Endpoint endpoint;
  std::copy_n(from.address, 16, endpoint.address.bytes.begin());
  endpoint.port = from.port;
  return endpoint;
}

}  // namespace

CaptureWriter::CaptureWriter(const CaptureConfig& config, pcapng::Interface interface, bool datagrams,
                             std::vector<std::unique_ptr<CaptureTap>> taps, uint64_t start_ns,
                             int64_t epoch_offset_ns)
    : max_packets_(config.max_packets),
      max_bytes_(config.max_bytes),
      end_ns_(plus(start_ns, config.max_ns)),
      start_ns_(start_ns),
      snap_length_(config.snap_length),
      datagrams_(datagrams),
      epoch_offset_ns_(epoch_offset_ns),
      taps_(std::move(taps)) {
  interface.link_type = datagrams ? pcapng::kLinkTypeRaw : pcapng::kLinkTypeEthernet;
  interface.snap_length = snap_length_;
  if (datagrams) {
    interface.description +=
        ". Its packets are UDP payloads; the IP and UDP headers in front of them were written by the capture";
  }
  pcapng::add_section_header(header_, "onpath");
  pcapng::add_interface(header_, interface);
  bytes_ = header_.size();
}

/// The tap whose oldest packet came first, or null: none waits.
CaptureTap* CaptureWriter::oldest(CapturedPacket& packet, const uint8_t*& bytes) {
  CaptureTap* first = nullptr;
  for (const auto& tap : taps_) {
    CapturedPacket candidate;
    const uint8_t* at = nullptr;
    if (!tap->ring().front(candidate, at)) continue;
    if (first != nullptr && candidate.time_ns >= packet.time_ns) continue;
    first = tap.get();
    packet = candidate;
    bytes = at;
  }
  return first;
}

bool CaptureWriter::waits() {
  CapturedPacket packet;
  const uint8_t* bytes = nullptr;
  return oldest(packet, bytes) != nullptr;
}

bool CaptureWriter::write(pcapng::Bytes& to, size_t most, uint64_t now) {
  to.insert(to.end(), header_.begin(), header_.end());
  header_.clear();
  CapturedPacket packet;
  const uint8_t* bytes = nullptr;
  bool goes_on = !final_missed_ && now < end_ns_ && packets_ < max_packets_;
  while (goes_on && to.size() < most) {
    CaptureTap* const tap = oldest(packet, bytes);
    if (tap == nullptr) return true;
    goes_on = add(to, packet, bytes);
    tap->ring().pop();
  }
  if (!goes_on && !final_missed_) final_missed_ = missed();
  return goes_on;
}

/// False if this was the last one that the bounds allow, or one too many.
bool CaptureWriter::add(pcapng::Bytes& to, const CapturedPacket& packet, const uint8_t* bytes) {
  std::span<const uint8_t> captured(bytes, packet.captured);
  uint32_t length = packet.length;
  if (datagrams_) {
    const Endpoint source = endpoint_of(packet.source);
    const size_t headers = pcapng::ip_udp_bytes(source.address.is_v4());
    scratch_.resize(headers);
    pcapng::write_ip_udp(scratch_.data(), source, endpoint_of(packet.destination), captured, length);
    scratch_.insert(scratch_.end(), captured.begin(), captured.end());
    length += static_cast<uint32_t>(headers);
    captured = std::span<const uint8_t>(scratch_).first(std::min<size_t>(scratch_.size(), snap_length_));
  }
  const uint64_t at_most = pcapng::packet_block_bytes(captured.size()) + pcapng::kStatisticsBlockBytes;
  if (at_most > max_bytes_ || bytes_ > max_bytes_ - at_most) return false;
  const size_t before = to.size();
  pcapng::add_packet(to, {0, epoch(packet.time_ns), captured, length, packet.missed});
  bytes_ += to.size() - before;
  return ++packets_ < max_packets_;
}

uint64_t CaptureWriter::missed() const {
  if (final_missed_) return *final_missed_;
  uint64_t missed = 0;
  for (const auto& tap : taps_) missed += tap->missed();
  return missed;
}

void CaptureWriter::end(pcapng::Bytes& to, uint64_t now) {
  to.insert(to.end(), header_.begin(), header_.end());
  header_.clear();
  final_missed_ = missed();
  const size_t before = to.size();
  pcapng::add_statistics(to, {0, epoch(start_ns_), epoch(now), packets_ + *final_missed_, *final_missed_});
  bytes_ += to.size() - before;
  taps_.clear();
}

}  // namespace onpath
