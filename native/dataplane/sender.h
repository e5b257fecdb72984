// Cuts samples into RTP packets and paces them onto a port.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "dataplane/config.h"
#include "dataplane/port_host.h"

namespace onpath {

struct SenderConfig {
  const onpath_port* port = nullptr;  // owned from open on; Plane::open_sender() ignores it
  Endpoint destination;
  Endpoint source;                           // Ethernet framing: own address
  std::array<uint8_t, 6> destination_mac{};  // Ethernet framing
  PayloadFormat payload = PayloadFormat::chunk;
  SampleFormat format;     // what samples are: size, element bytes, digest
  bool texts = false;      // instead: texts of any length, by send_text()
  bool send_dims = false;  // chunk: carry {height, width} in every header
  uint8_t payload_type = 96;
  uint32_t ssrc = 0;                  // 0: random
  uint32_t max_payload_bytes = 1400;  // RTP packet without UDP header
  double bits_per_second = 0;         // 0: as fast as the port takes them; counts UDP payload bytes
  uint32_t queued_samples = 64;       // send() beyond this many waiting samples is refused with BUSY
};

struct SendReport {
  uint64_t packets = 0;
  uint64_t bytes = 0;    // UDP payload
  uint64_t refused = 0;  // packets that the port did not take after bounded retries
  uint32_t timestamp = 0;
};

/// Where bytes belong in their text.
struct TextPlace {
  uint64_t request_id = 0;
  uint64_t offset = 0;
  std::optional<uint32_t> timestamp;  // of the SendReport of the text's first part; absent: this is the first
  bool last = true;                   // the text ends with these bytes
  uint64_t length = 0;                // of the whole text; 0: not known
};

class Sender {
 public:
  virtual ~Sender() = default;
  /// Queues one sample; `bytes` must stay valid until `done` is called, once, on the sender's thread.
  /// Errors: INVALID_ARGUMENT (size), BUSY, CLOSED. `done` may also be told UNREACHABLE: nobody answered for
  /// the next hop for 3 seconds; a later sample is tried again.
  virtual Result<void> send(std::span<const uint8_t> bytes, uint64_t request_id,
                            std::function<void(Result<SendReport>)> done) = 0;
  /// Queues bytes of a text, of a sender for texts: as send(), but for sizes.
  virtual Result<void> send_text(std::span<const uint8_t> bytes, const TextPlace& place,
                                 std::function<void(Result<SendReport>)> done) = 0;
  /// Abandons what has not been sent yet (done gets CLOSED), stops the thread, destroys the port. Idempotent.
  virtual void close() = 0;
  virtual uint32_t ssrc() const = 0;
};

/// Errors: INVALID_ARGUMENT, UNSUPPORTED, PORT_FAILED, OUT_OF_MEMORY. The port is destroyed if it fails.
Result<std::unique_ptr<Sender>> open_sender(const SenderConfig& config);

/// The way out of a plane's port: `config.port` stays the plane's, `queue` is the sender's alone until it is
/// closed, and `host`, if the port has addresses, finds the next hop. Errors: also those of
/// OutgoingPath::make().
Result<std::unique_ptr<Sender>> open_sender_on(const SenderConfig& config, uint32_t queue,
                                               std::shared_ptr<PortHost> host);

}  // namespace onpath
