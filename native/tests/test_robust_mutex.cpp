// The lock: one holder at a time, and a dead holder is noticed by the next (P3).
#include "core/robust_mutex.hpp"

#include "tests/harness.hpp"

namespace interlock::tests {
namespace {

// What the lock guards: two words that are equal whenever nobody holds it.
struct Guarded {
  Atomic<u32> word;
  Atomic<u64> first, second;
  RobustMutex mutex() { return RobustMutex(word); }

  void add_one() {
    first.store(first.load() + 1);
    INTERLOCK_PROBE("put.written");  // a death here leaves them different
    second.store(second.load() + 1);
  }
  void repair() { second.store(first.load()); }
  void check_sound() { check_equal(first.load(), second.load(), "the two words are equal"); }
};

// Takes the lock, repairs what a dead holder left, and makes one step.
void turn(Guarded& guarded, Locked locked, u32& deaths_seen) {
  RobustMutex mutex = guarded.mutex();
  if (locked == Locked::owner_died) {
    ++deaths_seen;
    guarded.repair();
    mutex.consistent();
  }
  guarded.check_sound();
  guarded.add_one();
  mutex.unlock();
}

void one_at_a_time(Run& run) {
  Guarded guarded{};
  const u32 threads = static_cast<u32>(run.random.between(2, 4));
  const u32 each = SYSTEMATIC ? 6 : 20'000;
  for (u32 number = 0; number < threads; ++number)
    run.thread(run.new_process(), "thread", [&guarded, each] {
      u32 deaths = 0;
      for (u32 i = 0; i < each; ++i) turn(guarded, guarded.mutex().lock(), deaths);
      check_equal(deaths, 0u, "nobody has died");
    });
  run.go();
  check_equal(guarded.second.peek(), u64{threads} * each, "turns");
  check_equal(guarded.word.peek(), 0u, "the lock is free");
}

void a_busy_lock_is_told_without_waiting(Run& run) {
  Guarded guarded{};
  check_equal(guarded.mutex().lock(), Locked::yes, "the test itself holds it");
  run.thread(run.new_process(), "other", [&] {
    check_equal(guarded.mutex().try_lock(), Locked::busy, "try_lock");
    const Nanoseconds before = now();
    check_equal(guarded.mutex().lock_until(Deadline::after(3 * MILLISECOND)), Locked::busy,
                "lock_until");
    check(now() - before >= 3 * MILLISECOND, "it waited for as long as it was told to");
  });
  run.go();
  guarded.mutex().unlock();
  check_equal(guarded.mutex().try_lock(), Locked::yes, "it is free then");
  guarded.mutex().unlock();
}

// Killed at any step of locking, holding or unlocking. Whoever comes next finds the words
// sound, or is told to repair them, and nobody waits for ever.
void a_death_at_any_step_is_noticed(Run& run) {
  Guarded guarded{};
  u32 deaths_seen = 0;
  const u32 doomed = run.new_process();
  run.thread(doomed, "doomed", [&] {
    u32 none = 0;
    for (int i = 0; i < 3; ++i) turn(guarded, guarded.mutex().lock(), none);
  });
  run.kill_at_step(doomed, run.random.below(40));
  const u32 survivors = static_cast<u32>(run.random.between(1, 3));
  for (u32 number = 0; number < survivors; ++number)
    run.thread(run.new_process(), "survivor", [&] {
      for (int i = 0; i < 3; ++i) turn(guarded, guarded.mutex().lock(), deaths_seen);
    });
  run.go();
  check(deaths_seen <= 1, "one death is told once");
  u32 more = 0;
  turn(guarded, guarded.mutex().lock(), more);
  check(deaths_seen + more <= 1, "one death is told once, the last turn included");
  check(guarded.second.peek() >= u64{survivors} * 3 + 1, "all survivors had their turns");
}

// The repairer dies too: the next one is told as well, since nobody called consistent().
void a_repairer_s_death_is_noticed_too(Run& run) {
  Guarded guarded{};
  const u32 first = run.new_process(), second = run.new_process();
  u32 deaths_seen = 0;
  for (const u32 doomed : {first, second}) {
    run.thread(doomed, "doomed", [&] {
      u32 none = 0;
      for (int i = 0; i < 2; ++i) turn(guarded, guarded.mutex().lock(), none);
    });
    run.kill_at_step(doomed, run.random.below(30));
  }
  run.thread(run.new_process(), "survivor", [&] {
    for (int i = 0; i < 4; ++i) turn(guarded, guarded.mutex().lock(), deaths_seen);
  });
  run.go();
  check(deaths_seen <= 2, "not more than there were");
  turn(guarded, guarded.mutex().lock(), deaths_seen);
}

void what_could_not_be_repaired_is_told_again(Run&) {
  Guarded guarded{};
  check_equal(guarded.mutex().lock(), Locked::yes, "free");
  guarded.mutex().unlock_inconsistent();
  check(guarded.mutex().abandoned(), "it says so");
  check_equal(guarded.mutex().lock(), Locked::owner_died, "the next one is told");
  guarded.mutex().unlock_inconsistent();
  check_equal(guarded.mutex().try_lock(), Locked::owner_died, "and the one after it");
  guarded.mutex().consistent();
  guarded.mutex().unlock();
  check(!guarded.mutex().abandoned(), "until it was repaired");
  check_equal(guarded.mutex().try_lock(), Locked::yes, "then it is a lock like any other");
  guarded.mutex().unlock();
}

}  // namespace
}  // namespace interlock::tests

int main() {
  using namespace interlock::tests;
  return run_tests({
      {"one holder at a time", one_at_a_time, 1000, 10},
      {"a busy lock is told without waiting", a_busy_lock_is_told_without_waiting, 200, 10},
      {"a death at any step is noticed by the next", a_death_at_any_step_is_noticed, 2000, 0},
      {"a repairer's death is noticed too", a_repairer_s_death_is_noticed_too, 2000, 0},
      {"what could not be repaired is told again", what_could_not_be_repaired_is_told_again, 1, 1},
  });
}
