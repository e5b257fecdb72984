// Anything at all arrives at a plane that is a host on its port. The first byte of the input says how its
// checksums are mended, so that what lies behind them is reached; frames follow, each behind its length in
// two bytes. Every packet must be accounted for, every buffer come back, and what is answered be well-formed.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "base/big_endian.h"
#include "dataplane/fake_port.h"
#include "dataplane/plane_parts.h"
#include "wire/arp.h"
#include "wire/icmp.h"

namespace {

using namespace onpath;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

LocalHostConfig host() {
  const auto address = [](const char* text) { return parse_address(text).value(); };
  LocalHostConfig config;
  config.addresses = {{address("10.0.0.1"), 96 + 24}, {address("2001:db8::1"), 64}};
  config.gateways = {address("10.0.0.254")};
  config.neighbours = {{address("10.0.0.8"), {2, 0, 0, 0, 0, 8}}};
  config.groups = {address("239.1.1.1"), address("ff15::77")};
  return config;
}

/// Makes the checksums of an untagged IP packet right, as far as its headers can be read.
void mend(std::vector<uint8_t>& frame) {
  if (frame.size() >= 34 && load_be16(&frame[12]) == 0x0800) {
    const size_t header = size_t{frame[14] & 15u} * 4;
    if (header >= 20 && 14 + header <= frame.size()) {
      store_be16(&frame[24], 0);
      store_be16(&frame[24], checksum_fold(checksum_add({&frame[14], header})));
    }
  }
  IpPacket packet;
  if (parse_ip_packet(frame, packet) || packet.payload.size() < 4) return;
  uint8_t* message = frame.data() + (packet.payload.data() - frame.data());
  store_be16(message + 2, 0);
  store_be16(message + 2,
             message_checksum(packet.source, packet.destination, packet.protocol, packet.payload));
}

void check_sent(const std::vector<uint8_t>& frame) {
  require(frame.size() >= 60 && frame.size() <= 2048, "a frame has its length");
  require(is_station(mac_at(&frame[6])), "a frame comes from a station");
  ArpPacket arp;
  IpPacket packet;
  IcmpKind kind = IcmpKind::other;
  if (load_be16(&frame[12]) == kEtherTypeArp) {
    require(!parse_arp(frame, arp), "ARP that is sent is good");
    return;
  }
  require(!parse_ip_packet(frame, packet), "an IP packet that is sent is good");
  if (packet.protocol == kProtocolIgmp) {
    require(checksum_fold(checksum_add(packet.payload)) == 0, "IGMP that is sent has its checksum");
  } else {
    require(!parse_icmp(packet, kind), "ICMP that is sent is good");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  testing::FakePort port;
  const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
  std::copy_n(mac, 6, port.table().mac);
  PlaneConfig config;
  config.ports = {{"p", port.port(), host()}};
  config.idle_after_ns = UINT64_MAX;
  auto built = build_plane(std::move(config));
  require(built.ok(), "the plane builds");
  const auto parts = std::move(built).value();
  Worker& worker = *parts->workers[0];
  const Neighbour* wanted =
      parts->hosts[0]->neighbours.want(parse_address("10.0.0.8").value()).value();  // static: never moves
  const uint64_t where = wanted->load().bits();

  const bool mended = data[0] & 1;
  uint64_t now = 1'000'000'000;
  for (size_t at = 1; at + 2 <= size;) {
    const size_t bytes = std::min<size_t>(load_be16(data + at), size - at - 2);
    std::vector<uint8_t> frame(data + at + 2, data + at + 2 + bytes);
    at += 2 + bytes;
    if (mended) mend(frame);
    if (!frame.empty()) port.arrive(std::move(frame));
    worker.poll_once(now += 700'000'000);
  }
  while (worker.poll_once(now) > 0) {
  }
  worker.finish(now);
  for (const auto& frame : port.sent) check_sent(frame);

  onpath_port_counters counters;
  port.port()->counters(port.port()->self, &counters);
  uint64_t accounted = worker.port_counters(0).control_packets.get();
  for (const Counter& drops : worker.port_counters(0).drops) accounted += drops.get();
  accounted -= worker.port_counters(0).drops[static_cast<size_t>(DropReason::transmit_failed)].get();
  require(counters.rx_packets == accounted, "every packet is accounted for");
  require(port.outstanding == 0, "every buffer came back");
  require(wanted->load().bits() == where, "a static neighbour stays where it is");
  return 0;
}
