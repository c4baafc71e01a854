// Who a thread is, in one word.
#include "core/stamp.hpp"

#include "platform/probe.hpp"
#include "tests/harness.hpp"

namespace interlock::tests {
namespace {

constexpr u32 ID_MAX = (1u << 22) - 1;  // PID_MAX_LIMIT - 1

void a_stamp_keeps_its_parts(Run& run) {
  for (int i = 0; i < 100; ++i) {
    const auto pid = static_cast<u32>(run.random.between(1, ID_MAX));
    const auto tid = static_cast<u32>(run.random.between(1, ID_MAX));
    const u64 start = run.random.next() >> run.random.below(60);
    const Stamp stamp = Stamp::make({pid, start}, tid);
    check_equal(stamp.pid(), pid, "pid");
    check_equal(stamp.tid(), tid, "tid");
    check(!stamp.nobody(), "it is somebody");
    check_equal(stamp.word() & FUTEX_WAITERS, u64{0}, "it leaves the flag's place free");
    check(Stamp::of_word(stamp.word() | FUTEX_WAITERS) == stamp, "the flag is not part of it");
    check_equal(Stamp::make({pid, start}, tid ^ 1).process(), stamp.process(), "its process");
    check(!(Stamp::make({pid, start + 1}, tid) == stamp), "a process that began later is another");
  }
}

void each_thread_has_its_own(Run& run) {
  Stamp stamps[3];
  const u32 process = run.new_process();
  for (Stamp& stamp : stamps) run.thread(process, "thread", [&stamp] { stamp = Stamp::mine(); });
  run.go();
  for (const Stamp& stamp : stamps) {
    check_equal(stamp.pid(), stamps[0].pid(), "one process");
    check_equal(stamp.process(), stamps[0].process(), "one process");
  }
  check(!(stamps[0] == stamps[1]) && !(stamps[1] == stamps[2]), "three threads");
}

void who_lives_is_not_dead(Run& run) {
  run.thread(run.new_process(), "thread", [] { check(!Stamp::mine().is_dead(), "it runs"); });
  run.go();
}

void who_was_killed_is_dead(Run& run) {
  const u32 doomed = run.new_process();
  Stamp stamp;
  run.thread(doomed, "doomed", [&] {
    stamp = Stamp::mine();
    INTERLOCK_PROBE("put.written");
  });
  run.kill_at("put.written", 0);
  run.go();
  run.thread(run.new_process(), "other", [&] { check(stamp.is_dead(), "it was killed"); });
  run.go();
}

#ifndef INTERLOCK_SYSTEMATIC
void a_thread_that_has_ended_is_dead(Run&) {
  Stamp stamp;
  std::thread([&stamp] { stamp = Stamp::mine(); }).join();
  // The kernel forgets a thread a moment after it could be joined.
  for (const Deadline soon = Deadline::after(5 * SECOND); !stamp.is_dead() && !soon.passed();)
    yield_processor();
  check(stamp.is_dead(), "its thread has ended");
  check(!Stamp::mine().is_dead(), "its process goes on");
}

void another_process_with_its_pid_is_not_it(Run&) {
  const ProcessIdentity self = this_process();
  const Stamp mine = Stamp::mine();
  check(Stamp::make({self.pid, self.start_time + 1}, mine.tid()).is_dead(), "it began later");
  check(!Stamp::make(self, mine.tid()).is_dead(), "it is this one");
}
#endif

}  // namespace
}  // namespace interlock::tests

int main() {
  using namespace interlock::tests;
  return run_tests({
      {"a stamp keeps its parts", a_stamp_keeps_its_parts, 20, 20},
      {"each thread has its own", each_thread_has_its_own, 20, 20},
      {"who lives is not dead", who_lives_is_not_dead, 5, 5},
      {"who was killed is dead", who_was_killed_is_dead, 5, 0},
#ifndef INTERLOCK_SYSTEMATIC
      {"a thread that has ended is dead", a_thread_that_has_ended_is_dead, 0, 5},
      {"another process with its pid is not it", another_process_with_its_pid_is_not_it, 0, 1},
#endif
  });
}
