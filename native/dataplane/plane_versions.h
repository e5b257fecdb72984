// Swaps of pipelines while packets arrive, and the versions that they leave behind: made on the caller's
// thread, taken by every worker between two bursts, freed by a thread of its own once the last open sample
// and the last buffer of them are done with. Control path only.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "dataplane/plane_parts.h"
#include "dataplane/route_versions.h"

namespace onpath {

class PlaneVersions {
 public:
  explicit PlaneVersions(PlaneParts& parts);
  ~PlaneVersions() { close(); }

  /// All of the swaps, or none: checked and made first, then offered to every worker. Returns the numbers of
  /// the new versions when every worker opens samples under them. Errors: NOT_FOUND, INVALID_ARGUMENT (a
  /// route twice), INVALID_SPEC, LIMIT_EXCEEDED, OUT_OF_MEMORY; BUSY (kMostVersions of a route are alive, or
  /// a worker does not take its version for kPatienceNs: it will when it runs again); CLOSED.
  Result<std::vector<uint64_t>> swap(const std::vector<RouteSwap>& swaps);
  /// swap() without the wait, for tests that drive workers by hand.
  Result<std::vector<uint64_t>> offer(const std::vector<RouteSwap>& swaps);
  /// Frees what nobody has any more; says whether older versions are left.
  bool free_unused();
  /// Swaps that wait give up; no more are taken. Idempotent.
  void close();

  /// Numbers of the versions of a route that are alive, oldest first.
  std::vector<uint64_t> alive(size_t route) const;
  uint64_t freed(size_t route) const;
  /// Of the versions that are alive, less those that the plane was started with.
  int64_t more_bytes() const { return more_bytes_.load(std::memory_order_relaxed); }

  static constexpr uint64_t kPatienceNs = 10'000'000'000;

 private:
  struct Prepared {
    size_t route = 0;
    RouteConfig config;
    std::unique_ptr<RouteVersion> version;
  };

  Result<std::vector<Prepared>> prepare(const std::vector<RouteSwap>& swaps);
  Result<Prepared> prepare(const RouteSwap& swap, uint64_t bytes_before);
  void install(Prepared& prepared);
  bool taken(const std::vector<RouteSwap>& swaps, const std::vector<uint64_t>& numbers) const;
  size_t route_index(const std::string& name) const;
  void keep_freeing();

  PlaneParts& parts_;
  std::mutex swapping_;       // one at a time
  mutable std::mutex mutex_;  // of what follows, and of parts_.versions and the pipelines in parts_.routes
  std::condition_variable changed_;
  bool closed_ = false;
  uint64_t offers_ = 0;
  std::atomic<int64_t> more_bytes_{0};
  std::thread keeper_;  // from the first swap on
};

}  // namespace onpath
