#include "addon/tokenizer_batch.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <system_error>
#include <thread>
#include <utility>

#include "addon/bytes.h"
#include "addon/errors.h"
#include "addon/off_loop.h"
#include "addon/output.h"
#include "addon/tokenizer_encoder.h"

namespace onpath::addon {

namespace {

constexpr size_t kMostTexts = size_t{1} << 24;
constexpr uint32_t kMostThreads = 256;

struct Text {
  const uint8_t* data = nullptr;  // or, of a string, its place in the arena
  size_t at = 0;
  size_t size = 0;
  bool is_string = false;
};

/// Where a text's tokens are: which worker's, and from where.
struct Found {
  uint32_t worker = 0;
  size_t begin = 0, count = 0;
};

struct Tokens {
  std::vector<uint32_t> ids, words;
  std::vector<text::ByteSpan> spans;
};

class Batch {
 public:
  Batch(std::shared_ptr<TokenizerCore> tokenizer, TextOptions options, OffsetUnit unit)
      : tokenizer_(std::move(tokenizer)), options_(std::move(options)), unit_(unit) {}

  /// On the event loop's thread: keeps Uint8Arrays, copies strings.
  bool take(const Environment& environment, const std::vector<napi_value>& texts, Kept& kept);
  void abort_with(const uint8_t* flag) { abort_ = flag; }

  Result<void> run(uint32_t threads);
  napi_value result(napi_env env) const;

 private:
  void work(uint32_t worker);
  Result<void> encode(size_t index, text::TextStream& stream, text::Workspace& workspace,
                      text::TokenBuffer& out, Tokens& tokens);
  bool add_string(napi_env env, napi_value value, Text& text);
  bool aborted() const { return abort_ != nullptr && __atomic_load_n(abort_, __ATOMIC_RELAXED) != 0; }
  void fail(size_t index, Error error);

  const std::shared_ptr<TokenizerCore> tokenizer_;
  const TextOptions options_;
  const OffsetUnit unit_;
  std::vector<Text> texts_;
  std::vector<uint8_t> arena_;
  std::vector<std::shared_ptr<std::vector<uint8_t>>> copies_;
  const uint8_t* abort_ = nullptr;

  std::atomic<size_t> next_{0};
  std::atomic<bool> stop_{false};
  std::vector<Found> found_;
  std::vector<Tokens> tokens_;  // of each worker
  std::mutex mutex_;            // guards error_
  std::optional<std::pair<size_t, Error>> error_;
};

bool Batch::add_string(napi_env env, napi_value value, Text& text) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok) return false;
  text = {nullptr, arena_.size(), length, true};
  if (arena_.capacity() < arena_.size() + length + 1)
    arena_.reserve(std::max(arena_.size() + length + 1, arena_.capacity() * 2));
  arena_.resize(arena_.size() + length + 1);
  return napi_get_value_string_utf8(env, value, reinterpret_cast<char*>(arena_.data() + text.at), length + 1,
                                    &length) == napi_ok;
}

bool Batch::take(const Environment& environment, const std::vector<napi_value>& values, Kept& kept) {
  const napi_env env = environment.env();
  texts_.resize(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    if (add_string(env, values[i], texts_[i])) continue;
    const std::optional<Bytes> bytes = bytes_of(env, values[i]);
    if (!bytes || bytes->size > kMostTextBytes) {
      Reading reading{env};
      Input(reading, values[i], "texts[" + std::to_string(i) + "]")
          .fail("a string or a Uint8Array of UTF-8, of less than 4 GiB");
      return false;
    }
    texts_[i] = {bytes->data, 0, bytes->size, false};
    if (auto copy = copy_if_resizable(environment, *bytes); copy != nullptr) {
      texts_[i].data = copy->data();
      copies_.push_back(std::move(copy));
    } else if (!kept.keep(values[i])) {
      return false;
    }
  }
  for (Text& text : texts_) {
    if (text.is_string) text.data = arena_.data() + text.at;
  }
  found_.resize(texts_.size());
  return true;
}

void Batch::fail(size_t index, Error error) {
  stop_.store(true);
  std::lock_guard lock(mutex_);
  if (!error_ || index < error_->first) error_.emplace(index, std::move(error));
}

Result<void> Batch::encode(size_t index, text::TextStream& stream, text::Workspace& workspace,
                           text::TokenBuffer& out, Tokens& tokens) {
  const Text& text = texts_[index];
  const std::span<const uint8_t> bytes(text.data, text.size);
  const text::Tokenizer& tokenizer = tokenizer_->tokenizer();
  out.clear();
  const text::StreamStatus status = encode_whole(options_, tokenizer, bytes, stream, workspace, out);
  if (is_refusal(status)) {
    Error error = refusal(status, tokenizer, stream, options_.stream.cap_bytes, bytes,
                          text.is_string ? OffsetUnit::utf16 : OffsetUnit::byte);
    error.message = "texts[" + std::to_string(index) + "]: " + error.message;
    return error;
  }
  found_[index].begin = tokens.ids.size();
  found_[index].count = out.size();
  tokens.ids.insert(tokens.ids.end(), out.ids(), out.ids() + out.size());
  if (!out.detailed()) return {};
  tokens.words.insert(tokens.words.end(), out.words(), out.words() + out.size());
  const OffsetMap map(bytes, unit_);
  for (size_t i = 0; i < out.size(); ++i) tokens.spans.push_back(map.convert(out.spans()[i]));
  return {};
}

void Batch::work(uint32_t worker) {
  // Few claims for many short texts, yet no worker left alone with a long rest.
  const size_t claim = std::clamp<size_t>(texts_.size() / (tokens_.size() * 16), 1, 64);
  size_t index = 0;
  try {
    Result<std::unique_ptr<text::TextStream>> stream = tokenizer_->tokenizer().make_stream(options_.stream);
    if (!stream.ok()) return fail(0, stream.error());
    std::unique_ptr<text::Workspace> workspace = tokenizer_->take_workspace();
    text::TokenBuffer out(options_.stream.detailed);
    while (!stop_.load(std::memory_order_relaxed)) {
      const size_t begin = next_.fetch_add(claim), end = std::min(begin + claim, texts_.size());
      if (begin >= texts_.size()) break;
      for (index = begin; index < end; ++index) {
        if (aborted()) {
          fail(0, {ErrorCode::ABORTED, "The operation was aborted through its AbortSignal."});
          break;
        }
        found_[index].worker = worker;
        Result<void> done = encode(index, *stream.value(), *workspace, out, tokens_[worker]);
        if (!done.ok()) {
          fail(index, done.error());
          break;
        }
      }
    }
    tokenizer_->give_back(std::move(workspace));
  } catch (const std::exception&) {
    fail(index,
         {ErrorCode::OUT_OF_MEMORY, "Not enough memory for the tokens of texts[" + std::to_string(index) +
                                        "] and those before it. Ask for less at "
                                        "once, or free some first."});
  }
}

Result<void> Batch::run(uint32_t threads) {
  tokens_.resize(std::clamp<size_t>(texts_.size(), 1, threads));
  std::vector<std::thread> others;
  others.reserve(tokens_.size());
  for (uint32_t worker = 1; worker < tokens_.size(); ++worker) {
    try {
      others.emplace_back([this, worker] { work(worker); });
    } catch (const std::system_error&) {
      break;  // no more threads to be had: those there are do the work
    }
  }
  work(0);
  for (std::thread& other : others) other.join();
  if (error_) return error_->second;
  return {};
}

napi_value Batch::result(napi_env env) const {
  uint64_t total = 0;
  std::vector<uint32_t> ends;
  ends.reserve(found_.size());
  for (const Found& found : found_) {
    total += found.count;
    if (total > 0xFFFFFFFF) {
      throw_error(env, ErrorCode::LIMIT_EXCEEDED,
                  "The batch has more than 4294967295 tokens. Split it into smaller ones.");
      return nullptr;
    }
    ends.push_back(static_cast<uint32_t>(total));
  }
  const auto gather = [&](size_t each, auto&& part) -> napi_value {
    uint32_t* to = nullptr;
    napi_value view = new_typed_array(env, total * each, to);
    if (view == nullptr) return nullptr;
    for (const Found& found : found_) {
      if (found.count == 0) continue;
      std::memcpy(to, part(tokens_[found.worker], found.begin), found.count * each * sizeof(uint32_t));
      to += found.count * each;
    }
    return view;
  };
  ObjectWriter object(env);
  object.set("ids", gather(1, [](const Tokens& all, size_t at) { return all.ids.data() + at; }));
  object.set("ends", js_ids(env, ends.data(), ends.size()));
  if (options_.stream.detailed) {
    object.set("offsets", gather(2, [](const Tokens& all, size_t at) { return all.spans.data() + at; }));
    object.set("words", gather(1, [](const Tokens& all, size_t at) { return all.words.data() + at; }));
  }
  return object.value();
}

}  // namespace

napi_value start_batch(const Napi::CallbackInfo& info, std::shared_ptr<TokenizerCore> tokenizer) {
  const Napi::Env env = info.Env();
  Environment& environment = *Environment::of(env);
  Reading reading{env};
  TextOptions options = text_options_from_js(Input(reading, info[1], "options"));
  options.stream.whole = true;
  const OffsetUnit unit = Input(reading, info[2], "unit").choice(kOffsetUnits);
  const auto threads = Input(reading, info[3], "threads").integer<uint32_t>();
  if (!reading.failed && (threads < 1 || threads > kMostThreads))
    Input(reading, info[3], "threads").fail("a whole number from 1 to 256");
  if (reading.failed) return nullptr;
  const std::optional<std::vector<napi_value>> texts = array_values(env, info[0], "texts", kMostTexts);
  if (!texts) return nullptr;
  // From here on no JavaScript runs until every text was copied or is kept.
  Kept kept(env);
  auto batch = std::make_shared<Batch>(std::move(tokenizer), std::move(options), unit);
  if (!batch->take(environment, *texts, kept)) return nullptr;
  if (const Input flag(reading, info[4], "abort"); !flag.is_undefined()) {
    const std::optional<Bytes> bytes = bytes_of(env, info[4]);
    if (!bytes || bytes->size == 0 || environment.is_resizable(bytes->array_buffer)) {
      flag.fail("a Uint8Array of at least one byte");
      return nullptr;
    }
    if (!kept.keep(info[4])) return nullptr;
    batch->abort_with(bytes->data);
  }
  OffLoop job;
  job.name = "onpath.tokenize";
  job.work = [batch, threads] { return batch->run(threads); };
  job.value = [batch](napi_env loop) { return batch->result(loop); };
  return run_off_loop(environment, std::move(job), std::move(kept));
}

}  // namespace onpath::addon
