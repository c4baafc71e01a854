// Holding a side: what a dead holder left is repaired first, or stays to be repaired.
#include "core/turn.hpp"

#include "tests/harness.hpp"

namespace interlock::tests {
namespace {

// Two words that are equal whenever nobody holds the side.
struct Side {
  Atomic<u32> word;
  Atomic<u64> first, second;
  bool refuses = false;
  u32 repaired = 0;

  RobustMutex mutex() { return RobustMutex(word); }
  void repair() {
    if (refuses) fail("no memory for the repair");
    second.store(first.load());
    ++repaired;
  }
  void add_one() {
    first.store(first.load() + 1);
    INTERLOCK_PROBE("put.written");
    second.store(second.load() + 1);
  }
};

void each_turn_begins_sound(Run& run) {
  Side side{};
  const u32 doomed = run.new_process();
  const auto turns = [&side] {
    for (int i = 0; i < 3; ++i) {
      Turn turn(side, Patience::as_long_as_it_takes);
      check(turn.held(), "it waits as long as it takes");
      check_equal(side.first.load(), side.second.load(), "the two words are equal");
      side.add_one();
    }
  };
  run.thread(doomed, "doomed", turns);
  run.kill_at_step(doomed, run.random.below(30));
  for (int i = 0; i < 2; ++i) run.thread(run.new_process(), "survivor", turns);
  run.go();
  Turn turn(side, Patience::none);
  check(turn.held(), "nobody else has it");
  check_equal(side.first.load(), side.second.load(), "the two words are equal");
  check(side.repaired <= 1, "one death is repaired once");
  check(!turn.after_death() || side.repaired == 1, "a turn after a death is told");
}

void what_could_not_be_repaired_stays_so(Run&) {
  Side side{};
  side.mutex().lock();
  side.mutex().unlock_inconsistent();
  side.refuses = true;
  check_throws<Failed>([&] { Turn(side, Patience::none); }, "a turn whose repair fails");
  side.refuses = false;
  Turn turn(side, Patience::none);
  check(turn.held() && turn.after_death(), "the next one repairs");
  check_equal(side.repaired, 1u, "repairs");
}

void patience_ends(Run& run) {
  Side side{};
  Turn mine(side, Patience::none);
  run.thread(run.new_process(), "other", [&] {
    check(!Turn(side, Patience::none).held(), "none: at once");
    const Nanoseconds before = now();
    const Deadline deadline = Deadline::after(3 * MILLISECOND);
    check(!Turn(side, Patience::until(deadline)).held(), "until: at the deadline");
    check(now() - before >= 3 * MILLISECOND, "and not before");
  });
  run.go();
  mine.end();
  check(!mine.held(), "it was given up");
  check(Turn(side, Patience::none).held(), "and can be had");
}

}  // namespace
}  // namespace interlock::tests

int main() {
  using namespace interlock::tests;
  return run_tests({
      {"each turn begins sound", each_turn_begins_sound, 1000, 0},
      {"what could not be repaired stays so", what_could_not_be_repaired_stays_so, 1, 1},
      {"patience ends", patience_ends, 100, 5},
  });
}
