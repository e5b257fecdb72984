// The packets of one sender or forward sink that left last, as they were built, to be sent again. A ring of
// fixed places; a packet is found by SSRC and sequence number. Hot path: no allocation, no lock, no system
// call.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/result.h"
#include "dataplane/region.h"

namespace onpath {

class ResendBuffer {
 public:
  /// A 16-bit sequence number names each of these.
  static constexpr uint32_t kMostPackets = 32768;

  /// Keeps `packets` of at most `packet_bytes`. Errors: OUT_OF_MEMORY.
  static Result<std::unique_ptr<ResendBuffer>> make(uint32_t packets, uint32_t packet_bytes);
  static uint64_t bytes_for(uint32_t packets, uint32_t packet_bytes);

  struct Packet {
    uint32_t ssrc = 0;
    uint16_t sequence = 0;
    uint32_t next = 0;    // of those with the same hash
    uint32_t length = 0;  // 0: the place was never used
    uint64_t resent_ns = 0;
  };

  /// The packet kept longest gives way. One that is too long is not kept.
  void keep(uint32_t ssrc, uint16_t sequence, std::span<const uint8_t> rtp);
  /// Null: it is gone, or never was.
  Packet* find(uint32_t ssrc, uint16_t sequence);
  /// The packet kept last, or null.
  Packet* last();
  std::span<const uint8_t> bytes(const Packet& packet) const;
  /// Packets kept since the beginning.
  uint64_t kept() const { return kept_; }

 private:
  ResendBuffer(uint32_t packets, uint32_t packet_bytes);
  uint32_t* chain_of(uint32_t ssrc, uint16_t sequence) {
    return &heads_[(ssrc * 0x9e3779b1u + sequence) & mask_];
  }
  uint8_t* place(uint32_t index) const { return memory_.data() + stride_ * index; }

  const uint32_t count_;
  const uint32_t mask_;
  const uint32_t packet_bytes_;
  const uint64_t stride_;
  Region memory_;
  std::unique_ptr<Packet[]> packets_;
  std::unique_ptr<uint32_t[]> heads_;  // by hash
  uint32_t cursor_ = 0;                // the place that is used next
  uint64_t kept_ = 0;
};

}  // namespace onpath
