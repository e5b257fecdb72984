// Reads a packet's headers by itself: a NIC cannot be checked with what it said.
#include "dpdk/offload/evidence.h"

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_mbuf_dyn.h>
#include <time.h>

#include <cstring>

namespace onpath::dpdk {
namespace {

constexpr uint16_t kIpv4 = 0x0800, kIpv6 = 0x86dd, kArp = 0x0806, kVlan = 0x8100, kServiceVlan = 0x88a8;
constexpr uint8_t kUdp = 17;
constexpr uint64_t kOldestNs = 60'000'000'000;  // in a queue
constexpr uint64_t kAheadNs = 5'000'000;        // that the two clocks may differ

struct Headers {
  bool ip = false, v4 = false, arp = false, udp = false, whole = false;
  const uint8_t* ip_header = nullptr;
  uint32_t ip_bytes = 0;   // of the header
  uint32_t udp_bytes = 0;  // of header and payload, if `whole`
  const uint8_t* udp_header = nullptr;
  uint16_t destination = 0, source_port = 0;
  uint8_t source[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
};

uint16_t word(const uint8_t* at) { return static_cast<uint16_t>(at[0] << 8 | at[1]); }

/// As far as they lie in the first segment.
Headers read(const rte_mbuf& m) {
  Headers headers;
  const auto* data = rte_pktmbuf_mtod(&m, const uint8_t*);
  uint32_t at = 12;
  const uint32_t end = m.data_len;
  if (end < 14) return headers;
  uint16_t type = word(data + at);
  for (int tags = 0; tags < 2 && (type == kVlan || type == kServiceVlan) && end >= at + 6; ++tags) {
    at += 4;
    type = word(data + at);
  }
  at += 2;
  headers.arp = type == kArp;
  const uint8_t* ip = data + at;
  uint8_t protocol = 0;
  uint32_t ip_length = 0;
  if (type == kIpv4 && end >= at + 20) {
    headers.ip = headers.v4 = true;
    headers.ip_bytes = (ip[0] & 15u) * 4u;
    protocol = ip[9];
    ip_length = word(ip + 2);
    std::memcpy(headers.source + 12, ip + 12, 4);
    // Of a fragment only the first has ports.
    if (headers.ip_bytes < 20 || (word(ip + 6) & 0x3fff) != 0) return headers;
  } else if (type == kIpv6 && end >= at + 40) {
    headers.ip = true;
    headers.ip_bytes = 40;
    protocol = ip[6];
    ip_length = 40u + word(ip + 4);
    std::memcpy(headers.source, ip + 8, 16);
  } else {
    return headers;
  }
  headers.ip_header = ip;
  at += headers.ip_bytes;
  if (protocol != kUdp || end < at + 8) return headers;
  headers.udp = true;
  headers.udp_header = data + at;
  headers.source_port = word(data + at);
  headers.destination = word(data + at + 2);
  headers.udp_bytes = word(data + at + 4);
  headers.whole = m.nb_segs == 1 && headers.udp_bytes >= 8 && at + headers.udp_bytes <= end &&
                  headers.udp_bytes + headers.ip_bytes == ip_length;
  return headers;
}

uint32_t add(const void* bytes, size_t count, uint32_t to) { return to + rte_raw_cksum(bytes, count); }

bool is_all_ones(uint32_t sum) {
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return sum == 0xffff;
}

bool ip_is_right(const Headers& h) { return !h.v4 || is_all_ones(add(h.ip_header, h.ip_bytes, 0)); }

bool udp_is_right(const Headers& h) {
  if (word(h.udp_header + 6) == 0) return h.v4;
  uint32_t sum = add(h.ip_header + (h.v4 ? 12 : 8), h.v4 ? 8 : 32, 0);
  sum += rte_cpu_to_be_16(kUdp);
  sum += rte_cpu_to_be_16(static_cast<uint16_t>(h.udp_bytes));
  return is_all_ones(add(h.udp_header, h.udp_bytes, sum));
}

void bump(Evidence::Count& count) {
  count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

void look_at_checksums(Evidence& evidence, const Headers& headers, uint64_t flags) {
  if (!headers.whole) return;
  const uint64_t of_ip = flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;
  const uint64_t of_udp = flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;
  const bool says_ip = of_ip == RTE_MBUF_F_RX_IP_CKSUM_GOOD, says_udp = of_udp == RTE_MBUF_F_RX_L4_CKSUM_GOOD;
  // Only "good" is ever believed: what is called bad is summed up in software again.
  if (!says_ip && !says_udp) {
    const bool bad = of_ip == RTE_MBUF_F_RX_IP_CKSUM_BAD || of_udp == RTE_MBUF_F_RX_L4_CKSUM_BAD;
    return bump(bad ? evidence.checksums_right : evidence.checksums_silent);
  }
  const bool right = (!says_ip || ip_is_right(headers)) && (!says_udp || udp_is_right(headers));
  bump(right ? evidence.checksums_right : evidence.checksums_wrong);
}

void look_at_time(Beliefs& beliefs, Evidence& evidence, const rte_mbuf& m, uint64_t now) {
  if ((m.ol_flags & beliefs.stamps) == 0) return;
  const uint64_t at =
      beliefs.clock->line().at(*RTE_MBUF_DYNFIELD(&m, beliefs.stamp_offset, const rte_mbuf_timestamp_t*));
  bump(at <= now + kAheadNs && at + kOldestNs >= now ? evidence.times_right : evidence.times_wrong);
}

void look_at_rules(Beliefs& beliefs, Evidence& evidence, const Wanted& wanted, const Headers& headers,
                   const rte_mbuf& m) {
  const Wanted::Entry* entry = headers.udp ? wanted.find(headers.destination) : nullptr;
  if (beliefs.marks.load(std::memory_order_relaxed)) {
    const uint32_t expected = entry == nullptr ? 0 : entry->mark;
    if (m.ol_flags & RTE_MBUF_F_RX_FDIR_ID) {
      bump(m.hash.fdir.hi == expected ? evidence.marks_right : evidence.marks_wrong);
    } else if (expected != 0) {
      bump(evidence.marks_missing);
    }
  }
  if (entry == nullptr) {
    if (headers.udp || (!headers.ip && !(headers.arp && wanted.host))) bump(evidence.strays);
    return;
  }
  bump(evidence.wanted);
  if (beliefs.drops_unlisted.load(std::memory_order_relaxed) && !entry->lists(headers.source))
    bump(evidence.unlisted);
}

void look_at_one(Beliefs& beliefs, Evidence& evidence, const Wanted* wanted, const rte_mbuf& m,
                 uint64_t now) {
  const Headers headers = read(m);
  if (wanted != nullptr) look_at_rules(beliefs, evidence, *wanted, headers, m);
  if (beliefs.checksums) look_at_checksums(evidence, headers, m.ol_flags);
  if (beliefs.stamps != 0) look_at_time(beliefs, evidence, m, now);
  if (beliefs.split_bytes != 0 && m.pkt_len > beliefs.split_bytes)
    bump(m.nb_segs > 1 && m.data_len == beliefs.split_bytes ? evidence.split : evidence.whole);
  if (headers.udp) {
    uint64_t mix = headers.source_port;
    for (int i = 0; i < 16; ++i) mix = (mix ^ headers.source[i]) * 0x100000001b3u;
    const uint64_t bit = uint64_t{1} << (mix >> 58);
    evidence.streams.store(evidence.streams.load(std::memory_order_relaxed) | bit, std::memory_order_relaxed);
  }
}

uint64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace

void Beliefs::set(uint32_t what, bool believed) {
  if (what & kMarks) mark_flag.store(believed ? RTE_MBUF_F_RX_FDIR_ID : 0);
  if (what & kChecksums)
    checksum_mask.store(believed ? RTE_MBUF_F_RX_IP_CKSUM_MASK | RTE_MBUF_F_RX_L4_CKSUM_MASK : 0);
  if (what & kTimestamps) timestamp_flag.store(believed ? stamps : 0);
}

void Beliefs::believe(uint32_t what) {
  set(what, true);
  // Another queue may have seen a wrong one meanwhile.
  if (const uint32_t wrong = condemned.load() & what) set(wrong, false);
}

void Beliefs::condemn(uint32_t what) {
  condemned.fetch_or(what);
  set(what, false);
}

void look_at(Beliefs& beliefs, Evidence& evidence, rte_mbuf* const* mbufs, uint32_t count) {
  const Wanted* wanted = beliefs.wanted.load(std::memory_order_acquire);
  const uint64_t now = beliefs.stamps == 0 ? 0 : monotonic_ns();
  for (uint32_t i = 0; i < count; ++i) look_at_one(beliefs, evidence, wanted, *mbufs[i], now);
  evidence.packets_looked_at += count;
  evidence.bursts_until_look = evidence.packets_looked_at < kFirstPackets ? 0 : kBurstsApart;
  if (evidence.packets_looked_at >= kFirstPackets) evidence.packets_looked_at = kFirstPackets;

  const auto judge = [&](uint32_t what, const Evidence::Count& right, const Evidence::Count& wrong) {
    if (wrong.load(std::memory_order_relaxed) > 0) {
      if ((beliefs.condemned.load(std::memory_order_relaxed) & what) == 0) beliefs.condemn(what);
    } else if (right.load(std::memory_order_relaxed) >= kProofs &&
               (beliefs.condemned.load(std::memory_order_relaxed) & what) == 0) {
      beliefs.believe(what);
    }
  };
  judge(Beliefs::kMarks, evidence.marks_right, evidence.marks_wrong);
  judge(Beliefs::kChecksums, evidence.checksums_right, evidence.checksums_wrong);
  judge(Beliefs::kTimestamps, evidence.times_right, evidence.times_wrong);
}

}  // namespace onpath::dpdk
