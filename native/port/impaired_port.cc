// The table of functions of an impaired port: the port's own, but for receiving.
#include "port/impaired_port.h"

#include <memory>
#include <new>
#include <string>

#include "port/impaired_queue.h"

namespace onpath {
namespace {

constexpr uint32_t kMaxReorderSpan = 1u << 16;

struct ImpairedPort {
  explicit ImpairedPort(const onpath_port* impaired) : port(impaired) {}
  ImpairedPort(const ImpairedPort&) = delete;
  ~ImpairedPort() { port->destroy(port->self); }

  const onpath_port* const port;
  onpath_port table{};
  std::vector<std::unique_ptr<ImpairedQueue>> queues;
};

ImpairedPort& at(void* self) { return *static_cast<ImpairedPort*>(self); }

bool is_probability(double value) { return value >= 0 && value <= 1; }

Result<void> check(const Impairments& impairments) {
  if (!is_probability(impairments.loss) || !is_probability(impairments.duplicate) ||
      !is_probability(impairments.corrupt)) {
    return Error{ErrorCode::INVALID_ARGUMENT,
                 "loss, duplicate and corrupt are probabilities: expected 0 to 1."};
  }
  if (impairments.reorder_span > kMaxReorderSpan) {
    return Error{ErrorCode::INVALID_ARGUMENT, "reorderSpan is " + std::to_string(impairments.reorder_span) +
                                                  ", expected at most " + std::to_string(kMaxReorderSpan) +
                                                  "."};
  }
  return {};
}

void set_data_path(onpath_port& table) {
  table.receive = [](void* self, uint32_t queue, onpath_packet* packets, uint32_t count) {
    return at(self).queues[queue]->receive(packets, count);
  };
  table.release = [](void* self, uint32_t queue, const onpath_packet* packets, uint32_t count) {
    const ImpairedPort& impaired = at(self);
    // Queues that only transmit hold nothing of ours.
    if (queue < impaired.queues.size()) return impaired.queues[queue]->release(packets, count);
    impaired.port->release(impaired.port->self, queue, packets, count);
  };
  table.allocate = [](void* self, uint32_t queue, onpath_packet* packets, uint32_t count) {
    const onpath_port* port = at(self).port;
    return port->allocate(port->self, queue, packets, count);
  };
  table.transmit = [](void* self, uint32_t queue, onpath_packet* packets, uint32_t count) {
    const onpath_port* port = at(self).port;
    return port->transmit(port->self, queue, packets, count);
  };
}

/// A port that holds packets can only be polled: nothing says when it will let go of them.
void set_waiting(onpath_port& table, bool holds) {
  table.wait_fd = [](void* self, uint32_t queue) {
    const onpath_port* port = at(self).port;
    return port->wait_fd(port->self, queue);
  };
  table.arm = [](void* self, uint32_t queue, int sleeping) {
    const onpath_port* port = at(self).port;
    port->arm(port->self, queue, sleeping);
  };
  if (!holds) return;
  table.wait_fd = [](void*, uint32_t) { return -1; };
  table.arm = [](void*, uint32_t, int) {};
}

void set_control(onpath_port& table) {
  if (table.begin_thread != nullptr) {
    table.begin_thread = [](void* self) {
      const onpath_port* port = at(self).port;
      return port->begin_thread(port->self);
    };
  }
  if (table.end_thread != nullptr) {
    table.end_thread = [](void* self) {
      const onpath_port* port = at(self).port;
      port->end_thread(port->self);
    };
  }
  if (table.info != nullptr) {
    table.info = [](void* self, onpath_port_info* out) {
      const onpath_port* port = at(self).port;
      port->info(port->self, out);
    };
  }
  if (table.set_rules != nullptr) {
    table.set_rules = [](void* self, const onpath_rules* rules) {
      const onpath_port* port = at(self).port;
      port->set_rules(port->self, rules);
    };
  }
  table.counters = [](void* self, onpath_port_counters* out) {
    const ImpairedPort& impaired = at(self);
    impaired.port->counters(impaired.port->self, out);
    out->rx_packets = out->rx_bytes = 0;
    for (const auto& queue : impaired.queues) queue->add_counters(*out);
  };
  table.destroy = [](void* self) {
    const std::unique_ptr<ImpairedPort> impaired(&at(self));
    for (const auto& queue : impaired->queues) queue->let_go();
  };
}

}  // namespace

Result<const onpath_port*> open_impaired_port(const onpath_port* port, const Impairments& impairments) {
  std::unique_ptr<ImpairedPort> impaired;
  try {
    impaired = std::make_unique<ImpairedPort>(port);
  } catch (const std::bad_alloc&) {
    port->destroy(port->self);
    return Error{ErrorCode::OUT_OF_MEMORY, "An impaired port could not be had."};
  }
  if (const auto ok = check(impairments); !ok) return ok.error();
  try {
    for (uint32_t q = 0; q < port->queues; ++q) {
      impaired->queues.push_back(std::make_unique<ImpairedQueue>(*port, q, impairments));
      if (const auto ok = impaired->queues.back()->take_memory(); !ok) return ok.error();
    }
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::OUT_OF_MEMORY, "An impaired port could not be had. Lower reorderSpan or queues."};
  }
  impaired->table = *port;
  impaired->table.self = impaired.get();
  set_data_path(impaired->table);
  set_waiting(impaired->table, impairments.reorder_span > 0);
  set_control(impaired->table);
  return static_cast<const onpath_port*>(&impaired.release()->table);
}

}  // namespace onpath
