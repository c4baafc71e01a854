// The table of processes: a place each, and the dead are found.
#include "core/processes.hpp"

#include "tests/audit.hpp"

namespace interlock::tests {
namespace {

void each_process_has_one_place(Run& run) {
  Office office(run, roomy());
  const u32 count = 8;
  std::vector<Owner> owners(count);
  for (u32 number = 0; number < count; ++number) {
    Channel& channel = office.attach();
    run.thread(SYSTEMATIC ? run.new_process() : 0, "process", [&channel, &owners, number] {
      owners[number] = channel.processes().me();
      check(channel.processes().me() == owners[number], "it stays where it is");
      check(channel.processes().mine(owners[number]), "it knows its own");
    });
  }
  run.go();
  for (u32 one = 0; one < count; ++one)
    for (u32 other = 0; other < one; ++other)
      check(!(owners[one] == owners[other]), "two processes in one place");
}

// An owner's name never comes back: what a process left is not taken for its successor's.
void a_place_used_again_has_another_name(Run& run) {
  Office office(run, roomy());
  Processes& mine = office.main().processes();
  const Owner me = mine.me();
  Owner before{};
  {
    const auto channel = Channel::attach(another(office.main().segment().fd()));
    before = channel->processes().me();
    check(!(before == me), "another place");
  }
  const auto channel = Channel::attach(another(office.main().segment().fd()));
  const Owner after = channel->processes().me();
  check_equal(after.slot, before.slot, "the same place");
  check(after.incarnation != before.incarnation, "another name");
  mine.release(before);  // too late: it is another's
  check(mine.still_there(after, mine.identity(after.slot).pid), "it is not put out by that");
}

void a_full_table_is_told(Run& run) {
  Office office(run, roomy());
  Processes& mine = office.main().processes();
  mine.me();
  for (u32 count = 1; count < PROCESS_SLOTS; ++count) mine.reserve_for_child();
  check_throws<TooManyProcesses>([&] { mine.reserve_for_child(); }, "one more than there is room");
}

// A place that is reserved for a child is the parent's until the child adopts it.
void a_child_adopts_its_place(Run& run) {
  Office office(run, roomy());
  Channel& channel = office.attach();
  Owner reserved{};
  u32 parent = 0;
  run.thread(SYSTEMATIC ? run.new_process() : 0, "parent", [&] {
    reserved = channel.processes().reserve_for_child();
    parent = this_process().pid;
    check(channel.processes().still_there(reserved, parent), "the parent's until then");
    check(!channel.processes().mine(reserved), "and not the parent's own");
  });
  run.go();
  Channel& in_child = office.attach();
  in_child.processes().adopt(reserved, parent);
  check(in_child.processes().mine(reserved), "the child's then");
  check(in_child.processes().me() == reserved, "it needs no other");
}

// Killed at any step of claiming its place: it is found dead, once, and the place is free again.
void the_dead_are_found(Run& run) {
  Office office(run, roomy());
  Channel& channel = office.attach();
  const u32 doomed = run.new_process();
  run.thread(doomed, "doomed", [&] {
    channel.processes().me();
    for (int i = 0; i < 20; ++i) channel.segment().header().shut_down.load();
  });
  run.kill_at_step(doomed, run.random.below(20));
  run.go();
  Processes& mine = office.main().processes();
  mine.me();
  u32 found = 0;
  mine.find_dead([&](Owner owner, u32 pid) {
    ++found;
    check_equal(pid, doomed, "who it was");
    check(mine.still_there(owner, pid), "its place");
    mine.release(owner);
  });
  check(found <= 1, "once");
  mine.find_dead([](Owner, u32) { fail("a place that was released"); });
  u32 living = 0;
  mine.each([&](u32) { ++living; });
  check_equal(living, 1u, "only we are left");
}

}  // namespace
}  // namespace interlock::tests

int main() {
  using namespace interlock::tests;
  return run_tests({
      {"each process has one place", each_process_has_one_place, 200, 20},
      {"a place used again has another name", a_place_used_again_has_another_name, 1, 1},
      {"a full table is told", a_full_table_is_told, 1, 1},
      {"a child adopts the place reserved for it", a_child_adopts_its_place, 10, 1},
      {"the dead are found", the_dead_are_found, 200, 0},
  });
}
