// What the packets of open samples look like on one queue, so that the next packet of a sample goes straight
// to it: its headers are compared instead of being read, and port, route, allow-list, stream and sample are
// known. A packet that is told here is treated as it would be without the cache; every other one is left to
// the way that decides everything. Hot path: no allocation, no lock, no system call.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "dataplane/port_abi.h"
#include "dataplane/sample_pool.h"
#include "wire/chunk_pattern.h"
#include "wire/rfc4175.h"

namespace onpath {

class Lane;

class FlowCache {
 public:
  struct Flow {
    ChunkPattern pattern;
    Lane* lane = nullptr;
    OpenSample* sample = nullptr;
    Stream* stream = nullptr;  // the sample's
    uint64_t ended = 0;  // of the sample's place when it was remembered: as it is still, so is the sample
    uint32_t flags = 0, mark = 0;  // of the packet that was remembered
  };

  /// Ethernet framing only.
  void enable() { least_bytes_ = ChunkPattern::kLeastBytes; }

  /// The flow whose open sample this packet's chunk belongs to; null: the packet is to be taken apart.
  Flow* find(const onpath_packet& packet, VideoSegment& chunk) {
    if (packet.length < least_bytes_) return nullptr;
    Flow& flow = flow_of(packet.data);
    // The NIC's word on checksums and route decides as much as the headers do; a truncated packet is never
    // remembered.
    const uint32_t other = (packet.flags ^ flow.flags) | (packet.mark ^ flow.mark);
    const FrameChecks checks{(packet.flags & ONPATH_PACKET_IP_CHECKSUM_OK) == 0,
                             (packet.flags & ONPATH_PACKET_UDP_CHECKSUM_OK) == 0};
    if (other != 0 || !flow.pattern.tells({packet.data, packet.length}, checks, chunk.offset, chunk.bytes) ||
        flow.sample->ended != flow.ended)
      return nullptr;
    return &flow;
  }

  /// The beginning of a packet, for its bytes may have left when it is known where they belonged.
  struct Beginning {
    bool usable = false;
    uint32_t flags = 0, mark = 0;
    std::array<uint8_t, ChunkPattern::kLeastBytes> bytes;
  };
  void note(const onpath_packet& packet, Beginning& beginning) const {
    beginning.usable = packet.length >= least_bytes_;
    if (!beginning.usable) return;
    beginning.flags = packet.flags;
    beginning.mark = packet.mark;
    std::memcpy(beginning.bytes.data(), packet.data, beginning.bytes.size());
  }
  /// The packet was taken apart, and its chunk found to belong to this sample, which is open.
  void remember(const Beginning& packet, Lane& lane, Stream& stream, OpenSample& sample) {
    if (!packet.usable) return;
    Flow& flow = flow_of(packet.bytes.data());
    if (!flow.pattern.learn(packet.bytes.data())) return;
    flow.lane = &lane;
    flow.stream = &stream;
    flow.sample = &sample;
    flow.ended = sample.ended;
    flow.flags = packet.flags;
    flow.mark = packet.mark;
  }

 private:
  static constexpr uint32_t kFlows = 16;
  static constexpr int kFlowBits = 4;
  static constexpr size_t kTimestampAndSsrc = 46;  // where they lie in a frame with plain headers

  /// One place for each timestamp and SSRC: streams that take turns do not drive each other out, nor do the
  /// samples of one stream where they meet.
  Flow& flow_of(const uint8_t* frame) {
    uint64_t key;
    std::memcpy(&key, frame + kTimestampAndSsrc, sizeof key);
    return flows_[key * 0x9e3779b97f4a7c15u >> (64 - kFlowBits)];
  }

  uint32_t least_bytes_ = UINT32_MAX;
  std::array<Flow, kFlows> flows_;
};

}  // namespace onpath
