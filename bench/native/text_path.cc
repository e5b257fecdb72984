// Measures a text on its way through a tokenizer in native code, for `npm run bench -- text`: no packets, no
// JavaScript.
// Argument: a compiled tokenizer. Says `ready {}`, then reads lines of a work and a file, and answers each with
// `ns` and the nanoseconds that the file's text took.
//   whole   one call
//   chunks  a stream, 1400 bytes at a time, whose ids are taken after each
#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dataplane/clock.h"
#include "must.h"
#include "talk.h"
#include "text/large_memory.h"
#include "text/tokenizer.h"

namespace onpath::bench {
namespace {

constexpr size_t kChunkBytes = 1400;

std::vector<uint8_t> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  require(file.good(), "the file can be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

text::TokenizerPtr open(const std::string& path) {
  const std::vector<uint8_t> bytes = read_file(path);
  auto memory = std::make_shared<text::LargeMemory>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), memory->data());
  return must(text::tokenizer_from_compiled({memory->data(), bytes.size()}, memory));
}

class Texts {
 public:
  explicit Texts(const std::string& compiled) : tokenizer_(open(compiled)), workspace_(tokenizer_->make_workspace()) {
    text::StreamOptions options;
    options.special = text::SpecialPolicy::text;
    stream_ = must(tokenizer_->make_stream(options));
    options.whole = true;
    call_ = must(tokenizer_->make_stream(options));
  }

  uint64_t whole(std::span<const uint8_t> text) {
    const uint64_t begin = now_ns();
    out_.clear();
    const text::StreamStatus status = tokenizer_->encode(text, *call_, *workspace_, out_);
    const uint64_t end = now_ns();
    require(status == text::StreamStatus::ok, "the text can be encoded");
    tokens_ = out_.size();
    return end - begin;
  }

  uint64_t chunks(std::span<const uint8_t> text) {
    const uint64_t begin = now_ns();
    size_t tokens = 0;
    bool good = true;
    stream_->begin();
    for (std::span<const uint8_t> rest = text; !rest.empty();) {
      const size_t size = std::min(rest.size(), kChunkBytes);
      out_.clear();
      good &= stream_->push(rest.first(size), *workspace_, out_) == text::StreamStatus::ok;
      tokens += out_.size();
      rest = rest.subspan(size);
    }
    out_.clear();
    good &= stream_->end(*workspace_, out_) == text::StreamStatus::ok;
    tokens += out_.size();
    const uint64_t end = now_ns();
    require(good, "the text can be streamed");
    tokens_ = tokens;
    return end - begin;
  }

  size_t tokens() const { return tokens_; }

 private:
  text::TokenizerPtr tokenizer_;
  std::unique_ptr<text::Workspace> workspace_;
  std::unique_ptr<text::TextStream> stream_, call_;
  text::TokenBuffer out_;
  size_t tokens_ = 0;
};

int run(const std::string& compiled) {
  Texts texts(compiled);
  say("ready {}");
  for (std::string line; std::getline(std::cin, line);) {
    const size_t blank = line.find(' ');
    const std::string work = line.substr(0, blank);
    if (blank == std::string::npos || (work != "whole" && work != "chunks")) {
      return refuse("a work and a file", line);
    }
    const std::vector<uint8_t> text = read_file(line.substr(blank + 1));
    // The other one first: not timed, so that both find the same words known.
    const bool is_whole = work == "whole";
    is_whole ? texts.chunks(text) : texts.whole(text);
    const size_t expected = texts.tokens();
    const uint64_t ns = is_whole ? texts.whole(text) : texts.chunks(text);
    require(texts.tokens() == expected, "a stream has as many tokens as a call");
    say_ns(ns);
  }
  return 0;
}

}  // namespace
}  // namespace onpath::bench

int main(int argc, char** argv) {
  return onpath::bench::run_with_argument(argc, argv, "onpath_text_bench COMPILED", onpath::bench::run);
}
