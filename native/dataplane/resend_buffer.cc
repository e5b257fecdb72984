#include "dataplane/resend_buffer.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "dataplane/saturating.h"

namespace onpath {
namespace {

constexpr uint32_t kNobody = UINT32_MAX;

uint32_t heads_for(uint32_t packets) { return std::bit_ceil(packets * 2); }

}  // namespace

uint64_t ResendBuffer::bytes_for(uint32_t packets, uint32_t packet_bytes) {
  return plus(times(plus(whole_lines(packet_bytes), sizeof(Packet)), packets),
              uint64_t{heads_for(packets)} * sizeof(uint32_t));
}

ResendBuffer::ResendBuffer(uint32_t packets, uint32_t packet_bytes)
    : count_(packets),
      mask_(heads_for(packets) - 1),
      packet_bytes_(packet_bytes),
      stride_(whole_lines(packet_bytes)),
      packets_(std::make_unique<Packet[]>(packets)),
      heads_(std::make_unique<uint32_t[]>(mask_ + 1)) {
  std::fill_n(heads_.get(), mask_ + 1, kNobody);
}

Result<std::unique_ptr<ResendBuffer>> ResendBuffer::make(uint32_t packets, uint32_t packet_bytes) {
  std::unique_ptr<ResendBuffer> made(new ResendBuffer(packets, packet_bytes));
  auto memory = Region::take(times(made->stride_, packets), "packets kept to be sent again");
  if (!memory) return memory.error();
  made->memory_ = std::move(memory).value();
  return made;
}

void ResendBuffer::keep(uint32_t ssrc, uint16_t sequence, std::span<const uint8_t> rtp) {
  if (rtp.empty() || rtp.size() > packet_bytes_) return;
  const uint32_t index = cursor_;
  cursor_ = cursor_ + 1 == count_ ? 0 : cursor_ + 1;
  Packet& packet = packets_[index];
  if (packet.length > 0) {
    uint32_t* link = chain_of(packet.ssrc, packet.sequence);
    while (*link != index) link = &packets_[*link].next;
    *link = packet.next;
  }
  uint32_t* head = chain_of(ssrc, sequence);
  packet = {ssrc, sequence, *head, static_cast<uint32_t>(rtp.size()), 0};
  *head = index;
  std::memcpy(place(index), rtp.data(), rtp.size());
  ++kept_;
}

ResendBuffer::Packet* ResendBuffer::find(uint32_t ssrc, uint16_t sequence) {
  // The newest of a hash comes first, so that a number that was used again finds its newer packet.
  for (uint32_t at = *chain_of(ssrc, sequence); at != kNobody; at = packets_[at].next) {
    if (packets_[at].ssrc == ssrc && packets_[at].sequence == sequence) return &packets_[at];
  }
  return nullptr;
}

ResendBuffer::Packet* ResendBuffer::last() {
  return kept_ == 0 ? nullptr : &packets_[cursor_ == 0 ? count_ - 1 : cursor_ - 1];
}

std::span<const uint8_t> ResendBuffer::bytes(const Packet& packet) const {
  return {place(static_cast<uint32_t>(&packet - packets_.get())), packet.length};
}

}  // namespace onpath
