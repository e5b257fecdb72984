#include "dataplane/transmit_queue.h"

#include <algorithm>

#include "dataplane/clock.h"

namespace onpath {

bool TransmitQueue::make_room() {
  flush();
  if (head_ == tail_) return true;
  if (head_ == 0) return false;
  std::copy(staged_.begin() + head_, staged_.begin() + tail_, staged_.begin());
  std::copy(notes_.begin() + head_, notes_.begin() + tail_, notes_.begin());
  std::copy(leaving_.begin() + head_, leaving_.begin() + tail_, leaving_.begin());
  tail_ -= head_;
  head_ = 0;
  return true;
}

onpath_packet* TransmitQueue::next() {
  if (spare_count_ == 0) spare_count_ = port_.allocate(port_.self, queue_, spare_.data(), kBurst);
  if (spare_count_ == 0) {
    flush();
    spare_count_ = port_.allocate(port_.self, queue_, spare_.data(), kBurst);
  }
  if (spare_count_ == 0 || (tail_ == kStaged && !make_room())) {
    count_drop(drops_, DropReason::transmit_failed);
    return nullptr;
  }
  return &spare_[spare_count_ - 1];
}

void TransmitQueue::commit(RouteCounters& route) {
  staged_[tail_] = spare_[--spare_count_];
  staged(route);
}

void TransmitQueue::count_sent(RouteCounters& route, const LeavingSample& sample) {
  route.samples_sent.add(1);
  if (!route.latency) return;
  const uint64_t now = now_ns();
  route.latency->record(LatencyStage::first_packet, sample.first_packet_ns, now);
  route.latency->record(LatencyStage::last_packet, sample.last_packet_ns, now);
  route.latency->record(LatencyStage::wait, sample.staged_ns, now);
}

void TransmitQueue::sample_ends(RouteCounters& route, uint64_t first_packet_ns, uint64_t last_packet_ns) {
  const LeavingSample sample{first_packet_ns, last_packet_ns, route.latency ? now_ns() : 0};
  // With nothing staged, or a sample of another route ending at the same packet already, it counts right
  // away.
  if (head_ == tail_ || notes_[tail_ - 1].sample_of != nullptr) {
    count_sent(route, sample);
  } else {
    notes_[tail_ - 1].sample_of = &route;
    leaving_[tail_ - 1] = sample;
  }
}

void TransmitQueue::flush() {
  unflushed_ = 0;
  while (head_ < tail_) {
    const uint32_t offered = std::min(tail_ - head_, kBurst);
    const uint32_t taken = port_.transmit(port_.self, queue_, staged_.data() + head_, offered);
    for (uint32_t i = head_; i < head_ + taken; ++i) {
      if (staged_[i].flags & ONPATH_PACKET_REFUSED) {
        count_drop(drops_, DropReason::transmit_failed);
        continue;
      }
      notes_[i].route->packets_forwarded.add(1);
      if (notes_[i].sample_of != nullptr) count_sent(*notes_[i].sample_of, leaving_[i]);
    }
    head_ += taken;
    if (taken < offered) return;
  }
  head_ = tail_ = 0;
}

void TransmitQueue::finish() {
  constexpr int kTries = 1000;
  for (int i = 0; i < kTries && head_ < tail_; ++i) {
    flush();
    spin_pause();
  }
  for (; head_ < tail_; ++head_) {
    count_drop(drops_, DropReason::transmit_failed);
    port_.release(port_.self, queue_, &staged_[head_], 1);
  }
  if (spare_count_ > 0) port_.release(port_.self, queue_, spare_.data(), spare_count_);
  spare_count_ = head_ = tail_ = 0;
}

}  // namespace onpath
