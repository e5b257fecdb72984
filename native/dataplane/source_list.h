// Which addresses may send to a route: prefixes, compared in two words.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "wire/address.h"

namespace onpath {

class SourceList {
 public:
  /// Empty: anyone.
  explicit SourceList(const std::vector<IpPrefix>& prefixes) {
    for (const IpPrefix& prefix : prefixes) {
      IpAddress mask;
      for (unsigned bit = 0; bit < prefix.bits && bit < 128; ++bit) {
        mask.bytes[bit / 8] = static_cast<uint8_t>(mask.bytes[bit / 8] | 0x80u >> bit % 8);
      }
      Prefix made;
      load(prefix.address, made.address);
      load(mask, made.mask);
      made.address[0] &= made.mask[0];
      made.address[1] &= made.mask[1];
      prefixes_.push_back(made);
    }
  }

  bool allows(const IpAddress& source) const {
    if (prefixes_.empty()) return true;
    uint64_t address[2];
    load(source, address);
    return std::any_of(prefixes_.begin(), prefixes_.end(), [&](const Prefix& prefix) {
      return (address[0] & prefix.mask[0]) == prefix.address[0] &&
             (address[1] & prefix.mask[1]) == prefix.address[1];
    });
  }

 private:
  struct Prefix {
    uint64_t address[2];
    uint64_t mask[2];
  };
  static void load(const IpAddress& address, uint64_t out[2]) { std::memcpy(out, address.bytes.data(), 16); }

  std::vector<Prefix> prefixes_;
};

}  // namespace onpath
