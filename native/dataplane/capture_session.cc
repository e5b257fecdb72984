#include "dataplane/capture_session.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <system_error>
#include <utility>

#include "dataplane/clock.h"
#include "dataplane/threads.h"

namespace onpath {
namespace {

Error failed_to_open(const std::string& path) {
  const int error = errno;
  const bool missing = error == ENOENT || error == ENOTDIR;
  const bool refused = error == EACCES || error == EPERM || error == EROFS;
  return {missing   ? ErrorCode::NOT_FOUND
          : refused ? ErrorCode::PERMISSION_DENIED
                    : ErrorCode::INVALID_ARGUMENT,
          "\"" + path + "\" could not be created: " + std::generic_category().message(error) +
              ". Give the path of a file that may be written."};
}

Error failed_to_write() {
  return {ErrorCode::PORT_FAILED,
          "The capture's file could not be written: " + std::generic_category().message(errno) +
              ". What was written before is there."};
}

/// Attaching and leaving of all captures, one at a time. Never destroyed: threads may outlive main().
std::mutex& points_mutex() {
  static auto* const mutex = new std::mutex;
  return *mutex;
}

}  // namespace

OutputFile::~OutputFile() {
  if (fd_ >= 0) ::close(fd_);
}

Result<OutputFile> OutputFile::create(const std::string& path) {
  // Without blocking: a pipe that nobody reads must not hold the caller.
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
  if (fd < 0) return failed_to_open(path);
  OutputFile file(fd);
  struct stat status {};
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    return Error{ErrorCode::INVALID_ARGUMENT,
                 "\"" + path + "\" is no regular file. Give a writable stream instead."};
  }
  if (ftruncate(fd, 0) != 0) return failed_to_open(path);
  return file;
}

Result<void> OutputFile::write(std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failed_to_write();
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return {};
}

Result<void> OutputFile::close() {
  if (::close(std::exchange(fd_, -1)) == 0) return {};
  return failed_to_write();
}

CaptureSession::CaptureSession(std::unique_ptr<CaptureWriter> writer, std::vector<CapturePoint*> points,
                               std::optional<OutputFile> file, std::function<void()> on_end)
    : writer_(std::move(writer)),
      points_(std::move(points)),
      file_(std::move(file)),
      on_end_(std::move(on_end)) {
  uint64_t bytes = 0;
  for (const auto& tap : writer_->taps()) bytes += tap->ring().bytes();
  memory_bytes_ = bytes;
}

CaptureSession::~CaptureSession() {
  CaptureSession::stop();
  leave();
}

void CaptureSession::start() {
  if (file_) thread_ = start_thread("onpath-capture", [this] { run(); });
  const std::lock_guard lock(points_mutex());
  for (size_t w = 0; w < points_.size(); ++w) points_[w]->attach(*writer_->taps()[w]);
}

void CaptureSession::leave() {
  const std::lock_guard lock(points_mutex());
  for (size_t w = 0; w < points_.size(); ++w) points_[w]->detach(*writer_->taps()[w]);
  points_.clear();
}

void CaptureSession::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  const std::lock_guard lock(stop_mutex_);
  if (thread_.joinable()) thread_.join();
}

CaptureStats CaptureSession::stats() const {
  const std::lock_guard lock(mutex_);
  return {writer_->packets(), writer_->bytes(), writer_->missed(), ended_, failure_};
}

/// Of the thread: hands what was formatted to the file. False: it could not be written.
bool CaptureSession::write_out() {
  const auto written = file_->write(out_);
  out_.clear();
  if (written) return true;
  const std::lock_guard lock(mutex_);
  failure_ = written.error();
  return false;
}

void CaptureSession::run() {
  constexpr std::chrono::milliseconds kTick(2);
  bool goes_on = true, stopping = false, good = true;
  while (good && goes_on && !stopping) {
    {
      std::unique_lock lock(mutex_);
      goes_on = writer_->write(out_, kPiece, now_ns());
      // Nearly nothing waited: let some packets come.
      if (goes_on && out_.size() < kPiece) changed_.wait_for(lock, kTick, [this] { return stopping_; });
      stopping = stopping_;
    }
    good = write_out();
  }
  leave();
  for (bool waits = true; good && goes_on && waits; good = write_out()) {
    const std::lock_guard lock(mutex_);
    goes_on = writer_->write(out_, kPiece, now_ns());
    waits = writer_->waits();
  }
  {
    const std::lock_guard lock(mutex_);
    end(out_);
  }
  if (good && write_out()) {
    if (const auto closed = file_->close(); !closed) {
      const std::lock_guard lock(mutex_);
      failure_ = closed.error();
    }
  }
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  if (on_end_) on_end_();
}

/// The workers have left.
void CaptureSession::end(std::vector<uint8_t>& to) {
  writer_->end(to, now_ns());
  memory_bytes_ = 0;
}

std::vector<uint8_t> CaptureSession::read(size_t most) {
  std::vector<uint8_t> bytes;
  bool goes_on, stopping;
  {
    const std::lock_guard lock(mutex_);
    if (ended_ || file_) return bytes;
    goes_on = writer_->write(bytes, most, now_ns());
    stopping = stopping_;
  }
  if (goes_on && !stopping) return bytes;
  leave();
  {
    const std::lock_guard lock(mutex_);
    if (goes_on) goes_on = writer_->write(bytes, most, now_ns());
    if (goes_on && writer_->waits()) return bytes;
    end(bytes);
    ended_ = true;
  }
  if (on_end_) on_end_();
  return bytes;
}

}  // namespace onpath
