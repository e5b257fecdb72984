// Sizes along one axis that tables are tried with: usual ones, the ends of what is allowed, and random ones.
#pragma once

#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace onpath {

inline std::vector<std::pair<uint32_t, uint32_t>> size_pairs() {
  std::vector<std::pair<uint32_t, uint32_t>> pairs = {
      {1, 1},     {1, 7},         {7, 1},         {2, 1},         {3, 2},       {224, 224}, {1280, 224},
      {720, 224}, {640, 5120},    {10000, 3},     {3, 10000},     {65535, 1},   {65535, 2}, {1, 65535},
      {65535, 7}, {65535, 65534}, {65534, 65535}, {65535, 65535}, {1921, 1080}, {500, 499}, {333, 1000}};
  std::mt19937 random(7);
  for (int i = 0; i < 60; ++i) pairs.emplace_back(1 + random() % 2000, 1 + random() % 2000);
  return pairs;
}

}  // namespace onpath
