// The condition: each notification reaches one that lives, and wakes no more than it should.
#include "core/condition.hpp"
#include "core/owned_lock.hpp"

#include "tests/harness.hpp"

namespace interlock::tests {
namespace {

// As a program waits: gives the lock up, and has it again before the notification is used up.
bool wait(Condition& condition, OwnedLock& lock, const Deadline& deadline, bool* used = nullptr,
          DeathWatch watch = {}) {
  const Stamp me = Stamp::mine();
  Condition::Waiting waiting(condition, me, watch);
  lock.release();
  bool told;
  do told = waiting.wait(deadline);
  while (!told && !deadline.passed());
  if (lock.try_acquire(me) == Taken::busy) {
    OwnedLock::Waiting again(lock, me);
    while (again.wait(Deadline::never()) == Taken::busy) {
    }
  }
  if (told && used != nullptr) *used = true;
  if (told) waiting.done();
  return told;
}

// Lets time go by, for those that sleep until a bound.
void pause_for_a_moment() {
  Atomic<u32> nothing{};
  futex_wait(nothing, 0, MILLISECOND);
}

void acquire(OwnedLock& lock) {
  const Stamp me = Stamp::mine();
  if (lock.try_acquire(me) != Taken::busy) return;
  OwnedLock::Waiting waiting(lock, me);
  while (waiting.wait(Deadline::never()) == Taken::busy) {
  }
}

struct Both {
  SyncSegment of_lock = SyncSegment::create(SyncKind::lock, 0);
  SyncSegment of_condition = SyncSegment::create(SyncKind::condition, 0);
  OwnedLock lock{of_lock};
  Condition condition{of_condition};
};

void a_change_is_never_missed(Run& run) {
  Both pair;
  u32 things = 0;
  const u32 each = SYSTEMATIC ? 4 : 1'000;
  for (int side = 0; side < 2; ++side) {
    run.thread(run.new_process(), "taker", [&] {
      OwnedLock lock(pair.of_lock);
      Condition condition(pair.of_condition);
      for (u32 i = 0; i < each; ++i) {
        acquire(lock);
        while (things == 0) wait(condition, lock, Deadline::never());
        --things;
        lock.release();
      }
    });
    run.thread(run.new_process(), "maker", [&] {
      OwnedLock lock(pair.of_lock);
      Condition condition(pair.of_condition);
      for (u32 i = 0; i < each; ++i) {
        acquire(lock);
        ++things;
        condition.notify(Stamp::mine(), 1);
        lock.release();
      }
    });
  }
  run.go();
  check_equal(things, 0u, "things left");
}

void as_many_return_as_were_notified(Run& run) {
  Both pair;
  Atomic<u32> returned{};
  const u32 waiters = 4, notified = static_cast<u32>(run.random.below(5));
  for (u32 number = 0; number < waiters; ++number)
    run.thread(run.new_process(), "waiter", [&] {
      OwnedLock lock(pair.of_lock);
      Condition condition(pair.of_condition);
      acquire(lock);
      if (wait(condition, lock, Deadline::after(SYSTEMATIC ? 3 * MILLISECOND : SECOND / 5)))
        returned.fetch_add(1);
      lock.release();
    });
  run.thread(run.new_process(), "notifier", [&] {
    OwnedLock lock(pair.of_lock);
    Condition condition(pair.of_condition);
    while (condition.waiting() < waiters) yield_processor();
    acquire(lock);
    check_equal(condition.notify(Stamp::mine(), notified), notified, "all of them wait");
    lock.release();
  });
  run.go();
  check_equal(returned.peek(), notified, "who returned by a notification");
  check_equal(pair.condition.waiting(), 0u, "nobody waits any more");
}

// One was notified, went on and ended, while the next one looks for the dead: it is none.
void who_goes_on_and_ends_leaves_nothing(Run& run) {
  Both pair;
  Atomic<u32> gone{};
  run.thread(run.new_process(), "first", [&] {
    OwnedLock lock(pair.of_lock);
    Condition condition(pair.of_condition);
    acquire(lock);
    wait(condition, lock, Deadline::never());
    lock.release();
    gone.store(1);
  });
  run.thread(run.new_process(), "second", [&] {
    OwnedLock lock(pair.of_lock);
    Condition condition(pair.of_condition);
    while (condition.waiting() < 1) yield_processor();
    acquire(lock);
    Condition::Waiting waiting(condition, Stamp::mine(), DeathWatch(pair.of_lock));
    lock.release();
    while (gone.load() == 0) check(!waiting.poll(), "nobody notified this one");
    check(!waiting.poll(), "nor in the end");
  });
  run.thread(run.new_process(), "notifier", [&] {
    OwnedLock lock(pair.of_lock);
    Condition condition(pair.of_condition);
    while (condition.waiting() < 2) yield_processor();
    acquire(lock);
    check_equal(condition.notify(Stamp::mine(), 1), 1u, "the first one waits");
    lock.release();
  });
  run.go();
}

// One of two that wait is killed, at any step. If it was notified and had not got on, the other
// one is notified in its place.
void the_dead_take_no_notification(Run& run) {
  Both pair;
  const u32 doomed = run.new_process();
  bool may_have_used_it = false;
  Atomic<u32> ended{}, returned{};
  run.thread(doomed, "doomed", [&] {
    OwnedLock lock(pair.of_lock);
    Condition condition(pair.of_condition);
    acquire(lock);
    wait(condition, lock, Deadline::never(), &may_have_used_it);
    lock.release();
    ended.store(1);
  });
  run.kill_at_step(doomed, run.random.below(80));
  run.thread(run.new_process(), "waiter", [&] {
    OwnedLock lock(pair.of_lock);
    Condition condition(pair.of_condition);
    acquire(lock);
    wait(condition, lock, Deadline::never());
    lock.release();
    returned.store(1);
  });
  run.thread(run.new_process(), "notifier", [&] {
    Condition condition(pair.of_condition);
    for (u32 least = 2; condition.waiting() < least; pause_for_a_moment())
      if (run.is_dead(doomed)) least = 1;
    while (condition.notify(Stamp::mine(), 1) == 0) pause_for_a_moment();
    // Another one only where the first was used by who was to die. Otherwise it is the waiter's.
    for (;; pause_for_a_moment()) {
      const bool gone = ended.load() != 0 || run.is_dead(doomed);
      if (gone && returned.load() != 0) return;
      if (may_have_used_it || ended.load() != 0 || returned.load() != 0)
        condition.notify(Stamp::mine(), 1);
    }
  });
  run.go();
  check_equal(returned.peek(), 1u, "who waited and returned");
}

// The one that notifies is killed, at any step: the next one that notifies reaches all.
void a_dead_notifier_is_made_up_for(Run& run) {
  Both pair;
  const u32 doomed = run.new_process();
  Atomic<u32> returned{};
  for (int number = 0; number < 2; ++number)
    run.thread(run.new_process(), "waiter", [&] {
      OwnedLock lock(pair.of_lock);
      Condition condition(pair.of_condition);
      acquire(lock);
      wait(condition, lock, Deadline::never());
      returned.fetch_add(1);
      lock.release();
    });
  run.thread(doomed, "doomed", [&] { Condition(pair.of_condition).notify(Stamp::mine(), 2); });
  run.kill_at_step(doomed, run.random.below(40));
  run.thread(run.new_process(), "notifier", [&] {
    Condition condition(pair.of_condition);
    for (; returned.load() < 2; pause_for_a_moment()) condition.notify(Stamp::mine(), ENTRIES);
  });
  run.go();
  check_equal(returned.peek(), 2u, "who returned");
}

// One is killed at any step of changing what others wait for and telling one of them: each that
// waits finds the change, though nobody else notifies.
void a_change_by_the_dead_is_not_missed(Run& run) {
  Both pair;
  const u32 doomed = run.new_process();
  Atomic<u32> changed{}, returned{};
  const u32 waiters = 2;
  for (u32 number = 0; number < waiters; ++number)
    run.thread(run.new_process(), "waiter", [&] {
      OwnedLock lock(pair.of_lock);
      Condition condition(pair.of_condition);
      acquire(lock);
      while (changed.load() == 0 && !run.is_dead(doomed))
        wait(condition, lock, Deadline::never(), nullptr, DeathWatch(pair.of_lock));
      returned.fetch_add(1);
      lock.release();
    });
  run.thread(doomed, "doomed", [&] {
    OwnedLock lock(pair.of_lock);
    Condition condition(pair.of_condition);
    while (condition.waiting() < waiters) yield_processor();
    acquire(lock);
    run.kill_at_step(doomed, run.steps_of(doomed) + run.random.below(20));
    changed.store(1);
    condition.notify(Stamp::mine(), waiters);
    for (u32 i = 0; i < 20; ++i) changed.store(1);
    lock.release();
  });
  run.go();
  check_equal(returned.peek(), waiters, "who returned");
}

}  // namespace
}  // namespace interlock::tests

int main() {
  using namespace interlock::tests;
  return run_tests({
      {"a change is never missed", a_change_is_never_missed, 500, 10},
      {"as many return as were notified", as_many_return_as_were_notified, 300, 5},
      {"who goes on and ends leaves nothing", who_goes_on_and_ends_leaves_nothing, 2000, 50},
      {"the dead take no notification", the_dead_take_no_notification, 3000, 0},
      {"a dead notifier is made up for", a_dead_notifier_is_made_up_for, 1000, 0},
      {"a change by the dead is not missed", a_change_by_the_dead_is_not_missed, 1000, 0},
  });
}
