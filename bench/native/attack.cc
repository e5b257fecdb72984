// A flood of samples that are never finished, beside an honest stream, through a plane with threads over a
// memory port, for `npm run bench -- attack`. Reads "VARIANT MILLISECONDS" from stdin, a line each, and
// answers with JSON: packets of the flood that the plane took a second, honest samples sent and complete,
// frames that the plane sent. A variant is words joined by "-": images, texts or sizes (images of random
// sizes); one or many (source addresses of the flood); limits, if the route has sourceLimits.
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/clock.h"
#include "dataplane/plane.h"
#include "must.h"
#include "plan/text_plan.h"
#include "port/memory_port.h"
#include "wire/chunk.h"
#include "wire/frame.h"
#include "wire/rtp.h"

namespace onpath::bench {
namespace {

constexpr uint16_t kUdpPort = 5004;
constexpr uint8_t kPayloadType = 96;
constexpr uint32_t kWidth = 64, kHeight = 48, kChunkBytes = 1152;  // an image is eight chunks
constexpr uint64_t kBytes = uint64_t{kWidth} * kHeight * 3;
constexpr uint32_t kBurst = 32;
constexpr uint32_t kHonest = 0x0a000001, kHostile = 0x0a420000;
constexpr uint64_t kPatienceNs = 10'000'000'000;

struct Variant {
  bool texts, sizes, many, limits;
};

/// Quick and poor, as an attacker needs it.
struct Noise {
  uint64_t state = 88172645463325252u;
  uint32_t next() {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return static_cast<uint32_t>(state >> 16);
  }
};

struct Chunk {
  uint32_t address = kHonest;
  uint16_t udp_port = 40000;
  uint32_t ssrc = 1, timestamp = 0;
  bool marker = false;
  ChunkHeader header;
  uint64_t bytes = 0;
};

void write(onpath_packet& packet, const Chunk& chunk) {
  uint8_t* at = packet.data + udp_headers_bytes(true);
  RtpPacket rtp;
  rtp.payload_type = kPayloadType;
  rtp.ssrc = chunk.ssrc;
  rtp.timestamp = chunk.timestamp;
  rtp.marker = chunk.marker;
  build_rtp(at, rtp);
  build_chunk(at + kRtpHeaderBytes, chunk.header);
  const size_t headers = kRtpHeaderBytes + chunk.header.bytes();
  std::memset(at + headers, 'a', chunk.bytes);
  const Endpoint from{IpAddress::v4(chunk.address), chunk.udp_port}, to{IpAddress::v4(0x0a000002), kUdpPort};
  // Without a checksum, as a sender over IPv4 may (RFC 768): the sum of the payload is not needed.
  FrameOptions options;
  options.summed_bytes = chunk.bytes;
  packet.length = static_cast<uint32_t>(build_frame(packet.data, {2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}, from,
                                                    to, headers + chunk.bytes, 0, options));
  std::memset(packet.data + udp_headers_bytes(true) - 2, 0, 2);
}

/// False: the ring has no room.
bool transmit(const onpath_port& port, uint32_t queue, const Chunk& chunk) {
  onpath_packet packet{};
  if (port.allocate(port.self, queue, &packet, 1) == 0) return false;
  write(packet, chunk);
  if (port.transmit(port.self, queue, &packet, 1) == 1) return true;
  port.release(port.self, queue, &packet, 1);
  return false;
}

PipelineSpec image_spec() {
  PipelineSpec spec;
  spec.input = {kWidth, kHeight, PixelFormat::rgb};
  ResizeSpec resize;
  resize.width = resize.height = 16;
  spec.stages = {resize};
  return spec;
}

TextPlanPtr text_plan() {
  TextPipelineSpec spec;
  spec.replace = {{"word", "other"}};
  return must(compile_text(spec));
}

class Run {
 public:
  explicit Run(const Variant& variant) : variant_(variant) {
    static int links = 0;
    const std::string link = "attack" + std::to_string(links++);
    MemoryPortConfig end;
    end.link = link;
    end.depth = 1024;
    PlaneConfig config;
    config.ports.push_back({"in", must(open_memory_port(end))});
    // Each sender has a queue of its own; what they send meets in one.
    end.side = end.senders = 1;
    far_ = must(open_memory_port(end));
    RouteConfig route;
    route.name = std::string("route");
    route.port = std::string("in");
    route.payload_type = kPayloadType;
    route.deadline_ns = kPatienceNs;
    route.sources = {{IpAddress::v4(0x0a000000), 96 + 8}};  // the flood's sources are allowed
    route.sink = HostSinkConfig{};
    if (variant.limits) {
      route.source_limits = {.packets_per_second = 200'000,
                             .bytes_per_second = 1'000'000'000,
                             .open_samples = 4,
                             .streams = 16,
                             .tracked_sources = 4096};
    }
    if (variant.texts) {
      route.text = TextRouteConfig{.plan = text_plan()};
      digest_ = route.text->plan->input().digest;
    } else {
      route.program = must(bind(must(compile(image_spec()))));
      digest_ = route.program->plan().input().digest;
      if (variant.sizes) {
        route.shapes.emplace();
        route.shapes->family = must(PlanFamily::make(image_spec()));
        route.program = route.shapes->family->largest();
      }
    }
    config.routes.push_back(route);
    plane_ = must(start_plane(std::move(config)));
  }
  ~Run() {
    plane_.reset();
    far_->destroy(far_->self);
  }

  void measure(uint64_t ms) {
    // Many addresses could as well be many honest senders: one that shows itself first is told from them.
    const bool known_first = variant_.many || variant_.sizes;
    if (known_first) require(send_sample() && arrives(), "the first sample is complete");
    std::thread flood([this] { send_flood(); });
    while (!known_first && flooded_ < 10'000) std::this_thread::yield();
    const uint64_t begin = now_ns();
    const uint64_t flooded_before = flooded_;
    uint64_t sent = 0, complete = 0;
    while (now_ns() - begin < ms * 1'000'000) {
      if (!send_sample()) break;
      ++sent;
      complete += arrives() ? 1 : 0;
      std::this_thread::sleep_for(std::chrono::microseconds(100));  // well below its own limits
    }
    const double seconds = static_cast<double>(now_ns() - begin) / 1e9;
    const double rate = static_cast<double>(flooded_ - flooded_before) / seconds;
    stop_ = true;
    flood.join();
    uint64_t frames = 0;
    std::array<onpath_packet, kBurst> packets;
    while (const uint32_t count = far_->receive(far_->self, 0, packets.data(), kBurst)) {
      frames += count;
      far_->release(far_->self, 0, packets.data(), count);
    }
    plane_->close();
    const PlaneStats stats = plane_->stats();
    uint64_t accounted = stats.routes[0].packets_used;
    const auto add = [&](const DropCounts& drops) {
      for (size_t i = 0; i < kDropReasonCount; ++i)
        accounted += drop_reason_scope(static_cast<DropReason>(i)) == DropScope::packet ? drops[i] : 0;
    };
    add(stats.routes[0].drops);
    add(stats.ports[0].drops);
    require(accounted == stats.ports[0].counters.rx_packets, "the books balance");
    std::printf("{\"packetsPerSecond\":%.0f,\"sent\":%llu,\"complete\":%llu,\"framesBack\":%llu}\n", rate,
                static_cast<unsigned long long>(sent), static_cast<unsigned long long>(complete),
                static_cast<unsigned long long>(frames));
    std::fflush(stdout);
  }

 private:
  void send_flood() {
    Noise noise;
    while (!stop_.load(std::memory_order_relaxed)) {
      Chunk chunk;
      chunk.address = variant_.many ? kHostile | (noise.next() & 0xffff) : kHostile;
      chunk.udp_port = static_cast<uint16_t>(noise.next() | 1024);
      chunk.ssrc = noise.next();
      chunk.timestamp = noise.next();
      chunk.header.digest = digest_;
      chunk.bytes = variant_.texts ? 60 : 6;
      if (variant_.sizes) {
        shape(chunk.header, 2 + noise.next() % (kWidth - 2), 2 + noise.next() % (kHeight - 2));
      } else if (!variant_.texts) {
        shape(chunk.header, kWidth, kHeight);
      }
      if (transmit(*far_, 0, chunk)) flooded_.fetch_add(1, std::memory_order_relaxed);
    }
  }

  static void shape(ChunkHeader& header, uint32_t width, uint32_t height) {
    header.rank = 2;
    header.dims[0] = height;
    header.dims[1] = width;
    header.length = uint64_t{width} * height * 3;
  }

  bool send_sample() {
    ++timestamp_;
    for (uint64_t at = 0; at < kBytes; at += kChunkBytes) {
      Chunk chunk;
      chunk.timestamp = timestamp_;
      chunk.marker = at + kChunkBytes >= kBytes;
      chunk.header.digest = digest_;
      if (!variant_.texts) shape(chunk.header, kWidth, kHeight);
      chunk.header.request_id = timestamp_;
      chunk.header.offset = at;
      chunk.bytes = std::min<uint64_t>(kChunkBytes, kBytes - at);
      const uint64_t begin = now_ns();
      while (!transmit(*far_, 1, chunk)) {
        if (now_ns() - begin > kPatienceNs) return false;
        std::this_thread::yield();
      }
    }
    return true;
  }

  /// Whether the sample that was sent last is delivered.
  bool arrives() {
    const uint64_t begin = now_ns();
    while (now_ns() - begin < kPatienceNs) {
      if (take() == timestamp_) return true;
      std::this_thread::yield();
    }
    return false;
  }

  /// The request id of the next sample, or 0.
  uint64_t take() {
    uint64_t id = 0;
    if (const auto sink = plane_->text_sink("route")) {
      TextPart part;
      if (!sink->next(part)) return 0;
      id = part.info.request_id;
      sink->release(part.handle);
    } else {
      const auto samples = plane_->host_sink("route");
      Delivery delivery;
      if (!samples->next(delivery)) return 0;
      id = delivery.samples[0].request_id;
      samples->release(delivery.buffer);
    }
    return id;
  }

  const Variant variant_;
  const onpath_port* far_ = nullptr;
  std::unique_ptr<Plane> plane_;
  uint32_t digest_ = 0;
  uint32_t timestamp_ = 0;
  std::atomic<uint64_t> flooded_{0};
  std::atomic<bool> stop_{false};
};

}  // namespace
}  // namespace onpath::bench

int main() {
  std::string name;
  for (uint64_t ms = 0; std::cin >> name >> ms;) {
    const auto has = [&](const char* word) { return name.find(word) != std::string::npos; };
    onpath::bench::Run({has("texts"), has("sizes"), has("many"), has("limits")}).measure(ms);
  }
}
