// What a plane is started with. Plain data, checked by Plane::start.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "dataplane/port_abi.h"
#include "plan/family.h"
#include "plan/program.h"
#include "plan/text_plan.h"
#include "wire/address.h"
#include "wire/rfc4175.h"

namespace onpath {

enum class PayloadFormat : uint8_t { chunk, rfc4175 };

struct HostSinkConfig {
  uint32_t batch = 1;         // samples per delivery; outputs are contiguous
  uint64_t max_wait_ns = 0;   // 0: a batch waits until it is full
  bool backpressure = false;  // out of buffers: stop polling (true) or drop as slow_consumer (false)
};

/// Packets that are kept to be sent again when a receiver asks for them (RTCP NACK).
struct ResendConfig {
  uint32_t packets = 2048;
  uint32_t packets_per_second = 50'000;  // sent again at most
};

struct ForwardSinkConfig {
  std::string port;
  Endpoint destination;
  Endpoint source;                           // Ethernet framing: own address; datagram framing: ignored
  std::array<uint8_t, 6> destination_mac{};  // Ethernet framing
  uint8_t payload_type = 97;
  uint32_t ssrc =
      0;  // of the first forwarded stream, later ones count up from it; 0: chosen at random at start
  uint32_t max_payload_bytes = 1400;
  uint32_t digest = 0;  // of the chunks sent; 0: that of the plan's output, see output_format_text()
  std::optional<ResendConfig> resend{};  // per worker
};

/// What the senders of a route are told: which packets are missing, how many were lost.
struct RepairConfig {
  std::vector<IpPrefix> feedback;      // who is told anything; at least one
  bool nack = true;                    // ask for missing packets
  uint64_t reorder_ns = 2'000'000;     // a packet is missing when it is this late
  uint64_t retry_ns = 10'000'000;      // asked for again after this, or the round trip; then twice that, ...
  uint32_t max_retries = 10;           // times that a packet is asked for
  uint64_t tail_ns = 10'000'000;       // an open sample to which nothing came: its end may be missing
  uint32_t window_packets = 4096;      // of a stream, behind its latest packet
  uint64_t report_ns = 1'000'000'000;  // between receiver reports; 0: none
  uint32_t packets_per_second = 1000;  // of feedback, to one stream's source
  uint32_t route_packets_per_second = 10'000;  // and for all streams of the route, per worker
  bool next_port = false;                      // to the source's UDP port and one, instead of the port itself
};

/// Pixels of a sample's input.
struct InputShape {
  uint32_t width = 0;
  uint32_t height = 0;
  bool operator==(const InputShape&) const = default;
};

/// For a route that takes images of many sizes. All of it per worker.
struct ShapesConfig {
  PlanFamilyPtr family;
  uint32_t cached = 16;               // shapes whose plans are kept
  uint32_t waiting = 4;               // samples whose plan is still being made
  uint64_t state_bytes = 512u << 20;  // tables and states of all shapes that are kept
};

/// For a route that takes texts. All of it per worker.
struct TextRouteConfig {
  TextPlanPtr plan;
  uint64_t waiting_bytes = 256u << 10;  // of one open text, that came before their turn
  /// Host: tokens (or bytes) in one segment; `slots` of the route are segments. Forward: in one piece; 0: as
  /// many as fit a packet.
  uint32_t segment_elements = 4096;
  bool whole = true;  // host: a text is delivered when it has ended, in one chain of segments
};

struct RouteConfig {
  std::string name;
  std::string port;
  uint16_t udp_port = 0;                // 0: any (a udp port has one anyway)
  std::optional<uint8_t> payload_type;  // absent: any
  std::vector<IpPrefix> sources;        // empty: any
  PayloadFormat payload = PayloadFormat::chunk;
  ProgramPtr program;                   // with `shapes`: that of the largest size
  std::optional<ShapesConfig> shapes;   // absent: every sample has the size of the program's input
  std::optional<TextRouteConfig> text;  // instead of `program`
  uint32_t slots = 64;         // output buffers per worker: what the consumer may hold plus what is open
  uint32_t open_samples = 16;  // samples being assembled per worker
  uint32_t max_streams =
      64;  // SSRCs followed per worker; the one idle longest gives way if it has no open sample
  uint64_t deadline_ns = 1'000'000'000;  // from a sample's first packet
  bool evict_oldest =
      true;  // a new sample while all open slots are taken: evict the oldest, or drop as no_slot
  std::variant<HostSinkConfig, ForwardSinkConfig> sink;
  std::optional<RepairConfig> repair{};  // absent: senders are told nothing
};

/// What the plane is on a port of Ethernet framing that no kernel serves: a host that answers ARP, neighbour
/// discovery and echo requests, joins groups, and finds the next hop of what it sends.
struct LocalHostConfig {
  struct StaticNeighbour {
    IpAddress address;
    std::array<uint8_t, 6> mac{};
  };
  std::vector<IpPrefix> addresses;  // own ones, each with the length of its on-link prefix
  std::vector<IpAddress> gateways;  // at most one of each IP version
  std::vector<StaticNeighbour> neighbours;
  std::vector<IpAddress> groups;  // multicast groups joined
};

/// A started port and its name. Made by port/ (or by a driver); the plane owns it from start on and destroys
/// it at close.
struct NamedPort {
  std::string name;
  const onpath_port* port = nullptr;
  std::optional<LocalHostConfig>
      host{};  // Ethernet framing only; absent: every datagram is taken, nothing answered
};

struct PlaneConfig {
  std::vector<NamedPort> ports;
  std::vector<RouteConfig> routes;
  uint32_t workers = 1;
  /// Empty polls for this long, then the worker sleeps until a port's wait_fd wakes it. UINT64_MAX: never
  /// sleeps.
  uint64_t idle_after_ns = 50'000;
  /// Off for comparison only: what it does to a packet is what is done without it.
  bool flow_cache = true;
  /// Bound on all pools together: output buffers, states of open samples, stream tables.
  uint64_t max_memory_bytes = 8ull << 30;
};

}  // namespace onpath
