#include "port/impaired_queue.h"

#include <cstring>

#include "dataplane/clock.h"

namespace onpath {

ImpairedQueue::ImpairedQueue(const onpath_port& port, uint32_t queue, const Impairments& impairments)
    : port_(port),
      queue_(queue),
      what_(impairments),
      stride_((port.max_bytes + kLongerBytes + 63) / 64 * 64),
      impairer_(impairments, queue) {}

uint64_t ImpairedQueue::copies() const {
  const bool copies = what_.duplicate > 0 || what_.corrupt > 0 || what_.reorder_span > 0;
  return copies ? uint64_t{what_.reorder_span} + 2 * kBurst + kOut : 0;
}

Result<void> ImpairedQueue::take_memory() {
  arrivals_.resize(kBurst);
  held_.reserve(uint64_t{what_.reorder_span} + 2 * kBurst);
  if (copies() == 0) return {};
  auto memory = Region::take(stride_ * copies(), "packets of an impaired port");
  if (!memory) return memory.error();
  memory_ = std::move(memory).value();
  spare_.reserve(copies());
  for (uint64_t i = 0; i < copies(); ++i) spare_.push_back(memory_.data() + stride_ * i);
  return {};
}

uint32_t ImpairedQueue::receive(onpath_packet* packets, uint32_t count) {
  uint32_t given = give(packets, count, false);
  while (given < count) {
    const uint32_t wanted = room();
    const uint32_t got = wanted == 0 ? 0 : port_.receive(port_.self, queue_, arrivals_.data(), wanted);
    if (got == 0) break;
    if (what_.reorder_span > 0) last_arrival_ns_ = now_ns();
    for (uint32_t i = 0; i < got; ++i) take_in(arrivals_[i]);
    given += give(packets + given, count - given, false);
  }
  // Nothing pushes the window on: it is let go of once the port has been quiet.
  if (given == 0 && !held_.empty() && now_ns() - last_arrival_ns_ > kQuietNs)
    given = give(packets, count, true);
  waiting_.set(held_.size() - first_);
  return given;
}

uint32_t ImpairedQueue::room() const {
  const uint64_t places = (held_.capacity() - held_.size()) / 2;
  const uint64_t buffers = copies() == 0 ? kBurst : spare_.size() / 2;
  return static_cast<uint32_t>(std::min({uint64_t{kBurst}, places, buffers}));
}

void ImpairedQueue::take_in(const onpath_packet& arrival) {
  const Impairer::Fate fate = impairer_.decide();
  ++arrived_;
  if (fate.lost) {
    lost_.add(1);
    give_back(arrival);
    return;
  }
  onpath_packet packet = arrival;
  // What cannot be written is damaged in a copy; what waits, waits in one: the port's buffers are few.
  const bool copied =
      what_.reorder_span > 0 || (fate.damaged && packet.capacity < std::max(packet.length, 1u));
  if (copied) packet = copy_of(arrival);
  if (fate.doubled) {
    duplicated_.add(1);
    onpath_packet copy = copy_of(arrival);
    if (fate.copy_damaged && !damage(copy, fate.copy_bit)) {
      spare_.push_back(static_cast<uint8_t*>(copy.handle));
      lost_.add(1);
    } else {
      hold(copy);
    }
    corrupted_.add(fate.copy_damaged);
  }
  corrupted_.add(fate.damaged);
  if (fate.damaged && !damage(packet, fate.bit)) {
    lost_.add(1);
    if (copied) spare_.push_back(static_cast<uint8_t*>(packet.handle));
    give_back(arrival);
    return;
  }
  hold(packet);
  if (copied) give_back(arrival);
}

bool ImpairedQueue::damage(onpath_packet& packet, uint64_t bit) const {
  if (port_.framing != ONPATH_FRAMING_ETHERNET) return false;
  packet.flags &= ~uint32_t{ONPATH_PACKET_IP_CHECKSUM_OK | ONPATH_PACKET_UDP_CHECKSUM_OK};
  if (packet.length == 0) return true;
  const uint64_t at = bit % (uint64_t{packet.length} * 8);
  packet.data[at / 8] = static_cast<uint8_t>(packet.data[at / 8] ^ 1u << at % 8);
  return true;
}

onpath_packet ImpairedQueue::copy_of(const onpath_packet& packet) {
  uint8_t* const buffer = spare_.back();
  spare_.pop_back();
  onpath_packet copy = packet;
  copy.data = buffer;
  copy.length = static_cast<uint32_t>(std::min(uint64_t{packet.length}, stride_));
  if (copy.length < packet.length) copy.flags |= ONPATH_PACKET_TRUNCATED;
  copy.capacity = 0;
  copy.headroom = 0;
  copy.handle = buffer;
  std::memcpy(buffer, packet.data, copy.length);
  return copy;
}

bool ImpairedQueue::is_copy(const onpath_packet& packet) const {
  const auto handle = reinterpret_cast<uintptr_t>(packet.handle);
  const auto begin = reinterpret_cast<uintptr_t>(memory_.data());
  return handle - begin < memory_.bytes();
}

void ImpairedQueue::hold(const onpath_packet& packet) { held_.push_back({packet, arrived_}); }

uint32_t ImpairedQueue::give(onpath_packet* packets, uint32_t count, bool drain) {
  const size_t kept = drain ? 0 : what_.reorder_span;
  uint32_t given = 0;
  uint64_t bytes = 0;
  for (; given < count && held_.size() > first_ + kept; ++given) {
    const Held held = next();
    if (held.number < last_given_) reordered_.add(1);
    last_given_ = std::max(last_given_, held.number);
    packets[given] = held.packet;
    bytes += held.packet.length;
  }
  rx_packets_.add(given);
  rx_bytes_.add(bytes);
  return given;
}

ImpairedQueue::Held ImpairedQueue::next() {
  if (what_.reorder_span == 0) {
    const Held held = held_[first_++];
    if (first_ == held_.size()) {
      held_.clear();
      first_ = 0;
    }
    return held;
  }
  const size_t at = impairer_.choose(held_.size());
  const Held held = held_[at];
  held_[at] = held_.back();
  held_.pop_back();
  return held;
}

void ImpairedQueue::release(const onpath_packet* packets, uint32_t count) {
  // Runs of the port's own go back in one call.
  uint32_t own = 0;
  for (uint32_t i = 0; i < count; ++i) {
    if (!is_copy(packets[i])) continue;
    spare_.push_back(static_cast<uint8_t*>(packets[i].handle));
    if (i > own) port_.release(port_.self, queue_, packets + own, i - own);
    own = i + 1;
  }
  if (count > own) port_.release(port_.self, queue_, packets + own, count - own);
}

void ImpairedQueue::let_go() {
  for (size_t i = first_; i < held_.size(); ++i) release(&held_[i].packet, 1);
  held_.clear();
  first_ = 0;
}

void ImpairedQueue::add_counters(onpath_port_counters& to) const {
  to.rx_packets += rx_packets_.get();
  to.rx_bytes += rx_bytes_.get();
  to.impaired_lost += lost_.get();
  to.impaired_duplicated += duplicated_.get();
  to.impaired_corrupted += corrupted_.get();
  to.impaired_reordered += reordered_.get();
  to.impaired_held += waiting_.get();
}

}  // namespace onpath
