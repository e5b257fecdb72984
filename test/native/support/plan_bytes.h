// Plan bytes for tests that damage them: the trailing hash must match again, or nothing behind it would be
// reached.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/sha256.h"

namespace onpath::testing {

inline void fix_hash(std::vector<uint8_t>& bytes) {
  if (bytes.size() < sizeof(Hash)) return;
  const Hash hash = sha256(std::span(bytes).first(bytes.size() - sizeof(Hash)));
  std::copy(hash.begin(), hash.end(), bytes.end() - sizeof(Hash));
}

}  // namespace onpath::testing
