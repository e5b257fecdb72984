// What IGMP and MLD say about multicast groups, in common words.
#pragma once

#include <cstdint>

#include "wire/address.h"

namespace onpath {

struct GroupQuery {
  uint8_t version = 0;  // IGMP 1 to 3, MLD 1 to 2
  IpAddress group;      // ::, general query: every group
  uint64_t max_response_ns = 0;
  bool general() const { return group == IpAddress{}; }
};

/// What a report says of a group, as record types of RFC 3376 section 4.2.12 and RFC 3810 section 5.2.12. We
/// take packets of a group from any source, so membership is EXCLUDE with an empty list.
enum class Membership : uint8_t {
  member = 2,  // MODE_IS_EXCLUDE, the answer to a query
  leaves = 3,  // CHANGE_TO_INCLUDE_MODE
  joins = 4,   // CHANGE_TO_EXCLUDE_MODE
};

/// A response code with an exponent, RFC 3376 section 4.1.1 (8 bits) and RFC 3810 section 5.1.3 (16 bits): up
/// to half of the range it is the number itself.
inline uint64_t response_code(uint32_t code, uint32_t bits) {
  const uint32_t linear = 1u << (bits - 1);
  if (code < linear) return code;
  const uint32_t mantissa_bits = bits - 4;
  const uint32_t mantissa = code & ((1u << mantissa_bits) - 1);
  const uint32_t exponent = code >> mantissa_bits & 7;
  return uint64_t{mantissa | 1u << mantissa_bits} << (exponent + 3);
}

}  // namespace onpath
