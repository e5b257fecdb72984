#include "addon/stats_to_js.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "addon/output.h"

namespace onpath::addon {

namespace {

/// Every reason by name, zero or not, defined in one call.
napi_value drops_object(napi_env env, const DropCounts& drops) {
  std::array<napi_property_descriptor, kDropReasonCount> properties{};
  for (size_t i = 0; i < kDropReasonCount; ++i) {
    properties[i].utf8name = drop_reason_name(static_cast<DropReason>(i));
    properties[i].value = js_count(env, drops[i]);
    properties[i].attributes = napi_default_jsproperty;
  }
  napi_value object = nullptr;
  if (napi_create_object(env, &object) != napi_ok) return nullptr;
  napi_define_properties(env, object, properties.size(), properties.data());
  return object;
}

/// A text in an array, up to its zero byte.
template <size_t n>
std::string_view text_of(const char (&text)[n]) {
  return {text, strnlen(text, n)};
}

napi_value port_object(napi_env env, const PortStats& port) {
  ObjectWriter object(env);
  object.text("name", port.name)
      .count("rxPackets", port.counters.rx_packets)
      .count("rxBytes", port.counters.rx_bytes);
  object.count("rxMissed", port.counters.rx_missed).count("txPackets", port.counters.tx_packets);
  object.count("txBytes", port.counters.tx_bytes).count("controlPackets", port.control_packets);
  ObjectWriter impaired(env);
  impaired.count("lost", port.counters.impaired_lost).count("duplicated", port.counters.impaired_duplicated);
  impaired.count("corrupted", port.counters.impaired_corrupted)
      .count("reordered", port.counters.impaired_reordered)
      .count("held", port.counters.impaired_held);
  object.set("impaired", impaired.value());
  return object.set("drops", drops_object(env, port.drops)).value();
}

/// By name: { state, reason }.
napi_value offloads_object(napi_env env, const onpath_port_info& info) {
  static constexpr const char* kStates[] = {"software", "unverified", "active"};
  ObjectWriter object(env);
  for (uint32_t i = 0; i < std::min(info.offload_count, ONPATH_OFFLOAD_REPORTS); ++i) {
    const onpath_offload_report& report = info.offloads[i];
    ObjectWriter one(env);
    one.text("state", kStates[std::min<uint32_t>(report.state, ONPATH_OFFLOAD_ACTIVE)])
        .text("reason", text_of(report.reason));
    object.set(report.name, one.value());
  }
  return object.value();
}

napi_value port_info_object(napi_env env, const onpath_port_info& info) {
  ObjectWriter object(env);
  object.text("driver", text_of(info.driver)).text("device", text_of(info.device));
  std::array<char, 18> mac{};
  std::snprintf(mac.data(), mac.size(), "%02x:%02x:%02x:%02x:%02x:%02x", info.mac[0], info.mac[1],
                info.mac[2], info.mac[3], info.mac[4], info.mac[5]);
  object.text("mac", mac.data()).boolean("linkUp", info.link_up != 0);
  object.boolean("fullDuplex", info.full_duplex != 0).count("linkMbps", info.link_mbps);
  object.boolean("removed", info.removed != 0).number("numaNode", info.numa_node).count("mtu", info.mtu);
  object.count("receiveQueues", info.receive_queues).count("transmitQueues", info.transmit_queues);
  object.count("receiveDescriptors", info.receive_descriptors);
  object.count("transmitDescriptors", info.transmit_descriptors);
  object.count("buffers", info.buffers).count("bufferBytes", info.buffer_bytes);
  object.set("offloads", offloads_object(env, info));
  object.count("state", info.state).count("stateChanges", info.state_changes);
  object.text("cause", text_of(info.cause));
  object.boolean("promiscuous", info.promiscuous != 0);
  return object.boolean("allMulticast", info.all_multicast != 0).value();
}

napi_value route_object(napi_env env, const RouteStats& route) {
  ObjectWriter object(env);
  object.text("name", route.name)
      .count("packetsUsed", route.packets_used)
      .count("bytesUsed", route.bytes_used);
  object.count("overlapBytes", route.overlap_bytes).count("samplesOpened", route.samples_opened);
  object.count("samplesOpen", route.samples_open).count("samplesComplete", route.samples_complete);
  object.count("samplesDelivered", route.samples_delivered)
      .count("packetsForwarded", route.packets_forwarded);
  object.count("version", route.version).count("versionsAlive", route.versions_alive);
  object.count("versionsFreed", route.versions_freed);
  object.count("nacksSent", route.nacks_sent).count("packetsRepaired", route.packets_repaired);
  object.count("reportsSent", route.reports_sent).count("nacksReceived", route.nacks_received);
  object.count("packetsResent", route.packets_resent).count("resendsRefused", route.resends_refused);
  object.count("probesSent", route.probes_sent);
  return object.set("drops", drops_object(env, route.drops)).value();
}

napi_value worker_object(napi_env env, const WorkerStats& worker) {
  ObjectWriter object(env);
  object.count("polls", worker.polls).count("emptyPolls", worker.empty_polls).count("sleeps", worker.sleeps);
  object.number("busyMs", static_cast<double>(worker.busy_ns) / 1e6);
  object.number("cpuMs", static_cast<double>(worker.cpu_ns) / 1e6);
  object.count("fannedOut", worker.fanned_out).count("fannedIn", worker.fanned_in);
  object.count("fences", worker.fences).boolean("fenced", worker.fenced);
  return object.count("packetsHeld", worker.packets_held).value();
}

}  // namespace

napi_value stats_to_js(napi_env env, const PlaneStats& stats, uint64_t memory_bytes) {
  ObjectWriter object(env);
  object.set("ports",
             js_array(env, stats.ports, [&](const PortStats& port) { return port_object(env, port); }));
  object.set("routes",
             js_array(env, stats.routes, [&](const RouteStats& route) { return route_object(env, route); }));
  object.set("workers", js_array(env, stats.workers,
                                 [&](const WorkerStats& worker) { return worker_object(env, worker); }));
  return object.count("memoryBytes", memory_bytes).value();
}

napi_value memory_to_js(napi_env env, const std::vector<MemoryItem>& items) {
  return js_array(env, items, [&](const MemoryItem& item) {
    ObjectWriter object(env);
    object.text("room", item.room);
    if (item.worker != MemoryItem::kNoWorker) object.count("worker", item.worker);
    return object.text("what", item.what).count("bytes", item.bytes).value();
  });
}

napi_value port_infos_to_js(napi_env env, const std::vector<onpath_port_info>& infos) {
  return js_array(env, infos, [&](const onpath_port_info& info) { return port_info_object(env, info); });
}

}  // namespace onpath::addon
