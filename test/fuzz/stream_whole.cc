// Any text, cut anywhere: the tokens of the whole, with their spans and words. The first bytes choose the
// tokenizer and the cuts.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "support/text_definitions.h"
#include "text/tokenizer.h"

namespace {

using namespace onpath::text;

struct Subject {
  TokenizerPtr tokenizer;
  std::unique_ptr<TextStream> whole[2];
  std::unique_ptr<TextStream> cut[2];
  std::unique_ptr<Workspace> workspace;
};

std::vector<Subject> make_subjects() {
  std::vector<Subject> subjects;
  for (const NamedDefinition& named : all_definitions()) {
    Subject subject;
    subject.tokenizer = build(named.definition).value();
    for (const bool detailed : {false, true}) {
      StreamOptions options;
      options.detailed = detailed;
      options.cap_bytes = 1u << 16;
      subject.cut[detailed] = subject.tokenizer->make_stream(options).value();
      options.whole = true;
      subject.whole[detailed] = subject.tokenizer->make_stream(options).value();
    }
    subject.workspace = subject.tokenizer->make_workspace(1u << 14);
    subjects.push_back(std::move(subject));
  }
  return subjects;
}

bool equal(const TokenBuffer& a, const TokenBuffer& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a.ids()[i] != b.ids()[i]) return false;
    if (a.detailed() && (a.spans()[i].begin != b.spans()[i].begin || a.spans()[i].end != b.spans()[i].end ||
                         a.words()[i] != b.words()[i])) {
      return false;
    }
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static std::vector<Subject> subjects = make_subjects();
  if (size < 2) return 0;
  Subject& subject = subjects[data[0] % subjects.size()];
  const bool detailed = (data[0] & 0x80) != 0;
  uint32_t random = data[1] + 1u;
  data += 2;
  size -= 2;

  TokenBuffer whole(detailed);
  if (subject.tokenizer->encode({data, size}, *subject.whole[detailed], *subject.workspace, whole) !=
      StreamStatus::ok) {
    std::abort();
  }
  TextStream& stream = *subject.cut[detailed];
  TokenBuffer out(detailed);
  stream.begin();
  for (size_t at = 0; at < size;) {
    random = random * 1664525u + 1013904223u;
    const size_t bytes = std::min<size_t>(size - at, 1 + (random >> 24) % (1u + (random >> 16) % 24));
    const std::vector<uint8_t> chunk(data + at, data + at + bytes);
    if (stream.push(chunk, *subject.workspace, out) != StreamStatus::ok) std::abort();
    at += bytes;
  }
  if (stream.end(*subject.workspace, out) != StreamStatus::ok || !equal(out, whole)) std::abort();
  return 0;
}
