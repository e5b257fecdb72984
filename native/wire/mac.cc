#include "wire/mac.h"

#include <algorithm>

namespace onpath {

bool is_multicast(const IpAddress& address) {
  return address.is_v4() ? address.bytes[12] >> 4 == 0xe : address.bytes[0] == 0xff;
}

bool is_unspecified(const IpAddress& address) {
  return address == IpAddress{} || address == IpAddress::v4(0);
}

bool is_loopback(const IpAddress& address) {
  if (address.is_v4()) return address.bytes[12] == 127;
  IpAddress one;
  one.bytes[15] = 1;
  return address == one;
}

bool is_link_local_v6(const IpAddress& address) {
  return address.bytes[0] == 0xfe && (address.bytes[1] & 0xc0) == 0x80;
}

MacAddress multicast_mac(const IpAddress& group) {
  const uint8_t* low = group.bytes.data() + 12;
  if (group.is_v4()) return {0x01, 0x00, 0x5e, static_cast<uint8_t>(low[1] & 0x7f), low[2], low[3]};
  return {0x33, 0x33, low[0], low[1], low[2], low[3]};
}

IpAddress solicited_node_group(const IpAddress& address) {
  IpAddress group{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff}};
  std::copy_n(address.bytes.begin() + 13, 3, group.bytes.begin() + 13);
  return group;
}

IpAddress link_local_of(const MacAddress& mac) {
  IpAddress address;
  uint8_t* b = address.bytes.data();
  b[0] = 0xfe;
  b[1] = 0x80;
  std::copy_n(mac.begin(), 3, b + 8);
  b[8] ^= 2;  // the universal/local bit is inverted
  b[11] = 0xff;
  b[12] = 0xfe;
  std::copy_n(mac.begin() + 3, 3, b + 13);
  return address;
}

}  // namespace onpath
