// Opening and closing the ends of memory links. Control path only.
#include "port/memory_port.h"

#include <bit>
#include <map>
#include <mutex>
#include <new>
#include <string>
#include <thread>

#include "port/impaired_port.h"
#include "port/memory_link.h"

namespace onpath {
namespace {

constexpr uint32_t kMaxQueues = 64;
constexpr uint32_t kMaxDepth = 1u << 20;
constexpr uint32_t kMinBytes = 64;
constexpr uint32_t kMaxBytes = 65535;

std::mutex registry_mutex;

std::map<std::string, std::weak_ptr<MemoryLink>>& registry() {
  static auto* links =
      new std::map<std::string, std::weak_ptr<MemoryLink>>;  // never destroyed: ports may outlive main
  return *links;
}

MemoryEnd& end_of(void* self) { return *static_cast<MemoryEnd*>(self); }

Error invalid(const std::string& message) { return {ErrorCode::INVALID_ARGUMENT, message}; }

Result<void> check(const MemoryPortConfig& config) {
  if (config.link.empty())
    return invalid("A memory port has an empty link name. Give both ends of a link the same name.");
  if (config.side > 1) return invalid("side is " + std::to_string(config.side) + ", expected 0 or 1.");
  if (config.queues < 1 || config.queues > kMaxQueues) {
    return invalid("queues is " + std::to_string(config.queues) + ", expected 1 to " +
                   std::to_string(kMaxQueues) + ".");
  }
  if (config.senders > kMaxQueues) {
    return invalid("senders is " + std::to_string(config.senders) + ", expected 0 to " +
                   std::to_string(kMaxQueues) + ".");
  }
  if (!std::has_single_bit(config.depth) || config.depth > kMaxDepth) {
    return invalid("depth is " + std::to_string(config.depth) + ", expected a power of two up to " +
                   std::to_string(kMaxDepth) + ".");
  }
  if (config.max_bytes < kMinBytes || config.max_bytes > kMaxBytes) {
    return invalid("maxBytes is " + std::to_string(config.max_bytes) + ", expected " +
                   std::to_string(kMinBytes) + " to " + std::to_string(kMaxBytes) + ".");
  }
  return {};
}

void close_end(void* self) {
  const std::unique_ptr<MemoryEnd> end(static_cast<MemoryEnd*>(self));
  const std::lock_guard lock(registry_mutex);
  MemoryLink& link = *end->link;
  const uint32_t side = end->config.side;
  link.arrivals[side].store(nullptr, std::memory_order_seq_cst);
  link.ends[side] = nullptr;
  if (const MemoryEnd* other = link.ends[1 - side]) {
    for (const auto& departures : other->departures) {
      while (departures->inside.load(std::memory_order_seq_cst) == &end->arrivals) std::this_thread::yield();
    }
  } else {
    registry().erase(end->config.link);
  }
}

/// The end's table of functions; each only finds its queue.
onpath_port port_of(MemoryEnd* end) {
  onpath_port port{};
  port.size = sizeof(onpath_port);
  port.version = ONPATH_PORT_ABI_VERSION;
  port.self = end;
  port.queues = end->config.queues;
  port.transmit_queues = end->config.queues + end->config.senders;
  port.framing = ONPATH_FRAMING_ETHERNET;
  port.max_bytes = end->config.max_bytes;
  port.mac[0] = 0x02;  // locally administered
  port.mac[5] = static_cast<uint8_t>(end->config.side + 1);
  port.receive = [](void* self, uint32_t queue, onpath_packet* packets, uint32_t count) {
    return end_of(self).arrivals.queues[queue]->receive(packets, count);
  };
  port.release = [](void* self, uint32_t queue, const onpath_packet* packets, uint32_t count) {
    end_of(self).release(queue, packets, count);
  };
  port.allocate = [](void* self, uint32_t queue, onpath_packet* packets, uint32_t count) {
    return end_of(self).allocate(queue, packets, count);
  };
  port.transmit = [](void* self, uint32_t queue, onpath_packet* packets, uint32_t count) {
    return end_of(self).transmit(queue, packets, count);
  };
  port.wait_fd = [](void* self, uint32_t queue) { return end_of(self).arrivals.queues[queue]->wait_fd(); };
  port.arm = [](void* self, uint32_t queue, int sleeping) {
    end_of(self).arrivals.queues[queue]->arm(sleeping != 0);
  };
  port.counters = [](void* self, onpath_port_counters* out) { end_of(self).count(*out); };
  port.destroy = close_end;
  return port;
}

/// Buffers start on different cache sets.
uint64_t stride_of(uint32_t max_bytes) { return (uint64_t{max_bytes} + 63) / 64 * 64 + 64; }

Result<void> take_memory(MemoryEnd& end) {
  const uint64_t stride = stride_of(end.config.max_bytes);
  for (uint32_t q = 0; q < end.config.queues; ++q) {
    auto wake = WakeFd::make();
    if (!wake) return wake.error();
    auto arrival = std::make_unique<ArrivalQueue>(end.config, stride, std::move(wake).value());
    if (auto ok = arrival->take_memory(); !ok) return ok;
    end.arrivals.queues.push_back(std::move(arrival));
  }
  for (uint32_t q = 0; q < end.config.queues + end.config.senders; ++q) {
    auto departure = std::make_unique<DepartureQueue>();
    auto memory = Region::take(stride * DepartureQueue::kBuffers, "transmit buffers of a memory port");
    if (!memory) return memory.error();
    departure->memory = std::move(memory).value();
    departure->free.reserve(DepartureQueue::kBuffers);
    for (uint32_t i = 0; i < DepartureQueue::kBuffers; ++i)
      departure->free.push_back(departure->memory.data() + stride * i);
    end.departures.push_back(std::move(departure));
  }
  return {};
}

Result<void> join_link(MemoryEnd& end) {
  const std::lock_guard lock(registry_mutex);
  const MemoryPortConfig& config = end.config;
  std::weak_ptr<MemoryLink>& entry = registry()[config.link];
  std::shared_ptr<MemoryLink> link = entry.lock();
  if (!link) {
    link = std::make_shared<MemoryLink>();
    link->max_bytes = config.max_bytes;
    entry = link;
  }
  if (link->ends[config.side] != nullptr) {
    return Error{ErrorCode::BUSY, "Side " + std::to_string(config.side) + " of memory link \"" + config.link +
                                      "\" is open already. Close it first or use the other side."};
  }
  if (link->max_bytes != config.max_bytes) {
    return invalid("maxBytes is " + std::to_string(config.max_bytes) +
                   ", but the other side of memory link \"" + config.link + "\" has " +
                   std::to_string(link->max_bytes) + ". Both sides must agree.");
  }
  link->ends[config.side] = &end;
  link->arrivals[config.side].store(&end.arrivals, std::memory_order_release);
  end.link = std::move(link);
  return {};
}

}  // namespace

Result<const onpath_port*> open_memory_port(const MemoryPortConfig& config) {
  if (const auto ok = check(config); !ok) return ok.error();
  try {
    auto end = std::make_unique<MemoryEnd>();
    end->config = config;
    end->port = port_of(end.get());
    if (const auto ok = take_memory(*end); !ok) return ok.error();
    if (const auto ok = join_link(*end); !ok) return ok.error();
    const onpath_port* port = &end.release()->port;
    return config.impairments.any() ? open_impaired_port(port, config.impairments) : port;
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::OUT_OF_MEMORY,
                 "Memory port \"" + config.link + "\" could not be had. Lower depth, queues or maxBytes."};
  }
}

}  // namespace onpath
