// Fuzzes the way of packets through a plane: the input is a script of frames (raw, well-formed, damaged),
// passing time and a consumer that takes and releases. Whatever comes: books balance, buffers come back, and
// a completed sample is exact, because every well-formed packet carries bytes that follow from their offset,
// and a checksum finds a damaged byte.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "base/big_endian.h"
#include "dataplane/fake_port.h"
#include "dataplane/plane_parts.h"
#include "dataplane/plane_versions.h"
#include "plan/program.h"
#include "plan/text_plan.h"
#include "support/pair_tokenizer.h"
#include "wire/chunk.h"
#include "wire/frame.h"
#include "wire/rfc4175.h"
#include "wire/rtp.h"

namespace {

using namespace onpath;           // NOLINT(google-build-using-namespace)
using onpath::testing::FakePort;  // NOLINT

using Bytes = std::vector<uint8_t>;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

uint8_t byte_at(uint64_t offset) { return static_cast<uint8_t>(offset * 37 + (offset >> 8) * 11 + 5); }

/// A route's program, its one sample and what must come out of it.
struct Subject {
  ProgramPtr program;
  Bytes sample;
  Bytes expected;

  explicit Subject(const PipelineSpec& spec) {
    auto plan = compile(spec);
    require(plan.ok(), "the pipeline compiles");
    auto bound = bind(plan.value());
    require(bound.ok(), "the plan binds");
    program = bound.value();
    sample.resize(program->plan().input().bytes);
    for (size_t i = 0; i < sample.size(); ++i) sample[i] = byte_at(i);
    expected.resize(program->plan().outputs()[0].bytes);
    auto state = program->make_state(Granularity::element);
    uint8_t* const outputs[] = {expected.data()};
    require(state.ok() && run_sample(*program, *state.value(), sample, outputs).ok(), "the sample runs");
  }
};

PipelineSpec pipeline(uint32_t width, uint32_t height, std::vector<StageSpec> stages, Layout layout) {
  PipelineSpec spec;
  spec.input = {width, height, PixelFormat::rgb};
  spec.stages = std::move(stages);
  spec.output.layout = layout;
  return spec;
}

constexpr uint8_t kChunkType = 96, kVideoType = 97, kForwardType = 98, kForwardedType = 99, kShapesType = 100,
                  kTextType = 101;
constexpr uint32_t kShapes = 3;  // the indices of these routes
constexpr uint32_t kTexts = 4;
constexpr uint64_t kWaitingBytes = 128;

PipelineSpec of_shape(uint32_t width, uint32_t height) {
  return pipeline(width, height, {ResizeSpec{.width = 4, .height = 3}}, Layout::hwc);
}

const PlanFamilyPtr& family() {
  static const PlanFamilyPtr made = PlanFamily::make(of_shape(12, 10)).value();
  return made;
}

/// What images of one size become.
const Bytes& expected_of(InputShape shape) {
  static std::map<std::pair<uint32_t, uint32_t>, Bytes> made;
  Bytes& expected = made[{shape.width, shape.height}];
  if (expected.empty()) expected = Subject(of_shape(shape.width, shape.height)).expected;
  return expected;
}

const std::array<Subject, 3>& subjects() {
  static const std::array<Subject, 3> made = {
      Subject(pipeline(8, 4, {NormalizeSpec{1.0 / 255, {0.5}, {0.25}, NormalizeRecipe::torchvision}},
                       Layout::chw)),
      Subject(pipeline(8, 6, {ResizeSpec{.width = 4, .height = 3}}, Layout::hwc)),
      Subject(pipeline(8, 4, {CropSpec{-1, 1, 6, 6}}, Layout::hwc))};
  return made;
}

class Script {
 public:
  explicit Script(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  bool more() const { return at_ < bytes_.size(); }
  uint8_t byte() { return more() ? bytes_[at_++] : 0; }
  uint32_t below(uint32_t bound) { return byte() % bound; }
  Bytes take(size_t count) {
    const size_t n = std::min(count, bytes_.size() - at_);
    Bytes taken(bytes_.begin() + static_cast<int64_t>(at_), bytes_.begin() + static_cast<int64_t>(at_ + n));
    at_ += n;
    return taken;
  }

 private:
  std::span<const uint8_t> bytes_;
  size_t at_ = 0;
};

class Run {
 public:
  Run() {
    PlaneConfig config;
    config.ports = {{"p", in_.port()}, {"q", out_.port()}};
    config.idle_after_ns = UINT64_MAX;
    const auto& [chunk, video, forward] = subjects();
    HostSinkConfig batched;
    batched.batch = 2;
    batched.max_wait_ns = 3'000'000;
    HostSinkConfig patient;
    patient.backpressure = true;
    ForwardSinkConfig out;
    out.port = "q";
    out.source = out.destination = {IpAddress::v4(0x0a000003), 5004};
    out.payload_type = kForwardedType;
    out.max_payload_bytes = 120;
    add(config, "chunk", kChunkType, PayloadFormat::chunk, chunk, batched);
    add(config, "video", kVideoType, PayloadFormat::rfc4175, video, patient);
    add(config, "forward", kForwardType, PayloadFormat::chunk, forward, out);
    add_shapes(config);
    add_texts(config);
    auto built = build_plane(std::move(config));
    require(built.ok(), "the plane builds");
    parts_ = std::move(built).value();
    versions_ = std::make_unique<PlaneVersions>(*parts_);
    memory_at_start_ = parts_->memory->total();
  }

  void play(Script script) {
    while (script.more()) step(script);
    poll();
    parts_->workers[0]->finish(now_);
    for (auto& held : held_) give_back(held);
    held_.clear();
    take(0, false);
    take(1, false);
    take_shaped();
    take_texts();
    check_sent();
    check_books();
    check_versions();
  }

 private:
  struct Held {
    size_t route;
    uint64_t buffer;
  };

  template <class Sink>
  static void add(PlaneConfig& config, const char* name, uint8_t type, PayloadFormat payload,
                  const Subject& subject, const Sink& sink) {
    RouteConfig route;
    route.name = name;
    route.port = "p";
    route.payload_type = type;
    route.payload = payload;
    route.program = subject.program;
    route.slots = 3;
    route.open_samples = 4;
    route.max_streams = 3;
    route.deadline_ns = 20'000'000;
    route.sink = sink;
    config.routes.push_back(std::move(route));
  }

  /// Plans of two sizes are kept, and one image may wait for its plan.
  static void add_shapes(PlaneConfig& config) {
    RouteConfig route = config.routes[0];
    route.name = "shapes";
    route.payload_type = kShapesType;
    route.program = family()->largest();
    route.shapes = ShapesConfig{.family = family(), .cached = 2, .waiting = 1};
    config.routes.push_back(std::move(route));
  }

  /// Parts of three tokens, few segments, a small window and cap.
  static void add_texts(PlaneConfig& config) {
    TextPipelineSpec spec;
    spec.tokenize.emplace();
    spec.tokenize->tokenizer = onpath::testing::PairTokenizer::make();
    spec.tokenize->cap_bytes = 64;
    RouteConfig route = config.routes[0];
    route.name = "texts";
    route.payload_type = kTextType;
    route.program = nullptr;
    route.sink = HostSinkConfig{};
    route.slots = 40;
    route.text = TextRouteConfig{.plan = compile_text(spec).value(), .waiting_bytes = kWaitingBytes};
    route.text->segment_elements = 3;
    route.text->whole = false;
    config.routes.push_back(std::move(route));
  }

  void step(Script& script) {
    switch (script.below(8)) {
      case 0:
        in_.arrive(script.take(script.byte()), script.below(2) ? 0 : ONPATH_PACKET_TRUNCATED);
        break;
      case 1:
      case 2:
      case 3:
        in_.arrive(frame(script));
        break;
      case 4: {
        Bytes damaged = frame(script);
        const size_t at = script.byte() * 256u + script.byte();
        damaged[at % damaged.size()] ^= static_cast<uint8_t>(script.byte() | 1);
        in_.arrive(std::move(damaged));
        break;
      }
      case 5:
        poll();
        pass(script.byte());
        parts_->workers[0]->poll_once(now_);
        return;
      case 6:
        poll();
        take(script.below(2), script.below(4) == 0);
        take_shaped();
        take_texts();
        return;
      case 7:
        if (!held_.empty()) {
          give_back(held_.front());
          held_.pop_front();
        }
        out_.accepts = script.below(4) == 0 ? 0 : UINT32_MAX;
        if (script.below(4) == 0) swap(parts_->routes[script.below(5)]);
        return;
    }
    if (script.below(4) != 0) poll();
  }

  /// To the same pipeline: what becomes of samples must not show it.
  void swap(const RouteConfig& route) {
    RouteSwap swap;
    swap.route = route.name;
    swap.program = route.program;
    if (route.shapes) swap.family = route.shapes->family;
    if (route.text) swap.text = route.text->plan;
    const auto offered = versions_->offer({swap});
    require(offered.ok() || offered.error().code == ErrorCode::BUSY,
            "a swap is refused only for want of room");
  }

  void check_versions() {
    versions_->free_unused();
    for (size_t r = 0; r < parts_->routes.size(); ++r)
      require(versions_->alive(r).size() == 1, "no older version is left");
    require(parts_->memory->total() == memory_at_start_, "the memory of older versions is given back");
  }

  /// Plans come at odd times.
  void pass(uint8_t quarters) {
    if (quarters % 2 != 0) parts_->shapes->make_all();
    now_ += quarters * uint64_t{250'000};
  }

  void poll() {
    while (parts_->workers[0]->poll_once(now_) > 0) {
    }
  }

  /// A well-formed frame of one of the routes; every field but the sample's bytes is the script's.
  Bytes frame(Script& script) {
    const uint8_t chosen = script.byte();
    if (chosen >= 224) return text_frame(script);
    if (chosen >= 192) return shaped_frame(script);
    const uint32_t which = chosen % 3;
    const Subject& subject = subjects()[which];
    const SampleFormat& format = subject.program->plan().input();
    Bytes payload;
    if (which == 1) {
      // A run of pixel groups from anywhere in the frame.
      uint64_t offset = uint64_t{script.below(48)} * 3;
      payload.resize(8 + 3 * (1 + script.below(20)) + 6);
      const VideoGeometry geometry{format.width, format.height, 3, 1};
      payload.resize(build_rfc4175(subject.sample, geometry, 0, offset, payload.data(), payload.size()));
    } else {
      ChunkHeader chunk;
      chunk.digest = format.digest;
      chunk.offset = script.byte();
      const uint64_t bytes = script.byte();
      chunk.length = script.below(4) ? format.bytes : 0;
      chunk.request_id = script.below(16) == 0;
      if (script.below(4) == 0) chunk.rank = 2, chunk.dims[0] = format.height, chunk.dims[1] = format.width;
      payload.resize(chunk.bytes() + bytes);
      build_chunk(payload.data(), chunk);
      for (uint64_t i = 0; i < bytes; ++i) payload[chunk.bytes() + i] = byte_at(chunk.offset + i);
    }
    return frame_around(payload, static_cast<uint8_t>(kChunkType + which), script.below(5), script);
  }

  /// Each stream has its size, but now and then a packet has that of another; one is too wide.
  static Bytes shaped_frame(Script& script) {
    static constexpr uint32_t kSizes[5][2] = {{12, 10}, {3, 2}, {8, 6}, {1, 1}, {13, 10}};
    const uint32_t ssrc = script.below(5);
    const uint32_t* size = kSizes[script.below(16) == 0 ? (ssrc + 1) % 5 : ssrc];
    ChunkHeader chunk;
    chunk.digest = family()->largest()->plan().input().digest;
    chunk.offset = script.byte();
    const uint64_t bytes = script.byte();
    chunk.length = script.below(4) ? uint64_t{size[0]} * size[1] * 3 : 0;
    chunk.rank = 2;
    chunk.dims[0] = size[1];
    chunk.dims[1] = size[0];
    Bytes payload(chunk.bytes() + bytes);
    build_chunk(payload.data(), chunk);
    for (uint64_t i = 0; i < bytes; ++i) payload[chunk.bytes() + i] = byte_at(chunk.offset + i);
    return frame_around(payload, kShapesType, ssrc, script);
  }

  /// Bytes follow from their offset; where the text ends is the script's.
  static Bytes text_frame(Script& script) {
    ChunkHeader chunk;
    chunk.digest = text_format().digest;
    chunk.offset = script.byte();
    const uint64_t bytes = script.below(100);
    chunk.length = script.below(4) == 0 ? script.byte() : 0;
    chunk.request_id = script.below(16) == 0;
    Bytes payload(chunk.bytes() + bytes);
    build_chunk(payload.data(), chunk);
    for (uint64_t i = 0; i < bytes; ++i) payload[chunk.bytes() + i] = byte_at(chunk.offset + i);
    return frame_around(payload, kTextType, script.below(5), script);
  }

  static Bytes frame_around(const Bytes& payload, uint8_t payload_type, uint32_t ssrc, Script& script) {
    RtpPacket rtp;
    rtp.payload_type = payload_type;
    rtp.marker = script.below(2) != 0;
    rtp.ssrc = ssrc;
    rtp.timestamp = 0xfffffff0u + script.byte();
    Bytes made(42 + kRtpHeaderBytes + payload.size());
    build_rtp(&made[42], rtp);
    std::copy(payload.begin(), payload.end(), made.begin() + 42 + kRtpHeaderBytes);
    const Endpoint source{IpAddress::v4(0x0a000001), 4000}, destination{IpAddress::v4(0x0a000002), 5004};
    build_frame(made.data(), {}, {}, source, destination, kRtpHeaderBytes + payload.size(), 0);
    return made;
  }

  void take(size_t route, bool keep) {
    const Bytes& expected = subjects()[route].expected;
    for (Delivery delivery; parts_->sinks[route]->next(delivery);) {
      require(delivery.count >= 1 && delivery.count <= parts_->sinks[route]->batch(), "a batch has its size");
      for (uint32_t i = 0; i < delivery.count; ++i) {
        require(std::memcmp(delivery.outputs[0] + expected.size() * i, expected.data(), expected.size()) == 0,
                "a delivered sample is exact");
      }
      if (keep) {
        held_.push_back({route, delivery.buffer});
      } else {
        parts_->sinks[route]->release(delivery.buffer);
      }
    }
  }

  void take_shaped() {
    for (Delivery delivery; parts_->sinks[kShapes]->next(delivery);) {
      for (uint32_t i = 0; i < delivery.count; ++i) {
        const Bytes& expected = expected_of(delivery.samples[i].shape);
        require(std::memcmp(delivery.outputs[0] + expected.size() * i, expected.data(), expected.size()) == 0,
                "a delivered sample of any shape is exact");
      }
      parts_->sinks[kShapes]->release(delivery.buffer);
    }
  }

  /// Parts of a text come in turn, and their tokens are those of bytes in order.
  void take_texts() {
    for (TextPart part; parts_->text_sinks[kTexts]->next(part);) {
      const std::array<uint64_t, 4> text{part.info.ssrc, part.info.timestamp, part.info.source.port,
                                         part.info.first_packet_ns};
      Parts& before = text_parts_[text];
      require(part.index == before.parts && part.first_element == before.tokens, "parts come in turn");
      uint64_t at = part.first_element;
      bool ended = before.ended;
      for (const TextSegment* segment = part.first; segment != nullptr; segment = segment->next) {
        for (uint32_t i = 0; i < segment->count; ++i, ++at) {
          uint32_t id;
          std::memcpy(&id, segment->elements + i * 4, 4);
          require(!ended, "no token comes behind the last");
          ended = id != byte_at(at) * 256u + byte_at(at + 1);
          require(!ended || id == byte_at(at) * 256u, "a token is exact");
        }
      }
      require(at == part.first_element + part.count, "a part has its tokens");
      require(!part.failed || !ended, "what failed has no last token");
      before = {part.index + 1, at, ended};
      if (part.last) text_parts_.erase(text);
      parts_->text_sinks[kTexts]->release(part.handle);
    }
  }

  void give_back(const Held& held) { parts_->sinks[held.route]->release(held.buffer); }

  void check_sent() {
    const Bytes& expected = subjects()[2].expected;
    for (const Bytes& sent : out_.sent) {
      Datagram datagram;
      RtpPacket rtp;
      ChunkHeader chunk;
      std::span<const uint8_t> bytes;
      require(!parse_frame(sent, {}, datagram) && !parse_rtp(datagram.payload, rtp) &&
                  !parse_chunk(rtp.payload, chunk, bytes),
              "what is forwarded is well-formed");
      require(std::memcmp(bytes.data(), expected.data() + chunk.offset, bytes.size()) == 0,
              "what is forwarded is exact");
    }
  }

  void check_books() {
    onpath_port_counters counters;
    in_.port()->counters(in_.port()->self, &counters);
    uint64_t accounted = 0;
    const auto add_drops = [&](const DropCounters& drops) {
      for (size_t i = 0; i < kDropReasonCount; ++i) {
        const auto reason = static_cast<DropReason>(i);
        if (drop_reason_scope(reason) == DropScope::packet && reason != DropReason::transmit_failed)
          accounted += drops[i].get();
      }
    };
    add_drops(parts_->workers[0]->port_counters(0).drops);
    for (size_t r = 0; r < parts_->routes.size(); ++r) {
      const RouteCounters& route = parts_->workers[0]->route_counters(r);
      accounted += route.packets_used.get();
      add_drops(route.drops);
      uint64_t ended = route.samples_complete.get();
      for (size_t i = 0; i < kDropReasonCount; ++i) {
        const auto reason = static_cast<DropReason>(i);
        if (drop_reason_scope(reason) == DropScope::sample && reason != DropReason::undelivered)
          ended += route.drops[i].get();
      }
      require(route.samples_opened.get() == ended, "every sample that was opened has ended");
      if (parts_->sinks[r])
        require(parts_->sinks[r]->samples_taken() == route.samples_complete.get(),
                "every complete sample was delivered");
      if (parts_->text_sinks[r])
        require(parts_->text_sinks[r]->samples_taken() == route.samples_complete.get(),
                "every complete text was delivered");
    }
    require(counters.rx_packets == accounted, "every packet is accounted for");
    require(in_.outstanding == 0 && out_.outstanding == 0, "every buffer came back");
  }

  struct Parts {
    uint32_t parts = 0;
    uint64_t tokens = 0;
    bool ended = false;  // its last token has come, which tells no byte behind it; the last part may be empty
  };

  FakePort in_, out_;
  std::unique_ptr<PlaneParts> parts_;
  std::map<std::array<uint64_t, 4>, Parts> text_parts_;  // of texts under way, by what names them
  std::deque<Held> held_;
  std::unique_ptr<PlaneVersions> versions_;
  uint64_t memory_at_start_ = 0;
  uint64_t now_ = 1'000'000'000;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Run run;
  run.play(Script({data, size}));
  return 0;
}
