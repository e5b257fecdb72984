#include "dataplane/latency.h"

namespace onpath {

std::string_view latency_stage_name(LatencyStage stage) {
  switch (stage) {
    case LatencyStage::first_packet:
      return "firstPacket";
    case LatencyStage::last_packet:
      return "lastPacket";
    case LatencyStage::wait:
      return "wait";
    case LatencyStage::finish:
      return "finish";
    case LatencyStage::receive:
      return "receive";
    case LatencyStage::classify:
      return "classify";
    case LatencyStage::program:
      return "program";
  }
  return "?";
}

/// A packet that was dropped before its bytes went to a program is not counted.
void PacketProbe::packet_ends() {
  timing = false;
  if (route_ == nullptr) return;
  route_->record(LatencyStage::receive, 0, receive_ns_);
  route_->record(LatencyStage::classify, begun_, program_begun_);
  route_->record(LatencyStage::program, program_begun_, program_ended_);
}

}  // namespace onpath
