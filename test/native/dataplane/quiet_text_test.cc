// A worker over a million packets of texts, and over a fifth of that with each other kind of tokenizer: no
// allocation, no system call, once its buffers have seen texts like these.
#include "dataplane/clock.h"
#include "dataplane/quiet_testing.h"
#include "dataplane/text_testing.h"
#include "support/text_definitions.h"

#ifndef ONPATH_SANITIZED

namespace onpath::testing {
namespace {

constexpr size_t kPacketBytes = 60;
constexpr size_t kMostBytes = 6 * kPacketBytes;

/// Words known and unknown, numbers, spaces, characters of two to four bytes, bytes that are no UTF-8.
Bytes prose_of(uint64_t number, size_t size) {
  static constexpr const char* kParts[] = {" the",  " a",   "in", "  ", "th",         "\n", "12", ", ",
                                           " this", "tell", "é",  "中", "\U0001F600", "é",  ".",  "\xFF"};
  Random random(number + 3);
  std::string text;
  while (text.size() < size) {
    text += kParts[random.below(16)];
    if (random.one_in(3)) text += static_cast<char>('a' + random.below(26));
  }
  text.resize(size);
  return bytes_of(text);
}

/// The texts that buffers are warmed with: the first are single words of the greatest length.
Bytes warming_text(uint32_t number) {
  if (number < 26) return Bytes(kMostBytes, static_cast<uint8_t>('a' + number));
  return prose_of(number, kMostBytes);
}

/// Packets of text `number`; of every third the last comes first.
std::vector<ChunkPacket> packets_of(const Bytes& text, uint32_t number) {
  auto packets = cut_text(text, kPacketBytes, number, number);
  if (number % 3 == 0) std::reverse(packets.begin(), packets.end());
  return packets;
}

/// `count` packets to `route`, of thousands of texts.
void feed_texts(Shared& shared, const RouteConfig& route, uint64_t count = kFewerPackets) {
  const std::string in = fresh_link(), out = fresh_link();
  PlaneConfig config;
  config.ports = {{"p", memory_end(in, 0)}, {"q", memory_end(out, 0)}};
  config.routes = {route};
  config.idle_after_ns = UINT64_MAX;
  RawEnd far(in, 1), target(out, 1);
  auto parts = must(build_plane(std::move(config)));
  Worker& worker = *parts->workers[0];
  const RouteCounters& counters = worker.route_counters(0);
  const auto send = [&](std::vector<ChunkPacket>& packets, uint32_t timestamp) {
    for (ChunkPacket& packet : packets) {
      packet.timestamp = timestamp;
      far.send(packet);
    }
  };
  const auto consume = [&] {
    if (SharedTextSink* sink = parts->text_sinks[0].get()) {
      for (TextPart part; sink->next(part);) sink->release(part.handle);
    }
    while (target.receive()) {
    }
  };
  constexpr uint32_t kWarming = 500, kTexts = 5000;
  for (uint32_t i = 0; i < kWarming; ++i) {
    auto packets = packets_of(warming_text(i), i);
    send(packets, i);
    while (worker.poll_once(now_ns()) > 0) {
    }
    consume();
  }
  if (counters.samples_complete.get() != kWarming) return;
  std::vector<std::vector<ChunkPacket>> texts;
  for (uint32_t i = kWarming; i < kWarming + kTexts; ++i)
    texts.push_back(packets_of(prose_of(i, 1 + i * 7 % kMostBytes), i));
  // A consumer that is not given the processor would have texts dropped, which is not what is measured.
  const auto keep_pace = [&](uint64_t sent) {
    const SharedTextSink* sink = parts->text_sinks[0].get();
    while (sink != nullptr && kWarming + sent > sink->samples_taken() + 500) std::this_thread::yield();
  };
  run_counted(
      shared, *parts,
      [&](uint32_t timestamp) {
        keep_pace(timestamp);
        send(texts[timestamp % kTexts], kWarming + timestamp);
      },
      [&] { return far.sent(); }, consume, count);
}

TextPlanPtr plan_of(const text::TokenizerDefinition& definition, bool offsets = false,
                    std::vector<Replacement> replace = {}) {
  TokenizeSpec tokenize;
  tokenize.tokenizer = must(text::build(definition));
  tokenize.offsets = offsets;
  tokenize.cap_bytes = 4096;
  return pair_plan(tokenize, std::move(replace));
}

/// Segments of 100 tokens.
RouteConfig to_host(TextPlanPtr plan, bool whole) {
  RouteConfig route = text_route(std::move(plan), 100);
  route.text->whole = whole;
  route.slots = 4000;
  return route;
}

RouteConfig to_port(TextPlanPtr plan) {
  RouteConfig route = text_route(std::move(plan));
  ForwardSinkConfig forward;
  forward.port = "q";
  forward.source = endpoint("10.0.1.1", 5000);
  forward.destination = endpoint("10.0.1.2", 5000);
  route.sink = forward;
  return route;
}

/// A regex that no hand-written automaton knows.
text::TokenizerDefinition foreign_regex_definition() {
  text::TokenizerDefinition definition = text::byte_level_definition();
  text::SplitDef split;
  split.pattern = {R"( ?[a-m]+| ?[n-z]+|\s+|[^a-z\s]+)", true};
  definition.pre_tokenizers = {split, text::ByteLevelDef{false, false}};
  return definition;
}

const std::vector<Replacement> kDictionary = {{"the", "one"}, {"in the", "within"}, {"12", ""}};

TEST(QuietTextWorker, MakesNoSystemCallAndNoAllocationWithBytePairsWholeTextsAndOffsets) {
  expect_quiet([](Shared& shared) {
    feed_texts(shared, to_host(plan_of(text::byte_level_definition(), true), true), kPackets);
  });
}
TEST(QuietTextWorker, NorWithWordPiecesAndTextsInParts) {
  expect_quiet(
      [](Shared& shared) { feed_texts(shared, to_host(plan_of(text::word_piece_definition()), false)); },
      kFewerPackets);
}
TEST(QuietTextWorker, NorWithUnigram) {
  expect_quiet([](Shared& shared) { feed_texts(shared, to_host(plan_of(text::unigram_definition()), true)); },
               kFewerPackets);
}
TEST(QuietTextWorker, NorWithAForeignRegex) {
  expect_quiet([](Shared& shared) { feed_texts(shared, to_host(plan_of(foreign_regex_definition()), true)); },
               kFewerPackets);
}
TEST(QuietTextWorker, NorWithWordsReplacedIntoAForwardSink) {
  expect_quiet(
      [](Shared& shared) {
        feed_texts(shared, to_port(plan_of(text::mark_definition(false), false, kDictionary)));
      },
      kFewerPackets);
}

}  // namespace
}  // namespace onpath::testing

#endif
