#include "dataplane/fanout_rings.h"

#include <utility>

namespace onpath {

FanoutRings::FanoutRings(const std::vector<NamedPort>& ports, std::shared_ptr<WorkerGroup> group,
                         uint64_t seed)
    : group_(std::move(group)), seed_(seed), rings_(ports.size()) {
  const uint32_t workers = group_->size();
  for (size_t p = 0; p < ports.size(); ++p) {
    const onpath_port& port = *ports[p].port;
    if (port.queues >= workers) continue;
    const uint32_t capacity = Fanout::ring_packets(port, workers);
    for (uint32_t q = 0; q < port.queues; ++q) {
      ByWorker& rings = rings_[p].emplace_back(workers);
      bytes_ += sizeof(Fanout);
      for (uint32_t w = 0; w < workers; ++w) {
        if (w == q) continue;  // worker q polls queue q
        rings[w] = std::make_shared<FanoutRing>(capacity);
        bytes_ += FanoutRing::bytes_for(capacity) + sizeof(FlowCache);
      }
    }
  }
}

void FanoutRings::join(uint32_t worker, size_t port, Worker::PortPart& part) const {
  for (uint32_t q = 0; q < rings_[port].size(); ++q) {
    const ByWorker& rings = rings_[port][q];
    if (q == worker) {
      part.fanouts.push_back(std::make_unique<Fanout>(*part.port, q, worker, seed_, group_, rings));
    } else {
      part.from_others.push_back(rings[worker]);
    }
  }
}

}  // namespace onpath
