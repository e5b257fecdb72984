#include "addon/tokenizer_load.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "addon/bytes.h"
#include "addon/errors.h"
#include "addon/input.h"
#include "addon/off_loop.h"
#include "addon/tokenizer.h"
#include "text/load.h"

namespace onpath::addon {

namespace {

constexpr size_t kMostSpecials = 1u << 20;
/// What a compiled form must be aligned to.
constexpr size_t kAlignment = 64;

enum class Source : uint8_t { tokenizer_json, tiktoken, sentencepiece, tekken, vocab_txt, compiled };
constexpr Choice<Source> kSources[] = {
    {"tokenizer.json", Source::tokenizer_json}, {"tiktoken", Source::tiktoken},
    {"sentencepiece", Source::sentencepiece},   {"tekken", Source::tekken},
    {"vocab.txt", Source::vocab_txt},           {"compiled", Source::compiled}};

struct Vocabulary {
  Source source = Source::tokenizer_json;
  text::TiktokenEncoding encoding;  // with a pattern: the caller's; otherwise by name
  text::VocabTxtOptions bert;
  uint64_t cache_bytes = 0;
};

Vocabulary vocabulary_from_js(const Input& input) {
  Vocabulary vocabulary;
  vocabulary.source = input["format"].choice(kSources);
  vocabulary.cache_bytes = input["cacheBytes"].integer<uint64_t>();
  vocabulary.bert.lowercase = input["lowercase"].boolean();
  vocabulary.encoding.name = input["encoding"].text();
  vocabulary.encoding.pattern = input["pattern"].text();
  input["specials"].each(kMostSpecials, [&](const Input& special) {
    std::string text = special["text"].text();
    const auto id = special["id"].integer<uint32_t>();
    vocabulary.encoding.special_tokens.insert_or_assign(std::move(text), id);
  });
  return vocabulary;
}

Result<text::TokenizerPtr> from_definition(Result<text::TokenizerDefinition> definition) {
  if (!definition.ok()) return definition.error();
  return text::build(definition.value());
}

Result<text::TokenizerPtr> from_compiled_copy(std::span<const uint8_t> bytes) {
  const auto drop = [](void* memory) { ::operator delete(memory, std::align_val_t(kAlignment)); };
  std::shared_ptr<void> copy(::operator new(bytes.size() + 1, std::align_val_t(kAlignment)), drop);
  if (!bytes.empty()) std::memcpy(copy.get(), bytes.data(), bytes.size());
  return text::tokenizer_from_compiled({static_cast<const uint8_t*>(copy.get()), bytes.size()}, copy);
}

Result<text::TokenizerPtr> load(std::span<const uint8_t> file, const Vocabulary& vocabulary) {
  switch (vocabulary.source) {
    case Source::tokenizer_json:
      return from_definition(text::load_tokenizer_json(file));
    case Source::tiktoken: {
      if (!vocabulary.encoding.pattern.empty())
        return from_definition(text::load_tiktoken(file, vocabulary.encoding));
      const Result<text::TiktokenEncoding> named = text::named_encoding(vocabulary.encoding.name);
      if (!named.ok()) return named.error();
      return from_definition(text::load_tiktoken(file, named.value()));
    }
    case Source::sentencepiece:
      return from_definition(text::load_sentencepiece(file));
    case Source::tekken:
      return from_definition(text::load_tekken(file));
    case Source::vocab_txt:
      return from_definition(text::load_vocab_txt(file, vocabulary.bert));
    case Source::compiled:
      return from_compiled_copy(file);
  }
  return Error{ErrorCode::INVALID_ARGUMENT, "format: unknown."};
}

/// A file that is read where the kernel has it. Whoever shortens it while it is mapped ends the process: so
/// files are replaced, not written over.
class MappedFile {
 public:
  MappedFile(void* data, size_t size) : data_(data), size_(size) {}
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile() { munmap(data_, size_); }
  std::span<const uint8_t> span() const { return {static_cast<const uint8_t*>(data_), size_}; }

 private:
  void* data_;
  size_t size_;
};

Error file_error(const std::string& path, int number) {
  const bool missing = number == ENOENT || number == ENOTDIR;
  const bool denied = number == EACCES || number == EPERM;
  return {
      missing  ? ErrorCode::NOT_FOUND
      : denied ? ErrorCode::PERMISSION_DENIED
               : ErrorCode::INVALID_ARGUMENT,
      "\"" + path + "\" could not be read: " + std::strerror(number) + ". Give the path of a readable file."};
}

Result<text::TokenizerPtr> map_file(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return file_error(path, errno);
  struct stat about {};
  void* data = MAP_FAILED;
  int number = fstat(file, &about) == 0 ? 0 : errno;
  if (number == 0 && (!S_ISREG(about.st_mode) || about.st_size == 0)) {
    close(file);
    return Error{ErrorCode::INVALID_VOCABULARY,
                 "\"" + path + "\" is empty or no file. Give the path of a file that save() wrote."};
  }
  if (number == 0) {
    data = mmap(nullptr, static_cast<size_t>(about.st_size), PROT_READ, MAP_SHARED, file, 0);
    if (data == MAP_FAILED) number = errno;
  }
  close(file);
  if (number != 0) return file_error(path, number);
  auto mapped = std::make_shared<const MappedFile>(data, static_cast<size_t>(about.st_size));
  return text::tokenizer_from_compiled(mapped->span(), mapped);
}

Napi::Value made(Environment& environment, Result<text::TokenizerPtr> tokenizer, uint64_t cache_bytes) {
  if (!tokenizer.ok()) {
    throw_error(environment.env(), tokenizer.error());
    return {};
  }
  return NativeTokenizer::from(environment, std::move(tokenizer).value(), cache_bytes);
}

/// Runs `make` off the loop; the promise for its tokenizer, or an exception pending.
napi_value later(Environment& environment, std::function<Result<text::TokenizerPtr>()> make,
                 uint64_t cache_bytes, Kept kept) {
  auto result = std::make_shared<text::TokenizerPtr>();
  OffLoop job;
  job.name = "onpath.loadTokenizer";
  job.work = [make = std::move(make), result]() -> Result<void> {
    Result<text::TokenizerPtr> tokenizer = make();
    if (!tokenizer.ok()) return tokenizer.error();
    *result = std::move(tokenizer).value();
    return {};
  };
  job.value = [&environment, result, cache_bytes](napi_env) -> napi_value {
    return NativeTokenizer::from(environment, std::move(*result), cache_bytes);
  };
  return run_off_loop(environment, std::move(job), std::move(kept));
}

struct LoadArguments {
  Vocabulary vocabulary;
  Bytes bytes;
};

std::optional<LoadArguments> load_arguments(const Napi::CallbackInfo& info) {
  Reading reading{info.Env()};
  LoadArguments arguments{vocabulary_from_js(Input(reading, info[1], "vocabulary")), {}};
  const std::optional<Bytes> bytes = bytes_of(info.Env(), info[0]);
  if (!bytes) Input(reading, info[0], "bytes").fail("a Uint8Array");
  if (reading.failed) return std::nullopt;
  arguments.bytes = *bytes;
  return arguments;
}

}  // namespace

Napi::Value load_tokenizer(const Napi::CallbackInfo& info) {
  const std::optional<LoadArguments> arguments = load_arguments(info);
  if (!arguments) return {};
  return made(*Environment::of(info.Env()), load(arguments->bytes.span(), arguments->vocabulary),
              arguments->vocabulary.cache_bytes);
}

Napi::Value load_tokenizer_async(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Environment& environment = *Environment::of(env);
  napi_value promise = nullptr;
  if (std::optional<LoadArguments> arguments = load_arguments(info)) {
    Kept kept(env);
    const std::shared_ptr<std::vector<uint8_t>> copy = copy_if_resizable(environment, arguments->bytes);
    if (copy != nullptr || kept.keep(info[0])) {
      const std::span<const uint8_t> file =
          copy != nullptr ? std::span<const uint8_t>(*copy) : arguments->bytes.span();
      promise = later(
          environment, [file, copy, vocabulary = arguments->vocabulary] { return load(file, vocabulary); },
          arguments->vocabulary.cache_bytes, std::move(kept));
    }
  }
  if (promise == nullptr) promise = rejected_with_pending(env);
  return {env, promise};
}

Napi::Value map_tokenizer(const Napi::CallbackInfo& info) {
  Reading reading{info.Env()};
  const std::string path = Input(reading, info[0], "path").text();
  const auto cache_bytes = Input(reading, info[1], "cacheBytes").integer<uint64_t>();
  if (reading.failed) return {};
  return made(*Environment::of(info.Env()), map_file(path), cache_bytes);
}

Napi::Value map_tokenizer_async(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Reading reading{env};
  const std::string path = Input(reading, info[0], "path").text();
  const auto cache_bytes = Input(reading, info[1], "cacheBytes").integer<uint64_t>();
  napi_value promise = nullptr;
  if (!reading.failed)
    promise = later(
        *Environment::of(env), [path] { return map_file(path); }, cache_bytes, Kept(env));
  if (promise == nullptr) promise = rejected_with_pending(env);
  return {env, promise};
}

}  // namespace onpath::addon
