#include <algorithm>

#include "text/unigram.h"
#include "text/utf8.h"
#include "text/vocabulary.h"

namespace onpath::text {
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
  const std::string_view space = tables_.settings.space_alias != 0 ? " " : kSpaceSymbol;
  const std::string_view all(reinterpret_cast<const char*>(text), size);
  SplitResult result;
  size_t begin = 0;
  while (begin < size) {
    if (result.pieces == ends.size()) return result;
    // Spaces in front of a word belong to it.
    size_t at = begin;
    while (all.substr(at).starts_with(space)) at += space.size();
    const size_t end = std::min(all.find(space, at), size);
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
