#include "text/regex.h"

// The size of PCRE2's code unit comes from CMakeLists.txt.
#include <pcre2.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <functional>

#include "text/regex_class.h"
#include "text/regex_syntax.h"

namespace onpath::text {
namespace {

/// Steps and memory of one search. A search that needs more is told as failed, never cut short.
constexpr uint32_t kMostSteps = 50'000'000;
constexpr uint32_t kMostHeapKiB = 256 * 1024;

/// Memory for a search's working data, on the stack of the thread that searches: a Regex is shared, and the
/// usual search shall not allocate.
class Arena {
 public:
  static void* take(size_t size, void* self) { return static_cast<Arena*>(self)->take(size); }
  static void release(void* memory, void* self) { static_cast<Arena*>(self)->release(memory); }

 private:
  void* take(size_t size) {
    constexpr size_t kAnyAlign = alignof(std::max_align_t);
    const size_t rounded = (size + kAnyAlign - 1) / kAnyAlign * kAnyAlign;
    if (rounded > sizeof memory_ - used_) return std::malloc(size);
    void* const result = memory_ + used_;
    used_ += rounded;
    return result;
  }
  void release(void* memory) {
    const auto* byte = static_cast<const uint8_t*>(memory);
    if (std::less<>()(byte, memory_) || !std::less<>()(byte, memory_ + sizeof memory_)) std::free(memory);
  }

  alignas(std::max_align_t) uint8_t memory_[32 * 1024];
  size_t used_ = 0;
};

}  // namespace

struct Regex::Compiled {
  ~Compiled() {
    pcre2_match_context_free(limits);
    pcre2_code_free(code);
  }
  std::string expanded;
  pcre2_code* code = nullptr;
  pcre2_match_context* limits = nullptr;
  bool empty = false;
  bool behind = false;
};

Regex::Regex(std::unique_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;
Regex::~Regex() = default;

Result<Regex> Regex::compile(std::string_view pattern, RegexEngine engine) {
  Result<ExpandedRegex> expanded = expand_regex(pattern, engine);
  if (!expanded.ok()) return expanded.error();
  auto compiled = std::make_unique<Compiled>();
  compiled->expanded = std::move(expanded.value().text);
  compiled->behind = expanded.value().looks_behind;
  int error = 0;
  PCRE2_SIZE where = 0;
  compiled->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(compiled->expanded.data()),
                                 compiled->expanded.size(), PCRE2_UTF, &error, &where, nullptr);
  if (compiled->code == nullptr) {
    std::array<PCRE2_UCHAR, 256> message{};
    pcre2_get_error_message(error, message.data(), message.size());
    constexpr int kTooLarge = 120;
    return Error{error == kTooLarge ? ErrorCode::LIMIT_EXCEEDED : ErrorCode::INVALID_VOCABULARY,
                 about_regex(pattern) + reinterpret_cast<const char*>(message.data()) + "."};
  }
  compiled->limits = pcre2_match_context_create(nullptr);
  if (compiled->limits == nullptr)
    return Error{ErrorCode::OUT_OF_MEMORY, about_regex(pattern) + "no memory for it."};
  pcre2_set_match_limit(compiled->limits, kMostSteps);
  pcre2_set_heap_limit(compiled->limits, kMostHeapKiB);
  // Where the system allows no machine code, the interpreter does the same.
  (void)pcre2_jit_compile(compiled->code, PCRE2_JIT_COMPLETE | PCRE2_JIT_PARTIAL_HARD);
  uint32_t empty = 0;
  pcre2_pattern_info(compiled->code, PCRE2_INFO_MATCHEMPTY, &empty);
  compiled->empty = empty != 0;
  return Regex(std::move(compiled));
}

RegexMatch Regex::find(const uint8_t* text, size_t size, size_t from, bool partial) const {
  using Outcome = RegexMatch::Outcome;
  Arena arena;
  pcre2_general_context* general = pcre2_general_context_create(&Arena::take, &Arena::release, &arena);
  pcre2_match_data* data = general == nullptr ? nullptr : pcre2_match_data_create(1, general);
  if (data == nullptr) return {Outcome::failed, from, from};
  const uint32_t options = PCRE2_NO_UTF_CHECK | (partial ? PCRE2_PARTIAL_HARD : 0u);
  int found = pcre2_match(compiled_->code, text, size, from, options, data, compiled_->limits);
  if (found == PCRE2_ERROR_JIT_STACKLIMIT) {
    found = pcre2_match(compiled_->code, text, size, from, options | PCRE2_NO_JIT, data, compiled_->limits);
  }
  RegexMatch match{Outcome::failed, from, from};
  if (found == PCRE2_ERROR_NOMATCH) {
    match = {Outcome::none, size, size};
  } else if (found >= 0 || found == PCRE2_ERROR_PARTIAL) {
    const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(data);
    match = {found >= 0 ? Outcome::match : Outcome::partial, ends[0], ends[1]};
  }
  pcre2_match_data_free(data);
  pcre2_general_context_free(general);
  return match;
}

bool Regex::matches_empty() const { return compiled_->empty; }
bool Regex::looks_behind() const { return compiled_->behind; }
bool Regex::is_class_run() const {
  // Brackets of literals are written as numbers.
  const std::string& text = compiled_->expanded;
  return text.size() > 3 && text.front() == '[' && text.ends_with("]+") && text.find(']') == text.size() - 2;
}
const std::string& Regex::expanded() const { return compiled_->expanded; }

uint64_t Regex::bytes() const {
  size_t code = 0, machine_code = 0;
  pcre2_pattern_info(compiled_->code, PCRE2_INFO_SIZE, &code);
  pcre2_pattern_info(compiled_->code, PCRE2_INFO_JITSIZE, &machine_code);
  return compiled_->expanded.size() + code + machine_code;
}

}  // namespace onpath::text
