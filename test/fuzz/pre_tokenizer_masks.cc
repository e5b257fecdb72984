// Fuzzes pre-tokenizers: masks cut as the automaton of the same family, in chunks as in one go; and any
// bytes for a regex are refused or cut the text in tiles.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "kernel/kernels.h"
#include "text/pre_tokenizer.h"
#include "text/regex.h"
#include "text/utf8.h"

namespace {

using onpath::text::Family;
using onpath::text::kDropped;
using onpath::text::PreTokenizer;

std::vector<uint32_t> ends_of(const PreTokenizer& pre_tokenizer, const std::vector<uint8_t>& text,
                              size_t step) {
  std::vector<uint32_t> ends(128), all;
  size_t done = 0, have = 0;
  do {
    have = std::min(text.size(), have + step);
    onpath::text::SplitResult split;
    do {
      split = pre_tokenizer.split(text.data() + done, have - done, have == text.size(), ends);
      const size_t base = done;
      for (size_t i = 0; i < split.pieces; ++i) {
        const size_t end = base + (ends[i] & ~kDropped);
        if (end <= done || end > have) std::abort();
        done = end;
        all.push_back(static_cast<uint32_t>(done) | (ends[i] & kDropped));
      }
      if (!split.exhausted && split.pieces == 0) std::abort();
    } while (!split.exhausted);
  } while (have < text.size());
  if (done != text.size()) std::abort();
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const auto family = static_cast<Family>(data[0] % 8);
  const size_t step = 1 + data[1];
  onpath::text::Utf8Repair repair;
  std::vector<uint8_t> text(onpath::text::Utf8Repair::room_for(size - 2));
  text.resize(repair.push(data + 2, size - 2, true, text.data()));
  const auto automaton = onpath::text::make_family_automaton(family);
  const std::vector<uint32_t> expected = ends_of(*automaton, text, text.size() + 1);
  if (ends_of(*automaton, text, step) != expected) std::abort();
  for (const onpath::KernelSet* kernels : onpath::available_kernels()) {
    const auto masks = onpath::text::make_family_pre_tokenizer(family, kernels->name);
    if (ends_of(*masks, text, text.size() + 1) != expected) std::abort();
    if (ends_of(*masks, text, step) != expected) std::abort();
  }
  // Compiled only: what a regex costs to run is bounded by a limit far above what a fuzzer waits for.
  const std::string_view pattern(reinterpret_cast<const char*>(data + 2), std::min<size_t>(size - 2, 64));
  (void)onpath::text::Regex::compile(pattern, static_cast<onpath::text::RegexEngine>(data[1] & 1));
  return 0;
}
