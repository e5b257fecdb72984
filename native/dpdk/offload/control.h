// The hooks as the control thread works them: before a device is configured, while it is started, when rules
// come, and at every tick, when what was seen decides what is reported.
#pragma once

#include <rte_ethdev.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dpdk/failure.h"
#include "dpdk/offload/evidence.h"
#include "dpdk/offload/flow.h"
#include "dpdk/offload/hooks.h"
#include "dpdk/offload/rules.h"

namespace onpath::dpdk {

struct Port;
struct PortOptions;
struct DevicePlan;
struct DeviceName;

/// What one port keeps of its hooks. But for reports and beliefs, the control thread's alone.
struct Offloads {
  uint32_t allowed = 0;  // ONPATH_OFFLOAD_*
  Reports reports;
  Beliefs beliefs;
  std::vector<Evidence> evidence;  // by receive queue

  bool isolated = false;           // so that only flow rules let packets in
  bool give_up_isolation = false;  // at the next start
  bool may_mark = false;           // the driver hands marks over
  bool rules_given = false;        // set_rules() has been called
  std::unique_ptr<Wanted> rules;   // as merged; the data path looks at them through the beliefs
  FlowSet flows;
};

/// Evidence of all queues.
struct Sums {
  uint64_t marks_right = 0, marks_wrong = 0, marks_missing = 0;
  uint64_t checksums_right = 0, checksums_wrong = 0, checksums_silent = 0;
  uint64_t times_right = 0, times_wrong = 0;
  uint64_t wanted = 0, strays = 0, unlisted = 0, split = 0, whole = 0;
  uint32_t streams = 0;      // at least so many
  uint32_t queues_used = 0;  // by which packets came
  uint64_t packets = 0;      // that came
};
Sums add_up(const Port& port);

// steering.cc: before the device is configured; and the rules, whichever hooks they serve.
void isolate(Port& port);
/// Copies what is wanted, and makes the rules anew. Waits until the data path has let go of the old ones.
void take_rules(Port& port, const onpath_rules& rules);
/// After a start: makes the rules that are wanted. If none can be had the port is opened to all packets,
/// which restarts it.
void apply_rules(Port& port);
void judge_steering(Port& port, const Sums& sums);

// mark.cc: before the device is configured.
void negotiate_marks(Port& port);
void judge_marks(Port& port, const Sums& sums);

// allow_list.cc
/// The rules for one UDP port: `listed` in, and with `drops` the others dropped.
void add_udp_rules(const Wanted::Entry& entry, bool marks, bool drops, std::vector<FlowRule>& rules);
bool restricts(const Wanted& wanted);
void judge_allow_list(Port& port, const Sums& sums);

// rss.cc
void plan_rss(Port& port, DevicePlan& plan);
void judge_rss(Port& port, const Sums& sums);

// checksums.cc
void plan_checksums(Port& port, DevicePlan& plan);
void judge_checksums(Port& port, const Sums& sums);

// timestamps.cc
void plan_timestamps(Port& port, DevicePlan& plan);
/// On a started device. Timestamps are of use only in terms of our clock. False: the device must do without.
bool begin_timestamps(Port& port);
void keep_time(Port& port);
void judge_timestamps(Port& port, const Sums& sums);

// buffer_split.cc
void plan_buffer_split(Port& port, DevicePlan& plan);
/// The segments of a receive queue; empty: whole packets.
std::vector<rte_eth_rxseg> split_segments(const Port& port, const DevicePlan& plan);
void judge_buffer_split(Port& port, const Sums& sums);

// mlx5_arguments.cc
/// Adds to an mlx5 device's arguments what the options ask for. Errors: INVALID_ARGUMENT if the device's own
/// say otherwise.
Outcome add_mlx5_arguments(uint32_t on, uint32_t off, bool is_mlx5, DeviceName& device);
bool is_mlx5(const DeviceName& device);
void judge_mlx5(Port& port, uint32_t on, uint32_t off);

/// Whether the data path has anything to look at.
void note_hooks(Port& port);
void judge_all(Port& port);

}  // namespace onpath::dpdk
