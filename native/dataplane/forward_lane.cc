#include "dataplane/forward_lane.h"

#include <algorithm>
#include <cstring>

#include "base/big_endian.h"
#include "base/sha256.h"
#include "wire/chunk.h"
#include "wire/rtp.h"

namespace onpath {
namespace {

constexpr uint64_t kAlign = 64;

uint64_t stride_of(const Plan& plan) {
  uint64_t bytes = 0;
  for (const OutputFormat& output : plan.outputs()) bytes += (output.bytes + kAlign - 1) / kAlign * kAlign;
  return bytes;
}

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

uint32_t format_digest(const std::string& text) {
  const Hash hash = sha256({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  return load_be32(hash.data());
}

uint64_t ForwardLane::bytes_for(const Plan& plan, uint32_t open_samples) {
  uint64_t bytes;
  return __builtin_mul_overflow(stride_of(plan), open_samples, &bytes) ? UINT64_MAX : bytes;
}

Result<std::unique_ptr<ForwardLane>> ForwardLane::make(const Plan& plan, uint32_t open_samples,
                                                       const ForwardSinkConfig& config,
                                                       const OutgoingPath& path, uint32_t first_ssrc,
                                                       uint32_t ssrc_step, TransmitQueue& queue,
                                                       RouteCounters& counters) {
  std::unique_ptr<ForwardLane> lane(new ForwardLane(path, queue, counters));
  lane->payload_type_ = config.payload_type;
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
    const uint64_t room = config.max_payload_bytes > headers ? config.max_payload_bytes - headers : 0;
    output.chunk_bytes = room / output.element_bytes * output.element_bytes;
    if (output.chunk_bytes == 0) {
      return Error{ErrorCode::INVALID_SPEC, "maxPayloadBytes " + std::to_string(config.max_payload_bytes) +
                                                " of a forward sink does not hold " +
                                                std::to_string(headers) +
                                                " bytes of headers and one element of " +
                                                std::to_string(output.element_bytes) + " bytes. Raise it."};
    }
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
}

void ForwardLane::begin_sample(OpenSample& sample, uint32_t sample_index) {
  uint8_t* at = staging_.data() + stride_ * sample_index;
  for (size_t o = 0; o < outputs_.size(); ++o) {
    sample.outputs[o] = at;
    at += (outputs_[o].bytes + kAlign - 1) / kAlign * kAlign;
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

bool ForwardLane::send_chunk(uint32_t index, uint64_t offset, uint64_t bytes) {
  onpath_packet* packet = queue_.next();
  if (packet == nullptr) return false;
  const Output& output = outputs_[index];
  RtpPacket rtp;
  rtp.payload_type = payload_type_;
  rtp.marker = sample_->unsent_bytes == bytes;
  rtp.sequence = static_cast<uint16_t>(stream_->forward_sequence);
  rtp.timestamp = sample_->timestamp;
  rtp.ssrc = stream_->forward_ssrc;
  ChunkHeader chunk;
  chunk.rank = static_cast<uint8_t>(output.shape.size());
  chunk.output = static_cast<uint8_t>(index);
  chunk.sequence_high = static_cast<uint16_t>(stream_->forward_sequence >> 16);
  chunk.digest = output.digest;
  chunk.request_id = sample_->request_id;
  chunk.offset = offset;
  chunk.length = output.bytes;
  std::copy(output.shape.begin(), output.shape.end(), chunk.dims);
  ++stream_->forward_sequence;

  uint8_t* at = path_.payload(*packet);
  build_rtp(at, rtp);
  build_chunk(at + kRtpHeaderBytes, chunk);
  const size_t headers = kRtpHeaderBytes + chunk.bytes();
  std::memcpy(at + headers, sample_->outputs[index] + offset, bytes);
  path_.finish(*packet, static_cast<uint32_t>(headers + bytes));
  queue_.commit(counters_);
  return true;
}

}  // namespace onpath
