// What a worker keeps of every route, of images or of texts: who may send, when samples end, what was
// counted.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>

#include "base/drop_reason.h"
#include "dataplane/config.h"
#include "dataplane/counters.h"
#include "dataplane/latency.h"
#include "dataplane/loss_repair.h"
#include "dataplane/saturating.h"
#include "dataplane/source_list.h"
#include "dataplane/stream_table.h"

namespace onpath {

class RouteLane {
 public:
  virtual ~RouteLane() = default;

  /// Closes samples past their deadline, delivers what waited long enough.
  virtual void tick(uint64_t now) = 0;
  /// When tick() has something to do next; UINT64_MAX: nothing is open.
  virtual uint64_t next_tick_ns() = 0;
  /// Every open sample ends unfinished, under this reason.
  virtual void give_up(DropReason reason) = 0;
  /// Goes on with the version of the pipeline that is offered, if there is one.
  virtual void take_version() = 0;
  /// The worker ends: open samples count as closed, what is complete is delivered.
  virtual void close() { give_up(DropReason::closed); }

  /// A stream that brought nothing new for this long, or four deadlines if that is longer, may be a restarted
  /// sender: its closed timestamps are forgotten.
  static uint64_t restart_ns(const RouteConfig& route) {
    return std::max(kRestartNs, times(route.deadline_ns, 4));
  }
  /// Whether a sample with this timestamp is being assembled.
  virtual bool has_open(const Stream& stream, uint32_t timestamp) = 0;

  void repair_by(std::unique_ptr<LossRepair> repair) { repair_ = std::move(repair); }
  /// Null: senders are told nothing.
  LossRepair* repair() { return repair_.get(); }
  const RouteCounters& counters() const { return *counters_; }
  uint32_t port() const { return port_; }

 protected:
  static constexpr uint64_t kRestartNs = 3'000'000'000;

  /// `port`: index of the port that the route's packets come by.
  RouteLane(const RouteConfig& route, uint32_t port, std::unique_ptr<RouteCounters> counters)
      : counters_(std::move(counters)),
        latency_(counters_->latency.get()),
        probe_(*counters_->probe),
        port_(port),
        evict_oldest_(route.evict_oldest),
        deadline_ns_(route.deadline_ns),
        restart_ns_(restart_ns(route)),
        most_open_(route.source_limits.any() ? route.source_limits.open_samples : 0),
        rates_(route.source_limits.any() && route.source_limits.any_rate()),
        sources_(route.sources) {}

  void drop(DropReason reason) { count_drop(counters_->drops, reason); }
  /// Whether the source may have a further stream. Where every stream is active, all samples of one that has
  /// more than its share make room: `evict(sample)` closes them. False: `refusal` says why.
  template <class Pool, class Evict>
  bool make_stream_room(StreamTable& streams, Pool& pool, uint32_t source, uint64_t now, DropReason& refusal,
                        Evict evict) {
    if (!streams.has_room()) {
      const auto* unfair = evict_oldest_ ? pool.victim(streams, source, true) : nullptr;
      refusal = DropReason::stream_limit;
      if (unfair == nullptr) return false;
      const Stream& gives = streams.at(unfair->stream);
      while (gives.open_samples > 0) evict(pool.at(gives.open_head));
    }
    if (streams.may_add(source, now)) return true;
    refusal = DropReason::source_share;
    return false;
  }
  /// Whether the time from here to the sink is taken of the sample that completes now.
  bool times_finish() const {
    return latency_ != nullptr && counters_->samples_complete.get() % kTimedFinishes == 0;
  }
  /// Of a sample that is opened now.
  uint64_t deadline_from(uint64_t now) const { return plus(now, deadline_ns_); }

  const std::unique_ptr<RouteCounters> counters_;
  RouteLatency* const latency_;  // null: not measured
  PacketProbe& probe_;
  const uint32_t port_;
  const bool evict_oldest_;
  const uint64_t deadline_ns_;
  const uint64_t restart_ns_;
  const uint32_t most_open_;  // samples of one source; 0: no limit
  const bool rates_;          // packets are counted against their source's rate
  const SourceList sources_;

 private:
  std::unique_ptr<LossRepair> repair_;
};

}  // namespace onpath
