// The lock that may be held for long: its contract, and what is its own.
#include "core/owned_lock.hpp"

#include "tests/lock_contract.hpp"

namespace interlock::tests {
namespace {

void anybody_may_release_it(Run& run) {
  Guarded<OwnedLock> guarded;
  check_equal(guarded.acquire(), Taken::yes, "it is free");
  run.thread(run.new_process(), "other", [&] {
    check_equal(guarded.release(), Released::quietly, "it was held, though not by us");
    check_equal(guarded.release(), Released::not_held, "it is free");
  });
  run.go();
}

void a_dead_owner_is_on_record(Run& run) {
  Guarded<OwnedLock> guarded;
  const u32 doomed = run.new_process();
  Stamp dead;
  run.thread(doomed, "doomed", [&] {
    guarded.acquire();
    dead = Stamp::mine();
    guarded.lock().depth();
    INTERLOCK_PROBE("put.written");
  });
  run.kill_at("put.written", 0);
  run.go();
  run.thread(run.new_process(), "next", [&] {
    check_equal(guarded.lock().try_acquire(Stamp::mine()), Taken::busy, "not looked at");
    check_equal(guarded.lock().try_recover(Stamp::mine()), Taken::abandoned, "looked at");
    check_equal(guarded.segment.abandoned().stamp.load(), dead.word(), "who it was");
    check_equal(guarded.segment.abandoned().count.load(), u64{1}, "how many");
    guarded.release();
    check_equal(guarded.acquire(), Taken::yes, "it is told once");
  });
  run.go();
}

}  // namespace
}  // namespace interlock::tests

int main() {
  using namespace interlock::tests;
  return run_contract<interlock::OwnedLock>({
      {"anybody may release it", anybody_may_release_it, 10, 5},
      {"a dead owner is on record", a_dead_owner_is_on_record, 50, 0},
  });
}
