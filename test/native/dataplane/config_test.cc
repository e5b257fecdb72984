// What a plane refuses to start with, in words that help, and without leaving anything behind.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dataplane/fake_port.h"
#include "dataplane/plane_testing.h"

namespace onpath::testing {
namespace {

ForwardSinkConfig forward_to(const char* port) {
  ForwardSinkConfig sink;
  sink.port = port;
  return sink;
}

class Config : public ::testing::Test {
 protected:
  const ProgramPtr program = small_program();
  FakePort port;

  std::string refusal(const std::function<void(PlaneConfig&)>& change) {
    port.destroyed = false;
    PlaneConfig config = plane_on(port.port(), {route_to_host(program)});
    change(config);
    auto plane = start_plane(std::move(config));
    const std::string text = error_text(plane);
    EXPECT_TRUE(port.destroyed || plane.ok()) << "a refused plane owns its ports all the same";
    return text;
  }
};

#define EXPECT_REFUSAL(part, ...)                                                            \
  EXPECT_NE(refusal([&](PlaneConfig& config) { __VA_ARGS__ }).find(part), std::string::npos) \
      << refusal([&](PlaneConfig& config) { __VA_ARGS__ })

TEST_F(Config, GoodIsTaken) {
  EXPECT_EQ(refusal([](PlaneConfig&) {}), "ok");
}

TEST_F(Config, BadIsRefusedByName) {
  EXPECT_REFUSAL("INVALID_SPEC: Route \"r\" names port \"nowhere\"", config.routes[0].port = "nowhere";);
  EXPECT_REFUSAL("(\"p\")", config.routes[0].port = "nowhere";);
  EXPECT_REFUSAL("has no pipeline", config.routes[0].program = nullptr;);
  EXPECT_REFUSAL("slots is 0, expected 1 to 65536", config.routes[0].slots = 0;);
  EXPECT_REFUSAL("openSamples is 0", config.routes[0].open_samples = 0;);
  EXPECT_REFUSAL("maxStreams is 70000", config.routes[0].max_streams = 70000;);
  EXPECT_REFUSAL("batch is 0", std::get<HostSinkConfig>(config.routes[0].sink).batch = 0;);
  EXPECT_REFUSAL("deadline is 0", config.routes[0].deadline_ns = 0;);
  EXPECT_REFUSAL("payload type 128", config.routes[0].payload_type = 128;);
  EXPECT_REFUSAL("read as RTCP", config.routes[0].payload_type = 72;);
  EXPECT_REFUSAL("The plane has 2 workers, but port \"p\" has 1 receive and 1 transmit queues.",
                 config.workers = 2;);
  EXPECT_REFUSAL("workers is 0", config.workers = 0;);
  EXPECT_REFUSAL("Two routes are named \"r\"", config.routes.push_back(config.routes[0]););
  EXPECT_REFUSAL("both take any UDP port and payload type 96 on the same port",
                 config.routes.push_back(config.routes[0]);
                 config.routes[1].name = "s";);
  EXPECT_REFUSAL("an empty name", config.routes[0].name = "";);
  EXPECT_REFUSAL("RFC 4175, which has no sampling for gray",
                 config.routes[0].program = copy_program(4, 4, PixelFormat::gray);
                 config.routes[0].payload = PayloadFormat::rfc4175;);
  EXPECT_REFUSAL("forwards to port \"q\"", config.routes[0].sink = forward_to("q"););
  EXPECT_REFUSAL("no UDP port", config.routes[0].sink = forward_to("p"););
}

TEST_F(Config, ForwardingThatCannotLeaveIsRefused) {
  ForwardSinkConfig good;
  good.port = "p";
  good.destination = endpoint("10.0.0.9", 7000);
  EXPECT_EQ(refusal([&](PlaneConfig& config) { config.routes[0].sink = good; }), "ok");
  EXPECT_REFUSAL("longer than the port sends", auto sink = good; sink.max_payload_bytes = 2048;
                 config.routes[0].sink = sink;);
  EXPECT_REFUSAL("does not hold", auto sink = good; sink.max_payload_bytes = 50;
                 config.routes[0].sink = sink;);
  EXPECT_REFUSAL("different IP versions", auto sink = good; sink.source = endpoint("::1", 1);
                 config.routes[0].sink = sink;);
  EXPECT_REFUSAL("payload type 90", auto sink = good; sink.payload_type = 90; config.routes[0].sink = sink;);
}

TEST_F(Config, MoreMemoryThanAllowedIsALimitAndSaysHowMuch) {
  EXPECT_REFUSAL("LIMIT_EXCEEDED: The pools of the plane up to route \"r\" need",
                 config.max_memory_bytes = 1000;);
  EXPECT_REFUSAL("LIMIT_EXCEEDED", config.routes[0].slots = 65536;
                 std::get<HostSinkConfig>(config.routes[0].sink).batch = 65536;);
}

#ifndef ONPATH_SANITIZED  // sanitizers need address space of their own
TEST_F(Config, MemoryThatTheSystemDoesNotHaveIsAnErrorAndNotAnEnd) {
  const pid_t child = fork();
  if (child == 0) {
    const rlimit little{1u << 30, 1u << 30};
    setrlimit(RLIMIT_AS, &little);
    const std::string text = refusal([](PlaneConfig& config) {
      config.routes[0].slots = 65536;
      std::get<HostSinkConfig>(config.routes[0].sink).batch = 64;
    });
    _exit(text.rfind("OUT_OF_MEMORY: The system has no ", 0) == 0 ? 0 : 1);
  }
  int status = 1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}
#endif

TEST_F(Config, APortOfAnotherVersionIsRefusedAndLeftAlone) {
  port.table().version = 1;
  PlaneConfig config = plane_on(port.port(), {});
  EXPECT_EQ(error_text(start_plane(config)).rfind("PORT_FAILED: Port \"p\" was built for version 1", 0), 0u);
  EXPECT_FALSE(port.destroyed);
}

TEST_F(Config, MemoryBytesCoversThePools) {
  PlaneConfig config = plane_on(port.port(), {route_to_host(program)});
  config.routes[0].slots = 100;
  auto plane = must(start_plane(std::move(config)));
  EXPECT_GE(plane->memory_bytes(), 100 * program->plan().outputs()[0].bytes);
}

}  // namespace
}  // namespace onpath::testing
