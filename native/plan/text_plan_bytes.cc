// The byte form of a TextPlan, little-endian:
//   magic "onpathPT" | u32 version | output name | replace | tokenize | SHA-256 of everything before it
// A tokenizer is megabytes and has a file of its own: the plan has its hash, and reading takes the tokenizer.
#include <cstring>

#include "plan/byte_io.h"
#include "plan/step.h"
#include "plan/text_plan.h"

namespace onpath {
namespace {

constexpr char kTextMagic[8] = {'o', 'n', 'p', 'a', 't', 'h', 'P', 'T'};
constexpr uint32_t kTextVersion = 1;
constexpr uint8_t kNoPolicy = 255;

Error broken(const std::string& what) {
  return {ErrorCode::INVALID_PLAN, "The plan's bytes are damaged: " + what + ". Compile the pipeline again."};
}

void write_text(ByteWriter& out, const std::string& text) {
  out.number(static_cast<uint32_t>(text.size()));
  out.array(std::span<const char>(text));
}

std::string read_text(ByteReader& in, size_t most) {
  const auto size = in.number<uint32_t>();
  // More than it may have reads as too long, without the memory for it.
  const std::vector<char> chars = in.array<char>(size <= most ? size : uint64_t{1} << 40);
  return {chars.begin(), chars.end()};
}

void write_ids(ByteWriter& out, const std::vector<text::TokenId>& ids) {
  out.number(static_cast<uint32_t>(ids.size()));
  out.array(std::span<const text::TokenId>(ids));
}

void write_tokenize(ByteWriter& out, const TokenizeSpec& spec) {
  out.array(std::span<const uint8_t>(spec.tokenizer->hash()));
  out.number(static_cast<uint8_t>(spec.offsets));
  out.number(spec.special ? static_cast<uint8_t>(*spec.special) : kNoPolicy);
  out.number(spec.cap_bytes);
  for (const auto* ids : {&spec.allowed_special, &spec.prefix, &spec.suffix}) write_ids(out, *ids);
}

Result<TokenizeSpec> read_tokenize(ByteReader& in, text::TokenizerPtr tokenizer) {
  Hash hash{};
  const std::vector<uint8_t> bytes = in.array<uint8_t>(hash.size());
  const auto offsets = in.number<uint8_t>();
  const auto special = in.number<uint8_t>();
  TokenizeSpec spec;
  spec.cap_bytes = in.number<uint64_t>();
  for (auto* ids : {&spec.allowed_special, &spec.prefix, &spec.suffix})
    *ids = in.array<text::TokenId>(in.number<uint32_t>());
  if (in.failed()) return broken("they end inside tokenize");
  if (offsets > 1 || (special > 2 && special != kNoPolicy))
    return broken("a field of tokenize has a value that it cannot have");
  std::memcpy(hash.data(), bytes.data(), hash.size());
  if (!tokenizer) {
    return Error{ErrorCode::INVALID_ARGUMENT, "The plan needs the tokenizer that it was made with, of hash " +
                                                  hash_hex(hash) + ". Give it as options.tokenizer."};
  }
  if (tokenizer->hash() != hash) {
    return Error{ErrorCode::INVALID_ARGUMENT, "The plan was made with the tokenizer of hash " +
                                                  hash_hex(hash) + "; the one given has " +
                                                  hash_hex(tokenizer->hash()) + "."};
  }
  spec.tokenizer = std::move(tokenizer);
  spec.offsets = offsets == 1;
  if (special != kNoPolicy) spec.special = static_cast<text::SpecialPolicy>(special);
  return spec;
}

}  // namespace

bool is_text_plan(std::span<const uint8_t> bytes) {
  return bytes.size() >= sizeof kTextMagic && std::memcmp(bytes.data(), kTextMagic, sizeof kTextMagic) == 0;
}

std::vector<uint8_t> write_text_plan(const TextPipelineSpec& spec) {
  ByteWriter out;
  out.array(std::span<const char>(kTextMagic));
  out.number(kTextVersion);
  write_text(out, spec.output_name);
  out.number(static_cast<uint32_t>(spec.replace.size()));
  for (const Replacement& entry : spec.replace) {
    write_text(out, entry.word);
    write_text(out, entry.with);
  }
  out.number(static_cast<uint8_t>(spec.tokenize.has_value()));
  if (spec.tokenize) write_tokenize(out, *spec.tokenize);
  return out.take();
}

Result<TextPlanPtr> text_plan_from_bytes(std::span<const uint8_t> bytes, text::TokenizerPtr tokenizer,
                                         uint64_t max_state_bytes) {
  if (!is_text_plan(bytes)) return broken("they do not begin as a plan for texts does");
  if (bytes.size() < sizeof kTextMagic + sizeof kTextVersion + sizeof(Hash))
    return broken("they end too early");
  uint32_t version = 0;
  std::memcpy(&version, bytes.data() + sizeof kTextMagic, sizeof version);
  if (version != kTextVersion) {
    return broken("they are of version " + std::to_string(version) + ", expected " +
                  std::to_string(kTextVersion));
  }
  const auto body = bytes.first(bytes.size() - sizeof(Hash));
  if (const Hash hash = sha256(body); std::memcmp(hash.data(), body.data() + body.size(), hash.size()) != 0)
    return broken("they do not match their hash");
  ByteReader in(body.subspan(sizeof kTextMagic + sizeof kTextVersion));
  TextPipelineSpec spec;
  spec.max_state_bytes = max_state_bytes;
  spec.output_name = read_text(in, kMaxNameBytes);
  const auto words = in.number<uint32_t>();
  if (words > in.remaining() / 8) return broken("they end inside the dictionary");
  for (uint32_t i = 0; i < words && !in.failed(); ++i) {
    std::string word = read_text(in, Replacer::kMaxWordBytes);
    spec.replace.push_back({std::move(word), read_text(in, Replacer::kMaxReplacementBytes)});
  }
  const auto tokenizes = in.number<uint8_t>();
  if (in.failed() || tokenizes > 1) return broken("they end inside the dictionary");
  if (tokenizes == 1) {
    auto tokenize = read_tokenize(in, std::move(tokenizer));
    if (!tokenize) return tokenize.error();
    spec.tokenize = std::move(tokenize).value();
  } else if (tokenizer) {
    return Error{ErrorCode::INVALID_ARGUMENT, "The plan has no tokenize stage, but a tokenizer was given."};
  }
  if (in.failed() || in.remaining() > 0) return broken("something is left over behind them");
  auto plan = compile_text(spec);
  if (plan && std::memcmp(plan.value()->hash().data(), body.data() + body.size(), sizeof(Hash)) != 0)
    return broken("their dictionary is not in order");
  if (plan || plan.error().code == ErrorCode::LIMIT_EXCEEDED || plan.error().code == ErrorCode::OUT_OF_MEMORY)
    return plan;
  return broken(plan.error().message);
}

}  // namespace onpath
