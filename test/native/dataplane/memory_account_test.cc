// What plane.memory() says of a plane is what the plane takes.
#include <gtest/gtest.h>

#include "dataplane/memory_account.h"
#include "dataplane/saturating.h"
#include "dataplane/stepped_plane.h"
#include "support/allocation_count.h"

namespace onpath::testing {
namespace {

constexpr uint32_t kAll = MemoryAccount::kNoWorker;

TEST(MemoryAccount, SumsWhatIsAddedUnderOneNameAndForgetsWhatIsGivenBack) {
  MemoryAccount account;
  account.add("route a", 0, "output buffers", 100);
  account.add("route a", 1, "output buffers", 200);
  account.add("route a", 0, "output buffers", 11);
  account.add("plane", kAll, "route table", 5);
  account.add("plane", kAll, "nothing", 0);
  ASSERT_EQ(account.items().size(), 3u);
  EXPECT_EQ(account.items()[0].bytes, 111u);
  EXPECT_EQ(account.total(), 316u);
  account.remove("route a", 0, "output buffers", 100);
  account.remove("plane", kAll, "route table", 5);
  account.remove("plane", kAll, "route table", 5);
  EXPECT_EQ(account.total(), 211u);
  EXPECT_EQ(account.items().size(), 2u);
  account.add("plane", kAll, "too much", kOverflow - 1);
  EXPECT_EQ(account.total(), kOverflow);
}

/// Bytes that the items of one kind, or of all, add up to.
uint64_t bytes_of(const PlaneParts& parts, const std::string& what) {
  uint64_t bytes = 0;
  for (const MemoryItem& item : parts.memory->items()) bytes += item.what == what ? item.bytes : 0;
  return bytes;
}

TEST(MemoryAccount, OfAPlaneIsWhatThePlaneTakesToAFewPercent) {
  RouteConfig route = route_to_host(resize_program(256, 128));
  route.slots = 100;
  route.open_samples = 300;
  route.max_streams = 2000;
  std::unique_ptr<SteppedPlane> plane;
  const AllocationCount count;
  plane = std::make_unique<SteppedPlane>(std::vector<RouteConfig>{route});
  // Outputs lie in pages of their own, asked of the system and not of the heap.
  const uint64_t outputs = plane->parts->sinks[0]->plan()->outputs()[0].bytes * route.slots;
  const auto heap = static_cast<double>(count.bytes() + outputs - sizeof(SteppedPlane));
  const auto accounted = static_cast<double>(plane->parts->memory->total());
  EXPECT_LT(accounted, heap * 1.05);
  EXPECT_GT(accounted, heap * 0.95);
  for (const char* what : {"output buffers", "sample states", "stream table", "flow cache", "route table"})
    EXPECT_GT(bytes_of(*plane->parts, what), 0u) << what;
}

}  // namespace
}  // namespace onpath::testing
