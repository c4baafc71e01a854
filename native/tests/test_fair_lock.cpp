// The lock that is first come, first served: its contract, and the order.
#include "core/fair_lock.hpp"

#include "tests/lock_contract.hpp"

namespace interlock::tests {
namespace {

// Who has lined up is let in before whoever comes after him.
void nobody_is_passed_by_more_than_those_before_him(Run& run) {
  Guarded<FairLock> guarded;
  const u32 threads = 4;
  const u32 each = SYSTEMATIC ? 5 : 2'000;
  Atomic<u64> turns{};
  Atomic<u64> longest{};
  for (u32 number = 0; number < threads; ++number)
    run.thread(run.new_process(), "thread", [&] {
      for (u32 i = 0; i < each; ++i) {
        FairLock lock = guarded.lock();
        if (lock.try_acquire(Stamp::mine()) == Taken::busy) {
          FairLock::Waiting waiting(lock, Stamp::mine());
          const u64 before = turns.load();
          while (waiting.wait(Deadline::never()) == Taken::busy) {
          }
          const u64 passed = turns.load() - before;
          if (passed > longest.load()) longest.store(passed);
        }
        turns.fetch_add(1);
        guarded.release();
      }
    });
  run.go();
  // Who had it, and each of the others once; one more turn may be counted late.
  check(longest.peek() <= threads + 1,
        "turns of others while one waited: " + std::to_string(longest.peek()));
  check_equal(turns.peek(), u64{threads} * each, "turns");
}

void one_who_waits_and_dies_is_passed_over(Run& run) {
  Guarded<FairLock> guarded;
  check_equal(guarded.acquire(), Taken::yes, "the test itself holds it");
  run.thread(run.new_process(), "doomed", [&] { guarded.acquire(); });
  run.kill_at("roster.lined_up", 0);
  run.go();
  run.thread(run.new_process(), "next", [&] {
    check_equal(guarded.acquire(), Taken::yes, "nobody who had it has died");
    guarded.release();
  });
  run.thread(run.new_process(), "owner", [&] { guarded.release(); });
  run.go();
}

}  // namespace
}  // namespace interlock::tests

int main() {
  using namespace interlock::tests;
  return run_contract<interlock::FairLock>({
      {"nobody is passed by more than those before him",
       nobody_is_passed_by_more_than_those_before_him, 1000, 10},
      {"one who waits and dies is passed over", one_who_waits_and_dies_is_passed_over, 200, 0},
  });
}
