// What every lock that may be held for long must keep: one contract, run on each kind.
#pragma once

#include "core/fair_lock.hpp"
#include "tests/harness.hpp"

namespace interlock::tests {

// A lock, and two words that are equal whenever nobody holds it.
template <class Lock>
struct Guarded {
  SyncSegment segment = SyncSegment::create(SyncKind::lock, 0);
  Atomic<u64> first{}, second{};
  Atomic<u32> inside{};

  Lock lock() const { return Lock(segment); }

  Taken acquire(const Deadline& deadline = Deadline::never()) {
    Lock one = lock();
    const Stamp me = Stamp::mine();
    if (const Taken taken = one.try_acquire(me); taken != Taken::busy) return taken;
    typename Lock::Waiting waiting(one, me);
    for (;;) {
      const Taken taken = waiting.wait(deadline);
      if (taken != Taken::busy || deadline.passed()) return taken;
    }
  }
  Released release() { return release_of(lock()); }

  // What an owner does. A death within it leaves the two words different.
  void turn(Taken taken) {
    if (taken == Taken::abandoned) {
      inside.store(0);
      second.store(first.load());
    }
    check_equal(inside.fetch_add(1), 0u, "nobody else has the lock");
    check_equal(first.load(), second.load(), "the two words are equal, or we were told");
    first.store(first.load() + 1);
    INTERLOCK_PROBE("put.written");
    second.store(second.load() + 1);
    inside.fetch_add(~0u);
  }

 private:
  static Released release_of(OwnedLock lock) { return lock.release(); }
  static Released release_of(FairLock lock) { return lock.release(Stamp::mine()); }
};

template <class Lock>
void one_at_a_time(Run& run) {
  Guarded<Lock> guarded;
  const u32 threads = static_cast<u32>(run.random.between(2, 4));
  const u32 each = SYSTEMATIC ? 6 : 5'000;
  for (u32 number = 0; number < threads; ++number)
    run.thread(run.new_process(), "thread", [&guarded, each] {
      for (u32 i = 0; i < each; ++i) {
        const Taken taken = guarded.acquire();
        check_equal(taken, Taken::yes, "nobody has died");
        guarded.turn(taken);
        check(guarded.release() != Released::not_held, "it was held");
      }
    });
  run.go();
  check_equal(guarded.second.peek(), u64{threads} * each, "turns");
  check_equal(guarded.segment.owner().owner.peek(), u64{0}, "the lock is free");
}

template <class Lock>
void a_busy_lock_is_told_at_the_deadline(Run& run) {
  Guarded<Lock> guarded;
  check_equal(guarded.acquire(), Taken::yes, "the test itself holds it");
  run.thread(run.new_process(), "other", [&] {
    check_equal(guarded.lock().try_acquire(Stamp::mine()), Taken::busy, "try_acquire");
    check_equal(guarded.lock().try_recover(Stamp::mine()), Taken::busy, "try_recover");
    const Nanoseconds before = now();
    check_equal(guarded.acquire(Deadline::after(3 * MILLISECOND)), Taken::busy, "acquire");
    check(now() - before >= 3 * MILLISECOND, "it waited for as long as it was told to");
  });
  run.go();
  check(guarded.release() != Released::not_held, "it is still ours");
  check_equal(guarded.release(), Released::not_held, "and then nobody's");
  check_equal(guarded.acquire(), Taken::yes, "it is free");
}

// Some have it, give it up and end, while others look for a dead owner: there is none.
template <class Lock>
void who_gives_it_up_and_ends_has_not_died(Run& run) {
  Guarded<Lock> guarded;
  Atomic<u32> gone{};
  for (u32 number = 0; number < 2; ++number)
    run.thread(run.new_process(), "user", [&] {
      for (int i = 0; i < 2; ++i) {
        guarded.turn(guarded.acquire());
        guarded.release();
      }
      gone.fetch_add(1);
    });
  run.thread(run.new_process(), "onlooker", [&] {
    while (gone.load() < 2) {
      const Taken taken = guarded.lock().try_recover(Stamp::mine());
      check(taken != Taken::abandoned, "its owner gave it up");
      if (taken == Taken::yes) guarded.release();
    }
  });
  run.go();
  check_equal(guarded.segment.abandoned().count.peek(), u64{0}, "deaths with the lock");
}

// Whoever gives up leaves the lock as if it had never come.
template <class Lock>
void who_gives_up_leaves_nothing(Run& run) {
  Guarded<Lock> guarded;
  u64 turns = 0;
  for (u32 number = 0; number < 3; ++number)
    run.thread(run.new_process(), "impatient", [&] {
      for (int i = 0; i < 4; ++i) {
        const Taken taken = guarded.acquire(Deadline::after(0));
        if (taken == Taken::busy) continue;
        guarded.turn(taken);
        guarded.release();
      }
    });
  run.thread(run.new_process(), "patient", [&] {
    for (int i = 0; i < 4; ++i, ++turns) {
      guarded.turn(guarded.acquire());
      guarded.release();
    }
  });
  run.go();
  check_equal(turns, u64{4}, "turns of who waits");
  check_equal(guarded.segment.owner().owner.peek(), u64{0}, "the lock is free");
  Roster(guarded.segment).each([](u32) { fail("an entry is left"); });
}

// Killed at any step of acquiring, holding or releasing. Whoever comes next finds the words
// sound, or is told, and nobody waits for ever.
template <class Lock>
void a_death_at_any_step_is_noticed(Run& run) {
  Guarded<Lock> guarded;
  const u32 doomed = run.new_process();
  run.thread(doomed, "doomed", [&] {
    for (int i = 0; i < 3; ++i) {
      guarded.turn(guarded.acquire());
      guarded.release();
    }
  });
  run.kill_at_step(doomed, run.random.below(70));
  const u32 survivors = static_cast<u32>(run.random.between(1, 3));
  u32 told = 0;
  const auto turn = [&] {
    const Taken taken = guarded.acquire();
    if (taken == Taken::abandoned) ++told;
    guarded.turn(taken);
    guarded.release();
  };
  for (u32 number = 0; number < survivors; ++number)
    run.thread(run.new_process(), "survivor", [&] {
      for (int i = 0; i < 3; ++i) turn();
    });
  run.go();
  run.thread(run.new_process(), "last", turn);
  run.go();
  check(told <= 1, "one death is told once");
  check(guarded.second.peek() >= u64{survivors} * 3 + 1, "all survivors had their turns");
  check_equal(guarded.segment.owner().owner.peek(), u64{0}, "the lock is free");
}

// Several die, at any step; who takes over, too.
template <class Lock>
void several_deaths_are_noticed(Run& run) {
  Guarded<Lock> guarded;
  for (u32 number = 0; number < 3; ++number) {
    const u32 doomed = run.new_process();
    run.thread(doomed, "doomed", [&] {
      for (int i = 0; i < 3; ++i) {
        guarded.turn(guarded.acquire());
        guarded.release();
      }
    });
    run.kill_at_step(doomed, run.random.below(200));
  }
  u64 turns = 0;
  run.thread(run.new_process(), "survivor", [&] {
    for (int i = 0; i < 5; ++i, ++turns) {
      guarded.turn(guarded.acquire());
      guarded.release();
    }
  });
  run.go();
  check_equal(turns, u64{5}, "turns of the survivor");
}

template <class Lock>
int run_contract(std::initializer_list<Test> more) {
  std::vector<Test> tests = {
      {"one owner at a time", one_at_a_time<Lock>, 1000, 10},
      {"a busy lock is told at the deadline", a_busy_lock_is_told_at_the_deadline<Lock>, 200, 10},
      {"who gives it up and ends has not died", who_gives_it_up_and_ends_has_not_died<Lock>, 1000,
       20},
      {"who gives up leaves nothing", who_gives_up_leaves_nothing<Lock>, 1000, 20},
      {"a death at any step is noticed", a_death_at_any_step_is_noticed<Lock>, 3000, 0},
      {"several deaths are noticed", several_deaths_are_noticed<Lock>, 3000, 0},
  };
  tests.insert(tests.end(), more);
  return run_tests(tests);
}

}  // namespace interlock::tests
