// What was seen on all queues, and what follows from it.
#include <bit>

#include "dpdk/offload/control.h"
#include "dpdk/port.h"

namespace onpath::dpdk {

Sums add_up(const Port& port) {
  Sums sums;
  uint64_t streams = 0;
  const auto get = [](const Evidence::Count& count) { return count.load(std::memory_order_relaxed); };
  for (size_t q = 0; q < port.offloads.evidence.size(); ++q) {
    const Evidence& evidence = port.offloads.evidence[q];
    sums.marks_right += get(evidence.marks_right);
    sums.marks_wrong += get(evidence.marks_wrong);
    sums.marks_missing += get(evidence.marks_missing);
    sums.checksums_right += get(evidence.checksums_right);
    sums.checksums_wrong += get(evidence.checksums_wrong);
    sums.checksums_silent += get(evidence.checksums_silent);
    sums.times_right += get(evidence.times_right);
    sums.times_wrong += get(evidence.times_wrong);
    sums.wanted += get(evidence.wanted);
    sums.strays += get(evidence.strays);
    sums.unlisted += get(evidence.unlisted);
    sums.split += get(evidence.split);
    sums.whole += get(evidence.whole);
    streams |= get(evidence.streams);
    // ARP and the like come by the first queue whatever is spread.
    sums.queues_used += get(evidence.streams) != 0;
    sums.packets += get(port.receive_counts[q].packets);
  }
  sums.streams = static_cast<uint32_t>(std::popcount(streams));
  return sums;
}

void note_hooks(Port& port) {
  const Offloads& offloads = port.offloads;
  const Beliefs& beliefs = offloads.beliefs;
  port.has_hooks.store(beliefs.checksums || beliefs.stamps != 0 || beliefs.split_bytes != 0 ||
                       port.plan.spread != 0 || offloads.isolated || beliefs.marks.load() ||
                       beliefs.drops_unlisted.load());
}

void judge_all(Port& port) {
  const Sums sums = add_up(port);
  judge_steering(port, sums);
  judge_marks(port, sums);
  judge_rss(port, sums);
  judge_allow_list(port, sums);
  judge_checksums(port, sums);
  judge_timestamps(port, sums);
  judge_buffer_split(port, sums);
}

}  // namespace onpath::dpdk
