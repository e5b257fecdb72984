// Which addresses may send to a route: prefixes, joined to ranges that do not overlap, in order. A look-up
// halves them until one is left, so that thousands of prefixes cost a dozen comparisons. Hot path.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/big_endian.h"
#include "wire/address.h"

namespace onpath {

class SourceList {
 public:
  /// Empty: anyone. A prefix of IPv4 never lets an IPv6 address in; "::/0" is both.
  explicit SourceList(const std::vector<IpPrefix>& prefixes) {
    for (const IpPrefix& prefix : prefixes) {
      const unsigned bits = std::min<unsigned>(prefix.bits, 128);
      const Number hosts = bits == 0 ? ~Number{0} : bits == 128 ? 0 : (Number{1} << (128 - bits)) - 1;
      const Number first = number_of(prefix.address) & ~hosts;
      ranges_.push_back({first, first | hosts});
    }
    std::sort(ranges_.begin(), ranges_.end(),
              [](const Range& a, const Range& b) { return a.first < b.first; });
    size_t kept = 0;
    for (const Range& range : ranges_) {
      // Prefixes that begin inside another lie in it wholly; neighbours become one range.
      if (kept > 0 && (range.first <= ranges_[kept - 1].last || range.first - ranges_[kept - 1].last == 1)) {
        ranges_[kept - 1].last = std::max(ranges_[kept - 1].last, range.last);
      } else {
        ranges_[kept++] = range;
      }
    }
    ranges_.resize(kept);
    ranges_.shrink_to_fit();
  }

  bool allows(const IpAddress& source) const {
    if (ranges_.empty()) return true;
    const Number address = number_of(source);
    size_t first = 0;
    for (size_t count = ranges_.size(); count > 1;) {
      const size_t half = count / 2;
      first += ranges_[first + half].first <= address ? half : 0;
      count -= half;
    }
    return ranges_[first].first <= address && address <= ranges_[first].last;
  }

  size_t ranges() const { return ranges_.size(); }
  uint64_t bytes() const { return ranges_.size() * sizeof(Range); }

 private:
  __extension__ using Number = unsigned __int128;
  struct Range {
    Number first, last;
  };
  static Number number_of(const IpAddress& address) {
    return Number{load_be64(address.bytes.data())} << 64 | load_be64(address.bytes.data() + 8);
  }

  std::vector<Range> ranges_;
};

}  // namespace onpath
