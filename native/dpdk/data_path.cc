// The hot path: mbufs to packets and back. No lock, no allocation, no system call, no log of our own; what
// the poll-mode driver does below is its own affair.
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>
#include <rte_mempool.h>
#include <rte_prefetch.h>

#include <algorithm>
#include <cstring>

#include "dpdk/port.h"

namespace onpath::dpdk {
namespace {

constexpr uint32_t kBurst = 64;
constexpr uint32_t kAhead = 4;  // mbufs whose first line is on its way while another is read
constexpr uint32_t kEthernetBytes = 14;
constexpr uint64_t kNotOwn = RTE_MBUF_F_EXTERNAL | RTE_MBUF_F_INDIRECT;

Port& port_of(void* self) { return *static_cast<Port*>(self); }

/// A packet in several segments, copied once into one buffer of the transmit pool; null: there is none. What
/// does not fit is cut off.
rte_mbuf* in_one_piece(Port& port, rte_mbuf* chain, bool& cut) {
  rte_mbuf* whole = rte_pktmbuf_alloc(port.transmit_pool);
  if (whole == nullptr) return nullptr;
  const uint32_t room = rte_pktmbuf_tailroom(whole);
  uint32_t length = 0;
  for (const rte_mbuf* part = chain; part != nullptr && length < room; part = part->next) {
    const uint32_t bytes = std::min<uint32_t>(part->data_len, room - length);
    std::memcpy(rte_pktmbuf_mtod_offset(whole, uint8_t*, length), rte_pktmbuf_mtod(part, const uint8_t*),
                bytes);
    length += bytes;
  }
  cut = length < chain->pkt_len;
  whole->data_len = static_cast<uint16_t>(length);
  whole->pkt_len = length;
  whole->ol_flags = chain->ol_flags & ~kNotOwn;
  whole->hash = chain->hash;
  std::memcpy(&whole->dynfield1, &chain->dynfield1, sizeof whole->dynfield1);
  return whole;
}

uint32_t checksum_flags(uint64_t flags) {
  uint32_t result = 0;
  if ((flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_GOOD)
    result |= ONPATH_PACKET_IP_CHECKSUM_OK;
  if ((flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD)
    result |= ONPATH_PACKET_UDP_CHECKSUM_OK;
  return result;
}

/// kHooks: the NIC may have said something of checksums, time or route.
template <bool kHooks>
uint32_t receive_burst(Port& port, uint16_t queue, onpath_packet* packets, uint16_t count) {
  rte_mbuf* mbufs[kBurst + kAhead];
  const uint32_t got = rte_eth_rx_burst(port.id, queue, mbufs, count);
  if (got == 0) return 0;
  // Past the last there is nothing new to prefetch.
  for (uint32_t i = 0; i < kAhead; ++i) mbufs[got + i] = mbufs[got - 1];
  for (uint32_t i = 0; i < kAhead; ++i) rte_prefetch0(mbufs[i]);
  [[maybe_unused]] ClockMap::Line clock{};
  [[maybe_unused]] uint64_t stamped = 0, checked = 0, marked = 0;
  if constexpr (kHooks) {
    Beliefs& beliefs = port.offloads.beliefs;
    Evidence& evidence = port.offloads.evidence[queue];
    if (evidence.bursts_until_look-- == 0) [[unlikely]]
      look_at(beliefs, evidence, mbufs, got);
    clock = port.clock.line();
    stamped = beliefs.timestamp_flag.load(std::memory_order_relaxed);
    checked = beliefs.checksum_mask.load(std::memory_order_relaxed);
    marked = beliefs.mark_flag.load(std::memory_order_relaxed);
  }
  onpath_packet* next = packets;
  uint32_t lost = 0;
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < got; ++i) {
    rte_prefetch0(mbufs[i + kAhead]);
    rte_mbuf* m = mbufs[i];
    onpath_packet& packet = *next;
    uint32_t flags = 0;
    if (m->nb_segs != 1) [[unlikely]] {
      bool cut = false;
      rte_mbuf* whole = in_one_piece(port, m, cut);
      rte_pktmbuf_free(m);
      if (whole == nullptr) {
        ++lost;
        continue;
      }
      m = whole;
      if (cut) flags = ONPATH_PACKET_TRUNCATED;
    }
    const uint64_t offloaded = m->ol_flags;
    const uint32_t offset = m->data_off;
    const bool own = (offloaded & kNotOwn) == 0 && rte_mbuf_refcnt_read(m) == 1;
    packet.data = static_cast<uint8_t*>(m->buf_addr) + offset;
    packet.length = m->data_len;
    packet.capacity = own ? m->buf_len - offset : 0;
    packet.headroom = own ? offset : 0;
    packet.mark = 0;
    packet.time_ns = 0;
    packet.handle = m;
    if constexpr (kHooks) {
      flags |= checksum_flags(offloaded & checked);
      if (offloaded & marked) packet.mark = m->hash.fdir.hi;
      if (offloaded & stamped)
        packet.time_ns = clock.at(*RTE_MBUF_DYNFIELD(m, port.timestamp_offset, rte_mbuf_timestamp_t*));
    }
    packet.flags = flags;
    bytes += m->data_len;
    ++next;
  }
  const auto filled = static_cast<uint32_t>(next - packets);
  QueueCounts& counts = port.receive_counts[queue];
  QueueCounts::add(counts.packets, filled);
  QueueCounts::add(counts.bytes, bytes);
  if (lost > 0) QueueCounts::add(counts.lost, lost);
  return filled;
}

uint32_t receive(void* self, uint32_t queue, onpath_packet* packets, uint32_t count) {
  Port& port = port_of(self);
  const Visit visit(port.receive_counts[queue].inside);
  if (port.gate.load(std::memory_order_relaxed) != Gate::open) return 0;
  const auto wanted = static_cast<uint16_t>(std::min(count, kBurst));
  const auto from = static_cast<uint16_t>(queue);
  return port.has_hooks.load(std::memory_order_relaxed) ? receive_burst<true>(port, from, packets, wanted)
                                                        : receive_burst<false>(port, from, packets, wanted);
}

void release(void*, uint32_t, const onpath_packet* packets, uint32_t count) {
  // Buffers of one pool in a row go back together.
  void* together[kBurst];
  uint32_t held = 0;
  rte_mempool* pool = nullptr;
  for (uint32_t i = 0; i < count; ++i) {
    auto* m = static_cast<rte_mbuf*>(packets[i].handle);
    if (m == nullptr) continue;
    // Of its own buffer, held by nobody else and in one piece (then it has no next one): it can go back as it
    // is, and its second cache line is never touched.
    if (m->nb_segs != 1 || rte_mbuf_refcnt_read(m) != 1 || (m->ol_flags & kNotOwn) != 0) [[unlikely]] {
      rte_pktmbuf_free(m);
      continue;
    }
    if (m->pool != pool || held == kBurst) {
      if (held > 0) rte_mempool_put_bulk(pool, together, held);
      pool = m->pool;
      held = 0;
    }
    together[held++] = m;
  }
  if (held > 0) rte_mempool_put_bulk(pool, together, held);
}

uint32_t allocate(void* self, uint32_t, onpath_packet* packets, uint32_t count) {
  Port& port = port_of(self);
  rte_mbuf* mbufs[kBurst];
  uint32_t given = 0;
  for (uint32_t wanted = std::min(count, kBurst); wanted > 0 && given < count;) {
    wanted = std::min(wanted, count - given);
    if (rte_pktmbuf_alloc_bulk(port.transmit_pool, mbufs, wanted) != 0) {
      wanted /= 2;  // all or none
      continue;
    }
    for (uint32_t i = 0; i < wanted; ++i) {
      onpath_packet& packet = packets[given++];
      packet = {};
      packet.data = rte_pktmbuf_mtod(mbufs[i], uint8_t*);
      packet.capacity = port.max_bytes;
      packet.headroom = RTE_PKTMBUF_HEADROOM;
      packet.handle = mbufs[i];
    }
  }
  return given;
}

/// What the NIC needs to know to fill checksums.
uint64_t ask_for_checksums(const onpath_packet& packet, rte_mbuf& m) {
  m.tx_offload = 0;
  m.l2_len = kEthernetBytes;
  if (packet.data[12] == 0x08 && packet.data[13] == 0x00) {
    m.l3_len = 20;
    return RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_UDP_CKSUM;
  }
  m.l3_len = 40;
  return RTE_MBUF_F_TX_IPV6 | RTE_MBUF_F_TX_UDP_CKSUM;
}

/// Makes the mbufs of the first packets say what the packets say; stops before one that can never be sent.
uint32_t compose(const Port& port, const onpath_packet* packets, uint32_t count, rte_mbuf** mbufs,
                 bool& fills) {
  uint32_t made = 0;
  for (; made < count; ++made) {
    const onpath_packet& packet = packets[made];
    auto* m = static_cast<rte_mbuf*>(packet.handle);
    const auto offset = static_cast<uint64_t>(packet.data - static_cast<uint8_t*>(m->buf_addr));
    if (packet.length > port.max_bytes || packet.length < kEthernetBytes ||
        offset + packet.length > m->buf_len || m->nb_segs != 1)
      break;
    m->data_off = static_cast<uint16_t>(offset);
    m->data_len = static_cast<uint16_t>(packet.length);
    m->pkt_len = packet.length;
    uint64_t flags = m->ol_flags & kNotOwn;
    if (packet.flags & ONPATH_PACKET_FILL_CHECKSUMS) {
      flags |= ask_for_checksums(packet, *m);
      fills = true;
    }
    m->ol_flags = flags;
    mbufs[made] = m;
  }
  return made;
}

void refuse(onpath_packet& packet) {
  packet.flags |= ONPATH_PACKET_REFUSED;
  rte_pktmbuf_free(static_cast<rte_mbuf*>(packet.handle));
}

uint32_t transmit_on(Port& port, TransmitQueue& queue, onpath_packet* packets, uint32_t count) {
  rte_mbuf* mbufs[kBurst];
  uint32_t accepted = 0, sent = 0;
  uint64_t bytes = 0;
  while (accepted < count) {
    bool fills = false;
    const uint32_t wanted = std::min(kBurst, count - accepted);
    const uint32_t composed = compose(port, packets + accepted, wanted, mbufs, fills);
    uint32_t ready = composed;
    if (fills)
      ready = rte_eth_tx_prepare(port.id, queue.device_queue, mbufs, static_cast<uint16_t>(composed));
    const uint32_t gone =
        ready == 0 ? 0 : rte_eth_tx_burst(port.id, queue.device_queue, mbufs, static_cast<uint16_t>(ready));
    for (uint32_t i = 0; i < gone; ++i) bytes += packets[accepted + i].length;
    accepted += gone;
    sent += gone;
    if (gone < ready) break;
    if (ready < wanted) refuse(packets[accepted++]);
  }
  if (sent > 0) {
    QueueCounts::add(queue.counts.packets, sent);
    QueueCounts::add(queue.counts.bytes, bytes);
  }
  return accepted;
}

uint32_t transmit(void* self, uint32_t queue, onpath_packet* packets, uint32_t count) {
  Port& port = port_of(self);
  TransmitQueue& to = port.transmit_queues[queue];
  const Visit visit(to.counts.inside);
  if (const Gate gate = port.gate.load(std::memory_order_relaxed); gate != Gate::open) [[unlikely]] {
    if (gate == Gate::shut) return 0;
    for (uint32_t i = 0; i < count; ++i) refuse(packets[i]);
    return count;
  }
  if (to.taken == nullptr) return transmit_on(port, to, packets, count);
  if (to.taken->test_and_set(std::memory_order_acquire)) return 0;
  const uint32_t accepted = transmit_on(port, to, packets, count);
  to.taken->clear(std::memory_order_release);
  return accepted;
}

}  // namespace

void fill_data_path(onpath_port& table) {
  table.receive = receive;
  table.release = release;
  table.allocate = allocate;
  table.transmit = transmit;
  table.wait_fd = [](void*, uint32_t) { return -1; };
  table.arm = [](void*, uint32_t, int) {};
}

}  // namespace onpath::dpdk
