// A capture that runs: its taps on the workers, and the thread that writes its file. Control path only.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "dataplane/capture.h"
#include "dataplane/capture_writer.h"

namespace onpath {

/// A file that is written from its beginning.
class OutputFile {
 public:
  OutputFile() = default;
  OutputFile(OutputFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OutputFile& operator=(OutputFile&&) = delete;
  ~OutputFile();

  /// Creates or empties it, for its owner only. Errors: NOT_FOUND (its folder), PERMISSION_DENIED,
  /// INVALID_ARGUMENT (also what is no regular file).
  static Result<OutputFile> create(const std::string& path);
  /// Errors: PORT_FAILED.
  Result<void> write(std::span<const uint8_t> bytes);
  Result<void> close();

 private:
  explicit OutputFile(int fd) : fd_(fd) {}
  int fd_ = -1;
};

class CaptureSession final : public Capture {
 public:
  /// `points`: of the workers, one for each tap of the writer; they may go after leave().
  CaptureSession(std::unique_ptr<CaptureWriter> writer, std::vector<CapturePoint*> points,
                 std::optional<OutputFile> file, std::function<void()> on_end);
  ~CaptureSession() override;

  /// Attaches the taps and starts the thread. Throws std::system_error.
  void start();
  /// Leaves the workers: no packet is taken from now on. Any thread.
  void leave();

  void stop() override;
  CaptureStats stats() const override;
  std::vector<uint8_t> read(size_t most) override;
  uint64_t memory_bytes() const { return memory_bytes_.load(std::memory_order_relaxed); }

 private:
  static constexpr size_t kPiece = 256u << 10;

  void run();
  bool write_out();
  void end(std::vector<uint8_t>& to);

  mutable std::mutex mutex_;  // the writer, and what is told
  std::condition_variable changed_;
  const std::unique_ptr<CaptureWriter> writer_;
  std::vector<CapturePoint*> points_;  // guarded by points_mutex()
  std::optional<OutputFile> file_;     // the thread's
  const std::function<void()> on_end_;
  std::atomic<uint64_t> memory_bytes_{0};
  std::optional<Error> failure_;
  bool stopping_ = false, ended_ = false;
  std::vector<uint8_t> out_;  // the thread's
  std::mutex stop_mutex_;
  std::thread thread_;  // guarded by stop_mutex_
};

}  // namespace onpath
