#include "text/text_stream_input.h"

#include <algorithm>
#include <cstring>

namespace onpath::text {
namespace {

// A call of a pre-tokenizer takes less than 2 GiB.
constexpr size_t kMaxBlockBytes = size_t{1} << 30;
constexpr size_t kRepairBytes = 16384;
// Valid runs shorter than this between two repairs are copied, not handed on one by one.
constexpr size_t kShortRun = 512;

}  // namespace

StreamStatus InputRepair::hand(const uint8_t* text, size_t size, bool last, Stage& next,
                               PushContext& context) {
  while (size > 0) {
    Block block{text, size, nullptr, static_cast<uint32_t>(position_), position_ == 0};
    block = block.part(0, block.whole(kMaxBlockBytes));
    position_ += block.size;
    const StreamStatus status = next.text(block, last && block.size == size, context);
    if (status != StreamStatus::ok) return status;
    text += block.size;
    size -= block.size;
  }
  return StreamStatus::ok;
}

// The held bytes are no code point: one U+FFFD.
StreamStatus InputRepair::replace_held(Stage& next, PushContext& context) {
  const auto at = static_cast<uint32_t>(position_);
  const ByteSpan whole{at, at + static_cast<uint32_t>(held_)};
  const ByteSpan origin[3] = {whole, whole, whole};
  const Block block{reinterpret_cast<const uint8_t*>(kReplacement.data()), kReplacement.size(),
                    detailed_ ? origin : nullptr, at, position_ == 0};
  position_ += held_;
  held_ = 0;
  return next.text(block, false, context);
}

// Completes the code point that the last push ended in. Sets the bytes it took of these.
StreamStatus InputRepair::complete_held(std::span<const uint8_t> bytes, size_t& taken, Stage& next,
                                        PushContext& context) {
  taken = 0;
  while (held_ > 0 && taken < bytes.size()) {
    held_bytes_[held_] = bytes[taken];
    const Utf8Run run = check_utf8(held_bytes_, held_ + 1);
    if (run.valid > 0) {
      ++taken;
      const size_t size = held_ + 1;
      held_ = 0;
      return hand(held_bytes_, size, false, next, context);
    }
    if (run.invalid > 0) return replace_held(next, context);
    ++held_;
    ++taken;
  }
  return StreamStatus::ok;
}

StreamStatus InputRepair::push(std::span<const uint8_t> bytes, bool last, Stage& next, PushContext& context) {
  size_t at = 0;
  StreamStatus status = complete_held(bytes, at, next, context);
  while (status == StreamStatus::ok && at < bytes.size()) {
    const uint8_t* text = bytes.data() + at;
    const Utf8Run run = check_utf8(text, bytes.size() - at);
    at += run.valid;
    if (run.invalid == 0 || run.valid >= kShortRun) {
      // The end goes with the text before it: given by itself it would have all stages look at what they
      // held.
      const bool end = last && at == bytes.size();
      status = hand(text, run.valid, end, next, context);
      if (end) return status;
      if (run.cut > 0) {
        std::memcpy(held_bytes_, text + run.valid, run.cut);
        held_ = run.cut;
        at += run.cut;
      }
      continue;
    }
    // Short runs between invalid bytes: repaired together.
    at -= run.valid;
    status = build(bytes, at, next, context);
  }
  if (status != StreamStatus::ok || !last) return status;
  // What is held is no code point.
  if (held_ > 0) status = replace_held(next, context);
  return status == StreamStatus::ok ? next.text({}, true, context) : status;
}

StreamStatus InputRepair::build(std::span<const uint8_t> bytes, size_t& at, Stage& next,
                                PushContext& context) {
  BuiltText& built = *context.repaired;
  built.clear();
  const bool input_start = position_ == 0;
  while (at < bytes.size() && built.bytes.size() < kRepairBytes) {
    const uint8_t* text = bytes.data() + at;
    // Only as far as a short run goes: what is long is handed on where it lies.
    const Utf8Run run = check_utf8(text, std::min(bytes.size() - at, kShortRun + 4));
    if (run.invalid == 0) break;
    built.append({text, run.valid, nullptr, static_cast<uint32_t>(position_), false}, detailed_);
    built.bytes.insert(built.bytes.end(), kReplacement.begin(), kReplacement.end());
    if (detailed_) {
      const auto begin = static_cast<uint32_t>(position_ + run.valid);
      const ByteSpan replaced{begin, begin + static_cast<uint32_t>(run.invalid)};
      for (int i = 0; i < 3; ++i) built.origin.push_back(replaced);
    }
    position_ += run.valid + run.invalid;
    at += run.valid + run.invalid;
  }
  if (built.bytes.empty()) return StreamStatus::ok;
  return next.text(built.block(detailed_, input_start), false, context);
}

}  // namespace onpath::text
