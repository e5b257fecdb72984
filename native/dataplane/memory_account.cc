#include "dataplane/memory_account.h"

#include <algorithm>

#include "dataplane/saturating.h"

namespace onpath {

std::vector<MemoryItem>::iterator MemoryAccount::find(const std::string& room, uint32_t worker,
                                                      const std::string& what) {
  return std::find_if(items_.begin(), items_.end(), [&](const MemoryItem& item) {
    return item.worker == worker && item.what == what && item.room == room;
  });
}

void MemoryAccount::add(const std::string& room, uint32_t worker, const std::string& what, uint64_t bytes) {
  if (bytes == 0) return;
  const std::lock_guard lock(mutex_);
  const auto item = find(room, worker, what);
  if (item == items_.end()) {
    items_.push_back({room, worker, what, bytes});
  } else {
    item->bytes = plus(item->bytes, bytes);
  }
}

void MemoryAccount::remove(const std::string& room, uint32_t worker, const std::string& what,
                           uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  const auto item = find(room, worker, what);
  if (item == items_.end()) return;
  item->bytes -= std::min(item->bytes, bytes);
  if (item->bytes == 0) items_.erase(item);
}

uint64_t MemoryAccount::total() const {
  const std::lock_guard lock(mutex_);
  uint64_t total = 0;
  for (const MemoryItem& item : items_) total = plus(total, item.bytes);
  return total;
}

std::vector<MemoryItem> MemoryAccount::items() const {
  const std::lock_guard lock(mutex_);
  return items_;
}

ListedMemory::~ListedMemory() {
  for (const MemoryItem& item : items_) account_->remove(item.room, item.worker, item.what, item.bytes);
}

void ListedMemory::add(const std::string& room, uint32_t worker, const std::string& what, uint64_t bytes) {
  // First its own, so that what the account has will be taken back whatever fails.
  items_.push_back({room, worker, what, bytes});
  account_->add(room, worker, what, bytes);
}

}  // namespace onpath
