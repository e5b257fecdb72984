#include <algorithm>
#include <cstring>

#include "text/unigram.h"
#include "text/utf8.h"
#include "text/vocabulary.h"

namespace onpath::text {
namespace {

/// The first space at or behind `from`, or `size`.
size_t find_space(const uint8_t* text, size_t from, size_t size, bool alias) {
  if (alias) {
    const void* found = from < size ? std::memchr(text + from, ' ', size - from) : nullptr;
    return found == nullptr ? size : static_cast<size_t>(static_cast<const uint8_t*>(found) - text);
  }
  const std::string_view rest(reinterpret_cast<const char*>(text) + from, size - from);
  const size_t found = rest.find(kSpaceSymbol);
  return found == std::string_view::npos ? size : from + found;
}

}  // namespace

std::string_view UnigramCuts::name() const {
  return tables_.settings.cut_rule == UnigramCutRule::spaces ? "unigram cuts before spaces"
                                                             : "unigram cuts where no token reaches";
}

SplitResult UnigramCuts::split(const uint8_t* text, size_t size, bool last, std::span<uint32_t> ends) const {
  return tables_.settings.cut_rule == UnigramCutRule::spaces ? split_at_spaces(text, size, last, ends)
                                                             : split_by_reach(text, size, last, ends);
}

SplitResult UnigramCuts::split_at_spaces(const uint8_t* text, size_t size, bool last,
                                         std::span<uint32_t> ends) const {
  const bool alias = tables_.settings.space_alias != 0;
  const size_t space = alias ? 1 : kSpaceSymbol.size();
  SplitResult result;
  size_t begin = 0;
  while (begin < size) {
    if (result.pieces == ends.size()) return result;
    // Spaces in front of a word belong to it.
    size_t at = begin;
    for (size_t found = find_space(text, at, size, alias); found == at && at < size;) {
      at += space;
      found = find_space(text, at, size, alias);
    }
    const size_t end = at < size ? find_space(text, at, size, alias) : size;
    if (end == size && !last) break;
    ends[result.pieces++] = static_cast<uint32_t>(end);
    begin = end;
  }
  result.exhausted = true;
  return result;
}

SplitResult UnigramCuts::split_by_reach(const uint8_t* text, size_t size, bool last,
                                        std::span<uint32_t> ends) const {
  const UnigramSettings& settings = tables_.settings;
  const bool joins = settings.joins_unknown();
  SplitResult result;
  size_t begin = 0;
  size_t reach = 0;  // the furthest end of a token so far
  for (size_t at = 0; at < size;) {
    const size_t next = at + utf8_size(text[at]);
    if (next > size && !last) break;
    const size_t limit = std::min(size, at + settings.longest_token);
    uint32_t node = 0;
    size_t walked = at;
    size_t token_end = std::min(next, size);
    bool single = false;   // a token of this one character
    bool unknown = false;  // the text of the unknown token, which is joined with unknown characters
    bool stuck = false;
    for (; walked < limit; ++walked) {
      const uint32_t child = tables_.nodes[node].base + text[walked];
      stuck = tables_.nodes[child].check != node;
      if (stuck) break;
      node = child;
      if (!tables_.ends_token(node)) continue;
      token_end = std::max(token_end, walked + 1);
      single = single || walked + 1 == next;
      unknown = unknown || tables_.ids[node] == settings.unk;
    }
    // More text could make a token longer.
    if (!stuck && walked == size && !last) break;
    if (at > begin && reach <= at && (!joins || (single && !unknown))) {
      if (result.pieces == ends.size()) return result;
      ends[result.pieces++] = static_cast<uint32_t>(at);
      begin = at;
    }
    reach = std::max(reach, token_end);
    at = std::min(next, size);
  }
  if (last && begin < size) {
    if (result.pieces == ends.size()) return result;
    ends[result.pieces++] = static_cast<uint32_t>(size);
  }
  result.exhausted = true;
  return result;
}

}  // namespace onpath::text
