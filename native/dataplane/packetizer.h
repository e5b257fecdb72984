// Cuts one sample into RTP packets of a payload format.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"
#include "dataplane/config.h"
#include "wire/chunk.h"
#include "wire/rfc4175.h"

namespace onpath {

class Packetizer {
 public:
  struct Options {
    PayloadFormat payload = PayloadFormat::chunk;
    bool send_dims = false;
    uint8_t payload_type = 96;
    uint32_t ssrc = 0;
    uint32_t max_payload_bytes = 1400;  // of one RTP packet
  };
  /// Errors: INVALID_ARGUMENT (no element fits a packet, payload type), UNSUPPORTED (RFC 4175 has no sampling
  /// for gray and no order but row-major).
  static Result<Packetizer> make(const SampleFormat& format, const Options& options);

  /// For texts, of any length. Errors: INVALID_ARGUMENT.
  static Result<Packetizer> make_for_texts(const Options& options);

  /// Starts a sample. `bytes` holds a whole one and stays where it is until done().
  void begin(std::span<const uint8_t> bytes, uint32_t timestamp, uint64_t request_id);
  /// Starts or goes on with a text: `bytes` lie at `offset` of it. `last`: it ends with them, which may be
  /// none. `length`: of the whole text; 0: not known.
  void begin_part(std::span<const uint8_t> bytes, uint32_t timestamp, uint64_t request_id, uint64_t offset,
                  bool last, uint64_t length);
  bool done() const { return offset_ == bytes_.size() && !ends_; }
  /// Writes the next RTP packet, at most max_payload_bytes long, and returns its length. Only if not done().
  uint32_t next(uint8_t* out);

 private:
  Packetizer() = default;

  Options options_;
  VideoGeometry geometry_;
  ChunkHeader chunk_;
  uint64_t chunk_bytes_ = 0;  // most sample bytes in one packet, whole elements
  std::span<const uint8_t> bytes_;
  uint64_t offset_ = 0;  // of the next packet in bytes_
  uint64_t before_ = 0;  // bytes of the sample before bytes_
  bool marks_ = true;    // the last packet of bytes_ is that of the sample
  bool ends_ = false;    // a packet without bytes is to end the sample
  uint32_t timestamp_ = 0;
  uint32_t sequence_ = 0;  // of the next packet, extended
};

}  // namespace onpath
