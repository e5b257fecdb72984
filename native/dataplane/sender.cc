// A sender: its queue of samples, and the thread that cuts, paces and transmits them.
#include "dataplane/sender.h"

#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <new>
#include <string>
#include <system_error>
#include <thread>

#include "dataplane/clock.h"
#include "dataplane/outgoing.h"
#include "dataplane/pacer.h"
#include "dataplane/packetizer.h"
#include "dataplane/sender_feedback.h"
#include "dataplane/threads.h"

namespace onpath {
namespace {

constexpr int kNice = 5;
constexpr uint32_t kBurst = 32;
constexpr uint64_t kPatienceNs = 200'000'000;  // for a port that takes nothing at all
constexpr uint64_t kRetryNs = 20'000;
constexpr int kYields = 64;
constexpr uint64_t kResolveNs = 3'000'000'000;  // three questions, as RFC 4861 section 10 asks of a host
constexpr uint64_t kLookNs = 2'000'000;         // while a neighbour is waited for

void sleep_ns(uint64_t ns) {
  const timespec time{static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
  clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
}

/// The 90 kHz media clock. Of the real-time clock, so that a sender that is started again goes on where it
/// was.
uint64_t media_clock() {
  timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return static_cast<uint64_t>(time.tv_sec) * 90'000 + static_cast<uint64_t>(time.tv_nsec) * 9 / 100'000;
}

Error closed() { return {ErrorCode::CLOSED, "The sender was closed before the sample was sent."}; }

struct Job {
  std::span<const uint8_t> bytes;
  TextPlace place;  // of an image only the request id counts
  std::function<void(Result<SendReport>)> done;
};

/// The port's queue a sender leaves by, and what is there to find the next hop.
struct Outlet {
  uint32_t queue = 0;
  bool owns_port = true;
  std::shared_ptr<PortHost> host;
  std::shared_ptr<FeedbackInbox> inbox;  // null: feedback comes by the port itself
};

class ThreadedSender final : public Sender {
 public:
  ThreadedSender(const SenderConfig& config, Outlet outlet, uint32_t ssrc, const OutgoingPath& path,
                 const Packetizer& packetizer, std::unique_ptr<SenderFeedback> feedback)
      : config_(config),
        outlet_(std::move(outlet)),
        ssrc_(ssrc),
        path_(path),
        packetizer_(packetizer),
        feedback_(std::move(feedback)) {
    if (config.bits_per_second > 0)
      pacer_ = Pacer(config.bits_per_second, config.burst_bytes, config.max_payload_bytes);
  }
  ~ThreadedSender() override { ThreadedSender::close(); }

  /// Throws std::system_error. Errors: PORT_FAILED.
  Result<void> start() {
    const auto begun = std::make_shared<std::promise<int>>();
    thread_ = start_thread("onpath-sender", [this, begun] {
      // Bulk work: where cores are few, the event loop and the workers come first.
      setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice);
      const onpath_port& port = *config_.port;
      const int failure = port.begin_thread == nullptr ? 0 : port.begin_thread(port.self);
      begun->set_value(failure);
      if (failure != 0) return;
      run();
      if (port.end_thread != nullptr) port.end_thread(port.self);
    });
    const int failure = begun->get_future().get();
    if (failure == 0) return {};
    return Error{ErrorCode::PORT_FAILED,
                 "The port did not take the sender's thread: " + std::generic_category().message(failure) +
                     ". Close other senders or planes."};
  }

  Result<void> send(std::span<const uint8_t> bytes, uint64_t request_id,
                    std::function<void(Result<SendReport>)> done) override {
    if (config_.texts || bytes.size() != config_.format.bytes) {
      return Error{
          ErrorCode::INVALID_ARGUMENT,
          "The sample has " + std::to_string(bytes.size()) + " bytes, expected " +
              (config_.texts ? std::string("a text, by send_text") : std::to_string(config_.format.bytes)) +
              "."};
    }
    return queue({bytes, TextPlace{request_id, 0, {}, true, 0}, std::move(done)});
  }

  Result<void> send_text(std::span<const uint8_t> bytes, const TextPlace& place,
                         std::function<void(Result<SendReport>)> done) override {
    if (!config_.texts)
      return Error{ErrorCode::INVALID_ARGUMENT, "The sender was opened for images, not for texts."};
    if (place.offset > kMostTextBytes || bytes.size() > kMostTextBytes - place.offset) {
      return Error{ErrorCode::INVALID_ARGUMENT, "The text has more than " + std::to_string(kMostTextBytes) +
                                                    " bytes, the most that one can have."};
    }
    return queue({bytes, place, std::move(done)});
  }

  void close() override {
    const std::lock_guard only_one(close_mutex_);
    {
      const std::lock_guard lock(mutex_);
      closing_.store(true, std::memory_order_relaxed);
    }
    announce();
    if (thread_.joinable()) thread_.join();
    if (config_.port == nullptr) return;
    if (feedback_) feedback_->close();
    if (path_.neighbour() != nullptr) outlet_.host->neighbours.unwant(*path_.neighbour());
    if (outlet_.owns_port) config_.port->destroy(config_.port->self);
    config_.port = nullptr;
  }

  uint32_t ssrc() const override { return ssrc_; }
  SenderStats stats() const override { return feedback_ ? feedback_->stats() : SenderStats{}; }
  /// Start failed: the port stays the caller's.
  void disown() { outlet_.owns_port = false; }

 private:
  Result<void> queue(Job job) {
    {
      const std::lock_guard lock(mutex_);
      if (closing_.load(std::memory_order_relaxed)) return Error{ErrorCode::CLOSED, "The sender is closed."};
      if (jobs_.size() >= config_.queued_samples) {
        return Error{ErrorCode::BUSY, std::to_string(jobs_.size()) +
                                          " samples wait to be sent already. Await one of them first."};
      }
      jobs_.push_back(std::move(job));
    }
    announce();
    return {};
  }

  void announce() {
    changed_.notify_one();
    if (feedback_) feedback_->wake();
  }

  void run() {
    for (;;) {
      Job job;
      {
        std::unique_lock lock(mutex_);
        await_job(lock);
        if (jobs_.empty()) return;
        job = std::move(jobs_.front());
        jobs_.pop_front();
      }
      // What is still queued when the sender closes is handed back here as well, on this thread.
      job.done(is_closing() ? Result<SendReport>(closed()) : send_sample(job));
    }
  }

  void await_job(std::unique_lock<std::mutex>& lock) {
    const auto is_there = [this] { return !jobs_.empty() || is_closing(); };
    if (!feedback_) return changed_.wait(lock, is_there);
    while (!is_there()) {
      lock.unlock();
      feedback_->begin_wait();
      serve_feedback();
      feedback_->wait();
      lock.lock();
    }
  }

  /// What is sent again counts towards the pace.
  void serve_feedback() {
    if (feedback_) pacer_.spend(feedback_->serve(path_, now_ns()));
  }

  bool is_closing() const { return closing_.load(std::memory_order_relaxed); }

  Result<SendReport> send_sample(const Job& job) {
    SendReport report;
    const TextPlace& place = job.place;
    if (!place.timestamp) timestamp_ = std::max(timestamp_ + 1, media_clock());
    report.timestamp = place.timestamp.value_or(static_cast<uint32_t>(timestamp_));
    if (config_.texts) {
      packetizer_.begin_part(job.bytes, report.timestamp, place.request_id, place.offset, place.last,
                             place.length);
    } else {
      packetizer_.begin(job.bytes, report.timestamp, place.request_id);
    }
    while (!packetizer_.done()) {
      if (is_closing()) return closed();
      if (!path_.resolved() && !await_neighbour()) return is_closing() ? closed() : unreachable();
      serve_feedback();
      send_burst(report);
    }
    return report;
  }

  bool await_neighbour() const {
    const uint64_t limit = now_ns() + kResolveNs;
    while (!path_.resolved()) {
      if (is_closing() || now_ns() >= limit) return false;
      sleep_ns(kLookNs);
    }
    return true;
  }

  Error unreachable() const {
    const IpAddress& to = config_.destination.address;
    const auto next_hop = outlet_.host->addresses.next_hop(to);
    const std::string asked = next_hop ? address_text(next_hop.value()) : address_text(to);
    return {ErrorCode::UNREACHABLE,
            "Nobody answered for " + asked +
                (next_hop && next_hop.value() == to ? "" : ", the gateway to " + address_text(to)) + " (" +
                (to.is_v4() ? "ARP" : "neighbour discovery") + ", asked for 3 seconds from a port with " +
                outlet_.host->addresses.own_text() +
                "). Check that address, the lengths of the prefixes, the VLAN and the link, or give its MAC "
                "address as a neighbour. Sending again tries again."};
  }

  void send_burst(SendReport& report) {
    const onpath_port& port = *config_.port;
    std::array<onpath_packet, kBurst> packets;
    std::array<uint32_t, kBurst> payload_bytes;
    if (!await_pace()) return;
    const uint32_t count = port.allocate(port.self, outlet_.queue, packets.data(), kBurst);
    if (count == 0) {
      // Buffers come back on their own (a driver that still transmits); a port that never gives any is not a
      // port.
      sleep_ns(kRetryNs);
      return;
    }
    uint32_t built = 0;
    for (; built < count && !packetizer_.done() && may_build(built); ++built) {
      uint8_t* rtp = path_.payload(packets[built]);
      payload_bytes[built] = packetizer_.next(rtp);
      if (feedback_) feedback_->keep({rtp, payload_bytes[built]});
      path_.finish(packets[built], payload_bytes[built]);
      pacer_.spend(payload_bytes[built]);
    }
    const uint32_t sent = transmit(packets.data(), built);
    report.refused += built - sent;
    for (uint32_t i = 0; i < sent; ++i) {
      if (packets[i].flags & ONPATH_PACKET_REFUSED) {
        ++report.refused;
      } else {
        ++report.packets;
        report.bytes += payload_bytes[i];
      }
    }
    if (sent < count) port.release(port.self, outlet_.queue, packets.data() + sent, count - sent);
  }

  /// Whether the pace allows another packet of the longest kind behind those built already; one it always
  /// does.
  bool may_build(uint32_t built) {
    return built == 0 || !pacer_.limits() || pacer_.credit(now_ns()) >= config_.max_payload_bytes;
  }

  /// Sleeps until something may leave; answers receivers meanwhile. False: the sender is closing.
  bool await_pace() {
    if (!pacer_.limits()) return true;
    while (const uint64_t wait = pacer_.wait_ns(now_ns())) {
      if (is_closing()) return false;
      sleep_ns(std::min(wait, kLookNs));
      serve_feedback();
    }
    return true;
  }

  /// Returns how many of the first packets left. Waits while the port takes none, but not forever; a port
  /// that wore out our patience gets single tries until it takes something again.
  uint32_t transmit(onpath_packet* packets, uint32_t count) {
    const onpath_port& port = *config_.port;
    uint32_t sent = 0;
    int yields = 0;
    uint64_t refused_since = 0;
    while (sent < count) {
      const uint32_t taken = port.transmit(port.self, outlet_.queue, packets + sent, count - sent);
      sent += taken;
      if (taken > 0) {
        stuck_ = false;
        yields = 0;
        refused_since = 0;
        continue;
      }
      if (stuck_ || is_closing()) break;
      if (++yields <= kYields) {
        std::this_thread::yield();
        continue;
      }
      const uint64_t now = now_ns();
      if (refused_since == 0) refused_since = now;
      if (now - refused_since > kPatienceNs) stuck_ = true;
      sleep_ns(kRetryNs);
    }
    return sent;
  }

  SenderConfig config_;
  Outlet outlet_;
  const uint32_t ssrc_;
  OutgoingPath path_;
  Packetizer packetizer_;
  uint64_t timestamp_ = 0;  // extended; the low 32 bits travel
  Pacer pacer_;
  const std::unique_ptr<SenderFeedback> feedback_;  // null: none is read
  bool stuck_ = false;
  std::mutex mutex_;
  std::mutex close_mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  std::atomic<bool> closing_{false};
  std::thread thread_;
};

Result<std::unique_ptr<Sender>> make_sender(const SenderConfig& config, const Outlet& outlet) {
  const onpath_port& port = *config.port;
  if (config.queued_samples == 0)
    return Error{ErrorCode::INVALID_ARGUMENT, "queuedSamples is 0, expected at least 1."};
  if (!(config.bits_per_second >= 0)) {
    return Error{ErrorCode::INVALID_ARGUMENT,
                 "bitsPerSecond is " + std::to_string(config.bits_per_second) + ", expected 0 or more."};
  }
  uint32_t ssrc = config.ssrc;
  if (ssrc == 0 && getrandom(&ssrc, sizeof ssrc, GRND_NONBLOCK) != static_cast<ssize_t>(sizeof ssrc)) {
    ssrc = static_cast<uint32_t>(now_ns());
  }
  const Packetizer::Options options{config.payload, config.send_dims, config.payload_type, ssrc,
                                    config.max_payload_bytes};
  auto packetizer =
      config.texts ? Packetizer::make_for_texts(options) : Packetizer::make(config.format, options);
  if (!packetizer) return packetizer.error();
  // Last, as it may want a neighbour, which the sender gives back.
  auto path = OutgoingPath::make(port, config.source, config.destination, config.destination_mac,
                                 config.max_payload_bytes, outlet.host.get());
  if (!path) return path.error();
  std::unique_ptr<SenderFeedback> feedback;
  if (config.resend) {
    auto made = SenderFeedback::make(config, outlet.queue, ssrc, outlet.inbox);
    if (!made) {
      if (path.value().neighbour() != nullptr) outlet.host->neighbours.unwant(*path.value().neighbour());
      return made.error();
    }
    feedback = std::move(made).value();
  }
  auto sender = std::make_unique<ThreadedSender>(config, outlet, ssrc, path.value(), packetizer.value(),
                                                 std::move(feedback));
  try {
    if (const auto ok = sender->start(); !ok) {
      sender->disown();
      return ok.error();
    }
  } catch (...) {
    sender->disown();
    throw;
  }
  return std::unique_ptr<Sender>(std::move(sender));
}

/// The port is the caller's if this fails.
Result<std::unique_ptr<Sender>> try_open(const SenderConfig& config, const Outlet& outlet) {
  try {
    return make_sender(config, outlet);
  } catch (const std::system_error& failure) {
    return Error{ErrorCode::PORT_FAILED,
                 std::string("The system refused a thread for the sender: ") + failure.what() + "."};
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::OUT_OF_MEMORY, "The sender's memory could not be had."};
  }
}

}  // namespace

Result<std::unique_ptr<Sender>> open_sender(const SenderConfig& config) {
  if (config.port == nullptr) return Error{ErrorCode::INVALID_ARGUMENT, "The sender has no port."};
  auto sender = try_open(config, {});
  if (!sender) config.port->destroy(config.port->self);
  return sender;
}

Result<std::unique_ptr<Sender>> open_sender_on(const SenderConfig& config, uint32_t queue,
                                               std::shared_ptr<PortHost> host,
                                               std::shared_ptr<FeedbackInbox> inbox) {
  return try_open(config, {queue, false, std::move(host), std::move(inbox)});
}

}  // namespace onpath
