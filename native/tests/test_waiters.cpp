// Sleeping and being woken: no wake-up is lost, whatever the interleaving (I4).
//
// In the systematic build a sleep does not time out while everybody lives, so a lost
// wake-up is a deadlock that the scheduler reports.
#include "core/waiters.hpp"

#include "tests/harness.hpp"

namespace interlock::tests {
namespace {

struct Words {
  Atomic<u32> sequence;
  Atomic<u64> waiting;
  Atomic<u64> there;
  Waiters waiters() { return {sequence, waiting}; }
};

// Takes one of what is there, sleeping until there is something.
void take(Words& words) {
  for (;;) {
    u64 seen = words.there.load();
    while (seen != 0)
      if (words.there.compare_exchange(seen, seen - 1)) return;
    Waiters waiters = words.waiters();
    const u32 ticket = waiters.ticket();
    waiters.enroll();
    if (words.there.load() != 0) continue;
    waiters.sleep(ticket, SECOND);
  }
}

void give(Words& words) {
  words.there.fetch_add(1);
  words.waiters().wake();
}

void every_sleeper_is_woken(Run& run) {
  Words words{};
  const u32 takers = static_cast<u32>(run.random.between(1, 3));
  const u32 givers = static_cast<u32>(run.random.between(1, 3));
  const u32 each = SYSTEMATIC ? 4 : 3000;
  for (u32 number = 0; number < takers; ++number)
    run.thread(run.new_process(), "taker", [&words, count = givers * each] {
      for (u32 i = 0; i < count; ++i) take(words);
    });
  for (u32 number = 0; number < givers; ++number)
    run.thread(run.new_process(), "giver", [&words, count = takers * each] {
      for (u32 i = 0; i < count; ++i) give(words);
    });
  run.go();
  check_equal(words.there.peek(), 0u, "what is left");
}

void all_are_woken_at_once(Run& run) {
  Words words{};
  Atomic<u32> open{};
  for (int number = 0; number < 4; ++number)
    run.thread(run.new_process(), "sleeper", [&] {
      while (open.load() == 0) {
        Waiters waiters = words.waiters();
        const u32 ticket = waiters.ticket();
        waiters.enroll();
        if (open.load() == 0) waiters.sleep(ticket, SECOND);
      }
    });
  run.thread(run.new_process(), "opener", [&] {
    open.store(1);
    words.waiters().wake(EVERYBODY);
  });
  run.go();
}

// Who wakes nobody takes the flag back, so that the next one need not ask the kernel.
void a_flag_that_nobody_sleeps_behind_is_cleared(Run&) {
  Words words{};
  Waiters waiters = words.waiters();
  check(!waiters.anybody(), "nobody yet");
  waiters.enroll();
  check(waiters.anybody(), "somebody is about to sleep");
  const u32 before = waiters.ticket();
  waiters.wake();
  check(waiters.ticket() != before, "who has not slept yet will not");
  check(!waiters.anybody(), "nobody was asleep");
  waiters.wake();
  check_equal(waiters.ticket(), before + 1, "no flag, no wake-up");
}

void a_sleep_ends_by_itself(Run& run) {
  Words words{};
  run.thread(run.new_process(), "sleeper", [&] {
    Waiters waiters = words.waiters();
    const u32 ticket = waiters.ticket();
    waiters.enroll();
    const Nanoseconds before = now();
    waiters.sleep(ticket, 2 * MILLISECOND);
    check(now() - before >= 2 * MILLISECOND, "after the time that was asked for");
  });
  run.go();
}

// A giver or a taker is killed at any step. The others get what is left: nobody sleeps for
// ever beside something that is there.
void a_death_holds_nobody_up(Run& run) {
  Words words{};
  const u32 doomed = run.new_process();
  const bool doomed_gives = run.random.one_in(2);
  run.thread(doomed, "doomed", [&words, doomed_gives] {
    for (int i = 0; i < 3; ++i) doomed_gives ? give(words) : take(words);
  });
  run.kill_at_step(doomed, run.random.below(40));
  const u32 rest = 3;
  run.thread(run.new_process(), "giver", [&words] {
    for (u32 i = 0; i < rest + 3; ++i) give(words);
  });
  run.thread(run.new_process(), "taker", [&words] {
    for (u32 i = 0; i < rest; ++i) take(words);
  });
  run.go();
}

}  // namespace
}  // namespace interlock::tests

int main() {
  using namespace interlock::tests;
  return run_tests({
      {"every sleeper is woken", every_sleeper_is_woken, 1500, 10},
      {"all are woken at once", all_are_woken_at_once, 500, 100},
      {"a flag that nobody sleeps behind is cleared", a_flag_that_nobody_sleeps_behind_is_cleared,
       1, 1},
      {"a sleep ends by itself", a_sleep_ends_by_itself, 10, 5},
      {"a death holds nobody up", a_death_holds_nobody_up, 1500, 0},
  });
}
