// Packets: what the sending end fills in, and what the receiving end does with each before it lies in a
// queue.
#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_malloc.h>
#include <rte_mbuf_dyn.h>
#include <rte_thash.h>
#include <rte_udp.h>
#include <time.h>

#include <algorithm>
#include <cstring>

#include "soft_nic.h"

namespace softnic {
namespace {

constexpr uint64_t kKeptFlags = RTE_MBUF_F_EXTERNAL | RTE_MBUF_F_INDIRECT;
constexpr uint64_t kEpoch = 1'000'000;  // so that its clock is nobody else's

/// Microsoft's key, which most NICs have by default.
uint8_t kKey[] = {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
                  0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
                  0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

struct Frame {
  uint16_t type = 0;
  int protocol = -1;
  uint8_t* ip = nullptr;
  uint8_t* udp = nullptr;
  uint8_t source[16] = {};  // IPv4 in the last four
  uint16_t source_port = 0, udp_port = 0;
  uint32_t udp_bytes = 0;
};

uint16_t word(const uint8_t* at) { return static_cast<uint16_t>(at[0] << 8 | at[1]); }

Frame read(rte_mbuf* m) {
  Frame frame;
  auto* data = rte_pktmbuf_mtod(m, uint8_t*);
  const uint32_t end = m->data_len;
  if (end < 14) return frame;
  uint32_t at = 12;
  frame.type = word(data + at);
  while ((frame.type == 0x8100 || frame.type == 0x88a8) && end >= at + 6) {
    at += 4;
    frame.type = word(data + at);
  }
  at += 2;
  uint8_t* ip = data + at;
  if (frame.type == 0x0800 && end >= at + 20) {
    frame.protocol = ip[9];
    std::memcpy(frame.source + 12, ip + 12, 4);
    at += (ip[0] & 15u) * 4u;
  } else if (frame.type == 0x86dd && end >= at + 40) {
    frame.protocol = ip[6];
    std::memcpy(frame.source, ip + 8, 16);
    at += 40;
  } else {
    return frame;
  }
  frame.ip = ip;
  if (frame.protocol != 17 || end < at + 8) return frame;
  frame.udp = data + at;
  frame.source_port = word(frame.udp);
  frame.udp_port = word(frame.udp + 2);
  frame.udp_bytes = word(frame.udp + 4);
  if (frame.udp_bytes < 8 || at + frame.udp_bytes > end) frame.udp_bytes = 0;
  return frame;
}

uint16_t udp_sum(const Frame& frame) {
  return frame.type == 0x0800 ? rte_ipv4_udptcp_cksum(reinterpret_cast<rte_ipv4_hdr*>(frame.ip), frame.udp)
                              : rte_ipv6_udptcp_cksum(reinterpret_cast<rte_ipv6_hdr*>(frame.ip), frame.udp);
}

void fill_checksums(rte_mbuf* m) {
  const Frame frame = read(m);
  if (frame.ip != nullptr && (m->ol_flags & RTE_MBUF_F_TX_IP_CKSUM) != 0) {
    auto* header = reinterpret_cast<rte_ipv4_hdr*>(frame.ip);
    header->hdr_checksum = 0;
    header->hdr_checksum = rte_ipv4_cksum(header);
  }
  if (frame.udp_bytes > 0 && (m->ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_UDP_CKSUM) {
    std::memset(frame.udp + 6, 0, 2);
    const uint16_t sum = udp_sum(frame);
    std::memcpy(frame.udp + 6, &sum, 2);
  }
}

/// Flags of an mbuf: what the NIC says of the checksums.
uint64_t verdict(const Nic& nic, const Frame& frame) {
  constexpr uint64_t kGood = RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
  if (frame.udp_bytes == 0) return 0;
  if (!nic.does(kChecksums)) return kGood;
  const auto* v4 = reinterpret_cast<const rte_ipv4_hdr*>(frame.ip);
  const bool ip = frame.type != 0x0800 || rte_raw_cksum(v4, (v4->version_ihl & 15u) * 4u) == 0xffff;
  uint16_t given = 0;
  std::memcpy(&given, frame.udp + 6, 2);
  Frame zeroed = frame;
  std::memset(zeroed.udp + 6, 0, 2);
  const bool udp = given == udp_sum(zeroed) || (given == 0 && frame.type == 0x0800);
  std::memcpy(zeroed.udp + 6, &given, 2);
  return (ip ? RTE_MBUF_F_RX_IP_CKSUM_GOOD : RTE_MBUF_F_RX_IP_CKSUM_BAD) |
         (udp ? RTE_MBUF_F_RX_L4_CKSUM_GOOD : RTE_MBUF_F_RX_L4_CKSUM_BAD);
}

bool matches(const rte_flow& rule, const Frame& frame) {
  if (rule.ether_type != 0 && rule.ether_type != frame.type) return false;
  if (rule.protocol >= 0 && rule.protocol != frame.protocol) return false;
  if (((rule.udp_port ^ frame.udp_port) & rule.udp_mask) != 0) return false;
  for (int i = 0; i < 16; ++i) {
    if (((rule.source[i] ^ frame.source[i]) & rule.source_mask[i]) != 0) return false;
  }
  return true;
}

uint32_t hash_of(const Frame& frame) {
  // As 32-bit numbers of the host: addresses, then ports.
  uint32_t words[9];
  const uint32_t count = frame.type == 0x0800 ? 2 : 8;
  for (uint32_t i = 0; i < count; ++i) {
    uint32_t part = 0;
    std::memcpy(&part, frame.ip + (frame.type == 0x0800 ? 12 : 8) + 4 * i, 4);
    words[i] = rte_be_to_cpu_32(part);
  }
  words[count] = uint32_t{frame.source_port} << 16 | frame.udp_port;
  return rte_softrss(words, count + 1, kKey);
}

uint16_t spread(const Nic& nic, const Frame& frame, const std::vector<uint16_t>& queues) {
  if (queues.size() == 1) return queues[0];
  return frame.udp != nullptr && nic.does(kRss) ? queues[hash_of(frame) % queues.size()] : queues[0];
}

/// Takes one packet off the wire; the lock is held.
void deliver(Nic& nic, rte_mbuf* m) {
  if (!nic.started || nic.stalled || nic.gone || !nic.up) return rte_pktmbuf_free(m);
  const Frame frame = read(m);
  const rte_eth_dev_data& data = *nic.device->data;
  const uint64_t offloads = data.dev_conf.rxmode.offloads;
  uint16_t queue = 0;
  m->ol_flags &= kKeptFlags;
  m->hash.fdir.hi = 0;
  const auto rule = std::find_if(nic.rules.begin(), nic.rules.end(),
                                 [&](const rte_flow* one) { return matches(*one, frame); });
  if (rule != nic.rules.end()) {
    (*rule)->hits.fetch_add(1, std::memory_order_relaxed);
    if ((*rule)->drop && nic.does(kAllowList)) {
      __atomic_fetch_add(&nic.dropped, 1, __ATOMIC_RELAXED);
      return rte_pktmbuf_free(m);
    }
    if (!(*rule)->queues.empty()) queue = spread(nic, frame, (*rule)->queues);
    if ((*rule)->marks) {
      m->ol_flags |= RTE_MBUF_F_RX_FDIR | RTE_MBUF_F_RX_FDIR_ID;
      m->hash.fdir.hi = (*rule)->mark + (nic.does(kMark) ? 0 : 1);
    }
  } else if (nic.isolated && nic.does(kSteering)) {
    __atomic_fetch_add(&nic.filtered, 1, __ATOMIC_RELAXED);
    return rte_pktmbuf_free(m);
  } else if (data.dev_conf.rxmode.mq_mode == RTE_ETH_MQ_RX_RSS && frame.udp != nullptr && nic.does(kRss)) {
    queue = static_cast<uint16_t>(hash_of(frame) % data.nb_rx_queues);
  }
  if (offloads & RTE_ETH_RX_OFFLOAD_UDP_CKSUM) m->ol_flags |= verdict(nic, frame);
  if (nic.stamp_flag != 0) {
    *RTE_MBUF_DYNFIELD(m, nic.stamp_offset, rte_mbuf_timestamp_t*) =
        nic.does(kTimestamps) ? clock_ticks() : clock_ticks() * 3;
    m->ol_flags |= nic.stamp_flag;
  }
  ReceiveQueue& to = nic.receive[queue];
  if (to.ring != nullptr && rte_ring_mp_enqueue(to.ring, m) == 0) return;
  to.missed.fetch_add(1, std::memory_order_relaxed);
  rte_pktmbuf_free(m);
}

/// A copy in buffers of the queue's own pool; null: there are none.
rte_mbuf* into_buffers(ReceiveQueue& queue, const rte_mbuf* from) {
  rte_mbuf* head = nullptr;
  rte_mbuf* tail = nullptr;
  uint32_t at = 0;
  const bool splits = queue.first_bytes != 0 && queue.nic->does(kBufferSplit);
  do {
    rte_mbuf* part = rte_pktmbuf_alloc(queue.pool);
    if (part == nullptr) {
      rte_pktmbuf_free(head);
      return nullptr;
    }
    uint32_t bytes = std::min<uint32_t>(rte_pktmbuf_tailroom(part), from->pkt_len - at);
    if (splits && head == nullptr) bytes = std::min<uint32_t>(bytes, queue.first_bytes);
    auto* to = rte_pktmbuf_mtod(part, uint8_t*);
    const void* read = rte_pktmbuf_read(from, at, bytes, to);
    if (read != to) std::memcpy(to, read, bytes);
    part->data_len = static_cast<uint16_t>(bytes);
    at += bytes;
    if (head == nullptr) {
      head = part;
    } else {
      tail->next = part;
      ++head->nb_segs;
    }
    tail = part;
  } while (at < from->pkt_len);
  head->pkt_len = from->pkt_len;
  head->port = queue.nic->port;
  head->ol_flags = from->ol_flags & ~kKeptFlags;
  head->hash = from->hash;
  std::memcpy(&head->dynfield1, &from->dynfield1, sizeof head->dynfield1);
  return head;
}

}  // namespace

uint64_t clock_ticks() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return kEpoch +
         (static_cast<uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(now.tv_nsec)) / 2;
}

uint16_t receive_burst(void* self, rte_mbuf** mbufs, uint16_t count) {
  auto& queue = *static_cast<ReceiveQueue*>(self);
  void* waiting[64];
  const unsigned got = rte_ring_sc_dequeue_burst(queue.ring, waiting, std::min<unsigned>(count, 64), nullptr);
  uint16_t given = 0;
  for (unsigned i = 0; i < got; ++i) {
    auto* from = static_cast<rte_mbuf*>(waiting[i]);
    if (rte_mbuf* copy = into_buffers(queue, from)) {
      mbufs[given++] = copy;
      queue.bytes += copy->pkt_len;
    } else {
      queue.without_buffer.fetch_add(1, std::memory_order_relaxed);
    }
    rte_pktmbuf_free(from);
  }
  queue.packets += given;
  return given;
}

uint16_t transmit_burst(void* self, rte_mbuf** mbufs, uint16_t count) {
  auto& queue = *static_cast<TransmitQueue*>(self);
  rte_rwlock_read_lock(&wires);
  Nic* const peer = queue.nic->peer;
  for (uint16_t i = 0; i < count; ++i) {
    queue.bytes += mbufs[i]->pkt_len;
    if (mbufs[i]->nb_segs == 1) fill_checksums(mbufs[i]);
    if (peer != nullptr && queue.nic->up && !queue.nic->gone) {
      deliver(*peer, mbufs[i]);
    } else {
      rte_pktmbuf_free(mbufs[i]);
    }
  }
  rte_rwlock_read_unlock(&wires);
  queue.packets += count;
  return count;
}

}  // namespace softnic
