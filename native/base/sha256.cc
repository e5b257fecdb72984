#include "base/sha256.h"

#include <mbedtls/sha256.h>

namespace onpath {

Hash sha256(std::span<const uint8_t> bytes) {
  Hash hash;
  mbedtls_sha256_ret(bytes.data(), bytes.size(), hash.data(), 0);
  return hash;
}

std::string hash_hex(const Hash& hash) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(hash.size() * 2);
  for (uint8_t byte : hash) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace onpath
