// Measures the data path over DPDK ports, for `npm run bench -- dpdk`. Reads names of measurements from
// stdin, one a line, and answers each with nanoseconds per packet: the median of many short blocks.
// Arguments:
// `--cpu n` keeps the measuring thread there.
//   path      worker: receive to slot and release, of chunks whose bytes the program does not read (net_ring)
//   forward   worker: receive, look-up in place, transmit (net_ring to net_ring)
//   receive   our port's receive and release (net_null)
//   bare      the same device, received and freed with DPDK's functions alone
//   copy-sum  memcpy and checksum of the bytes of one chunk, by the faster of DPDK's checksum and ours
#include <sched.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bare.h"
#include "dataplane/clock.h"
#include "dataplane/plane_parts.h"
#include "must.h"
#include "plan/program.h"
#include "port/dpdk_port.h"
#include "wire/chunk.h"
#include "wire/frame.h"
#include "wire/rtp.h"

namespace onpath::bench {
namespace {

constexpr uint32_t kChunkBytes = 1400;
constexpr uint32_t kChannels = 4;
constexpr uint32_t kWidth = kChunkBytes / kChannels;  // a chunk is a row
constexpr uint32_t kHeight = 64;
constexpr uint32_t kBatch = 32;  // packets of one block: as many as testpmd keeps under way between two rings
constexpr uint32_t kBlocks = 400;
constexpr uint32_t kWarmUp = 20;
constexpr uint8_t kPayloadType = 96;
constexpr uint16_t kUdpPort = 5004;

/// What reading the clock adds to a time that is taken with it: the least of many.
uint64_t clock_ns() {
  uint64_t least = UINT64_MAX;
  for (uint32_t i = 0; i < 1000; ++i) {
    const uint64_t begin = now_ns();
    least = std::min(least, now_ns() - begin);
  }
  return least;
}

/// Median over blocks of nanoseconds per packet; `prepare` is not timed, `block` answers how many packets it
/// took.
double measure(const std::function<void()>& prepare, const std::function<uint64_t()>& block) {
  std::vector<double> times;
  const uint64_t clock = clock_ns();
  for (uint32_t i = 0; i < kBlocks + kWarmUp; ++i) {
    prepare();
    const uint64_t begin = now_ns();
    const uint64_t packets = block();
    const uint64_t end = now_ns();
    require(packets > 0, "a block has packets");
    const uint64_t spent = end - begin - std::min(end - begin, clock);
    if (i >= kWarmUp) times.push_back(static_cast<double>(spent) / static_cast<double>(packets));
  }
  std::nth_element(times.begin(), times.begin() + kBlocks / 2, times.end());
  return times[kBlocks / 2];
}

const onpath_port* open(const std::string& device) {
  DpdkPortConfig config;
  config.device = device;
  config.buffers = 4096;
  return must(open_dpdk_port(config));
}

ProgramPtr program(std::vector<StageSpec> stages) {
  PipelineSpec spec;
  spec.input = {kWidth, kHeight, PixelFormat::rgba};
  spec.stages = std::move(stages);
  return must(bind(must(compile(spec))));
}

/// A worker that is driven by hand, and the packets that it is to take.
class Path {
 public:
  /// `out`: a second ring, where the route forwards to; empty: the route delivers to its host.
  Path(const std::string& in, const std::string& out, ProgramPtr of) : in_(open(in)) {
    PlaneConfig config;
    config.ports.push_back({"in", in_});
    RouteConfig route;
    route.name = "route";
    route.port = "in";
    route.program = std::move(of);
    route.payload_type = kPayloadType;
    if (!out.empty()) {
      out_ = open(out);
      // A ring gives back what it takes; here that is taken away outside of what is timed.
      deaf_ = *out_;
      deaf_.receive = [](void*, uint32_t, onpath_packet*, uint32_t) { return 0u; };
      config.ports.push_back({"out", &deaf_});
      ForwardSinkConfig forward;
      forward.port = "out";
      forward.source = forward.destination = {IpAddress::v4(0x0a000002), kUdpPort};
      forward.max_payload_bytes = 1460;
      route.sink = forward;
    }
    format_ = route.program->plan().input();
    config.routes.push_back(route);
    parts_ = must(build_plane(std::move(config)));
    must_begin();
  }

  double measure_it() {
    const double ns = measure([this] { refill(); }, [this] { return poll(); });
    const RouteCounters& counters = parts_->workers[0]->route_counters(0);
    require(counters.packets_used.get() == sent_, "every packet was used");
    if (out_ != nullptr) require(counters.packets_forwarded.get() == sent_, "every packet was forwarded");
    return ns;
  }

 private:
  void must_begin() {
    const auto begun = parts_->workers[0]->begin_thread();
    if (!begun.ok()) std::fprintf(stderr, "%s\n", begun.error().message.c_str()), std::exit(1);
  }

  /// Takes away what the last block produced and writes fresh packets into the ring.
  void refill() {
    if (out_ != nullptr) drain();
    for (Delivery delivery; out_ == nullptr && parts_->sinks[0]->next(delivery);)
      parts_->sinks[0]->release(delivery.buffer);
    std::array<onpath_packet, 32> packets;
    for (uint32_t sent = 0; sent < kBatch; sent += packets.size()) {
      require(in_->allocate(in_->self, 0, packets.data(), packets.size()) == packets.size(),
              "buffers suffice");
      for (onpath_packet& packet : packets) write(packet);
      require(in_->transmit(in_->self, 0, packets.data(), packets.size()) == packets.size(),
              "the ring has room");
    }
    sent_ += kBatch;
  }

  void write(onpath_packet& packet) {
    uint8_t* at = packet.data + udp_headers_bytes(true);
    RtpPacket rtp;
    rtp.payload_type = kPayloadType;
    rtp.sequence = static_cast<uint16_t>(number_);
    rtp.timestamp = static_cast<uint32_t>(number_ / kHeight);
    rtp.ssrc = 1;
    ChunkHeader chunk;
    chunk.rank = 2;
    chunk.dims[0] = kHeight;
    chunk.dims[1] = kWidth;
    chunk.digest = format_.digest;
    chunk.length = format_.bytes;
    chunk.offset = number_ % kHeight * kChunkBytes;
    ++number_;
    build_rtp(at, rtp);
    build_chunk(at + kRtpHeaderBytes, chunk);
    const size_t bytes = kRtpHeaderBytes + chunk.bytes() + kChunkBytes;
    const Endpoint from{IpAddress::v4(0x0a000001), 40000}, to{IpAddress::v4(0x0a000002), kUdpPort};
    // A NIC verifies the UDP checksum; where there is none, a sender over IPv4 may leave it out (RFC 768). So
    // the sum of the payload does not matter here.
    FrameOptions options;
    options.summed_bytes = kChunkBytes;
    packet.length = static_cast<uint32_t>(
        build_frame(packet.data, {2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}, from, to, bytes, 0, options));
    std::memset(packet.data + udp_headers_bytes(true) - 2, 0, 2);
  }

  uint64_t poll() {
    uint64_t taken = 0;
    while (taken < kBatch) taken += parts_->workers[0]->poll_once(now_ += 1000);
    return taken;
  }

  void drain() {
    std::array<onpath_packet, 64> packets;
    while (const uint32_t count = out_->receive(out_->self, 0, packets.data(), packets.size()))
      out_->release(out_->self, 0, packets.data(), count);
  }

  const onpath_port* in_ = nullptr;
  const onpath_port* out_ = nullptr;
  onpath_port deaf_{};
  SampleFormat format_;
  std::unique_ptr<PlaneParts> parts_;
  uint64_t number_ = 0, sent_ = 0;
  uint64_t now_ = 1'000'000'000;
};

constexpr uint32_t kBurst = 32;
constexpr uint32_t kBursts = 64;

double measure_receive(const onpath_port& port) {
  std::array<onpath_packet, kBurst> packets;
  return measure([] {},
                 [&] {
                   uint64_t received = 0;
                   for (uint32_t i = 0; i < kBursts; ++i) {
                     const uint32_t count = port.receive(port.self, 0, packets.data(), kBurst);
                     port.release(port.self, 0, packets.data(), count);
                     received += count;
                   }
                   return received;
                 });
}

template <class Sum>
double measure_copy_and(Sum add_up) {
  std::vector<uint8_t> from(kChunkBytes, 1), to(kChunkBytes);
  volatile uint64_t sink = 0;
  return measure([] {},
                 [&] {
                   for (uint32_t i = 0; i < kBatch; ++i) {
                     from[i] = static_cast<uint8_t>(i);
                     std::memcpy(to.data(), from.data(), kChunkBytes);
                     asm volatile("" ::"r"(to.data()) : "memory");
                     sink = sink + add_up(to.data());
                   }
                   return uint64_t{kBatch};
                 });
}

double measure_copy_sum() {
  const double of_dpdk = measure_copy_and([](const uint8_t* bytes) { return sum(bytes, kChunkBytes); });
  const double of_ours = measure_copy_and([](const uint8_t* bytes) {
    return checksum_add({bytes, kChunkBytes});
  });
  std::fprintf(stderr, "copy-sum: DPDK's checksum %.1f, ours %.1f\n", of_dpdk, of_ours);
  return std::min(of_dpdk, of_ours);
}

void stay_on(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(cpu), &set);
  sched_setaffinity(0, sizeof set, &set);
}

int run(int argc, char** argv) {
  int cpu = -1;
  DpdkOptions options;
  options.telemetry = false;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--cpu") == 0 && i + 1 < argc) cpu = std::atoi(argv[++i]);
    if (std::strcmp(argv[i], "--no-huge") == 0) options.hugepages = false;
  }
  if (!options.hugepages) options.memory_mb = 256;
  const auto started = start_dpdk(options);
  if (!started.ok()) {
    std::fprintf(stderr, "%s\n", started.error().message.c_str());
    return 1;
  }
  const onpath_port* null_port = open("net_null0");
  LookupSpec lookup;
  lookup.data.resize(256);
  for (size_t i = 0; i < 256; ++i) lookup.data[i] = static_cast<uint8_t>(i * 7 + 3);
  // A crop beside the image: the output is padding, and no byte that arrives is read.
  Path unread("net_ring0", "", program({CropSpec{kWidth, kHeight, 4, 4}}));
  Path in_place("net_ring1", "net_ring2", program({lookup}));
  if (cpu >= 0) stay_on(cpu);

  const std::map<std::string, std::function<double()>> measurements = {
      {"path", [&] { return unread.measure_it(); }},
      {"forward", [&] { return in_place.measure_it(); }},
      {"receive", [&] { return measure_receive(*null_port); }},
      {"bare", [&] { return measure([] {}, [] { return receive_and_free("net_null0", kBurst, kBursts); }); }},
      {"copy-sum", measure_copy_sum}};
  for (std::string name; std::getline(std::cin, name);) {
    const auto found = measurements.find(name);
    if (found == measurements.end()) {
      std::fprintf(stderr, "There is no measurement \"%s\".\n", name.c_str());
      return 2;
    }
    std::printf("%s %.3f\n", name.c_str(), found->second());
    std::fflush(stdout);
  }
  // Nothing is taken down: the process ends.
  std::fflush(stdout);
  std::_Exit(0);
}

}  // namespace
}  // namespace onpath::bench

int main(int argc, char** argv) { return onpath::bench::run(argc, argv); }
