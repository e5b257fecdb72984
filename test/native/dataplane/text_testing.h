// What the tests of routes for texts share: routes over the test double, packets of a text, and what came
// out.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "dataplane/plane_testing.h"
#include "dataplane/stepped_plane.h"
#include "plan/text_plan.h"
#include "support/pair_tokenizer.h"

namespace onpath::testing {

inline TextPlanPtr pair_plan(TokenizeSpec tokenize = {}, std::vector<Replacement> replace = {}) {
  TextPipelineSpec spec;
  spec.replace = std::move(replace);
  if (!tokenize.tokenizer) tokenize.tokenizer = PairTokenizer::make();
  spec.tokenize = std::move(tokenize);
  return must(compile_text(spec));
}

/// `part` tokens in a part; 0: a text comes whole.
inline RouteConfig text_route(TextPlanPtr plan, uint32_t part = 0, const std::string& name = "r") {
  RouteConfig route;
  route.name = name;
  route.port = "p";
  route.text = TextRouteConfig{.plan = std::move(plan), .waiting_bytes = 4096};
  route.text->whole = part == 0;
  route.text->segment_elements = part == 0 ? 16 : part;
  route.slots = 256;
  route.open_samples = 4;
  route.sink = HostSinkConfig{};
  return route;
}

inline Bytes bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

/// Words and runs of spaces and of the letter a, from a number alone.
inline Bytes text_of(uint64_t number, size_t size) {
  Random random(number + 17);
  Bytes text(size);
  for (uint8_t& byte : text) byte = static_cast<uint8_t>(random.one_in(4) ? 'a' : 'b' + random.below(25));
  return text;
}

/// A text in packets of `size` bytes; the last has the marker. `told`: each says the text's length.
inline std::vector<ChunkPacket> cut_text(const Bytes& text, size_t size, uint32_t timestamp,
                                         uint64_t request_id = 0, bool told = false, uint32_t ssrc = 1) {
  std::vector<ChunkPacket> packets;
  for (size_t at = 0; at == 0 || at < text.size(); at += size) {
    ChunkPacket& packet = packets.emplace_back();
    const size_t end = std::min(text.size(), at + size);
    packet.ssrc = ssrc;
    packet.timestamp = timestamp;
    packet.sequence = static_cast<uint16_t>(packets.size());
    packet.request_id = request_id;
    packet.offset = at;
    packet.length = told ? text.size() : 0;
    packet.marker = end == text.size();
    packet.digest = text_format().digest;
    packet.bytes.assign(text.begin() + static_cast<int64_t>(at), text.begin() + static_cast<int64_t>(end));
  }
  return packets;
}

/// One part as a consumer copies it.
struct TakenPart {
  TextPart part;
  std::vector<uint32_t> ids;
  std::vector<TextSpan> spans;
};

inline TakenPart copy_of(const TextPart& part) {
  TakenPart taken{part, {}, {}};
  for (const TextSegment* at = part.first; at != nullptr; at = at->next) {
    const auto* ids = reinterpret_cast<const uint32_t*>(at->elements);
    taken.ids.insert(taken.ids.end(), ids, ids + at->count);
    if (at->spans != nullptr) taken.spans.insert(taken.spans.end(), at->spans, at->spans + at->count);
  }
  return taken;
}

inline std::vector<TakenPart> take_parts(TextHostSink& sink) {
  std::vector<TakenPart> parts;
  for (TextPart part; sink.next(part);) {
    parts.push_back(copy_of(part));
    sink.release(part.handle);
  }
  return parts;
}

/// A text as its parts made it.
struct Whole {
  std::vector<uint32_t> ids;
  uint32_t parts = 0;
  bool ended = false;
  std::optional<DropReason> failed;
  std::string broken;  // what parts contradict each other in
};

/// Puts parts together by request id.
inline void gather(const std::vector<TakenPart>& parts, std::map<uint64_t, Whole>& wholes) {
  for (const TakenPart& taken : parts) {
    Whole& whole = wholes[taken.part.info.request_id];
    if (whole.ended) whole.broken += "a part behind the last; ";
    if (taken.part.index != whole.parts) whole.broken += "a part out of turn; ";
    if (taken.part.first_element != whole.ids.size()) whole.broken += "a gap; ";
    if (taken.part.count != taken.ids.size()) whole.broken += "a wrong count; ";
    ++whole.parts;
    whole.ids.insert(whole.ids.end(), taken.ids.begin(), taken.ids.end());
    whole.ended = taken.part.last;
    whole.failed = taken.part.failed;
  }
}

}  // namespace onpath::testing
