// The semaphore: never more owners than places, and the places of the dead come back.
#include "core/semaphore.hpp"

#include "tests/harness.hpp"

namespace interlock::tests {
namespace {

struct Counted {
  SyncSegment segment;
  Atomic<u32> inside{};
  u32 places;

  explicit Counted(u32 places)
      : segment(SyncSegment::create(SyncKind::semaphore, 0, places)), places(places) {
    Semaphore(segment).begin(places);
  }
  Semaphore semaphore() const { return Semaphore(segment); }

  bool acquire(const Deadline& deadline = Deadline::never()) {
    Semaphore one = semaphore();
    const Stamp me = Stamp::mine();
    if (one.try_acquire(me)) return true;
    Semaphore::Waiting waiting(one, me);
    for (;;) {
      if (waiting.wait(deadline)) return true;
      if (deadline.passed()) return false;
    }
  }
  bool release() { return semaphore().release(Stamp::mine(), Semaphore::VALUE_MAX); }
  u32 held() const {
    u32 sum = 0;
    semaphore().each_holder([&](Stamp, u32 count, Nanoseconds) { sum += count; });
    return sum;
  }
};

void never_more_than_there_are_places(Run& run) {
  const u32 places = static_cast<u32>(run.random.between(1, 3));
  Counted counted(places);
  for (u32 number = 0; number < 4; ++number)
    run.thread(run.new_process(), "thread", [&] {
      for (u32 i = 0; i < (SYSTEMATIC ? 5 : 2'000); ++i) {
        check(counted.acquire(), "it waits as long as it takes");
        check(counted.inside.fetch_add(1) < places, "more owners than places");
        counted.inside.fetch_add(~0u);
        check(counted.release(), "there is room");
      }
    });
  run.go();
  check_equal(counted.semaphore().value(), places, "free places");
  check_equal(counted.held(), 0u, "places held");
}

// One side counts up, the other one down: nothing is made up, and nothing lost.
void it_counts_things(Run& run) {
  Counted counted(0);
  const u32 things = SYSTEMATIC ? 8 : 2'000;
  for (u32 side = 0; side < 2; ++side) {
    run.thread(run.new_process(), "maker", [&] {
      for (u32 i = 0; i < things; ++i) counted.release();
    });
    run.thread(run.new_process(), "taker", [&] {
      for (u32 i = 0; i < things; ++i) check(counted.acquire(), "there will be one");
    });
  }
  run.go();
  check_equal(counted.semaphore().value(), 0u, "things left");
}

void a_timeout_takes_nothing(Run& run) {
  Counted counted(1);
  check(counted.acquire(), "there is one");
  run.thread(run.new_process(), "other", [&] {
    const Nanoseconds before = now();
    check(!counted.acquire(Deadline::after(3 * MILLISECOND)), "there is none");
    check(now() - before >= 3 * MILLISECOND, "it waited for as long as it was told to");
    check(!counted.semaphore().release(Stamp::mine(), 0), "more than it may have");
  });
  run.go();
  check(counted.release(), "it is ours");
  check_equal(counted.semaphore().value(), 1u, "free places");
}

// Killed at any step. The places of the dead come back, once each, and nobody waits for ever.
void places_of_the_dead_come_back(Run& run) {
  const u32 places = static_cast<u32>(run.random.between(1, 3));
  Counted counted(places);
  const auto turns = [&] {
    for (int i = 0; i < 3; ++i) {
      counted.acquire();
      counted.release();
    }
  };
  for (int number = 0; number < 2; ++number) {
    const u32 doomed = run.new_process();
    run.thread(doomed, "doomed", turns);
    run.kill_at_step(doomed, run.random.below(120));
  }
  u32 done = 0;
  run.thread(run.new_process(), "survivor", [&] {
    turns();
    ++done;
  });
  run.go();
  check_equal(done, 1u, "the survivor had its turns");
  run.thread(run.new_process(), "last", [&] {
    for (u32 i = 0; i < places; ++i) check(counted.acquire(), "they are all there");
    check(!counted.semaphore().try_recover(Stamp::mine()), "and no more");
    check_equal(counted.held(), places, "places held");
  });
  run.go();
}

// Of what counts things, a dead taker gives nothing back: what it took is used up.
void things_do_not_come_back(Run& run) {
  Counted counted(0);
  const u32 doomed = run.new_process();
  for (int i = 0; i < 3; ++i) counted.release();
  run.thread(doomed, "doomed", [&] {
    for (int i = 0; i < 3; ++i) counted.acquire();
    INTERLOCK_PROBE("put.written");
  });
  run.kill_at("put.written", 0);
  run.go();
  run.thread(run.new_process(), "next", [&] {
    check(!counted.semaphore().try_recover(Stamp::mine()), "they were used up");
    counted.release();
    check(counted.semaphore().try_acquire(Stamp::mine()), "this one is new");
  });
  run.go();
}

}  // namespace
}  // namespace interlock::tests

int main() {
  using namespace interlock::tests;
  return run_tests({
      {"never more owners than places", never_more_than_there_are_places, 1000, 10},
      {"it counts things", it_counts_things, 500, 10},
      {"a timeout takes nothing", a_timeout_takes_nothing, 100, 5},
      {"places of the dead come back", places_of_the_dead_come_back, 3000, 0},
      {"things do not come back", things_do_not_come_back, 50, 0},
  });
}
