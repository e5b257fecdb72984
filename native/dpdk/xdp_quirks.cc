#include "dpdk/xdp_quirks.h"

#include <dirent.h>
#include <dlfcn.h>
#include <rte_log.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdarg>
#include <cstdlib>
#include <memory>
#include <thread>
#include <utility>

namespace onpath::dpdk {
namespace {

constexpr std::chrono::milliseconds kKernelLetsGo{50};

bool is_xdp(int fd, ino_t& inode) {
  struct stat status {};
  if (fstat(fd, &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
  int domain = 0;
  socklen_t size = sizeof domain;
  inode = status.st_ino;
  return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_XDP;
}

struct CloseFolder {
  void operator()(DIR* folder) const { closedir(folder); }
};

/// Levels of both libraries: 0 warning, 1 information, 2 debugging.
int log(int level, const char* format, va_list arguments) {
  return rte_vlog(level == 0 ? RTE_LOG_WARNING : RTE_LOG_DEBUG, RTE_LOGTYPE_PMD, format, arguments);
}

}  // namespace

void take_xdp_log() {
  using Print = int (*)(int, const char*, va_list);
  using SetPrint = Print (*)(Print);
  constexpr std::pair<const char*, const char*> kLibraries[] = {{"libxdp.so.1", "libxdp_set_print"},
                                                                {"libbpf.so.1", "libbpf_set_print"}};
  for (const auto& [library, function] : kLibraries) {
    void* handle = dlopen(library, RTLD_LAZY | RTLD_NOLOAD);
    if (handle == nullptr) continue;
    if (void* found = dlsym(handle, function)) reinterpret_cast<SetPrint>(found)(log);
    dlclose(handle);
  }
}

std::vector<XdpSocket> xdp_sockets() {
  std::vector<XdpSocket> found;
  const std::unique_ptr<DIR, CloseFolder> folder(opendir("/proc/self/fd"));
  if (!folder) return found;
  while (const dirent* entry = readdir(folder.get())) {
    char* end = nullptr;
    const long fd = std::strtol(entry->d_name, &end, 10);
    ino_t inode = 0;
    if (*entry->d_name != '.' && *end == '\0' && is_xdp(static_cast<int>(fd), inode))
      found.push_back({static_cast<int>(fd), inode});
  }
  return found;
}

std::vector<XdpSocket> xdp_sockets_but(const std::vector<XdpSocket>& others) {
  std::vector<XdpSocket> found = xdp_sockets();
  std::erase_if(found, [&](const XdpSocket& one) {
    return std::any_of(others.begin(), others.end(),
                       [&](const XdpSocket& other) { return other.inode == one.inode; });
  });
  return found;
}

void close_xdp_sockets(const std::vector<XdpSocket>& made) {
  bool closed = false;
  for (const XdpSocket& socket : made) {
    ino_t inode = 0;
    if (is_xdp(socket.fd, inode) && inode == socket.inode) closed |= close(socket.fd) == 0;
  }
  if (closed) std::this_thread::sleep_for(kKernelLetsGo);
}

}  // namespace onpath::dpdk
