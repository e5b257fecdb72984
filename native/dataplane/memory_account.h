// Which pool takes how much memory: the parts of plane.stats().memoryBytes. Whoever makes a pool says so
// here, before or when it is taken, and takes the words back when it is freed. Control path only; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace onpath {

struct MemoryItem {
  static constexpr uint32_t kNoWorker = UINT32_MAX;

  std::string room;             // "route photos", "port in", "plane"
  uint32_t worker = kNoWorker;  // whose it is; kNoWorker: shared by all
  std::string what;             // "output buffers", "stream table", ...: in the plural where it is many
  uint64_t bytes = 0;
};

class MemoryAccount {
 public:
  static constexpr uint32_t kNoWorker = MemoryItem::kNoWorker;

  /// Adds to the item of that name, or makes one. Nothing is listed for 0 bytes.
  void add(const std::string& room, uint32_t worker, const std::string& what, uint64_t bytes);
  /// The same bytes were freed. An item without bytes is not listed any more.
  void remove(const std::string& room, uint32_t worker, const std::string& what, uint64_t bytes);

  /// The sum; UINT64_MAX if it overflows.
  uint64_t total() const;
  /// In the order in which they were first added.
  std::vector<MemoryItem> items() const;

 private:
  std::vector<MemoryItem>::iterator find(const std::string& room, uint32_t worker, const std::string& what);

  mutable std::mutex mutex_;
  std::vector<MemoryItem> items_;
};

/// Items of an account that are listed for as long as this lives.
class ListedMemory {
 public:
  explicit ListedMemory(std::shared_ptr<MemoryAccount> account) : account_(std::move(account)) {}
  ~ListedMemory();
  ListedMemory(const ListedMemory&) = delete;
  ListedMemory& operator=(const ListedMemory&) = delete;

  void add(const std::string& room, uint32_t worker, const std::string& what, uint64_t bytes);

 private:
  const std::shared_ptr<MemoryAccount> account_;
  std::vector<MemoryItem> items_;
};

inline std::string route_room(const std::string& name) { return "route " + name; }
inline std::string port_room(const std::string& name) { return "port " + name; }

}  // namespace onpath
