// Measures workers, for `npm run bench -- workers`. Says `ready {}`, then reads lines and answers each, `ns` with
// nanoseconds of the clock and of processor time for each thread:
//   workers N SAMPLES   `ns` of N workers that take SAMPLES images each off a queue of their own
//   fanned N SAMPLES    `ns` of N workers that take as many off one queue, by software fan-out
//   loops N COUNT       `ns` of N threads that do COUNT rounds of arithmetic each
//   idle KIND MS        `cpu` and the share of a core that a plane took in so many milliseconds without a packet
//   wake KIND COUNT MS  `us` and that many wake-up latencies: from the transmit to the look that finds the
//                       packet, after quiet spells of about MS milliseconds
// KIND: `waits`, a port with a descriptor to wait for, or `polled`, one that can only be polled.
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/clock.h"
#include "dataplane/plane.h"
#include "dataplane/plane_parts.h"
#include "must.h"
#include "port/memory_link.h"
#include "port/memory_port.h"
#include "wire/chunk.h"
#include "wire/frame.h"
#include "wire/rtp.h"

namespace onpath::bench {
namespace {

constexpr uint32_t kMostSamples = 128;  // on their way at a time, for each worker
constexpr uint32_t kRingPackets = 128;  // at most, of those that workers hand each other
constexpr size_t kPieceBytes = 1344;    // whole pixels of rgb

ProgramPtr program(uint32_t side, uint32_t to) {
  PipelineSpec spec;
  spec.input = {side, side, PixelFormat::rgb};
  ResizeSpec resize;
  resize.width = resize.height = to;
  NormalizeSpec normalize;
  normalize.mean = {0.485, 0.456, 0.406};
  normalize.std = {0.229, 0.224, 0.225};
  spec.stages = {resize, normalize};
  spec.output.layout = Layout::chw;
  return must(bind(must(compile(spec))));
}

Endpoint endpoint(const char* address, uint16_t port) { return {must(parse_address(address)), port}; }

RouteConfig route_of(const ProgramPtr& program) {
  RouteConfig route;
  route.name = "r";
  route.port = "p";
  route.program = program;
  route.slots = 2 * kMostSamples;
  route.deadline_ns = UINT64_MAX;
  return route;
}

/// One end of a link, by hand.
class FarEnd {
 public:
  explicit FarEnd(const MemoryPortConfig& like) {
    MemoryPortConfig config = like;
    config.side = 1;
    config.queues = 1;
    config.senders = 0;
    config.depth = 64;
    port_ = must(open_memory_port(config));
  }
  ~FarEnd() { port_->destroy(port_->self); }
  FarEnd(const FarEnd&) = delete;

  /// The packets of one sample of `input`, from a UDP port. Blocks while the other end is full.
  void send(const SampleFormat& input, uint16_t from, uint32_t ssrc, uint32_t timestamp) {
    for (uint64_t offset = 0; offset < input.bytes; offset += kPieceBytes) {
      const size_t bytes = std::min<uint64_t>(kPieceBytes, input.bytes - offset);
      onpath_packet packet{};
      while (port_->allocate(port_->self, 0, &packet, 1) == 0) std::this_thread::yield();
      uint8_t* const rtp_at = packet.data + udp_headers_bytes(true);
      RtpPacket rtp;
      rtp.payload_type = 96;
      rtp.ssrc = ssrc;
      rtp.timestamp = timestamp;
      build_rtp(rtp_at, rtp);
      ChunkHeader chunk;
      chunk.digest = input.digest;
      chunk.offset = offset;
      chunk.length = input.bytes;
      size_t length = kRtpHeaderBytes;
      build_chunk(rtp_at + length, chunk);
      length += chunk.bytes();
      std::memset(rtp_at + length, static_cast<int>(offset % 251), bytes);
      length += bytes;
      packet.length = static_cast<uint32_t>(build_frame(packet.data, {2}, {2}, endpoint("10.0.0.2", from),
                                                        endpoint("10.0.0.1", 5004), length, 0));
      while (port_->transmit(port_->self, 0, &packet, 1) == 0) std::this_thread::yield();
    }
  }
  /// A UDP port whose frames arrive at this one of `queues`.
  static uint16_t port_for(uint32_t queue, uint32_t queues) {
    for (uint16_t from = 40000;; ++from) {
      uint8_t frame[64] = {};
      build_frame(frame, {2}, {2}, endpoint("10.0.0.2", from), endpoint("10.0.0.1", 5004), 8, 0);
      if (spread_frame(frame, queues) == queue) return from;
    }
  }

 private:
  const onpath_port* port_;
};

MemoryPortConfig link_of(const std::string& name, uint32_t queues, uint32_t senders) {
  MemoryPortConfig config;
  config.link = name;
  config.queues = queues;
  config.senders = senders;
  config.depth = 16384;
  return config;
}

uint64_t clock_of(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

/// Nanoseconds: of the clock, and of processor time for each thread.
struct Took {
  uint64_t wall = 0, cpu = 0;
};

/// Starts `count` threads together: how long until the last of them has ended.
template <class Body>
Took run_together(uint32_t count, Body body) {
  std::atomic<uint32_t> ready{0};
  std::atomic<bool> go{false};
  std::vector<uint64_t> ends(count), cpu(count);
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      ++ready;
      while (!go) {
      }
      const uint64_t begin = clock_of(CLOCK_THREAD_CPUTIME_ID);
      body(i);
      cpu[i] = clock_of(CLOCK_THREAD_CPUTIME_ID) - begin;
      ends[i] = now_ns();
    });
  }
  while (ready != count) std::this_thread::yield();
  const uint64_t begin = now_ns();
  go = true;
  for (std::thread& thread : threads) thread.join();
  return {*std::max_element(ends.begin(), ends.end()) - begin,
          std::accumulate(cpu.begin(), cpu.end(), uint64_t{0}) / count};
}

/// Workers on queues that are full before they begin.
class Crew {
 public:
  Crew(uint32_t workers, bool fanned)
      : workers_(workers),
        queues_(fanned ? 1 : workers),
        link_(link_of((fanned ? "fanned" : "own") + std::to_string(workers), queues_, workers - queues_)),
        program_(program(224, 64)) {
    PlaneConfig config;
    config.ports = {{"p", must(open_memory_port(link_))}};
    config.routes = {route_of(program_)};
    config.workers = workers;
    parts_ = must(build_plane(std::move(config)));
    far_ = std::make_unique<FarEnd>(link_);
  }
  ~Crew() {
    for (const auto& worker : parts_->workers) worker->finish(now_ns());
  }

  Took run(uint64_t samples) {
    Took all;
    for (; samples > 0; samples -= std::min<uint64_t>(samples, kMostSamples)) {
      const Took some = run_some(static_cast<uint32_t>(std::min<uint64_t>(samples, kMostSamples)));
      all.wall += some.wall;
      all.cpu += some.cpu;
    }
    return all;
  }

 private:
  uint64_t complete(uint32_t worker) const {
    return parts_->workers[worker]->route_counters(0).samples_complete.get();
  }
  Took run_some(uint32_t samples) {
    const SampleFormat& input = program_->plan().input();
    if (queues_ < workers_) return run_fanned(samples);
    for (uint32_t w = 0; w < workers_; ++w) {
      for (uint32_t i = 0; i < samples; ++i)
        far_->send(input, FarEnd::port_for(w, queues_), w, ++timestamp_);
    }
    const Took took = run_together(workers_, [&](uint32_t w) {
      const uint64_t target = complete(w) + samples;
      while (complete(w) < target) parts_->workers[w]->poll_once(now_ns());
    });
    take_all(uint64_t{samples} * workers_);
    return took;
  }
  /// As many streams, each of which is on some worker. The sums are what counts.
  Took run_fanned(uint32_t samples) {
    const SampleFormat& input = program_->plan().input();
    const uint32_t all = std::min<uint32_t>(samples * workers_, kMostSamples);
    for (uint32_t i = 0; i < all; ++i) far_->send(input, 40000, i % 16, ++timestamp_);
    uint64_t target = all;
    for (uint32_t w = 0; w < workers_; ++w) target += complete(w);
    // Traffic that comes no faster than it is taken: else rings are full, and packets are dropped.
    const auto is_behind = [&] {
      uint64_t handed = parts_->workers[0]->counters().fanned_out.get();
      for (uint32_t w = 1; w < workers_; ++w) handed -= parts_->workers[w]->counters().fanned_in.get();
      return handed > kRingPackets - Worker::kBurst;
    };
    const Took took = run_together(workers_, [&](uint32_t w) {
      const auto sum = [&] {
        uint64_t total = 0;
        for (uint32_t other = 0; other < workers_; ++other) {
          const auto& drops = parts_->workers[other]->port_counters(0).drops;
          require(drops[static_cast<size_t>(DropReason::fanout_full)].get() == 0, "nothing is dropped");
          total += complete(other);
        }
        return total;
      };
      while (sum() < target) {
        if ((w == 0 && is_behind()) || parts_->workers[w]->poll_once(now_ns()) == 0) std::this_thread::yield();
      }
    });
    take_all(all);
    const uint64_t wanted = uint64_t{samples} * workers_;
    return {took.wall * wanted / all, took.cpu * wanted / all};
  }
  void take_all(uint64_t expected) {
    uint64_t taken = 0;
    for (Delivery delivery; parts_->sinks[0]->next(delivery);) {
      taken += delivery.count;
      parts_->sinks[0]->release(delivery.buffer);
    }
    require(taken == expected, "every sample was delivered");
  }

  const uint32_t workers_, queues_;
  const MemoryPortConfig link_;
  const ProgramPtr program_;
  std::unique_ptr<PlaneParts> parts_;
  std::unique_ptr<FarEnd> far_;
  uint32_t timestamp_ = 0;
};

Took run_loops(uint32_t threads, uint64_t count) {
  return run_together(threads, [&](uint32_t i) {
    uint64_t value = i + 1;
    for (uint64_t round = 0; round < count * 1000; ++round) {
      value = value * 6364136223846793005u + 1;
      asm volatile("" : "+r"(value));
    }
  });
}

/// A running plane of one worker without traffic, on a port that can be waited for or only polled.
class QuietPlane {
 public:
  explicit QuietPlane(bool polled) : link_(link_of(polled ? "polled" : "waits", 1, 0)), program_(program(8, 4)) {
    const onpath_port* port = must(open_memory_port(link_));
    if (polled) {
      inner_ = port;
      table_ = *port;
      table_.wait_fd = [](void*, uint32_t) { return -1; };
      table_.arm = [](void*, uint32_t, int) {};
      port = &table_;
    }
    PlaneConfig config;
    config.ports = {{"p", port}};
    config.routes = {route_of(program_)};
    plane_ = must(start_plane(std::move(config)));
    far_ = std::make_unique<FarEnd>(link_);
  }

  /// The process sleeps meanwhile: what it takes is the plane's.
  double idle_share(uint64_t ms) {
    sleep_ns(20'000'000);
    const uint64_t cpu = cpu_ns(), begin = now_ns();
    sleep_ns(ms * 1'000'000);
    return static_cast<double>(cpu_ns() - cpu) / static_cast<double>(now_ns() - begin);
  }

  std::vector<double> wake_ups(uint32_t count, uint64_t ms) {
    std::vector<double> us;
    std::mt19937_64 random(1);
    for (uint32_t i = 0; i < count; ++i) {
      sleep_ns(ms * 500'000 + random() % (ms * 1'000'000));
      const uint64_t sent = now_ns();
      far_->send(program_->plan().input(), 40000, 1, ++timestamp_);
      Delivery delivery;
      while (!plane_->host_sink("r")->next(delivery)) sleep_ns(200'000);
      us.push_back(static_cast<double>(std::max(delivery.samples[0].first_packet_ns, sent) - sent) / 1e3);
      plane_->host_sink("r")->release(delivery.buffer);
    }
    return us;
  }

 private:
  static void sleep_ns(uint64_t ns) {
    const timespec time{static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
  }
  static uint64_t cpu_ns() { return clock_of(CLOCK_PROCESS_CPUTIME_ID); }

  const MemoryPortConfig link_;
  const ProgramPtr program_;
  const onpath_port* inner_ = nullptr;
  onpath_port table_{};
  std::unique_ptr<Plane> plane_;
  std::unique_ptr<FarEnd> far_;
  uint32_t timestamp_ = 0;
};

int run() {
  std::map<std::string, std::unique_ptr<Crew>> crews;
  std::printf("ready {}\n");
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string work, kind;
    uint64_t first = 0, second = 0;
    words >> work;
    if (work == "idle" || work == "wake") {
      words >> kind >> first >> second;
      QuietPlane plane(kind == "polled");
      if (work == "idle") {
        std::printf("cpu %.6f\n", plane.idle_share(first));
      } else {
        std::printf("us");
        for (const double us : plane.wake_ups(static_cast<uint32_t>(first), second)) std::printf(" %.1f", us);
        std::printf("\n");
      }
    } else {
      words >> first >> second;
      require(first >= 1 && first <= 64 && second >= 1, "lines are as the head of this file says");
      const auto threads = static_cast<uint32_t>(first);
      Took took;
      if (work == "loops") {
        took = run_loops(threads, second);
      } else {
        auto& crew = crews[work + std::to_string(threads)];
        if (!crew) crew = std::make_unique<Crew>(threads, work == "fanned" && threads > 1);
        took = crew->run(second);
      }
      std::printf("ns %llu %llu\n", static_cast<unsigned long long>(took.wall),
                  static_cast<unsigned long long>(took.cpu));
    }
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace onpath::bench

int main() { return onpath::bench::run(); }
