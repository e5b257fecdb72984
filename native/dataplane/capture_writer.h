// From workers' rings to pcapng, within the bounds of a capture. One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "dataplane/capture.h"
#include "dataplane/capture_tap.h"
#include "wire/pcapng.h"

namespace onpath {

class CaptureWriter {
 public:
  /// `start_ns` and all times of packets are CLOCK_MONOTONIC; `epoch_offset_ns` makes them Unix time.
  CaptureWriter(const CaptureConfig& config, pcapng::Interface interface, bool datagrams,
                std::vector<std::unique_ptr<CaptureTap>> taps, uint64_t start_ns, int64_t epoch_offset_ns);

  /// Appends what waits to `to`, until that has about `most` bytes. Packets of one worker come in order,
  /// those of several as far as they wait at the same time. False: a bound is reached, no packet is written
  /// any more.
  bool write(pcapng::Bytes& to, size_t most, uint64_t now);
  /// Whether packets wait.
  bool waits();
  /// Appends the block that ends the file; the rings are given back. The workers have left the taps.
  void end(pcapng::Bytes& to, uint64_t now);

  const std::vector<std::unique_ptr<CaptureTap>>& taps() const { return taps_; }
  uint64_t packets() const { return packets_; }
  uint64_t bytes() const { return bytes_; }
  uint64_t missed() const;

 private:
  CaptureTap* oldest(CapturedPacket& packet, const uint8_t*& bytes);
  bool add(pcapng::Bytes& to, const CapturedPacket& packet, const uint8_t* bytes);
  uint64_t epoch(uint64_t monotonic_ns) const {
    return monotonic_ns + static_cast<uint64_t>(epoch_offset_ns_);
  }

  const uint64_t max_packets_, max_bytes_, end_ns_, start_ns_;
  const uint32_t snap_length_;
  const bool datagrams_;
  const int64_t epoch_offset_ns_;
  std::vector<std::unique_ptr<CaptureTap>> taps_;
  pcapng::Bytes header_;   // of the file; empty once it was written
  pcapng::Bytes scratch_;  // a datagram with its headers
  uint64_t packets_ = 0, bytes_ = 0;
  std::optional<uint64_t> final_missed_;  // once a bound was reached
};

}  // namespace onpath
