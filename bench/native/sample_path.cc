// Measures one sample on its way through SampleState::push, for `npm run bench -- images`: no packets, no
// JavaScript.
// Argument: a folder with images.bin, of which the first image of 1280x720 rgb is taken.
// Says `ready {"kernels": [...]}`, then reads lines of a work, a set of kernels and a count, and answers each
// with `ns` and the nanoseconds that the count of them took.
//   whole     one push of the whole image
//   in-order  the payload pieces of RFC 4175 packets of 1400 bytes, in the order they are sent
//   shuffled  the same pieces in a random order
#include <algorithm>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "dataplane/clock.h"
#include "must.h"
#include "plan/program.h"
#include "talk.h"
#include "wire/rfc4175.h"

namespace onpath::bench {
namespace {

constexpr VideoGeometry kVideo{1280, 720, 3, 1};
constexpr size_t kPayloadBytes = 1400;
constexpr uint32_t kSide = 224;

PlanPtr plan() {
  PipelineSpec spec;
  spec.input = {kVideo.width, kVideo.height, PixelFormat::rgb};
  ResizeSpec resize;
  resize.width = resize.height = kSide;
  NormalizeSpec normalize;
  normalize.mean = {0.485, 0.456, 0.406};
  normalize.std = {0.229, 0.224, 0.225};
  spec.stages = {resize, normalize};
  spec.output.layout = Layout::chw;
  return must(compile(spec));
}

std::vector<uint8_t> first_image(const std::string& folder) {
  std::vector<uint8_t> image(kVideo.frame_bytes());
  std::ifstream file(folder + "/images.bin", std::ios::binary);
  file.read(reinterpret_cast<char*>(image.data()), static_cast<std::streamsize>(image.size()));
  require(file.good(), "images.bin holds an image");
  return image;
}

/// Payloads as they lie in packet buffers, 2 KiB apart, and the pieces of the image that they hold.
struct Packets {
  std::vector<uint8_t> memory;
  std::vector<VideoSegment> pieces;
};

Packets packets_of(const std::vector<uint8_t>& image) {
  constexpr size_t kBufferBytes = 2048;
  Packets packets;
  packets.memory.resize((image.size() / (kPayloadBytes / 2) + 1) * kBufferBytes);
  size_t count = 0;
  for (uint64_t offset = 0; offset < image.size(); ++count) {
    uint8_t* payload = packets.memory.data() + count * kBufferBytes;
    const size_t bytes = build_rfc4175(image, kVideo, 0, offset, payload, kPayloadBytes);
    require(bytes > 0, "every packet takes some of the image");
    VideoPayload parsed;
    require(!parse_rfc4175({payload, bytes}, kVideo, parsed), "what was built can be parsed");
    packets.pieces.insert(packets.pieces.end(), parsed.segments, parsed.segments + parsed.count);
  }
  return packets;
}

/// A program with one set of kernels, and what it works on.
class Sample {
 public:
  Sample(const PlanPtr& plan, std::string_view kernels)
      : program_(must(bind(plan, kernels))),
        state_(must(program_->make_state(Granularity::element))),
        output_(plan->outputs()[0].bytes) {}

  template <class Pieces>
  uint64_t run(const Pieces& pieces, uint64_t count) {
    uint8_t* const outputs[] = {output_.data()};
    const uint64_t begin = now_ns();
    for (uint64_t i = 0; i < count; ++i) {
      state_->begin(outputs);
      for (const VideoSegment& piece : pieces) state_->push(piece.offset, piece.bytes);
    }
    const uint64_t end = now_ns();
    require(state_->complete(), "every byte has been pushed");
    return end - begin;
  }

  const std::vector<uint8_t>& output() const { return output_; }

 private:
  ProgramPtr program_;
  std::unique_ptr<SampleState> state_;
  std::vector<uint8_t> output_;
};

int run(const std::string& folder) {
  const std::vector<uint8_t> image = first_image(folder);
  const Packets packets = packets_of(image);
  std::vector<VideoSegment> shuffled = packets.pieces;
  std::shuffle(shuffled.begin(), shuffled.end(), std::mt19937(1));
  const std::map<std::string, std::vector<VideoSegment>> works = {
      {"whole", {{0, image}}}, {"in-order", packets.pieces}, {"shuffled", shuffled}};

  const PlanPtr compiled = plan();
  std::map<std::string, std::unique_ptr<Sample>> samples;
  std::string names;
  Sample reference(compiled, "scalar");
  reference.run(works.at("whole"), 1);
  for (const std::string_view name : kernel_names()) {
    auto& sample = samples[std::string(name)] = std::make_unique<Sample>(compiled, name);
    names += (names.empty() ? "\"" : ", \"") + std::string(name) + "\"";
    for (const auto& [work, pieces] : works) {
      sample->run(pieces, 1);
      require(sample->output() == reference.output(), "every kernel and order gives the scalar result");
    }
  }
  say("ready {\"kernels\": [" + names + "]}");

  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string work, kernels;
    uint64_t count = 0;
    words >> work >> kernels >> count;
    const auto pieces = works.find(work);
    const auto sample = samples.find(kernels);
    if (pieces == works.end() || sample == samples.end() || count == 0) {
      return refuse("a work, a set of kernels and a count", line);
    }
    say_ns(sample->second->run(pieces->second, count));
  }
  return 0;
}

}  // namespace
}  // namespace onpath::bench

int main(int argc, char** argv) {
  return onpath::bench::run_with_argument(argc, argv, "onpath_sample_bench FOLDER", onpath::bench::run);
}
