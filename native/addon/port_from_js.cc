#include "addon/port_from_js.h"

#include <utility>

#include "addon/address_from_js.h"
#include "dataplane/host_addresses.h"

namespace onpath::addon {

namespace {

constexpr size_t kMostAddresses = 65536;
constexpr size_t kMostArguments = 1024;

enum class PortKind : uint8_t { memory, udp, dpdk };
constexpr Choice<PortKind> kPortKinds[] = {
    {"memory", PortKind::memory}, {"udp", PortKind::udp}, {"dpdk", PortKind::dpdk}};

UdpPortConfig udp_port(const Input& input) {
  UdpPortConfig udp;
  udp.bind = endpoint_from_js(input, "address", "port");
  udp.queues = input["queues"].integer<uint32_t>();
  udp.receive_buffer_bytes = input["receiveBufferBytes"].integer<uint32_t>();
  udp.max_bytes = input["maxBytes"].integer<uint32_t>();
  udp.offload = input["offload"].boolean();
  return udp;
}

MemoryPortConfig memory_port(const Input& input) {
  MemoryPortConfig memory;
  memory.link = input["link"].text();
  memory.side = input["side"].integer<uint32_t>();
  memory.queues = input["queues"].integer<uint32_t>();
  if (const Input senders = input["senders"]; !senders.is_undefined())
    memory.senders = senders.integer<uint32_t>();
  memory.depth = input["depth"].integer<uint32_t>();
  memory.max_bytes = input["maxBytes"].integer<uint32_t>();
  return memory;
}

Impairments impairments(const Input& input) {
  Impairments impairments;
  if (input.is_undefined()) return impairments;
  impairments.loss = input["loss"].number(0, 1);
  impairments.duplicate = input["duplicate"].number(0, 1);
  impairments.corrupt = input["corrupt"].number(0, 1);
  impairments.reorder_span = input["reorderSpan"].integer<uint32_t>();
  impairments.seed = input["seed"].integer<uint64_t>();
  return impairments;
}

constexpr size_t kMostOffloads = 16;
constexpr Choice<uint32_t> kOffloads[] = {{"checksums", ONPATH_OFFLOAD_CHECKSUMS},
                                          {"rss", ONPATH_OFFLOAD_RSS},
                                          {"timestamps", ONPATH_OFFLOAD_TIMESTAMPS},
                                          {"steering", ONPATH_OFFLOAD_STEERING},
                                          {"mark", ONPATH_OFFLOAD_MARK},
                                          {"allowList", ONPATH_OFFLOAD_ALLOW_LIST},
                                          {"bufferSplit", ONPATH_OFFLOAD_BUFFER_SPLIT},
                                          {"mprq", ONPATH_OFFLOAD_MPRQ},
                                          {"cqeCompression", ONPATH_OFFLOAD_CQE_COMPRESSION}};

/// ONPATH_OFFLOAD_* of a list of names.
uint32_t offloads(const Input& input) {
  uint32_t named = 0;
  input.each(kMostOffloads, [&](const Input& name) { named |= name.choice(kOffloads); });
  return named;
}

std::optional<LocalHostConfig> local_host(const Input& input) {
  if (input.is_undefined()) return std::nullopt;
  LocalHostConfig host;
  input["addresses"].each(
      kMostAddresses, [&](const Input& address) { host.addresses.push_back(own_address_from_js(address)); });
  input["gateways"].each(kMostAddresses,
                         [&](const Input& address) { host.gateways.push_back(address_from_js(address)); });
  input["neighbours"].each(kMostAddresses, [&](const Input& neighbour) {
    host.neighbours.push_back({address_from_js(neighbour["address"]), mac_from_js(neighbour["mac"])});
  });
  input["groups"].each(kMostAddresses,
                       [&](const Input& group) { host.groups.push_back(address_from_js(group)); });
  return host;
}

DpdkPortConfig dpdk_port(const Input& input, const std::optional<LocalHostConfig>& host) {
  DpdkPortConfig dpdk;
  dpdk.device = input["device"].text();
  dpdk.queues = input["queues"].integer<uint32_t>();
  dpdk.transmit_queues = input["transmitQueues"].integer<uint32_t>();
  dpdk.receive_descriptors = input["rxDescriptors"].integer<uint32_t>();
  dpdk.transmit_descriptors = input["txDescriptors"].integer<uint32_t>();
  dpdk.mtu = input["mtu"].integer<uint32_t>();
  dpdk.buffer_bytes = input["bufferBytes"].integer<uint32_t>();
  dpdk.buffers = input["buffers"].integer<uint32_t>();
  dpdk.promiscuous = input["promiscuous"].boolean();
  dpdk.all_multicast = input["allMulticast"].boolean();
  dpdk.offloads = offloads(input["offloads"]);
  dpdk.offloads_off = offloads(input["offloadsOff"]);
  if (host) dpdk.multicast = listened_macs(*host, std::nullopt);
  return dpdk;
}

struct Open {
  Result<const onpath_port*> operator()(const MemoryPortConfig& config) const {
    return open_memory_port(config);
  }
  Result<const onpath_port*> operator()(const UdpPortConfig& config) const { return open_udp_port(config); }
  Result<const onpath_port*> operator()(const DpdkPortConfig& config) const { return open_dpdk_port(config); }
};

}  // namespace

Result<OwnedPort> open_port(const PortSpec& spec) {
  Result<const onpath_port*> opened = std::visit(Open{}, spec.config);
  if (!opened.ok()) return opened.error();
  return OwnedPort(opened.value());
}

Result<OwnedPort> impair(OwnedPort port, const Impairments& impairments) {
  if (!impairments.any()) return port;
  Result<const onpath_port*> impaired = open_impaired_port(port.release(), impairments);
  if (!impaired.ok()) return impaired.error();
  return OwnedPort(impaired.value());
}

PortSpec port_from_js(const Input& input) {
  PortSpec spec;
  const PortKind kind = input["type"].choice(kPortKinds);
  spec.name = input["name"].text();
  spec.impairments = impairments(input["impair"]);
  switch (kind) {
    case PortKind::memory:
      spec.config = memory_port(input);
      break;
    case PortKind::udp:
      spec.config = udp_port(input);
      break;
    case PortKind::dpdk:
      spec.host = local_host(input["host"]);
      spec.config = dpdk_port(input, spec.host);
      break;
  }
  return spec;
}

DpdkOptions eal_from_js(const Input& input) {
  DpdkOptions options;
  options.hugepages = input["hugepages"].boolean();
  options.memory_mb = input["memoryMb"].integer<uint32_t>();
  options.telemetry = input["telemetry"].boolean();
  options.log_level = input["logLevel"].integer<uint32_t>();
  options.control_cpu = input["controlCpu"].integer<int32_t>();
  options.file_prefix = input["filePrefix"].text();
  options.iova = input["iova"].text();
  options.plugins = input["plugins"].text();
  input["args"].each(kMostArguments,
                     [&](const Input& argument) { options.arguments.push_back(argument.text()); });
  return options;
}

}  // namespace onpath::addon
