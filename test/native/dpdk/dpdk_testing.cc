#include "dpdk/dpdk_testing.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

namespace onpath::testing {

void in_child(const std::function<void()>& body) {
  std::fflush(nullptr);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    alarm(300);
    body();
    std::fflush(nullptr);
    _exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  // A child that ends like this leaves EAL's empty folder behind.
  std::error_code error;
  std::filesystem::remove_all("/var/run/dpdk/onpath-" + std::to_string(child), error);
  EXPECT_TRUE(WIFEXITED(status)) << "the child was ended by signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0) << "the child's failures are above";
}

TemporaryFolder::TemporaryFolder() {
  char path[] = "/tmp/onpath-dpdk-XXXXXX";
  path_ = mkdtemp(path);
}
TemporaryFolder::~TemporaryFolder() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}

void Dpdk::SetUp() {
#ifdef ONPATH_DPDK_DRIVER
  setenv("ONPATH_DRIVER_PATH", ONPATH_DPDK_DRIVER_FOLDER, 1);
#else
  GTEST_SKIP() << "built without the DPDK driver: libdpdk was not found, or sanitizers are on";
#endif
}

DpdkOptions plain_options() {
  DpdkOptions options;
  options.hugepages = false;
  options.telemetry = false;
  options.memory_mb = 256;
  return options;
}

bool start_plainly() {
  const auto started = start_dpdk(plain_options());
  EXPECT_TRUE(started.ok()) << message_of(started);
  return started.ok();
}

OpenPort::OpenPort(const DpdkPortConfig& config) {
  const auto opened = open_dpdk_port(config);
  EXPECT_TRUE(opened.ok()) << message_of(opened);
  if (!opened) return;
  port_ = opened.value();
  EXPECT_EQ(port_->begin_thread(port_->self), 0);
}

void OpenPort::close() {
  if (port_ == nullptr) return;
  port_->end_thread(port_->self);
  port_->destroy(port_->self);
  port_ = nullptr;
}

DpdkPortConfig OpenPort::config_of(const std::string& device) {
  DpdkPortConfig config;
  config.device = device;
  return config;
}

std::vector<onpath_packet> OpenPort::receive(uint32_t count, uint32_t queue) const {
  std::vector<onpath_packet> packets(count);
  packets.resize(port_->receive(port_->self, queue, packets.data(), count));
  return packets;
}

void OpenPort::release(const std::vector<onpath_packet>& packets, uint32_t queue) const {
  port_->release(port_->self, queue, packets.data(), static_cast<uint32_t>(packets.size()));
}

uint32_t OpenPort::send(const std::vector<uint32_t>& sizes, uint32_t queue) const {
  std::vector<onpath_packet> packets(sizes.size());
  const uint32_t given =
      port_->allocate(port_->self, queue, packets.data(), static_cast<uint32_t>(packets.size()));
  for (uint32_t i = 0; i < given; ++i) {
    packets[i].length = sizes[i];
    std::memset(packets[i].data, static_cast<int>(i), std::min(sizes[i], packets[i].capacity));
  }
  const uint32_t sent = port_->transmit(port_->self, queue, packets.data(), given);
  port_->release(port_->self, queue, packets.data() + sent, given - sent);
  return sent;
}

onpath_port_info OpenPort::info() const {
  onpath_port_info info{};
  info.size = sizeof info;
  port_->info(port_->self, &info);
  return info;
}

onpath_port_counters OpenPort::counters() const {
  onpath_port_counters counters{};
  port_->counters(port_->self, &counters);
  return counters;
}

bool is_filled_with(const onpath_packet& packet, uint8_t number, uint32_t length) {
  return packet.length == length &&
         std::all_of(packet.data, packet.data + length, [&](uint8_t byte) { return byte == number; });
}

}  // namespace onpath::testing
