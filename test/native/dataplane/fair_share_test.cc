// Who gives way, against a model that looks at everything each time.
#include "dataplane/fair_share.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "support/random.h"

namespace onpath::testing {
namespace {

constexpr uint32_t kNobody = FairShare::kNobody;

/// Items in the order in which they were taken, and classes of holders.
struct Model {
  struct Held {
    uint32_t item, holder, its_class;
    uint64_t class_since;  // order within the class
  };
  std::vector<Held> held;
  std::vector<uint32_t> classes;
  uint64_t clock = 0;
  uint32_t useless = 0;  // which third of the items

  uint32_t count(uint32_t holder) const {
    return static_cast<uint32_t>(
        std::count_if(held.begin(), held.end(), [&](const Held& of) { return of.holder == holder; }));
  }
  /// An item that is none of `useless` helps.
  bool helps(uint32_t item) const { return useless == 0 || item % 3 != useless - 1; }
  uint32_t oldest(uint32_t holder) const {
    for (const Held& of : held) {
      if (of.holder == holder && helps(of.item)) return of.item;
    }
    return kNobody;
  }
  uint32_t share(uint32_t its_class, uint32_t asker, uint32_t asker_class) const {
    uint32_t equals = 0;
    bool below = false;
    for (uint32_t holder = 0; holder < classes.size(); ++holder) {
      const bool asks = holder == asker;
      if (count(holder) == 0 && !asks) continue;
      const uint32_t of = count(holder) == 0 ? asker_class : classes[holder];
      (of < its_class ? below = true : (++equals, true));
    }
    if (asker == kNobody) (asker_class < its_class ? below = true : (++equals, true));
    return std::max(1u, static_cast<uint32_t>(held.size()) / (equals + (below ? 1 : 0)));
  }
  /// All victims that the rules allow: where several hold the most, any of them is looked at.
  std::vector<uint32_t> victims(uint32_t asker, uint32_t asker_class, bool only_unfair) const {
    if (held.empty()) return {kNobody};
    if (asker != kNobody && count(asker) > 0 && count(asker) >= share(classes[asker], asker, asker_class))
      return {only_unfair ? kNobody : oldest(asker)};
    uint32_t most = 0;
    for (uint32_t holder = 0; holder < classes.size(); ++holder) most = std::max(most, count(holder));
    const Held* lowest = nullptr;
    for (const Held& of : held) {
      if (!helps(of.item)) continue;
      if (lowest == nullptr || of.its_class < lowest->its_class ||
          (of.its_class == lowest->its_class && of.class_since < lowest->class_since))
        lowest = &of;
    }
    const bool refused = lowest == nullptr || lowest->its_class > asker_class ||
                         (only_unfair && lowest->its_class == asker_class);
    std::vector<uint32_t> victims;
    for (uint32_t holder = 0; holder < classes.size(); ++holder) {
      if (count(holder) != most) continue;
      if (holder != asker && most > share(classes[holder], asker, asker_class) && oldest(holder) != kNobody) {
        victims.push_back(oldest(holder));
      } else {
        victims.push_back(refused ? kNobody : lowest->item);
      }
    }
    return victims;
  }
};

TEST(FairShare, GivesWayAsItsRulesSayWhateverIsTakenAndGivenBack) {
  constexpr uint32_t kItems = 24, kHolders = 9;
  Random random(test_seed());
  for (int round = 0; round < 40; ++round) {
    FairShare shares(kItems, kHolders);
    Model model;
    model.classes.assign(kHolders, 0);
    for (int step = 0; step < 2000; ++step) {
      const uint32_t holder = random.below(kHolders);
      const uint32_t action = random.below(10);
      if (action < 5 && model.held.size() < kItems) {
        uint32_t item = 0;
        while (std::any_of(model.held.begin(), model.held.end(),
                           [&](const Model::Held& of) { return of.item == item; }))
          ++item;
        shares.take(item, holder);
        model.held.push_back({item, holder, model.classes[holder], model.clock++});
      } else if (action < 8 && !model.held.empty()) {
        const auto gone = model.held.begin() + random.below(static_cast<uint32_t>(model.held.size()));
        shares.give_back(gone->item);
        model.held.erase(gone);
      } else if (action == 8) {
        model.classes[holder] = random.below(FairShare::kClasses);
        shares.set_class(holder, model.classes[holder]);
      }
      ASSERT_EQ(shares.held(), model.held.size());
      ASSERT_EQ(shares.held_by(holder), model.count(holder));
      model.useless = 0;
      ASSERT_EQ(shares.oldest_of(holder), model.oldest(holder));
      const uint32_t asker = random.one_in(4) ? kNobody : random.below(kHolders);
      const uint32_t asker_class =
          asker == kNobody ? random.below(FairShare::kClasses) : model.classes[asker];
      const bool only_unfair = random.one_in(2);
      const auto expect_allowed = [&](uint32_t victim) {
        const auto allowed = model.victims(asker, asker_class, only_unfair);
        ASSERT_NE(std::find(allowed.begin(), allowed.end(), victim), allowed.end())
            << "victim " << victim << " at step " << step;
      };
      expect_allowed(shares.victim(asker, asker_class, only_unfair));
      model.useless = 1 + random.below(3);
      expect_allowed(
          shares.victim(asker, asker_class, only_unfair, [&](uint32_t item) { return model.helps(item); }));
    }
  }
}

TEST(FairShare, AFloodOfHoldersWithoutCreditTakesNothingOfOneWithCreditThatKeepsToItsShare) {
  constexpr uint32_t kItems = 16;
  FairShare shares(kItems, 1000);
  constexpr uint32_t kHonest = 0;
  shares.set_class(kHonest, 5);
  for (uint32_t i = 0; i < kItems / 2; ++i) shares.take(i, kHonest);
  for (uint32_t i = kItems / 2; i < kItems; ++i) shares.take(i, i);
  for (uint32_t newcomer = 100; newcomer < 900; ++newcomer) {
    const uint32_t victim = shares.victim(newcomer, 0, false);
    ASSERT_GE(victim, kItems / 2);
    shares.give_back(victim);
    shares.take(victim, newcomer);
  }
  EXPECT_EQ(shares.held_by(kHonest), kItems / 2);
}

TEST(FairShare, OneThatHoldsEverythingGivesToANewcomerWhateverItsCredit) {
  FairShare shares(16, 10);
  shares.set_class(1, 9);
  for (uint32_t i = 0; i < 16; ++i) shares.take(i, 1);
  for (uint32_t i = 0; i < 8; ++i) {
    const uint32_t victim = shares.victim(2, 0, true);
    ASSERT_EQ(victim, i) << "the oldest";
    shares.give_back(victim);
    shares.take(victim, 2);
  }
  EXPECT_EQ(shares.victim(2, 0, true), kNobody) << "both have their share";
  EXPECT_EQ(shares.victim(2, 0, false), 0u) << "its own oldest";
}

}  // namespace
}  // namespace onpath::testing
