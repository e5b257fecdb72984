// What net_af_xdp of DPDK 22.11 leaves to be done around it. It never closes its AF_XDP sockets, for it
// miscounts the users of their memory: the interface's queue would stay taken for the life of the process.
// And the libraries below it (libxdp, libbpf) write to stderr as they please.
#pragma once

#include <sys/types.h>

#include <vector>

namespace onpath::dpdk {

/// From now on libxdp and libbpf, if they are loaded, write into DPDK's log.
void take_xdp_log();

struct XdpSocket {
  int fd;
  ino_t inode;  // tells whether the descriptor still is that socket
};

/// Those that this process has open now, and those of them that `others` has not.
std::vector<XdpSocket> xdp_sockets();
std::vector<XdpSocket> xdp_sockets_but(const std::vector<XdpSocket>& others);

/// Closes those of `made` that are still open, and waits until the kernel, which does so later, has let their
/// queues go.
void close_xdp_sockets(const std::vector<XdpSocket>& made);

}  // namespace onpath::dpdk
