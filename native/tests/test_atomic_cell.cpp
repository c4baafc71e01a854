// The atomic: no addition is lost, and who waits for a change is woken by it.
#include "core/atomic_cell.hpp"

#include "tests/harness.hpp"

namespace interlock::tests {
namespace {

SyncSegment new_cell() { return SyncSegment::create(SyncKind::atomic_integer, 0); }

void no_addition_is_lost(Run& run) {
  const SyncSegment whole = new_cell(), real = new_cell();
  const u32 each = SYSTEMATIC ? 10 : 20'000, threads = 3;
  for (u32 number = 0; number < threads; ++number)
    run.thread(run.new_process(), "adder", [&] {
      AtomicCell integer(whole), fraction(real);
      for (u32 i = 0; i < each; ++i) {
        integer.add_integer(2);
        fraction.add_double(0.5);
      }
    });
  run.go();
  check_equal(AtomicCell(whole).load(), u64{2} * each * threads, "the sum");
  check_equal(std::bit_cast<double>(AtomicCell(real).load()), 0.5 * each * threads, "of halves");
}

void one_of_many_exchanges_it(Run& run) {
  const SyncSegment segment = new_cell();
  Atomic<u32> won{};
  for (u32 number = 1; number <= 3; ++number)
    run.thread(run.new_process(), "one", [&, number] {
      if (AtomicCell(segment).compare_exchange(0, number)) won.fetch_add(1);
    });
  run.go();
  check_equal(won.peek(), 1u, "who exchanged it");
  check(AtomicCell(segment).load() != 0, "by its own");
}

bool wait(const AtomicCell& cell, u64 old, const Deadline& deadline) {
  for (;;) {
    if (cell.wait(old, deadline)) return true;
    if (deadline.passed()) return false;
  }
}

// In turn: each waits until the number is no longer the other one's.
void who_waits_is_woken_by_any_change(Run& run) {
  const SyncSegment segment = new_cell();
  const u32 rounds = SYSTEMATIC ? 6 : 3'000;
  for (u64 mine = 0; mine < 2; ++mine)
    run.thread(run.new_process(), "one", [&, mine] {
      AtomicCell cell(segment);
      for (u32 i = 0; i < rounds; ++i) {
        check(wait(cell, 1 - mine, Deadline::never()), "it is this one's turn");
        switch (run.random.below(3)) {
          case 0:
            cell.store(1 - mine);
            break;
          case 1:
            check_equal(cell.exchange(1 - mine), mine, "what it was");
            break;
          default:
            check(cell.compare_exchange(mine, 1 - mine), "nobody else changes it");
        }
      }
    });
  run.go();
}

void all_who_wait_return(Run& run) {
  const SyncSegment segment = new_cell();
  Atomic<u32> returned{};
  for (u32 number = 0; number < 3; ++number)
    run.thread(run.new_process(), "waiter", [&] {
      check(wait(AtomicCell(segment), 0, Deadline::never()), "it has changed");
      returned.fetch_add(1);
    });
  run.thread(run.new_process(), "changer", [&] { AtomicCell(segment).add_integer(1); });
  run.go();
  check_equal(returned.peek(), 3u, "who returned");
}

void a_timeout_is_kept(Run& run) {
  const SyncSegment segment = new_cell();
  run.thread(run.new_process(), "waiter", [&] {
    const Nanoseconds before = now();
    check(!wait(AtomicCell(segment), 0, Deadline::after(3 * MILLISECOND)), "nobody changes it");
    check(now() - before >= 3 * MILLISECOND, "it waited for as long as it was told to");
  });
  run.go();
}

void a_dead_changer_is_made_up_for(Run& run) {
  const SyncSegment segment = new_cell();
  const u32 doomed = run.new_process();
  run.thread(run.new_process(), "waiter",
             [&] { check(wait(AtomicCell(segment), 0, Deadline::never()), "it has changed"); });
  run.thread(doomed, "doomed", [&] { AtomicCell(segment).store(1); });
  run.kill_at("atomic.changed", 0);
  run.go();
  check(run.is_dead(doomed), "it died there");
}

}  // namespace
}  // namespace interlock::tests

int main() {
  using namespace interlock::tests;
  return run_tests({
      {"no addition is lost", no_addition_is_lost, 200, 5},
      {"one of many exchanges it", one_of_many_exchanges_it, 200, 20},
      {"who waits is woken by any change", who_waits_is_woken_by_any_change, 500, 5},
      {"all who wait return", all_who_wait_return, 500, 20},
      {"a timeout is kept", a_timeout_is_kept, 50, 3},
      {"a dead changer is made up for", a_dead_changer_is_made_up_for, 200, 0},
  });
}
