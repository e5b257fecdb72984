#include "dataplane/text_forward_lane.h"

#include <algorithm>
#include <cstring>

#include "base/big_endian.h"
#include "dataplane/saturating.h"

namespace onpath {
namespace {

uint64_t packet_bytes(const TextRouteConfig& text, const ForwardSinkConfig& config) {
  return element_room(config.max_payload_bytes, kRtpHeaderBytes + kChunkHeaderBytes,
                      element_bytes(text.plan->element()));
}

uint64_t piece_bytes(const TextRouteConfig& text, const ForwardSinkConfig& config) {
  const uint64_t asked = uint64_t{text.segment_elements} * element_bytes(text.plan->element());
  return asked == 0 ? packet_bytes(text, config) : asked;
}

}  // namespace

uint64_t TextForwardLane::bytes_for(const TextRouteConfig& text, const ForwardSinkConfig& config,
                                    uint32_t open_texts) {
  return times(piece_bytes(text, config), open_texts);
}

Result<std::unique_ptr<TextForwardLane>> TextForwardLane::make(const TextRouteConfig& text,
                                                               uint32_t open_texts,
                                                               const ForwardSinkConfig& config,
                                                               const OutgoingPath& path, uint32_t first_ssrc,
                                                               uint32_t ssrc_step, TransmitQueue& queue,
                                                               RouteCounters& counters) {
  std::unique_ptr<TextForwardLane> lane(new TextForwardLane(path, queue, counters));
  lane->next_ssrc_ = first_ssrc;
  lane->ssrc_step_ = ssrc_step;
  lane->packet_bytes_ = packet_bytes(text, config);
  lane->piece_bytes_ = piece_bytes(text, config);
  if (lane->packet_bytes_ == 0) {
    return Error{ErrorCode::INVALID_SPEC, "maxPayloadBytes " + std::to_string(config.max_payload_bytes) +
                                              " of a forward sink does not hold " +
                                              std::to_string(kHeadersBytes) +
                                              " bytes of headers and one element. Raise it."};
  }
  ChunkHeader chunk;
  chunk.digest = config.digest != 0 ? config.digest : text.plan->output_format().digest;
  RtpPacket rtp;
  rtp.payload_type = config.payload_type;
  build_rtp(lane->headers_.data(), rtp);
  build_chunk(lane->headers_.data() + kRtpHeaderBytes, chunk);
  auto staging = Region::take(bytes_for(text, config, open_texts), "pieces on their way to a forward sink");
  if (!staging) return staging.error();
  lane->staging_ = std::move(staging).value();
  return lane;
}

void TextForwardLane::begin_stream(Stream& stream) {
  stream.forward_ssrc = next_ssrc_;
  stream.forward_sequence = 0;
  next_ssrc_ += ssrc_step_;
  if (resender_ != nullptr) resender_->begin_stream();
}

void TextForwardLane::open(OpenText& text, uint32_t index) {
  text.staging = staging_.data() + piece_bytes_ * index;
  text.staged = text.sent = 0;
  text.send_failed = false;
}

bool TextForwardLane::add(OpenText& text, Stream& stream, std::span<const uint8_t> elements,
                          std::span<const TextSpan>) {
  while (!elements.empty()) {
    const uint64_t bytes = std::min<uint64_t>(piece_bytes_ - text.staged, elements.size());
    std::memcpy(text.staging + text.staged, elements.data(), bytes);
    text.staged += bytes;
    elements = elements.subspan(bytes);
    if (text.staged < piece_bytes_) break;
    send(text, stream, {text.staging, piece_bytes_}, false);
    text.staged = 0;
  }
  return true;
}

void TextForwardLane::complete(OpenText& text, Stream& stream) {
  send(text, stream, {text.staging, text.staged}, true);
  if (!text.send_failed) queue_.sample_ends(counters_);
}

void TextForwardLane::send(OpenText& text, Stream& stream, std::span<const uint8_t> bytes, bool last) {
  do {
    const auto packet = bytes.first(std::min<size_t>(bytes.size(), packet_bytes_));
    bytes = bytes.subspan(packet.size());
    if (!send_packet(text, stream, packet, last && bytes.empty())) text.send_failed = true;
    text.sent += packet.size();
  } while (!bytes.empty());
}

bool TextForwardLane::send_packet(const OpenText& text, Stream& stream, std::span<const uint8_t> bytes,
                                  bool last) {
  const uint32_t sequence = stream.forward_sequence++;
  if (!path_.resolved()) {
    queue_.drop(DropReason::no_neighbour);
    return false;
  }
  onpath_packet* packet = queue_.next();
  if (packet == nullptr) return false;
  uint8_t* at = path_.payload(*packet);
  std::memcpy(at, headers_.data(), kHeadersBytes);
  rewrite_rtp(at, last, static_cast<uint16_t>(sequence), text.timestamp, stream.forward_ssrc);
  rewrite_chunk(at + kRtpHeaderBytes, static_cast<uint16_t>(sequence >> 16), text.request_id, text.sent);
  if (last) store_be64(at + kRtpHeaderBytes + 24, text.sent + bytes.size());
  if (!bytes.empty()) std::memcpy(at + kHeadersBytes, bytes.data(), bytes.size());
  path_.finish(*packet, static_cast<uint32_t>(kHeadersBytes + bytes.size()));
  if (resender_ != nullptr) resender_->keep({at, kHeadersBytes + bytes.size()});
  queue_.commit(counters_);
  return true;
}

}  // namespace onpath
