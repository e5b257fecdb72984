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
  uint32_t ssrc = 0;                     // 0: random
  uint32_t max_payload_bytes = 1400;     // RTP packet without UDP header
  double bits_per_second = 0;            // 0: as fast as the port takes them; counts UDP payload bytes
  uint64_t burst_bytes = 0;              // that may leave at once; 0: what the rate gives in a millisecond
  std::optional<ResendConfig> resend{};  // absent: receivers' feedback is not read
  uint32_t queued_samples = 64;          // send() beyond this many waiting samples is refused with BUSY
};

struct SendReport {
  uint64_t packets = 0;
  uint64_t bytes = 0;    // UDP payload
  uint64_t refused = 0;  // packets that the port did not take after bounded retries
  uint32_t timestamp = 0;
};

/// What one receiver reported last (RFC 3550 section 6.4.1).
struct ReceiverReport {
  uint32_t reporter = 0;     // its SSRC
  double fraction_lost = 0;  // 0 to 1, since the report before
  int32_t packets_lost = 0;
  uint32_t highest_sequence = 0;
  double jitter_ms = 0;
  std::optional<double> round_trip_ms;  // absent: it has not seen a sender report yet
};

/// Of a sender with `resend`; packets asked for = resent + refused.
struct SenderStats {
  uint64_t nacks_received = 0;  // packets asked for, as often as they were
  uint64_t resent = 0;
  uint64_t refused =
      0;                // gone, never sent, sent again just before, beyond the rate, or not taken by the port
  uint64_t probes = 0;  // last packets that left again because nothing followed them
  uint64_t rtcp_dropped = 0;            // datagrams that came and were no RTCP of the receiver's
  std::vector<ReceiverReport> reports;  // by receiver, at most SenderFeedback::kMostReceivers
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
  /// From any thread.
  virtual SenderStats stats() const = 0;
};

class FeedbackInbox;

/// Errors: INVALID_ARGUMENT, UNSUPPORTED, PORT_FAILED, OUT_OF_MEMORY. The port is destroyed if it fails.
Result<std::unique_ptr<Sender>> open_sender(const SenderConfig& config);

/// The way out of a plane's port: `config.port` stays the plane's, `queue` is the sender's alone until it is
/// closed, `host`, if the port has addresses, finds the next hop, and workers put what receivers say into
/// `inbox`. Errors: also those of
/// OutgoingPath::make().
Result<std::unique_ptr<Sender>> open_sender_on(const SenderConfig& config, uint32_t queue,
                                               std::shared_ptr<PortHost> host,
                                               std::shared_ptr<FeedbackInbox> inbox);

}  // namespace onpath
