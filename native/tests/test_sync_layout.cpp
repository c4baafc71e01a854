// The words of a lock's memory: each has its own place, and they fit.
#include "core/sync_layout.hpp"

#include "tests/harness.hpp"

namespace interlock::tests {
namespace {

void the_parts_follow_each_other(Run&) {
  struct Part {
    u64 at, size;
  };
  const Part parts[] = {{0, sizeof(SyncHeader)},
                        {OWNER_AT, sizeof(OwnerWords)},
                        {SHARED_AT, sizeof(SharedWords)},
                        {ABANDONED_AT, sizeof(AbandonedWords)},
                        {BELLS_AT, sizeof(Atomic<u64>) * BELLS},
                        {NAMES_AT, sizeof(NameSlot) * NAME_SLOTS},
                        {ENTRIES_AT, sizeof(Entry) * ENTRIES}};
  u64 end = 0;
  for (const Part& part : parts) {
    check(part.at >= end, "no two parts share a byte");
    check_equal(part.at % 8, u64{0}, "its words are aligned");
    end = part.at + part.size;
  }
  check_equal(end, SYNC_BYTES, "all of it");
  check_equal(ENTRIES_AT % PAGE, u64{0}, "a free lock has one page");
}

void no_two_states_are_one(Run&) {
  const EntryState states[] = {EntryState::none, EntryState::waiting, EntryState::granted,
                               EntryState::granted_after_death, EntryState::holding};
  for (const EntryState& one : states)
    for (const EntryState& other : states)
      check_equal(one == other, &one == &other, "states are told apart");
  check_equal(static_cast<u32>(EntryState::none), 0u, "new memory is nobody's");
}

}  // namespace
}  // namespace interlock::tests

int main() {
  using namespace interlock::tests;
  return run_tests({
      {"the parts follow each other", the_parts_follow_each_other, 1, 1},
      {"no two states are one", no_two_states_are_one, 1, 1},
  });
}
