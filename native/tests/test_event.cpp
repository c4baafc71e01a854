// The event: whoever waits when it is set returns, however soon it is cleared.
#include "core/event.hpp"

#include "tests/harness.hpp"

namespace interlock::tests {
namespace {

bool wait(const Event& event, const Deadline& deadline) {
  if (event.is_set()) return true;
  const Event::Waiting waiting(event, Stamp::mine());
  for (;;) {
    if (waiting.wait(deadline)) return true;
    if (deadline.passed()) return false;
  }
}

void all_who_wait_return(Run& run) {
  const SyncSegment segment = SyncSegment::create(SyncKind::event, 0);
  Atomic<u32> returned{};
  const u32 waiters = static_cast<u32>(run.random.between(1, 4));
  for (u32 number = 0; number < waiters; ++number)
    run.thread(run.new_process(), "waiter", [&] {
      check(wait(Event(segment), Deadline::never()), "it was set");
      returned.fetch_add(1);
    });
  run.thread(run.new_process(), "setter", [&] { Event(segment).set(); });
  run.go();
  check_equal(returned.peek(), waiters, "who waited and returned");
  check(Event(segment).is_set(), "it stays set");
}

// Set and cleared at once: who waited already has seen it.
void a_moment_is_enough(Run& run) {
  const SyncSegment segment = SyncSegment::create(SyncKind::event, 0);
  Event event(segment);
  Atomic<u32> waits{};
  run.thread(run.new_process(), "waiter", [&] {
    const Event::Waiting waiting(event, Stamp::mine());
    waits.store(1);
    while (!waiting.wait(Deadline::never())) {
    }
  });
  run.thread(run.new_process(), "setter", [&] {
    while (waits.load() == 0) yield_processor();
    event.set();
    event.clear();
  });
  run.go();
  check(!event.is_set(), "it was cleared");
}

void a_timeout_is_kept(Run& run) {
  const SyncSegment segment = SyncSegment::create(SyncKind::event, 0);
  run.thread(run.new_process(), "waiter", [&] {
    const Nanoseconds before = now();
    check(!wait(Event(segment), Deadline::after(3 * MILLISECOND)), "nobody sets it");
    check(now() - before >= 3 * MILLISECOND, "it waited for as long as it was told to");
  });
  run.go();
}

// Killed at any step of setting, clearing or waiting: the next one that sets it wakes all.
void a_death_takes_nobody_along(Run& run) {
  const SyncSegment segment = SyncSegment::create(SyncKind::event, 0);
  u32 returned = 0;
  const u32 setter = run.new_process(), doomed = run.new_process();
  Atomic<u32> ended{};
  run.thread(setter, "doomed setter", [&] {
    Event(segment).set();
    Event(segment).clear();
    Event(segment).set();
    ended.store(1);
  });
  run.thread(doomed, "doomed waiter", [&] { wait(Event(segment), Deadline::never()); });
  run.kill_at_step(setter, run.random.below(25));
  run.kill_at_step(doomed, run.random.below(25));
  run.thread(run.new_process(), "waiter", [&] {
    wait(Event(segment), Deadline::never());
    ++returned;
  });
  run.thread(run.new_process(), "setter", [&] {
    while (ended.load() == 0 && !run.is_dead(setter)) yield_processor();
    Event(segment).set();
  });
  run.go();
  check_equal(returned, 1u, "who waited and returned");
}

}  // namespace
}  // namespace interlock::tests

int main() {
  using namespace interlock::tests;
  return run_tests({
      {"all who wait return", all_who_wait_return, 1000, 20},
      {"a moment is enough", a_moment_is_enough, 1000, 20},
      {"a timeout is kept", a_timeout_is_kept, 20, 3},
      {"a death takes nobody along", a_death_takes_nobody_along, 2000, 0},
  });
}
