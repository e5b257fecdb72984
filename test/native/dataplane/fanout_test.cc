// Software fan-out by stream: a port with fewer queues than workers.
#include "dataplane/fanout.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "dataplane/checker.h"
#include "dataplane/fake_port.h"
#include "dataplane/flow_traffic.h"
#include "dataplane/plane_parts.h"
#include "support/random.h"

namespace onpath::testing {
namespace {

/// A plane without threads on a port of one queue.
class Stepped {
 public:
  Stepped(uint32_t workers, std::vector<RouteConfig> routes, uint32_t framing = ONPATH_FRAMING_ETHERNET)
      : in(framing) {
    in.table().transmit_queues = workers;
    PlaneConfig config;
    config.ports = {{"p", in.port()}};
    config.routes = std::move(routes);
    config.workers = workers;
    parts = must(build_plane(std::move(config)));
  }
  ~Stepped() { finish(); }

  void poll(uint32_t worker) {
    while (parts->workers[worker]->poll_once(now) > 0) {
    }
  }
  void poll_all() {
    for (uint32_t w = 0; w < parts->workers.size(); ++w) poll(w);
  }
  void finish() {
    if (finished_) return;
    finished_ = true;
    for (const auto& worker : parts->workers) worker->finish(now);
    for (const auto& worker : parts->workers) worker->take_back_all();
  }
  template <class Get>
  uint64_t sum(Get get) {
    uint64_t total = 0;
    for (const auto& worker : parts->workers) total += get(*worker);
    return total;
  }
  uint64_t used(size_t route = 0) {
    return sum([&](Worker& worker) { return worker.route_counters(route).packets_used.get(); });
  }
  uint64_t complete(size_t route = 0) {
    return sum([&](Worker& worker) { return worker.route_counters(route).samples_complete.get(); });
  }
  uint64_t dropped(DropReason reason, size_t route = 0) {
    const auto i = static_cast<size_t>(reason);
    return sum([&](Worker& worker) { return worker.route_counters(route).drops[i].get(); });
  }
  uint64_t port_dropped(DropReason reason) {
    const auto i = static_cast<size_t>(reason);
    return sum([&](Worker& worker) { return worker.port_counters(0).drops[i].get(); });
  }

  /// Sorted, as workers end samples in any order.
  std::vector<Bytes> take(size_t route = 0) {
    std::vector<Bytes> taken;
    SharedHostSink& sink = *parts->sinks[route];
    const uint64_t bytes = sink.plan()->outputs()[0].bytes;
    for (Delivery delivery; sink.next(delivery);) {
      Bytes& one = taken.emplace_back(delivery.outputs[0], delivery.outputs[0] + bytes);
      const SampleInfo& info = delivery.samples[0];
      for (const uint64_t number : {info.request_id, uint64_t{info.ssrc}, uint64_t{info.timestamp}}) {
        for (int byte = 0; byte < 8; ++byte) one.push_back(static_cast<uint8_t>(number >> (8 * byte)));
      }
      sink.release(delivery.buffer);
    }
    std::sort(taken.begin(), taken.end());
    return taken;
  }

  FakePort in;
  std::unique_ptr<PlaneParts> parts;
  uint64_t now = 1'000'000'000;

 private:
  bool finished_ = false;
};

RouteConfig roomy(ProgramPtr program, const std::string& name = "r") {
  RouteConfig route = route_to_host(std::move(program), name);
  route.slots = 1024;
  route.open_samples = 512;
  route.max_streams = 512;
  return route;
}

Bytes framed(const Bytes& rtp, uint16_t source_port = 40000) {
  Bytes frame(42 + rtp.size());
  std::copy(rtp.begin(), rtp.end(), frame.begin() + 42);
  build_frame(frame.data(), {}, {}, endpoint("10.0.0.2", source_port), endpoint("10.0.0.1", kUdpPort),
              rtp.size(), 0);
  return frame;
}

TEST(Fanout, EveryStreamIsWholeOnOneWorkerAndAllWorkersHaveSome) {
  const ProgramPtr program = small_program();
  Stepped plane(4, {roomy(program)});
  for (uint32_t ssrc = 0; ssrc < 64; ++ssrc) {
    for (const ChunkPacket& packet : cut(*program, sample_of(*program, ssrc), 96, 1, ssrc, ssrc))
      plane.in.arrive(framed(rtp_of(packet)));
    plane.poll_all();
  }
  EXPECT_EQ(plane.complete(), 64u);
  EXPECT_EQ(plane.used(), 64u * 4);
  for (const auto& worker : plane.parts->workers)
    EXPECT_GT(worker->route_counters(0).samples_complete.get(), 0u);
  const uint64_t out = plane.parts->workers[0]->counters().fanned_out.get();
  EXPECT_GT(out, 0u);
  EXPECT_EQ(out, plane.sum([](Worker& worker) { return worker.counters().fanned_in.get(); }));
  for (const Bytes& taken : plane.take()) {
    const uint64_t number = taken[taken.size() - 24];
    EXPECT_TRUE(std::equal(taken.begin(), taken.end() - 24,
                           expected_of(*program, sample_of(*program, number)).begin()));
  }
  plane.finish();
  EXPECT_EQ(plane.in.outstanding, 0u);
}

TEST(Fanout, DatagramsAreSpreadByTheirSourceToo) {
  const ProgramPtr program = small_program();
  Stepped plane(2, {roomy(program)}, ONPATH_FRAMING_DATAGRAM);
  for (uint32_t ssrc = 0; ssrc < 64; ++ssrc) {
    for (const ChunkPacket& packet : cut(*program, sample_of(*program, ssrc), 96, 1, ssrc, ssrc))
      plane.in.arrive(rtp_of(packet));
    plane.poll_all();
  }
  EXPECT_EQ(plane.complete(), 64u);
  EXPECT_GT(plane.parts->workers[1]->route_counters(0).samples_complete.get(), 0u);
  plane.finish();
  EXPECT_EQ(plane.in.outstanding, 0u);
}

TEST(Fanout, DoesToGoodAndDamagedPacketsWhatOneWorkerDoes) {
  Random random(test_seed());
  for (uint64_t round = 0; round < 20 / std::min<uint64_t>(kSlowdown, 4); ++round) {
    SCOPED_TRACE(round);
    const auto routes = [] {
      RouteConfig host = roomy(copy_program(Traffic::kWidth, Traffic::kHeight), "host");
      host.payload_type = Traffic::kToHost;
      host.sources = {{must(parse_address("10.0.0.0")), 128 - 3}};
      RouteConfig video = roomy(copy_program(Traffic::kWidth, Traffic::kHeight), "video");
      video.payload_type = Traffic::kVideo;
      video.payload = PayloadFormat::rfc4175;
      RouteConfig rest = roomy(copy_program(Traffic::kWidth, Traffic::kHeight), "rest");
      rest.payload_type.reset();
      return std::vector<RouteConfig>{host, video, rest};
    };
    Stepped one(1, routes()), three(3, routes());
    Traffic traffic(random);
    for (int i = 0; i < 1500; ++i) {
      const Bytes frame = traffic.next();
      const uint32_t flags = random.one_in(4) ? ONPATH_PACKET_IP_CHECKSUM_OK : 0;
      for (Stepped* plane : {&one, &three}) plane->in.arrive(frame, flags);
      if (!random.one_in(10)) continue;
      const uint64_t passed = random.below(2'000'000);
      for (Stepped* plane : {&one, &three}) {
        plane->now += passed;
        plane->poll_all();
      }
      if (random.one_in(4)) {
        for (size_t route = 0; route < 3; ++route) ASSERT_EQ(one.take(route), three.take(route));
      }
    }
    one.finish();
    three.finish();
    for (size_t route = 0; route < 3; ++route) {
      EXPECT_EQ(one.take(route), three.take(route));
      EXPECT_EQ(one.used(route), three.used(route));
      EXPECT_EQ(one.complete(route), three.complete(route));
      for (size_t i = 0; i < kDropReasonCount; ++i) {
        const auto reason = static_cast<DropReason>(i);
        EXPECT_EQ(one.dropped(reason, route), three.dropped(reason, route)) << drop_reason_name(reason);
      }
    }
    for (size_t i = 0; i < kDropReasonCount; ++i) {
      const auto reason = static_cast<DropReason>(i);
      EXPECT_EQ(one.port_dropped(reason), three.port_dropped(reason)) << drop_reason_name(reason);
    }
    EXPECT_GT(three.complete(0), 0u);
    EXPECT_GT(three.sum([](Worker& worker) { return worker.counters().fanned_in.get(); }), 100u);
    EXPECT_EQ(three.in.outstanding, 0u);
    if (HasFailure()) return;
  }
}

TEST(Fanout, AWorkerThatDoesNotKeepUpLosesItsPacketsAloneAndTheyAreCounted) {
  const ProgramPtr program = small_program();
  Stepped plane(2, {roomy(program)});
  const uint64_t streams = 16, rounds = 20;
  for (uint64_t round = 0; round < rounds; ++round) {
    for (uint32_t ssrc = 0; ssrc < streams; ++ssrc) {
      for (const ChunkPacket& packet :
           cut(*program, sample_of(*program, round), 96, static_cast<uint32_t>(round), round, ssrc))
        plane.in.arrive(framed(rtp_of(packet)));
    }
    plane.poll(0);
    (void)plane.take();
  }
  const uint64_t kept = plane.parts->workers[0]->route_counters(0).samples_complete.get();
  const uint64_t own = kept / rounds;
  EXPECT_EQ(kept, own * rounds) << "the streams of the worker that keeps up are whole";
  const uint64_t other_packets = (streams - own) * rounds * 4;
  const uint32_t room = Fanout::ring_packets(*plane.in.port(), 2);
  EXPECT_EQ(plane.port_dropped(DropReason::fanout_full), other_packets > room ? other_packets - room : 0);
  EXPECT_LE(plane.in.outstanding, room);
  plane.poll(1);
  plane.finish();
  EXPECT_EQ(plane.used() + plane.port_dropped(DropReason::fanout_full) + plane.dropped(DropReason::late) +
                plane.dropped(DropReason::no_slot) + plane.dropped(DropReason::slow_consumer),
            streams * rounds * 4);
  EXPECT_EQ(plane.in.outstanding, 0u);
}

TEST(Fanout, AFencedWorkersStreamsGoToTheOthersAndThoseOfTheOthersStay) {
  const ProgramPtr program = small_program();
  Stepped plane(3, {roomy(program)});
  uint32_t timestamp = 0;
  const auto send_all = [&] {
    ++timestamp;
    std::vector<uint64_t> before;
    for (const auto& worker : plane.parts->workers)
      before.push_back(worker->route_counters(0).samples_complete.get());
    for (uint32_t ssrc = 0; ssrc < 60; ++ssrc) {
      for (const ChunkPacket& packet : cut(*program, sample_of(*program, ssrc), 96, timestamp, ssrc, ssrc))
        plane.in.arrive(framed(rtp_of(packet)));
      plane.poll_all();
    }
    (void)plane.take();
    for (size_t w = 0; w < 3; ++w)
      before[w] = plane.parts->workers[w]->route_counters(0).samples_complete.get() - before[w];
    return before;
  };
  const auto all = send_all();
  EXPECT_EQ(all[0] + all[1] + all[2], 60u);
  plane.parts->group->set_live(1, false);
  const auto without = send_all();
  EXPECT_EQ(without[1], 0u);
  EXPECT_EQ(without[0] + without[2], 60u);
  EXPECT_GE(without[0], all[0]);
  EXPECT_GE(without[2], all[2]);
  plane.parts->group->set_live(1, true);
  EXPECT_EQ(send_all(), all);
}

TEST(Fanout, APacketOfAnotherWorkerLeavesInTheBufferItCameIn) {
  const ProgramPtr program = copy_program(16, 8);
  static const int domain = 0;
  FakePort in, out;
  for (FakePort* port : {&in, &out}) {
    port->share_buffers(&domain, 128);
    port->table().transmit_queues = 3;
  }
  RouteConfig route = roomy(program);
  ForwardSinkConfig forward;
  forward.port = "q";
  forward.source = endpoint("10.0.1.1", 6000);
  forward.destination = endpoint("10.0.1.2", 6001);
  route.sink = forward;
  PlaneConfig config;
  config.ports = {{"p", in.port()}, {"q", out.port()}};
  config.routes = {route};
  config.workers = 3;
  {
    auto parts = must(build_plane(std::move(config)));
    for (uint32_t ssrc = 0; ssrc < 30; ++ssrc) {
      for (const ChunkPacket& packet : cut(*program, sample_of(*program, ssrc), 96, 1, ssrc, ssrc))
        in.arrive(framed(rtp_of(packet)));
      for (const auto& worker : parts->workers) worker->poll_once(1'000'000'000);
    }
    for (const auto& worker : parts->workers) worker->finish(1'000'000'000);
    EXPECT_GT(parts->workers[0]->counters().fanned_out.get(), 0u);
  }
  EXPECT_EQ(out.sent.size(), 30u * 4);
  EXPECT_EQ(out.taken_over, 30u * 4);
  EXPECT_EQ(in.outstanding, 0u);
  EXPECT_EQ(out.outstanding, 0u);
}

TEST(Fanout, ThreadsOnAPortOfOneQueueDeliverEverySampleExactly) {
  const ProgramPtr program = small_program();
  const std::string link = fresh_link();
  MemoryPortConfig one;
  one.queues = 1;
  one.senders = 3;
  RouteConfig route = roomy(program);
  PlaneConfig config = plane_on(memory_end(link, 0, one), {route});
  config.workers = 4;
  config.idle_after_ns = 20'000;  // workers sleep and are woken
  auto plane = must(start_plane(std::move(config)));
  Checker checker(program, plane->host_sink("r"));
  checker.start();
  RawEnd far(link);
  const uint64_t samples = 20000 / kSlowdown;
  for (uint64_t number = 0; number < samples; ++number) {
    // No more on their way than rings and slots have room for.
    ASSERT_TRUE(wait_until([&] { return checker.samples + 30 > number; })) << number;
    for (const ChunkPacket& p : cut(*program, sample_of(*program, number), 96, static_cast<uint32_t>(number),
                                    number, static_cast<uint32_t>(number % 40)))
      far.send(p);
  }
  EXPECT_TRUE(wait_until([&] { return checker.samples == samples; }));
  plane->close();
  checker.stop();
  const PlaneStats stats = plane->stats();
  EXPECT_EQ(imbalance(stats), "");
  EXPECT_EQ(checker.wrong, 0u);
  EXPECT_EQ(dropped(stats.ports[0], DropReason::fanout_full), 0u);
  uint64_t in = 0;
  for (const WorkerStats& worker : stats.workers) in += worker.fanned_in;
  EXPECT_EQ(in, stats.workers[0].fanned_out);
  EXPECT_GT(in, 0u);
}

TEST(Fanout, AFloodThatIsClosedInTheMiddleIsCountedToThePacket) {
  const ProgramPtr program = small_program();
  for (int round = 0; round < 10; ++round) {
    const std::string link = fresh_link();
    MemoryPortConfig one;
    one.queues = 1;
    one.senders = 2;
    PlaneConfig config = plane_on(memory_end(link, 0, one), {route_to_host(program)});
    config.workers = 3;
    auto plane = must(start_plane(std::move(config)));
    std::atomic<bool> stop{false};
    std::thread feeder([&] {
      const onpath_port* port = memory_end(link, 1);
      auto sender = must(open_sender(sender_on(port, *program)));
      const Bytes sample = sample_of(*program, 1);
      while (!stop) (void)sender->send(sample, 1, [](const Result<SendReport>&) {});
      sender->close();
    });
    EXPECT_TRUE(wait_until([&] { return packets_received(plane->stats()) > 500; }));
    plane->close();
    stop = true;
    feeder.join();
    EXPECT_EQ(imbalance(plane->stats()), "");
  }
}

}  // namespace
}  // namespace onpath::testing
