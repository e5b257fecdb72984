// What the tests of the DPDK driver share. EAL starts once per process, so each test runs in a child that
// starts it anew; the test program itself never does.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "port/dpdk_port.h"

namespace onpath::testing {

/// Runs `body` in a child process; its failed expectations fail this test.
void in_child(const std::function<void()>& body);

/// A folder that is removed with everything in it.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Skips its tests, by name, where there is no driver to test.
class Dpdk : public ::testing::Test {
 protected:
  void SetUp() override;
};

/// Ordinary memory, no telemetry socket.
DpdkOptions plain_options();

template <class T>
std::string code_of(const Result<T>& result) {
  return result.ok() ? "ok" : error_code_name(result.error().code);
}
template <class T>
std::string message_of(const Result<T>& result) {
  return result.ok() ? "" : result.error().message;
}

/// Starts EAL with plain_options(); false, and a failure, if that does not work.
bool start_plainly();

/// An open port. The thread that opens it may use its data path.
class OpenPort {
 public:
  explicit OpenPort(const DpdkPortConfig& config);
  explicit OpenPort(const std::string& device) : OpenPort(config_of(device)) {}
  ~OpenPort() { close(); }
  OpenPort(const OpenPort&) = delete;
  OpenPort& operator=(const OpenPort&) = delete;

  explicit operator bool() const { return port_ != nullptr; }
  const onpath_port* operator->() const { return port_; }
  void* self() const { return port_->self; }
  void close();

  static DpdkPortConfig config_of(const std::string& device);

  std::vector<onpath_packet> receive(uint32_t count = 64, uint32_t queue = 0) const;
  void release(const std::vector<onpath_packet>& packets, uint32_t queue = 0) const;
  /// Sends frames of these sizes, filled with their number; how many were accepted.
  uint32_t send(const std::vector<uint32_t>& sizes, uint32_t queue = 0) const;
  onpath_port_info info() const;
  onpath_port_counters counters() const;

 private:
  const onpath_port* port_ = nullptr;
};

/// Whether the packet is as OpenPort::send() made it.
bool is_filled_with(const onpath_packet& packet, uint8_t number, uint32_t length);

}  // namespace onpath::testing
