#include "dataplane/plane_testing.h"

#include <cstring>

namespace onpath::testing {

ProgramPtr small_program() {
  OutputSpec output;
  output.layout = Layout::chw;
  return must_bind(must_compile(pipeline(16, 8, PixelFormat::rgb, {imagenet()}, output)));
}

ProgramPtr resize_program(uint32_t width, uint32_t height) {
  OutputSpec output;
  output.layout = Layout::chw;
  return must_bind(must_compile(
      pipeline(width, height, PixelFormat::rgb, {resize_to(width / 2, height / 2), imagenet()}, output)));
}

ProgramPtr copy_program(uint32_t width, uint32_t height, PixelFormat format) {
  return must_bind(must_compile(pipeline(width, height, format)));
}

Bytes sample_of(const Program& program, uint64_t number) {
  Random random(number * 0x9e3779b97f4a7c15u + 1);
  return random.noise(program.plan().input().bytes);
}

Bytes expected_of(const Program& program, const Bytes& sample) {
  Bytes output(program.plan().outputs()[0].bytes);
  uint8_t* const outputs[] = {output.data()};
  auto state = must(program.make_state(Granularity::element));
  const auto ran = run_sample(program, *state, sample, outputs);
  EXPECT_TRUE(ran.ok());
  return output;
}

Endpoint endpoint(const std::string& address, uint16_t port) { return {must(parse_address(address)), port}; }

const onpath_port* memory_end(const std::string& link, uint32_t side, const MemoryPortConfig& like) {
  MemoryPortConfig config = like;
  config.link = link;
  config.side = side;
  return must(open_memory_port(config));
}

std::string fresh_link() {
  static std::atomic<int> next{0};
  return "link" + std::to_string(next++);
}

RouteConfig route_to_host(ProgramPtr program, const std::string& name, const std::string& port) {
  RouteConfig route;
  route.name = name;
  route.port = port;
  route.payload_type = kPayloadType;
  route.program = std::move(program);
  route.sink = HostSinkConfig{};
  return route;
}

PlaneConfig plane_on(const onpath_port* port, std::vector<RouteConfig> routes) {
  PlaneConfig config;
  config.ports = {{"p", port}};
  config.routes = std::move(routes);
  for (RouteConfig& route : config.routes) {
    if (route.deadline_ns == RouteConfig{}.deadline_ns) route.deadline_ns = 60'000'000'000;
  }
  return config;
}

SenderConfig sender_on(const onpath_port* port, const Program& program) {
  SenderConfig config;
  config.port = port;
  config.source = endpoint("10.0.0.2", 40000);
  config.destination = endpoint("10.0.0.1", kUdpPort);
  config.format = program.plan().input();
  return config;
}

Bytes rtp_of(const ChunkPacket& packet) {
  RtpPacket rtp;
  rtp.payload_type = packet.payload_type;
  rtp.marker = packet.marker;
  rtp.sequence = packet.sequence;
  rtp.timestamp = packet.timestamp;
  rtp.ssrc = packet.ssrc;
  ChunkHeader chunk;
  chunk.rank = static_cast<uint8_t>(packet.dims.size());
  chunk.output = packet.output;
  chunk.digest = packet.digest;
  chunk.request_id = packet.request_id;
  chunk.offset = packet.offset;
  chunk.length = packet.length;
  std::copy(packet.dims.begin(), packet.dims.end(), chunk.dims);
  Bytes out(kRtpHeaderBytes + chunk.bytes());
  build_rtp(out.data(), rtp);
  build_chunk(out.data() + kRtpHeaderBytes, chunk);
  out.insert(out.end(), packet.bytes.begin(), packet.bytes.end());
  return out;
}

std::vector<ChunkPacket> cut(const Program& program, const Bytes& sample, uint64_t bytes, uint32_t timestamp,
                             uint64_t request_id, uint32_t ssrc) {
  std::vector<ChunkPacket> packets;
  for (uint64_t offset = 0; offset < sample.size(); offset += bytes) {
    ChunkPacket packet;
    packet.ssrc = ssrc;
    packet.timestamp = timestamp;
    packet.sequence = static_cast<uint16_t>(packets.size());
    packet.request_id = request_id;
    packet.offset = offset;
    packet.length = sample.size();
    packet.digest = program.plan().input().digest;
    const auto end = std::min<uint64_t>(offset + bytes, sample.size());
    packet.bytes.assign(sample.begin() + static_cast<int64_t>(offset),
                        sample.begin() + static_cast<int64_t>(end));
    packet.marker = end == sample.size();
    packets.push_back(std::move(packet));
  }
  return packets;
}

RawEnd::RawEnd(const std::string& link, uint32_t side, const MemoryPortConfig& like)
    : port_(memory_end(link, side, like)) {}
RawEnd::~RawEnd() { port_->destroy(port_->self); }

Bytes RawEnd::frame_of(const Bytes& rtp) const {
  const size_t headers = udp_headers_bytes(destination.address.is_v4());
  Bytes frame(headers + rtp.size());
  std::copy(rtp.begin(), rtp.end(), frame.begin() + static_cast<int64_t>(headers));
  frame.resize(
      build_frame(frame.data(), {2, 0, 0, 0, 0, 2}, {2, 0, 0, 0, 0, 1}, source, destination, rtp.size(), 0));
  return frame;
}

void RawEnd::send_frame(const Bytes& frame) {
  onpath_packet packet;
  ASSERT_EQ(port_->allocate(port_->self, 0, &packet, 1), 1u);
  ASSERT_LE(frame.size(), packet.capacity);
  std::copy(frame.begin(), frame.end(), packet.data);
  packet.length = static_cast<uint32_t>(frame.size());
  const bool taken = wait_until([&] { return port_->transmit(port_->self, 0, &packet, 1) == 1; });
  ASSERT_TRUE(taken) << "the far end takes no frames";
  ++sent_;
}

void RawEnd::send(const Bytes& rtp) { send_frame(frame_of(rtp)); }

std::optional<Bytes> RawEnd::receive() {
  onpath_packet packet;
  if (port_->receive(port_->self, 0, &packet, 1) == 0) return std::nullopt;
  Bytes frame(packet.data, packet.data + packet.length);
  port_->release(port_->self, 0, &packet, 1);
  return frame;
}

bool wait_until(const std::function<bool()>& done) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  for (int spins = 0; !done(); ++spins) {
    if (std::chrono::steady_clock::now() > limit) return false;
    if (spins < 100) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
  }
  return true;
}

uint64_t packets_received(const PlaneStats& stats) {
  uint64_t packets = 0;
  for (const PortStats& port : stats.ports) packets += port.counters.rx_packets;
  return packets;
}

uint64_t packets_accounted(const PlaneStats& stats) {
  uint64_t packets = 0;
  const auto add_drops = [&](const DropCounts& drops) {
    for (size_t i = 0; i < kDropReasonCount; ++i) {
      const auto reason = static_cast<DropReason>(i);
      if (drop_reason_scope(reason) == DropScope::packet && counts_arrivals(reason)) packets += drops[i];
    }
  };
  for (const PortStats& port : stats.ports) {
    add_drops(port.drops);
    packets += port.control_packets;
  }
  for (const RouteStats& route : stats.routes) {
    packets += route.packets_used;
    add_drops(route.drops);
  }
  for (const WorkerStats& worker : stats.workers) packets += worker.packets_held;
  return packets;
}

std::string imbalance(const PlaneStats& stats) {
  std::string text;
  if (packets_received(stats) != packets_accounted(stats)) {
    text += std::to_string(packets_received(stats)) + " packets received, " +
            std::to_string(packets_accounted(stats)) + " accounted for. ";
  }
  for (const RouteStats& route : stats.routes) {
    uint64_t ended = route.samples_complete;
    for (size_t i = 0; i < kDropReasonCount; ++i) {
      const auto reason = static_cast<DropReason>(i);
      if (drop_reason_scope(reason) == DropScope::sample && reason != DropReason::undelivered)
        ended += route.drops[i];
    }
    if (route.samples_opened != ended + route.samples_open) {
      text += route.name + ": " + std::to_string(route.samples_opened) + " samples opened, " +
              std::to_string(ended) + " ended, " + std::to_string(route.samples_open) + " open. ";
    }
  }
  return text;
}

}  // namespace onpath::testing
