#include "dataplane/forward_lane.h"

#include <algorithm>
#include <cstring>

#include "base/big_endian.h"
#include "dataplane/saturating.h"

namespace onpath {
namespace {

uint64_t stride_of(const Plan& plan) {
  uint64_t bytes = 0;
  for (const OutputFormat& output : plan.outputs()) bytes += whole_lines(output.bytes);
  return bytes;
}

/// The 32-bit words of a number, added up.
uint64_t words_of(uint64_t number) { return (number >> 32) + (number & 0xffffffff); }

uint32_t channels_of(const OutputFormat& format) {
  if (format.shape.size() != 3) return 0;
  return format.layout == Layout::hwc ? format.shape[2] : format.shape[0];
}

}  // namespace

std::string output_format_text(const OutputFormat& format) {
  const uint32_t channels = channels_of(format);
  if (format.dtype == DType::uint8 && format.layout == Layout::hwc) return format_text(format.format);
  return "onpath-sample/1 dtype=" + std::string(dtype_name(format.dtype)) +
         " channels=" + std::to_string(channels) +
         " layout=" + (format.layout == Layout::hwc ? "hwc" : "chw") + " order=row-major";
}

uint64_t ForwardLane::bytes_for(const Plan& plan, uint32_t open_samples) {
  return times(stride_of(plan), open_samples);
}

Result<std::unique_ptr<ForwardLane>> ForwardLane::make(const Plan& plan, uint32_t open_samples,
                                                       const ForwardSinkConfig& config,
                                                       const OutgoingPath& path, uint32_t first_ssrc,
                                                       uint32_t ssrc_step, TransmitQueue& queue,
                                                       RouteCounters& counters) {
  std::unique_ptr<ForwardLane> lane(new ForwardLane(path, queue, counters));
  lane->next_ssrc_ = first_ssrc;
  lane->ssrc_step_ = ssrc_step;
  lane->stride_ = stride_of(plan);
  for (const OutputFormat& format : plan.outputs()) {
    Output output;
    output.bytes = format.bytes;
    output.element_bytes =
        dtype_bytes(format.dtype) * (format.layout == Layout::hwc ? channels_of(format) : 1);
    output.digest = config.digest != 0 ? config.digest : format_digest(output_format_text(format));
    output.shape = format.shape;
    const uint64_t headers = kRtpHeaderBytes + kChunkHeaderBytes + 4 * format.shape.size();
    output.chunk_bytes = element_room(config.max_payload_bytes, headers, output.element_bytes);
    if (output.chunk_bytes == 0) {
      return Error{ErrorCode::INVALID_SPEC, "maxPayloadBytes " + std::to_string(config.max_payload_bytes) +
                                                " of a forward sink does not hold " +
                                                std::to_string(headers) +
                                                " bytes of headers and one element of " +
                                                std::to_string(output.element_bytes) + " bytes. Raise it."};
    }
    output.headers_bytes = static_cast<uint32_t>(headers);
    ChunkHeader chunk;
    chunk.rank = static_cast<uint8_t>(format.shape.size());
    chunk.output = static_cast<uint8_t>(lane->outputs_.size());
    chunk.digest = output.digest;
    chunk.length = output.bytes;
    std::copy(output.shape.begin(), output.shape.end(), chunk.dims);
    RtpPacket rtp;
    rtp.payload_type = config.payload_type;
    build_rtp(output.headers.data(), rtp);
    build_chunk(output.headers.data() + kRtpHeaderBytes, chunk);
    output.headers_sum = checksum_add({output.headers.data(), headers});
    lane->total_bytes_ += output.bytes;
    lane->outputs_.push_back(std::move(output));
  }
  auto staging = Region::take(bytes_for(plan, open_samples), "outputs on their way to a forward sink");
  if (!staging) return staging.error();
  lane->staging_ = std::move(staging).value();
  return lane;
}

void ForwardLane::begin_stream(Stream& stream) {
  stream.forward_ssrc = next_ssrc_;
  stream.forward_sequence = 0;
  next_ssrc_ += ssrc_step_;
  if (resender_ != nullptr) resender_->begin_stream();
}

void ForwardLane::begin_sample(OpenSample& sample, uint32_t sample_index) {
  uint8_t* at = staging_.data() + stride_ * sample_index;
  for (size_t o = 0; o < outputs_.size(); ++o) {
    sample.outputs[o] = at;
    at += whole_lines(outputs_[o].bytes);
  }
  sample.unsent_bytes = total_bytes_;
  sample.send_failed = false;
}

void ForwardLane::emitted(uint32_t output, uint64_t offset, uint64_t bytes) {
  for (uint32_t i = run_count_; i-- > 0;) {
    Run& run = runs_[i];
    if (run.output == output && run.offset + run.bytes == offset) {
      run.bytes += bytes;
      return;
    }
  }
  if (run_count_ == kRuns) {
    send(runs_[0]);
    std::copy(runs_.begin() + 1, runs_.end(), runs_.begin());
    --run_count_;
  }
  runs_[run_count_++] = {output, offset, bytes};
}

void ForwardLane::send_pending() {
  for (uint32_t i = 0; i < run_count_; ++i) send(runs_[i]);
  run_count_ = 0;
}

void ForwardLane::complete(const OpenSample& sample) {
  if (!sample.send_failed) queue_.sample_ends(counters_);
}

void ForwardLane::send(const Run& run) {
  const Output& output = outputs_[run.output];
  uint64_t offset = run.offset;
  const uint64_t end = run.offset + run.bytes;
  while (offset < end) {
    // Runs begin and end on whole elements, since stages hand on whole pixels; so do the cuts.
    const uint64_t bytes = std::min(end - offset, output.chunk_bytes - offset % output.element_bytes);
    if (!send_chunk(run.output, offset, bytes)) sample_->send_failed = true;
    sample_->unsent_bytes -= bytes;
    offset += bytes;
  }
}

/// Whether it is known where packets go; if not, one that was to leave counts as no_neighbour.
bool ForwardLane::may_send() {
  if (path_.resolved()) return true;
  queue_.drop(DropReason::no_neighbour);
  return false;
}

bool ForwardLane::send_chunk(uint32_t index, uint64_t offset, uint64_t bytes) {
  if (!may_send()) return false;
  onpath_packet* packet = queue_.next();
  if (packet == nullptr) return false;
  const Output& output = outputs_[index];
  const uint32_t headers = output.headers_bytes;
  uint8_t* at = path_.payload(*packet);
  write_headers(at, output, offset, bytes);
  std::memcpy(at + headers, sample_->outputs[index] + offset, bytes);
  path_.finish(*packet, static_cast<uint32_t>(headers + bytes));
  if (resender_ != nullptr) resender_->keep({at, headers + bytes});
  queue_.commit(counters_);
  return true;
}

void ForwardLane::send_in_place(onpath_packet& packet, uint64_t offset, std::span<uint8_t> bytes,
                                const TurnedInPlace& turned) {
  onpath_packet* leaving = may_send() ? queue_.give() : nullptr;
  if (leaving == nullptr) {
    sample_->send_failed = true;
    sample_->unsent_bytes -= bytes.size();
    return;
  }
  const uint32_t headers = outputs_[0].headers_bytes;
  const auto length = static_cast<uint32_t>(headers + bytes.size());
  uint8_t* rtp = bytes.data() - headers;
  const uint64_t headers_sum = write_headers(rtp, outputs_[0], offset, bytes.size());
  sample_->unsent_bytes -= bytes.size();
  if (resender_ != nullptr) resender_->keep({rtp, length});

  uint8_t* begin = rtp - path_.headers_bytes();
  leaving->data = begin;
  leaving->headroom = static_cast<uint32_t>(packet.headroom + (begin - packet.data));
  leaving->capacity = static_cast<uint32_t>(packet.capacity - (begin - packet.data));
  leaving->flags = leaving->mark = 0;
  leaving->time_ns = 0;
  leaving->handle = packet.handle;
  if (turned.sum) {
    path_.finish(*leaving, length, headers_sum + *turned.sum);
  } else {
    path_.finish(*leaving, length);
  }
  queue_.given(packet, counters_);
}

/// RTP and chunk headers of the selected sample's next packet. Returns their checksum, not folded: what was
/// just written in small pieces is better not read back in large ones.
uint64_t ForwardLane::write_headers(uint8_t* at, const Output& output, uint64_t offset, uint64_t bytes) {
  constexpr size_t kFixed = kRtpHeaderBytes + kChunkHeaderBytes;
  std::memcpy(at, output.headers.data(), kFixed);
  for (size_t dim = kFixed; dim < output.headers_bytes; dim += 4)
    std::memcpy(at + dim, output.headers.data() + dim, 4);
  const uint32_t sequence = stream_->forward_sequence++;
  const bool marker = sample_->unsent_bytes == bytes;
  rewrite_rtp(at, marker, static_cast<uint16_t>(sequence), sample_->timestamp, stream_->forward_ssrc);
  rewrite_chunk(at + kRtpHeaderBytes, static_cast<uint16_t>(sequence >> 16), sample_->request_id, offset);
  // 32 bits at a time: RFC 1071 section 2 (C).
  return output.headers_sum + (marker ? 0x80 : 0) + sequence + sample_->timestamp + stream_->forward_ssrc +
         words_of(sample_->request_id) + words_of(offset);
}

}  // namespace onpath
