// Golden vectors of test/golden: one case per line, read without a JSON parser; and the noise they are made
// from.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

namespace onpath::testing {

/// Byte i of noise `seed`: the same hash as scripts/golden/noise.py.
inline std::vector<uint8_t> golden_noise(uint32_t seed, size_t n) {
  std::vector<uint8_t> bytes(n);
  for (size_t i = 0; i < n; ++i) {
    uint32_t x = static_cast<uint32_t>(i) * 2654435761u + seed * 2246822519u;
    x = (x ^ x >> 15) * 2246822519u;
    x = (x ^ x >> 13) * 3266489917u;
    bytes[i] = static_cast<uint8_t>(x >> 24);
  }
  return bytes;
}

/// One case: a line such as {"mode": "RGB", "width": 3, "mean": [1, 2]}.
class GoldenCase {
 public:
  explicit GoldenCase(std::string line) : line_(std::move(line)) {}

  std::string text(const std::string& key) const {
    const size_t at = after(key) + 1;
    return line_.substr(at, line_.find('"', at) - at);
  }
  uint32_t number(const std::string& key) const {
    return static_cast<uint32_t>(std::stoul(line_.substr(after(key))));
  }
  std::vector<double> numbers(const std::string& key) const {
    std::vector<double> values;
    size_t at = after(key) + 1;
    while (true) {
      size_t used = 0;
      values.push_back(std::stod(line_.substr(at), &used));
      at += used;
      if (line_[at] == ']') return values;
      ++at;
    }
  }
  std::vector<uint8_t> bytes(const std::string& key) const {
    const std::string hex = text(key);
    std::vector<uint8_t> result;
    for (size_t i = 0; i + 1 < hex.size(); i += 2) {
      result.push_back(static_cast<uint8_t>(std::stoul(hex.substr(i, 2), nullptr, 16)));
    }
    return result;
  }
  const std::string& line() const { return line_; }

 private:
  size_t after(const std::string& key) const {
    const std::string quoted = "\"" + key + "\": ";
    const size_t at = line_.find(quoted);
    EXPECT_NE(at, std::string::npos) << key << " is not in " << line_;
    return at == std::string::npos ? 0 : at + quoted.size();
  }

  std::string line_;
};

inline std::vector<GoldenCase> golden_cases(const std::string& file) {
  std::ifstream in(std::string(ONPATH_TEST_DATA) + "/../golden/" + file);
  std::vector<GoldenCase> cases;
  std::string line;
  std::getline(in, line);  // the reference
  while (std::getline(in, line)) {
    if (line.starts_with("{")) cases.emplace_back(line);
  }
  return cases;
}

}  // namespace onpath::testing
