// Senders over a plane's port, and planes that find each other: with threads, over memory links.
#include <gtest/gtest.h>

#include <future>

#include "dataplane/host_testing.h"

namespace onpath::testing {
namespace {

LocalHostConfig host_at(const std::string& address) { return host_of({own(address, 24)}); }

const onpath_port* end_with_senders(const std::string& link, uint32_t side, uint32_t senders) {
  MemoryPortConfig config;
  config.senders = senders;
  return memory_end(link, side, config);
}

/// A plane without routes on one end, a host at `address`.
PlaneConfig sending_plane(const std::string& link, uint32_t senders = 1,
                          const std::string& address = "10.0.0.2") {
  PlaneConfig config = plane_on(end_with_senders(link, 1, senders), {});
  config.ports[0].host = host_at(address);
  return config;
}
PlaneConfig receiving_plane(const std::string& link, const ProgramPtr& program) {
  PlaneConfig config = plane_on(memory_end(link, 0), {route_to_host(program)});
  config.ports[0].host = host_at("10.0.0.1");
  return config;
}

SenderConfig to_receiver(const Program& program) {
  SenderConfig config;
  config.destination = endpoint("10.0.0.1", kUdpPort);
  config.format = program.plan().input();
  return config;
}

Result<SendReport> send_one(Sender& sender, const Bytes& sample) {
  const auto told = std::make_shared<std::promise<Result<SendReport>>>();
  const auto queued =
      sender.send(sample, 7, [told](Result<SendReport> report) { told->set_value(std::move(report)); });
  if (!queued) return queued.error();
  return told->get_future().get();
}

TEST(PlaneSender, TwoPlanesFindEachOtherAndSamplesArrive) {
  const ProgramPtr program = copy_program(37, 11);
  const std::string link = fresh_link();
  auto receiver = must(start_plane(receiving_plane(link, program)));
  auto plane = must(start_plane(sending_plane(link)));
  auto sender = must(plane->open_sender("p", to_receiver(*program)));
  const Bytes sample = sample_of(*program, 3);
  const auto report = send_one(*sender, sample);
  ASSERT_TRUE(report.ok()) << error_text(report);
  EXPECT_EQ(report.value().refused, 0u);
  Delivery delivery;
  ASSERT_TRUE(wait_until([&] { return receiver->host_sink("r")->next(delivery); }));
  EXPECT_EQ(std::memcmp(delivery.outputs[0], sample.data(), sample.size()), 0);
  EXPECT_EQ(endpoint_text(delivery.samples[0].source), "10.0.0.2:5004");
  receiver->host_sink("r")->release(delivery.buffer);
  plane->close();
  sender->close();
  receiver->close();
  EXPECT_EQ(imbalance(plane->stats()), "");
  EXPECT_EQ(imbalance(receiver->stats()), "");
  EXPECT_GE(receiver->stats().ports[0].control_packets, 1u);
}

TEST(PlaneSender, SaysUnreachableAndWorksOnceTheNeighbourIsThere) {
  const ProgramPtr program = copy_program(16, 8);
  const std::string link = fresh_link();
  RawEnd nobody(link, 0);  // so that frames leave
  auto plane = must(start_plane(sending_plane(link)));
  auto sender = must(plane->open_sender("p", to_receiver(*program)));
  const Bytes sample = sample_of(*program, 3);
  const auto failed = send_one(*sender, sample);
  EXPECT_EQ(
      error_text(failed).rfind("UNREACHABLE: Nobody answered for 10.0.0.1 (ARP, asked for 3 seconds from "
                               "a port with 10.0.0.2/24)",
                               0),
      0u)
      << error_text(failed);
  nobody.send_frame(arp_frame(true, kPeerMac, "10.0.0.1", "10.0.0.2"));
  const auto report = send_one(*sender, sample);
  ASSERT_TRUE(report.ok()) << error_text(report);
  std::optional<Bytes> frame;
  EXPECT_TRUE(wait_until([&] {
    frame = nobody.receive();
    return frame && frame->size() > 100;
  }));
  EXPECT_EQ(mac_at(frame->data()), kPeerMac);
}

TEST(PlaneSender, QueuesAreGivenOutTakenBackAndEndWithThePlane) {
  const ProgramPtr program = copy_program(16, 8);
  const std::string link = fresh_link();
  auto plane = must(start_plane(sending_plane(link, 2)));
  const SenderConfig config = to_receiver(*program);
  EXPECT_EQ(error_text(plane->open_sender("x", config)),
            "NOT_FOUND: The plane has no port \"x\"; it has \"p\".");
  SenderConfig astray = config;
  astray.destination = endpoint("192.0.2.1", 1);
  EXPECT_EQ(error_text(plane->open_sender("p", astray)).rfind("INVALID_SPEC: 192.0.2.1 is in none", 0), 0u);
  auto first = must(plane->open_sender("p", config));
  auto second = must(plane->open_sender("p", config));
  EXPECT_EQ(error_text(plane->open_sender("p", config)).rfind("BUSY: Port \"p\" keeps 2 transmit queues", 0),
            0u);
  for (int i = 0; i < 20; ++i) {
    first->close();
    SenderConfig other = config;
    other.destination = endpoint("10.0.0." + std::to_string(10 + i), 1);  // next hops are given back too
    first = must(plane->open_sender("p", other));
    ASSERT_TRUE(first);
  }
  const Bytes sample = sample_of(*program, 3);
  std::atomic<int> closed{0};
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(second
                    ->send(sample, 1,
                           [&](const Result<SendReport>& report) {
                             closed += !report.ok() && report.error().code == ErrorCode::CLOSED;
                           })
                    .ok());
  }
  plane->close();
  EXPECT_EQ(closed.load(), 3) << "what waits for a neighbour is told at once";
  EXPECT_EQ(error_text(second->send(sample, 1, [](const Result<SendReport>&) {})),
            "CLOSED: The sender is closed.");
  EXPECT_EQ(error_text(plane->open_sender("p", config)).rfind("CLOSED: The plane is closed", 0), 0u);
  plane.reset();
  second.reset();
  first->close();
}

TEST(PlaneSender, WithoutQueuesForSendersIsBusy) {
  auto plane = must(start_plane(plane_on(memory_end(fresh_link(), 0), {})));
  EXPECT_EQ(error_text(plane->open_sender("p", to_receiver(*copy_program(4, 4)))).rfind("BUSY: ", 0), 0u);
}

TEST(PlaneSender, PortsLearnOfTheirThreadsAndMayRefuseThem) {
  static std::atomic<int> threads, refuse_after;
  threads = 0;
  refuse_after = 2;
  const auto begin = [](void*) -> int {
    return threads.fetch_add(1) < refuse_after ? 0 : (threads.fetch_sub(1), EBUSY);
  };
  const auto end = [](void*) { threads.fetch_sub(1); };
  const auto open = [&](uint32_t senders) {
    const onpath_port* port = end_with_senders(fresh_link(), 1, senders);
    auto* table = const_cast<onpath_port*>(port);
    table->begin_thread = begin;
    table->end_thread = end;
    PlaneConfig config = plane_on(port, {});
    config.ports[0].host = host_at("10.0.0.2");
    return start_plane(std::move(config));
  };
  auto plane = must(open(2));
  EXPECT_EQ(threads.load(), 1);
  const SenderConfig config = to_receiver(*copy_program(4, 4));
  auto sender = must(plane->open_sender("p", config));
  EXPECT_EQ(threads.load(), 2);
  EXPECT_EQ(error_text(plane->open_sender("p", config)).rfind("PORT_FAILED: The port did not take", 0), 0u);
  EXPECT_EQ(error_text(open(1)).rfind(
                "PORT_FAILED: A port did not take a worker's thread: Device or resource busy", 0),
            0u);
  plane->close();
  EXPECT_EQ(threads.load(), 0);
}

TEST(PlaneSender, PortInfosAreAskedOfThePortsAndKeptAfterClose) {
  auto* port = const_cast<onpath_port*>(memory_end(fresh_link(), 0));
  port->info = [](void*, onpath_port_info* info) { info->mtu = 1500; };
  auto plane = must(start_plane(plane_on(port, {})));
  for (int i = 0; i < 2; ++i) {
    const auto infos = plane->port_infos();
    ASSERT_EQ(infos.size(), 1u);
    EXPECT_EQ(infos[0].mtu, 1500u);
    EXPECT_EQ(infos[0].numa_node, -1);
    plane->close();
  }
}

TEST(PlaneSender, ForwardingPlanesFindEachOther) {
  const ProgramPtr program = copy_program(16, 8);
  const std::string link_in = fresh_link(), link = fresh_link();
  PlaneConfig relay = plane_on(memory_end(link_in, 0), {});
  relay.ports.push_back({"q", memory_end(link, 1), host_at("10.0.0.2")});
  RouteConfig route = route_to_host(program);
  ForwardSinkConfig sink;
  sink.port = "q";
  sink.destination = endpoint("10.0.0.1", kUdpPort);
  sink.payload_type = kPayloadType;
  route.sink = sink;
  relay.routes = {route};
  relay.idle_after_ns = 10'000;
  auto last = must(start_plane(receiving_plane(link, program)));
  auto middle = must(start_plane(std::move(relay)));
  RawEnd far(link_in, 1);
  const Bytes sample = sample_of(*program, 1);
  Delivery delivery;
  uint32_t timestamp = 0;
  EXPECT_TRUE(wait_until([&] {
    far.send(cut(*program, sample, 384, ++timestamp)[0]);
    return last->host_sink("r")->next(delivery);
  }));
  EXPECT_EQ(std::memcmp(delivery.outputs[0], sample.data(), sample.size()), 0);
  middle->close();
  last->close();
  EXPECT_EQ(imbalance(middle->stats()), "");
  EXPECT_EQ(imbalance(last->stats()), "");
}

}  // namespace
}  // namespace onpath::testing
