// The barrier: nobody passes before all have come, and a round ends for all in the same way.
#include "core/barrier.hpp"

#include <array>

#include "tests/harness.hpp"

namespace interlock::tests {
namespace {

using Arrival = Barrier::Arrival;
using Outcome = Barrier::Outcome;

// Lets time go by.
void pause(Nanoseconds duration) {
  Atomic<u32> nothing{};
  futex_wait(nothing, 0, duration);
}

// As a program waits; the number of the round it passed, or -1 when it was broken.
int wait(Barrier& barrier, Broken* why = nullptr) {
  Barrier::Waiting waiting(barrier, Stamp::mine());
  for (;;) {
    const Arrival arrival = waiting.arrive();
    if (arrival == Arrival::broken) {
      if (why != nullptr) *why = barrier.broken();
      return -1;
    }
    if (arrival == Arrival::last) {
      waiting.pass();
    }
    while (waiting.outcome() == Outcome::none) {
      waiting.wait(Deadline::never());
      if (arrival == Arrival::full) break;
    }
    if (arrival == Arrival::full) continue;
    if (waiting.outcome() == Outcome::passed) return static_cast<int>(waiting.number());
    if (why != nullptr) *why = waiting.why();
    return -1;
  }
}

void all_pass_together(Run& run) {
  const u32 parties = static_cast<u32>(run.random.between(1, 4));
  const u32 rounds = SYSTEMATIC ? 3 : 300;
  const SyncSegment segment = SyncSegment::create(SyncKind::barrier, 0, parties);
  std::vector<Atomic<u32>> arrived(rounds), numbers(rounds);
  for (u32 party = 0; party < parties; ++party)
    run.thread(run.new_process(), "party", [&] {
      Barrier barrier(segment);
      for (u32 round = 0; round < rounds; ++round) {
        arrived[round].fetch_add(1);
        const int number = wait(barrier);
        check(number >= 0, "nothing breaks it");
        check_equal(arrived[round].load(), parties, "those that have come when one passes");
        numbers[round].fetch_add(1u << (4 * number));
      }
    });
  run.go();
  for (const Atomic<u32>& each : numbers)
    check_equal(each.peek(), 0x1111u & ((1u << (4 * parties)) - 1), "each has a number of its own");
  check_equal(Barrier(segment).waiting(), 0u, "nobody waits");
}

// More threads than parties: some wait for the round to end before they can come at all.
void more_than_its_parties_use_it(Run& run) {
  const u32 enough = SYSTEMATIC ? 16 : 800;
  const SyncSegment segment = SyncSegment::create(SyncKind::barrier, 0, 2);
  Atomic<u32> passed{};
  for (u32 thread = 0; thread < 4; ++thread)
    run.thread(run.new_process(), "party", [&] {
      Barrier barrier(segment);
      // Until it is aborted: with a number of rounds for each, the others may do all of theirs
      // among themselves, and leave nobody for the last.
      for (int number; (number = wait(barrier)) >= 0;) {
        check(number < 2, "no more pass at a time than it is for");
        if (passed.fetch_add(1) + 1 >= enough) barrier.abort(Broken::aborted);
      }
    });
  run.go();
  check(passed.peek() >= enough, "they passed");
}

// One dies, at any step, while it waits or before: all others pass or none does, and when none
// does it is because one is missing, and the barrier knows who.
void a_death_breaks_the_round_for_all(Run& run) {
  const u32 parties = 3;
  const SyncSegment segment = SyncSegment::create(SyncKind::barrier, 0, parties);
  const u32 doomed = run.new_process();
  Atomic<u32> come{}, passed{}, broken{};
  run.thread(doomed, "doomed", [&] {
    Barrier barrier(segment);
    for (;;) wait(barrier);
  });
  run.kill_at_step(doomed, run.random.below(150));
  for (u32 party = 1; party < parties; ++party)
    run.thread(run.new_process(), "party", [&] {
      Barrier barrier(segment);
      for (u32 round = 0;; ++round) {
        Broken why = Broken::no;
        come.fetch_add(1);
        // The doomed one may never have been in a round: nobody knows then that it is missing.
        if (round == 0 && run.is_dead(doomed)) barrier.abort(Broken::missing);
        if (wait(barrier, &why) >= 0) {
          passed.fetch_add(1);
          continue;
        }
        check(why == Broken::missing, "why it is broken");
        broken.fetch_add(1);
        return;
      }
    });
  run.thread(run.new_process(), "onlooker", [&] {
    // Before the first round there is nobody that is missed: so somebody has to say it.
    Barrier barrier(segment);
    while (!run.is_dead(doomed) && broken.load() == 0) yield_processor();
    if (passed.load() == 0) barrier.abort(Broken::missing);
  });
  run.go();
  check_equal(broken.peek(), parties - 1, "those that were told");
  check_equal(passed.peek() % (parties - 1), 0u, "all of a round pass, or none");
}

// Who is killed while it ends a round leaves it ended for all, or for none.
void a_dead_last_one_is_made_up_for(Run& run) {
  const u32 parties = 3;
  const SyncSegment segment = SyncSegment::create(SyncKind::barrier, 0, parties);
  constexpr std::array POINTS = {"barrier.arrived", "barrier.decided", "barrier.turned",
                                 "barrier.told"};
  const char* const point = POINTS[run.random.below(POINTS.size())];
  const u64 pass = run.random.below(std::string_view(point) == "barrier.told" ||
                                            std::string_view(point) == "barrier.arrived"
                                        ? parties
                                        : 1);
  Atomic<u32> passed{}, broken{}, gone{};
  std::array<u32, parties> processes;
  for (u32 party = 0; party < parties; ++party) processes[party] = run.new_process();
  for (u32 party = 0; party < parties; ++party)
    run.thread(processes[party], "party", [&] {
      Barrier barrier(segment);
      (wait(barrier) >= 0 ? passed : broken).fetch_add(1);
      gone.fetch_add(1);
    });
  run.kill_at(point, pass);
  run.go();
  check_equal(passed.peek() + broken.peek(), parties - 1, "those that live");
  check(passed.peek() == 0 || broken.peek() == 0, "all pass, or none");
}

// The last one to come finds that one of those that wait is dead: nobody passes.
void the_last_one_passes_with_no_dead(Run& run) {
  const SyncSegment segment = SyncSegment::create(SyncKind::barrier, 0, 2);
  const u32 doomed = run.new_process();
  run.thread(doomed, "doomed", [&] {
    Barrier barrier(segment);
    wait(barrier);
  });
  run.kill_at("barrier.arrived", 0);
  run.thread(run.new_process(), "last", [&] {
    Barrier barrier(segment);
    while (!run.is_dead(doomed)) yield_processor();
    Broken why = Broken::no;
    check(wait(barrier, &why) < 0 && why == Broken::missing, "one is missing");
    barrier.reset();
    check(barrier.broken() == Broken::no && barrier.waiting() == 0, "as new");
  });
  run.go();
}

// Whoever leaves in an orderly way is not missed.
void who_leaves_is_not_missing(Run& run) {
  const SyncSegment segment = SyncSegment::create(SyncKind::barrier, 0, 2);
  const u32 leaving = run.new_process();
  Atomic<u32> left{};
  run.thread(leaving, "leaves", [&] {
    Barrier barrier(segment);
    check(wait(barrier) >= 0, "the first round");
    barrier.leave(Stamp::mine());
    left.store(1);
    run.kill_at_step(leaving, run.steps_of(leaving));
    left.store(1);
  });
  for (int number = 0; number < 2; ++number)
    run.thread(run.new_process(), number == 0 ? "stays" : "comes later", [&, number] {
      Barrier barrier(segment);
      if (number == 0) check(wait(barrier) >= 0, "the first round");
      while (left.load() == 0) yield_processor();
      if (number == 1) pause(2 * Waiters::RECHECK);  // the other one looks for it meanwhile
      check(wait(barrier) >= 0, "the second round");
    });
  run.go();
}

}  // namespace
}  // namespace interlock::tests

int main() {
  using namespace interlock::tests;
  return run_tests({
      {"all pass together", all_pass_together, 500, 10},
      {"more than its parties use it", more_than_its_parties_use_it, 500, 5},
      {"a death breaks the round for all", a_death_breaks_the_round_for_all, 3000, 0},
      {"a dead last one is made up for", a_dead_last_one_is_made_up_for, 2000, 0},
      {"the last one passes with no dead", the_last_one_passes_with_no_dead, 300, 0},
      {"who leaves is not missing", who_leaves_is_not_missing, 300, 0},
  });
}
