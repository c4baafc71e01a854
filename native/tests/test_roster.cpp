// Who waits: an entry each, in order, and the dead are passed over.
#include "core/roster.hpp"

#include "tests/harness.hpp"

namespace interlock::tests {
namespace {

u32 count_of(const Roster& roster) {
  u32 count = 0;
  roster.each([&](u32) { ++count; });
  return count;
}

void each_has_an_entry_of_its_own(Run& run) {
  const SyncSegment segment = SyncSegment::create(SyncKind::lock, 0);
  const Roster roster(segment);
  Atomic<u32> taken[ENTRIES] = {};
  for (u32 number = 0; number < 4; ++number)
    run.thread(run.new_process(), "thread", [&] {
      for (int i = 0; i < (SYSTEMATIC ? 4 : 1'000); ++i) {
        const u32 index = roster.claim(Stamp::mine());
        check(index != NO_ENTRY, "there is room");
        check_equal(taken[index].fetch_add(1), 0u, "nobody else has it");
        roster.line_up(index);
        check(roster.stamp(index) == Stamp::mine(), "it is ours");
        taken[index].store(0);
        roster.give_back(index);
      }
    });
  run.go();
  check_equal(count_of(roster), 0u, "entries left");
  check(segment.shared().entries_end.peek() <= 4, "no more than there were at once");
}

void the_first_that_came_is_next(Run& run) {
  const SyncSegment segment = SyncSegment::create(SyncKind::lock, 0);
  const Roster roster(segment);
  const Stamp me = Stamp::mine();
  u32 order[5];
  for (u32& index : order) index = roster.claim(me);
  for (u32 i = 4; i > 0; --i) std::swap(order[i], order[run.random.below(i + 1)]);
  for (const u32 index : order) roster.line_up(index);
  for (const u32 index : order) {
    check_equal(roster.next(EntryState::waiting, me), index, "the next one");
    roster.give_back(index);
  }
  check_equal(roster.next(EntryState::waiting, me), NO_ENTRY, "nobody is left");
}

// Killed at any step of coming and going. Others are not hindered, and its entry comes back.
void a_death_leaves_no_entry(Run& run) {
  const SyncSegment segment = SyncSegment::create(SyncKind::lock, 0);
  const Roster roster(segment);
  const auto come_and_go = [&] {
    for (int i = 0; i < 3; ++i) {
      const u32 index = roster.claim(Stamp::mine());
      roster.line_up(index);
      roster.give_back(index);
    }
  };
  const u32 doomed = run.new_process();
  run.thread(doomed, "doomed", come_and_go);
  run.kill_at_step(doomed, run.random.below(40));
  for (u32 number = 0; number < 2; ++number)
    run.thread(run.new_process(), "other", [&] {
      come_and_go();
      roster.next(EntryState::waiting, Stamp::mine());
      roster.prune(Stamp::mine());
    });
  run.go();
  run.thread(run.new_process(), "last", [&] { roster.prune(Stamp::mine()); });
  run.go();
  check_equal(count_of(roster), 0u, "entries left");
}

void a_full_table_is_told(Run&) {
  const SyncSegment segment = SyncSegment::create(SyncKind::lock, 0);
  const Roster roster(segment);
  const Stamp me = Stamp::mine();
  for (u32 count = 0; count < ENTRIES; ++count)
    check(roster.claim(me) != NO_ENTRY, "there is room");
  check_equal(roster.claim(me), NO_ENTRY, "there is none");
  roster.give_back(77);
  check_equal(roster.claim(me), 77u, "the one that came back");
}

}  // namespace
}  // namespace interlock::tests

int main() {
  using namespace interlock::tests;
  return run_tests({
      {"each has an entry of its own", each_has_an_entry_of_its_own, 300, 10},
      {"the first that came is next", the_first_that_came_is_next, 50, 50},
      {"a death leaves no entry", a_death_leaves_no_entry, 2000, 0},
      {"a full table is told", a_full_table_is_told, 1, 1},
  });
}
