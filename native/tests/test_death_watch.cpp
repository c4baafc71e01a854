// The death watch: who waits for something else learns of a dead owner, though another has the lock.
#include "core/death_watch.hpp"

#include "core/fair_lock.hpp"
#include "tests/harness.hpp"

namespace interlock::tests {
namespace {

template <class Lock>
void take(Lock& lock) {
  const Stamp me = Stamp::mine();
  if (lock.try_acquire(me) != Taken::busy) return;
  typename Lock::Waiting waiting(lock, me);
  while (waiting.wait(Deadline::never()) == Taken::busy) {
  }
}
void give_up(OwnedLock& lock) { lock.release(); }
void give_up(FairLock& lock) { lock.release(Stamp::mine()); }

void nobody_died(Run& run) {
  const SyncSegment segment = SyncSegment::create(SyncKind::lock, 0);
  for (int number = 0; number < 2; ++number)
    run.thread(run.new_process(), "user", [&] {
      OwnedLock lock(segment);
      take(lock);
      const DeathWatch watch(segment);
      lock.release();
      for (int i = 0; i < 3; ++i) {
        take(lock);
        check(!watch.owner_has_died(), "everybody lives");
        lock.release();
      }
    });
  run.go();
  check(!DeathWatch().owner_has_died(), "of no lock, nobody");
}

// One has the lock, gives it up and ends, while another looks whether its owner has died.
void who_gives_it_up_and_ends_has_not_died(Run& run) {
  const SyncSegment segment = SyncSegment::create(SyncKind::lock, 0);
  const DeathWatch watch(segment);
  Atomic<u32> gone{};
  for (int number = 0; number < 2; ++number)
    run.thread(run.new_process(), "user", [&] {
      OwnedLock lock(segment);
      take(lock);
      lock.release();
      gone.fetch_add(1);
    });
  run.thread(run.new_process(), "watcher", [&] {
    while (gone.load() < 2) check(!watch.owner_has_died(), "it gave the lock up");
  });
  run.go();
}

// One of those that take turns is killed at any step. If it had the lock, each of the others, whose
// watch began before, sees it: the one that takes the lock after it, and the one that comes later.
template <class Lock>
void each_sees_it(Run& run) {
  const SyncSegment segment = SyncSegment::create(SyncKind::lock, 0);
  const u32 doomed = run.new_process();
  Atomic<u32> watching{}, has_it{};
  for (int number = 0; number < 2; ++number)
    run.thread(run.new_process(), "watcher", [&] {
      Lock lock(segment);
      take(lock);
      const DeathWatch watch(segment);
      give_up(lock);
      watching.fetch_add(1);
      while (!run.is_dead(doomed) && has_it.load() != 2) yield_processor();
      const bool died_with_it = run.is_dead(doomed) && has_it.load() == 1;
      for (int turn = 0; turn < 2; ++turn) {
        if (died_with_it) check(watch.owner_has_died(), "it died with the lock");
        take(lock);
        give_up(lock);
      }
    });
  run.thread(doomed, "doomed", [&] {
    Lock lock(segment);
    while (watching.load() < 2) yield_processor();
    run.kill_at_step(doomed, run.steps_of(doomed) + run.random.below(40));
    take(lock);
    has_it.store(1);
    for (int i = 0; i < 10; ++i) yield_processor();
    has_it.store(2);
    give_up(lock);
  });
  run.go();
}

}  // namespace
}  // namespace interlock::tests

int main() {
  using namespace interlock::tests;
  return run_tests({
      {"nobody died", nobody_died, 200, 20},
      {"who gives it up and ends has not died", who_gives_it_up_and_ends_has_not_died, 2000, 50},
      {"each sees that the owner of a lock died", each_sees_it<interlock::OwnedLock>, 2000, 0},
      {"each sees that the owner of a fair lock died", each_sees_it<interlock::FairLock>, 2000, 0},
  });
}
