#include "dataplane/plane_senders.h"

#include <mutex>
#include <utility>
#include <vector>

namespace onpath {

struct PlaneSenders::Queues {
  struct Port {
    std::string name;
    const onpath_port* port;
    std::shared_ptr<PortHost> host;
    std::vector<std::shared_ptr<FeedbackInbox>> inboxes;  // by queue
    uint32_t first;                                       // queue of senders[0]
    std::vector<std::shared_ptr<Sender>> senders;         // by queue; null: free
  };

  std::mutex mutex;
  bool closed = false;
  std::vector<Port> ports;
};

namespace {

/// What the owner of a sender holds: gives the queue back once the sender has left it.
template <class Queues>
class QueuedSender final : public Sender {
 public:
  QueuedSender(std::shared_ptr<Queues> queues, size_t port, size_t queue, std::shared_ptr<Sender> sender)
      : queues_(std::move(queues)), port_(port), queue_(queue), sender_(std::move(sender)) {}
  ~QueuedSender() override { QueuedSender::close(); }

  Result<void> send(std::span<const uint8_t> bytes, uint64_t request_id,
                    std::function<void(Result<SendReport>)> done) override {
    return sender_->send(bytes, request_id, std::move(done));
  }
  Result<void> send_text(std::span<const uint8_t> bytes, const TextPlace& place,
                         std::function<void(Result<SendReport>)> done) override {
    return sender_->send_text(bytes, place, std::move(done));
  }
  void close() override {
    sender_->close();
    const std::lock_guard lock(queues_->mutex);
    if (!std::exchange(given_back_, true)) queues_->ports[port_].senders[queue_] = nullptr;
  }
  uint32_t ssrc() const override { return sender_->ssrc(); }
  SenderStats stats() const override { return sender_->stats(); }

 private:
  const std::shared_ptr<Queues> queues_;
  const size_t port_, queue_;
  const std::shared_ptr<Sender> sender_;
  bool given_back_ = false;
};

}  // namespace

PlaneSenders::PlaneSenders(const PlaneParts& parts) : queues_(std::make_shared<Queues>()) {
  const auto workers = static_cast<uint32_t>(parts.workers.size());
  const auto& ports = parts.ports.list();
  for (size_t p = 0; p < ports.size(); ++p) {
    const onpath_port& port = *ports[p].port;
    const uint32_t first = first_sender_queue(port, workers);
    const uint32_t count = port.transmit_queues > first ? port.transmit_queues - first : 0;
    queues_->ports.push_back({ports[p].name, &port, parts.hosts[p], parts.sender_inboxes[p], first,
                              std::vector<std::shared_ptr<Sender>>(count)});
  }
}

Result<std::unique_ptr<Sender>> PlaneSenders::open(const std::string& name, SenderConfig config) {
  const std::lock_guard lock(queues_->mutex);
  if (queues_->closed) {
    return Error{ErrorCode::CLOSED, "The plane is closed; no sender can leave by its ports."};
  }
  std::string names;
  for (size_t p = 0; p < queues_->ports.size(); ++p) {
    Queues::Port& port = queues_->ports[p];
    names += (names.empty() ? "\"" : ", \"") + port.name + "\"";
    if (port.name != name) continue;
    size_t queue = 0;
    while (queue < port.senders.size() && port.senders[queue] != nullptr) ++queue;
    if (queue == port.senders.size()) {
      return Error{ErrorCode::BUSY, "Port \"" + name + "\" keeps " + std::to_string(port.senders.size()) +
                                        " transmit queues for senders, and all are taken. Close a sender, or "
                                        "open the port with more (senders)."};
    }
    config.port = port.port;
    auto opened =
        open_sender_on(config, port.first + static_cast<uint32_t>(queue), port.host, port.inboxes[queue]);
    if (!opened) return opened.error();
    const std::shared_ptr<Sender> sender = std::move(opened).value();
    port.senders[queue] = sender;
    return std::unique_ptr<Sender>(std::make_unique<QueuedSender<Queues>>(queues_, p, queue, sender));
  }
  return Error{ErrorCode::NOT_FOUND, "The plane has no port \"" + name + "\"; it has " + names + "."};
}

void PlaneSenders::close() {
  std::vector<std::shared_ptr<Sender>> open;
  {
    const std::lock_guard lock(queues_->mutex);
    queues_->closed = true;
    for (const Queues::Port& port : queues_->ports) {
      for (const auto& sender : port.senders) {
        if (sender != nullptr) open.push_back(sender);
      }
    }
  }
  for (const auto& sender : open) sender->close();
}

}  // namespace onpath
