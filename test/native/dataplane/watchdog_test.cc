// Workers that hang are fenced, recover, or are left behind; ports whose link or device goes are told of.
#include "dataplane/watchdog.h"

#include <gtest/gtest.h>

#include "dataplane/checker.h"
#include "dataplane/fake_port.h"
#include "dataplane/hanging_port.h"

namespace onpath::testing {
namespace {

constexpr uint64_t kHangNs = 100'000'000;

RouteConfig forward_route(const ProgramPtr& program) {
  RouteConfig route = route_to_host(program, "onwards");
  ForwardSinkConfig forward;
  forward.port = "p";
  forward.source = endpoint("10.0.0.1", 6000);
  forward.destination = endpoint("10.0.0.2", 6001);
  route.sink = forward;
  return route;
}

/// Every event of these kinds, or null if none came in time.
std::optional<PlaneEvent> await_event(EventLog& log, PlaneEvent::Kind kind) {
  PlaneEvent event;
  if (!wait_until([&] {
        while (log.next(event)) {
          if (event.kind == kind) return true;
        }
        return false;
      }))
    return std::nullopt;
  return event;
}

TEST(Watchdog, AWorkerThatHangsIsFencedAndTheOthersGetItsStreamsUntilItRecovers) {
  const ProgramPtr program = small_program();
  const std::string link = fresh_link();
  MemoryPortConfig one;
  one.queues = 1;
  one.senders = 2;
  HangingPort hanging(memory_end(link, 0, one));
  PlaneConfig config = plane_on(hanging.port(), {forward_route(program)});
  config.workers = 3;
  config.hang_ns = kHangNs;
  auto plane = must(start_plane(std::move(config)));
  const auto events = plane->events();
  RawEnd far(link);
  uint32_t timestamp = 0;
  const auto complete = [&] { return plane->stats().routes[0].samples_complete; };
  const auto send_to_all = [&](bool whole) {
    ++timestamp;
    for (uint32_t ssrc = 0; ssrc < 30; ++ssrc) {
      const auto packets = cut(*program, sample_of(*program, ssrc), 96, timestamp, ssrc, ssrc);
      for (size_t i = 0; i < packets.size() - (whole ? 0 : 1); ++i) far.send(packets[i]);
      while (far.receive()) {
      }
    }
  };
  send_to_all(true);
  ASSERT_TRUE(wait_until([&] { return complete() == 30; }));

  hanging.hang(HangingPort::transmit, 1);
  send_to_all(true);
  ASSERT_TRUE(wait_until([&] { return hanging.hanging == 1; }));
  const auto fenced = await_event(*events, PlaneEvent::Kind::worker_fenced);
  ASSERT_TRUE(fenced);
  EXPECT_EQ(fenced->worker, 1u);
  const bool says_where = fenced->cause.find("sending by port \"p\"") != std::string::npos ||
                          fenced->cause.find("packet of route \"onwards\"") != std::string::npos;
  EXPECT_TRUE(says_where) << fenced->cause;
  EXPECT_TRUE(plane->stats().workers[1].fenced);
  EXPECT_EQ(plane->stats().workers[1].fences, 1u);
  EXPECT_FALSE(plane->stats().workers[0].fenced);

  // All streams now end on the others: what is sent from here on is complete while one worker hangs.
  const uint64_t before = complete();
  send_to_all(true);
  EXPECT_TRUE(wait_until([&] {
    while (far.receive()) {
    }
    return complete() == before + 30;
  }));

  hanging.let_go();
  EXPECT_TRUE(await_event(*events, PlaneEvent::Kind::worker_recovered));
  EXPECT_TRUE(wait_until([&] { return !plane->stats().workers[1].fenced; }));
  const uint64_t after = complete();
  send_to_all(true);
  EXPECT_TRUE(wait_until([&] {
    while (far.receive()) {
    }
    return complete() == after + 30;
  }));
  plane->close();
  const PlaneStats stats = plane->stats();
  EXPECT_EQ(imbalance(stats), "");
  EXPECT_TRUE(hanging.destroyed);
}

TEST(Watchdog, WhatAWorkerHadOpenWhenItHungIsGivenUpWhenItRecovers) {
  const ProgramPtr program = small_program();
  const std::string link = fresh_link();
  HangingPort hanging(memory_end(link, 0));
  PlaneConfig config = plane_on(hanging.port(), {route_to_host(program)});
  config.hang_ns = kHangNs;
  auto plane = must(start_plane(std::move(config)));
  const auto events = plane->events();
  RawEnd far(link);
  far.send(cut(*program, sample_of(*program, 1), 96, 1)[0]);
  ASSERT_TRUE(wait_until([&] { return plane->stats().routes[0].samples_open == 1; }));
  hanging.hang(HangingPort::receive, 0);
  far.send(cut(*program, sample_of(*program, 1), 96, 1)[1]);
  const auto fenced = await_event(*events, PlaneEvent::Kind::worker_fenced);
  ASSERT_TRUE(fenced);
  EXPECT_NE(fenced->cause.find("receiving from port \"p\""), std::string::npos) << fenced->cause;
  hanging.let_go();
  ASSERT_TRUE(await_event(*events, PlaneEvent::Kind::worker_recovered));
  EXPECT_EQ(dropped(plane->stats().routes[0], DropReason::fenced), 1u);
  EXPECT_EQ(plane->stats().routes[0].samples_open, 0u);
  plane->close();
  EXPECT_EQ(imbalance(plane->stats()), "");
}

TEST(Watchdog, ASleepingWorkerAndABusyOneAreNotFenced) {
  const ProgramPtr program = small_program();
  const std::string link = fresh_link();
  PlaneConfig config = plane_on(memory_end(link, 0), {route_to_host(program)});
  config.hang_ns = 20'000'000;
  auto plane = must(start_plane(std::move(config)));
  Checker checker(program, plane->host_sink("r"));
  RawEnd far(link);
  uint64_t number = 0;
  for (int spell = 0; spell < 5; ++spell) {
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    for (int i = 0; i < 200; ++i, ++number) {
      for (const ChunkPacket& p :
           cut(*program, sample_of(*program, number), 96, static_cast<uint32_t>(number), number))
        far.send(p);
      ASSERT_TRUE(wait_until([&] {
        checker.pump();
        return checker.samples == number + 1;
      }));
    }
  }
  plane->close();
  EXPECT_EQ(plane->stats().workers[0].fences, 0u);
  EXPECT_EQ(imbalance(plane->stats()), "");
}

TEST(Watchdog, APlaneClosesWithoutAWorkerThatHangsAndTheBooksBalance) {
  const ProgramPtr program = small_program();
  const std::string link = fresh_link();
  MemoryPortConfig one;
  one.queues = 1;
  one.senders = 1;
  HangingPort hanging(memory_end(link, 0, one));
  PlaneConfig config = plane_on(hanging.port(), {forward_route(program)});
  config.workers = 2;
  config.close_timeout_ns = 50'000'000;
  auto plane = must(start_plane(std::move(config)));
  const auto events = plane->events();
  RawEnd far(link);
  for (uint32_t ssrc = 0; ssrc < 20; ++ssrc)
    far.send(cut(*program, sample_of(*program, 1), 96, 1, 1, ssrc)[0]);
  ASSERT_TRUE(wait_until([&] { return plane->stats().routes[0].samples_open == 20; }));
  hanging.hang(HangingPort::transmit, 1);
  for (uint32_t ssrc = 0; ssrc < 20; ++ssrc) {
    for (uint32_t t = 2; t < 4; ++t) {
      for (const ChunkPacket& packet : cut(*program, sample_of(*program, 1), 96, t, 1, ssrc))
        far.send(packet);
    }
  }
  ASSERT_TRUE(wait_until([&] {
    while (far.receive()) {
    }
    return hanging.hanging == 1 && packets_received(plane->stats()) == 20 + 160;
  }));
  plane->close();
  EXPECT_TRUE(await_event(*events, PlaneEvent::Kind::worker_abandoned));
  const PlaneStats stats = plane->stats();
  EXPECT_EQ(imbalance(stats), "");
  EXPECT_TRUE(stats.workers[1].fenced);
  EXPECT_GT(dropped(stats.routes[0], DropReason::fenced), 0u);
  EXPECT_EQ(stats.routes[0].samples_open, 0u);
  EXPECT_FALSE(hanging.destroyed) << "the thread that hangs may touch it";
  plane.reset();
  EXPECT_FALSE(hanging.destroyed);
  hanging.let_go();
  EXPECT_TRUE(wait_until([&] { return hanging.destroyed.load(); }));
  // The thread itself ends a moment later.
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

TEST(Watchdog, LinksAndDevicesThatGoAndComeAreEvents) {
  const std::string link = fresh_link();
  HangingPort port(memory_end(link, 0));
  auto plane = must(start_plane(plane_on(port.port(), {route_to_host(small_program())})));
  const auto events = plane->events();
  port.link_up = false;
  const auto down = await_event(*events, PlaneEvent::Kind::link_down);
  ASSERT_TRUE(down);
  EXPECT_EQ(down->port, "p");
  EXPECT_NE(down->cause, "");
  EXPECT_GT(down->time_ns, 0u);
  port.link_up = true;
  EXPECT_TRUE(await_event(*events, PlaneEvent::Kind::link_up));
  port.removed = true;
  EXPECT_TRUE(await_event(*events, PlaneEvent::Kind::port_removed));
  port.removed = false;
  EXPECT_TRUE(await_event(*events, PlaneEvent::Kind::port_recovered));
}

PlaneEvent event_of(PlaneEvent::Kind kind, const std::string& port) { return {kind, 1, 0, port, "because"}; }

TEST(EventLog, KeepsAFewAndSaysHowManyItDropped) {
  EventLog log;
  const size_t more = 10;
  for (size_t i = 0; i < EventLog::kMost + more; ++i)
    log.push(event_of(PlaneEvent::Kind::link_down, "p" + std::to_string(i)));
  PlaneEvent event;
  ASSERT_TRUE(log.next(event));
  EXPECT_EQ(event.missed, more);
  EXPECT_EQ(event.port, "p10");
  size_t rest = 0;
  while (log.next(event)) {
    EXPECT_EQ(event.missed, 0u);
    ++rest;
  }
  EXPECT_EQ(rest, EventLog::kMost - 1);
}

TEST(EventLog, WhatGoesToAndFroIsOneEventEach) {
  EventLog log;
  for (int i = 0; i < 500; ++i) {
    log.push(event_of(PlaneEvent::Kind::link_down, "p"));
    log.push(event_of(PlaneEvent::Kind::link_up, "p"));
    if (i == 0) log.push(event_of(PlaneEvent::Kind::port_removed, "other"));
  }
  std::vector<PlaneEvent> all;
  for (PlaneEvent event; log.next(event);) all.push_back(event);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].port, "other");
  EXPECT_EQ(all[1].kind, PlaneEvent::Kind::link_down);
  EXPECT_EQ(all[2].kind, PlaneEvent::Kind::link_up) << "the last is what is so now";
  EXPECT_EQ(all[1].times, 500u);
  EXPECT_EQ(all[2].times, 500u);
  for (const PlaneEvent& event : all) EXPECT_EQ(event.missed, 0u);
}

TEST(EventLog, TellsItsConsumerOncePerSpell) {
  EventLog log;
  int told = 0;
  log.push(event_of(PlaneEvent::Kind::link_down, "p"));
  log.on_ready([](void* count) { ++*static_cast<int*>(count); }, &told);
  EXPECT_EQ(told, 1);
  log.push(event_of(PlaneEvent::Kind::link_up, "p"));
  EXPECT_EQ(told, 1);
  PlaneEvent event;
  while (log.next(event)) {
  }
  log.push(event_of(PlaneEvent::Kind::link_down, "p"));
  EXPECT_EQ(told, 2);
  log.on_ready(nullptr, nullptr);
}

}  // namespace
}  // namespace onpath::testing
