// The data plane as its owner sees it: start, statistics, close.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/drop_reason.h"
#include "base/result.h"
#include "dataplane/config.h"
#include "dataplane/host_sink.h"
#include "dataplane/route_versions.h"
#include "dataplane/sender.h"
#include "dataplane/text_sink.h"

namespace onpath {

using DropCounts = std::array<uint64_t, kDropReasonCount>;

struct PortStats {
  std::string name;
  onpath_port_counters counters{};
  uint64_t control_packets = 0;  // ARP, neighbour discovery, ICMP and group queries, dealt with by the plane
  DropCounts drops{};  // packets dropped before a route was known, and transmit_failed, no_neighbour
};

/// Books balance: over all routes and ports, packets received = packets_used + packet drops of routes +
/// packet drops and control packets of ports (transmit_failed and no_neighbour aside: they count packets that
/// did not leave). Exact after close();
/// before, packets may be on their way.
struct RouteStats {
  std::string name;
  uint64_t packets_used = 0;
  uint64_t bytes_used = 0;
  uint64_t overlap_bytes = 0;   // seen before, inside packets that also carried new bytes
  uint64_t samples_opened = 0;  // = samples_complete + sample drops but undelivered + samples_open
  uint64_t samples_open = 0;
  uint64_t samples_complete = 0;
  uint64_t samples_delivered =
      0;  // taken by the consumer, or wholly sent on; after close, the rest is `undelivered`
  uint64_t packets_forwarded = 0;
  // Loss repair: packets asked for, as often as they were; packets that came then; receiver reports.
  uint64_t nacks_sent = 0, packets_repaired = 0, reports_sent = 0;
  // Of a forward sink, what its receivers asked for; see ResendCounters.
  uint64_t nacks_received = 0, packets_resent = 0, resends_refused = 0, probes_sent = 0;
  uint64_t version = 1;         // of the pipeline, counted from 1: what new samples are opened under
  uint64_t versions_alive = 1;  // that one, and older ones that samples or the consumer still hold
  uint64_t versions_freed = 0;
  DropCounts drops{};
};

struct WorkerStats {
  uint64_t polls = 0, empty_polls = 0, sleeps = 0;
  uint64_t busy_ns = 0;  // time in polls that found packets
  uint64_t cpu_ns = 0;   // CLOCK_THREAD_CPUTIME_ID of the worker's thread
};

struct PlaneStats {
  std::vector<PortStats> ports;
  std::vector<RouteStats> routes;
  std::vector<WorkerStats> workers;
};

class Plane {
 public:
  virtual ~Plane() = default;
  /// Stops workers, counts what is in flight, destroys ports. Finished samples already in a sink can still be
  /// taken. Idempotent; callable from any thread; returns when done.
  virtual void close() = 0;
  virtual PlaneStats stats() const = 0;
  /// Null if no host route has that name.
  virtual std::shared_ptr<HostSink> host_sink(const std::string& route) const = 0;
  /// The same for routes that take texts.
  virtual std::shared_ptr<TextHostSink> text_sink(const std::string& route) const = 0;
  /// By port, in the order of the configuration. Ports that know nothing of themselves give zeros.
  virtual std::vector<onpath_port_info> port_infos() const = 0;
  /// A sender that leaves by one of the plane's ports, over a transmit queue of its own. The plane keeps the
  /// port; close() closes its senders first. Errors: NOT_FOUND, BUSY (every queue kept for senders is taken),
  /// CLOSED, and those of open_sender().
  virtual Result<std::unique_ptr<Sender>> open_sender(const std::string& port, SenderConfig config) = 0;
  /// Gives routes other pipelines while packets arrive, all or none of them: samples that are open end under
  /// the pipeline that they were opened under, new ones are opened under the new one. Returns the numbers of
  /// the new versions when every worker has taken them. Errors: see PlaneVersions::swap().
  virtual Result<std::vector<uint64_t>> swap(const std::vector<RouteSwap>& swaps) = 0;
  /// Numbers of the versions of a route that are alive, oldest first; empty if there is no such route.
  virtual std::vector<uint64_t> versions(const std::string& route) const = 0;
  /// Bytes of every pool: those taken at start, and those of further versions that are alive.
  virtual uint64_t memory_bytes() const = 0;
};

/// Checks the configuration, takes all memory, starts workers. Ports in the configuration are destroyed if
/// this fails. Errors: INVALID_SPEC, LIMIT_EXCEEDED, OUT_OF_MEMORY, PORT_FAILED.
Result<std::unique_ptr<Plane>> start_plane(PlaneConfig config);

}  // namespace onpath
