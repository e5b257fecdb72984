#include "dpdk/log_ring.h"

#include <rte_log.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <vector>

namespace onpath::dpdk {
namespace {

constexpr size_t kLines = 128;
constexpr size_t kLineBytes = 240;
constexpr uint32_t kQuoted = 4;
constexpr uint32_t kGravest = RTE_LOG_WARNING;  // lines up to here are quoted

struct Line {
  int level;
  char text[kLineBytes];
};

/// Fixed memory: DPDK may log from any thread, and a log must not fail.
struct Ring {
  std::mutex mutex;
  std::array<Line, kLines> lines{};
  uint64_t written = 0;
  int stderr_level = 0;
};

Ring& ring() {
  static auto* made = new Ring;  // never destroyed: DPDK's threads log until the process ends
  return *made;
}

ssize_t write_log(void*, const char* text, size_t bytes) {
  Ring& to = ring();
  const int level = rte_log_cur_msg_loglevel();
  const std::lock_guard lock(to.mutex);
  size_t length = std::min(bytes, kLineBytes - 1);
  while (length > 0 && text[length - 1] == '\n') --length;
  if (length > 0) {
    Line& line = to.lines[to.written++ % kLines];
    line.level = level;
    std::memcpy(line.text, text, length);
    line.text[length] = 0;
  }
  if (level >= 0 && level <= to.stderr_level) {
    [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, text, bytes);
  }
  return static_cast<ssize_t>(bytes);
}

/// Grave lines since `mark`, the oldest first, repetitions left out.
std::vector<std::string> grave_since(uint64_t mark) {
  Ring& from = ring();
  const std::lock_guard lock(from.mutex);
  std::vector<std::string> found;
  const uint64_t oldest = from.written > kLines ? from.written - kLines : 0;
  for (uint64_t i = std::max(mark, oldest); i < from.written; ++i) {
    const Line& line = from.lines[i % kLines];
    if (line.level > static_cast<int>(kGravest)) continue;
    if (std::find(found.begin(), found.end(), line.text) == found.end()) found.emplace_back(line.text);
  }
  return found;
}

}  // namespace

bool take_log(uint32_t stderr_level) {
  static FILE* stream = nullptr;
  {
    const std::lock_guard lock(ring().mutex);
    ring().stderr_level = static_cast<int>(stderr_level);
  }
  if (stream == nullptr) {
    cookie_io_functions_t functions{};
    functions.write = write_log;
    stream = fopencookie(nullptr, "w", functions);
    if (stream == nullptr) return false;
    setvbuf(stream, nullptr, _IOLBF, 1024);
  }
  return rte_openlog_stream(stream) == 0;
}

uint64_t log_mark() {
  const std::lock_guard lock(ring().mutex);
  return ring().written;
}

std::string log_since(uint64_t mark) {
  const std::vector<std::string> lines = grave_since(mark);
  std::string text;
  for (size_t i = lines.size() > kQuoted ? lines.size() - kQuoted : 0; i < lines.size(); ++i) {
    text += (text.empty() ? " DPDK said: \"" : ", \"") + lines[i] + '"';
  }
  return text.empty() ? text : text + '.';
}

bool log_has(uint64_t mark, const char* text) {
  const std::vector<std::string> lines = grave_since(mark);
  return std::any_of(lines.begin(), lines.end(),
                     [&](const std::string& line) { return line.find(text) != std::string::npos; });
}

}  // namespace onpath::dpdk
