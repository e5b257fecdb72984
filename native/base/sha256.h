// SHA-256 (FIPS 180-4), by Mbed TLS. Content hashes of plans and sample formats.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

namespace onpath {

using Hash = std::array<uint8_t, 32>;

Hash sha256(std::span<const uint8_t> bytes);

/// Lower-case hexadecimal, 64 characters.
std::string hash_hex(const Hash& hash);

}  // namespace onpath
