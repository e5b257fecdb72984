// What the data plane's tests share: small programs, a raw end of a memory link, packets to order, and sums
// over statistics.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/plane.h"
#include "dataplane/sender.h"
#include "plan/program.h"
#include "port/memory_port.h"
#include "support/pipelines.h"
#include "support/random.h"
#include "wire/chunk.h"
#include "wire/frame.h"
#include "wire/rtp.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ONPATH_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define ONPATH_SANITIZED 1
#endif
#endif

namespace onpath::testing {

#ifdef ONPATH_SANITIZED
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif
/// Sanitized runs do a tenth of the repetitions.
inline constexpr uint64_t kSlowdown = kSanitized ? 10 : 1;

using Bytes = std::vector<uint8_t>;

template <class T>
T must(Result<T> result) {
  EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message);
  return result.ok() ? std::move(result).value() : T{};
}

/// "CODE: message", or "ok".
template <class T>
std::string error_text(const Result<T>& result) {
  return result.ok() ? "ok"
                     : std::string(error_code_name(result.error().code)) + ": " + result.error().message;
}

/// 16 x 8 rgb to normalized float32 chw: 384 bytes in, 1536 out.
ProgramPtr small_program();
/// width x height rgb, resized to half and normalized: a `placed` program.
ProgramPtr resize_program(uint32_t width, uint32_t height);
/// width x height rgb bytes as they are, uint8 hwc.
ProgramPtr copy_program(uint32_t width, uint32_t height, PixelFormat format = PixelFormat::rgb);

/// Noise of one sample, from its number alone.
Bytes sample_of(const Program& program, uint64_t number);
/// Output 0 of the whole-sample call.
Bytes expected_of(const Program& program, const Bytes& sample);

Endpoint endpoint(const std::string& address, uint16_t port);
inline constexpr uint16_t kUdpPort = 5004;
inline constexpr uint8_t kPayloadType = 96;

const onpath_port* memory_end(const std::string& link, uint32_t side, const MemoryPortConfig& like = {});
/// A link name that no other test has.
std::string fresh_link();

RouteConfig route_to_host(ProgramPtr program, const std::string& name = "r", const std::string& port = "p");
/// For a plane with threads: a route without a deadline of its own gives up no sample, however long a busy
/// machine holds up its sender.
PlaneConfig plane_on(const onpath_port* port, std::vector<RouteConfig> routes);
SenderConfig sender_on(const onpath_port* port, const Program& program);

/// An onpath chunk as a test wants it; what is not set is right.
struct ChunkPacket {
  uint32_t ssrc = 1;
  uint32_t timestamp = 1;
  uint16_t sequence = 0;
  uint8_t payload_type = kPayloadType;
  bool marker = false;
  uint64_t request_id = 0;
  uint64_t offset = 0;
  uint64_t length = 0;
  uint32_t digest = 0;
  uint8_t output = 0;
  std::vector<uint32_t> dims;
  Bytes bytes;
};
Bytes rtp_of(const ChunkPacket& packet);
/// The whole sample in packets of `bytes` sample bytes.
std::vector<ChunkPacket> cut(const Program& program, const Bytes& sample, uint64_t bytes, uint32_t timestamp,
                             uint64_t request_id = 0, uint32_t ssrc = 1);

/// The far end of a memory link, by hand.
class RawEnd {
 public:
  explicit RawEnd(const std::string& link, uint32_t side = 1, const MemoryPortConfig& like = {});
  ~RawEnd();
  RawEnd(const RawEnd&) = delete;

  Endpoint source = endpoint("10.0.0.2", 40000);
  Endpoint destination = endpoint("10.0.0.1", kUdpPort);

  /// Waits while the ring is full.
  void send_frame(const Bytes& frame);
  void send(const Bytes& rtp);
  void send(const ChunkPacket& packet) { send(rtp_of(packet)); }
  Bytes frame_of(const Bytes& rtp) const;
  /// The next frame that arrived here, or nothing.
  std::optional<Bytes> receive();
  uint64_t sent() const { return sent_; }

 private:
  const onpath_port* port_;
  uint64_t sent_ = 0;
};

/// Polls until `done` or 20 seconds passed; says which.
bool wait_until(const std::function<bool()>& done);

/// Not packets that did not leave.
inline bool counts_arrivals(DropReason reason) {
  return reason != DropReason::transmit_failed && reason != DropReason::no_neighbour;
}
/// Packets received by all ports, and what became of them by the books of plane.h.
uint64_t packets_received(const PlaneStats& stats);
uint64_t packets_accounted(const PlaneStats& stats);
/// What is still on its way through the plane's books, as text: empty if both balances hold for every route.
std::string imbalance(const PlaneStats& stats);
inline uint64_t dropped(const RouteStats& route, DropReason reason) {
  return route.drops[static_cast<size_t>(reason)];
}
inline uint64_t dropped(const PortStats& port, DropReason reason) {
  return port.drops[static_cast<size_t>(reason)];
}

}  // namespace onpath::testing
