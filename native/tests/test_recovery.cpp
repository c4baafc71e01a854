// Deaths everywhere: at any step of any process, also of those that repair and sweep (R1-R4).
//
// Every message whose put had returned arrives once and whole, but for what a killed reader
// had in hand without a lease; survivors get on; at the end every block is free (I2, I3, I6).
#include "core/recovery.hpp"

#include "tests/audit.hpp"

namespace interlock::tests {
namespace {

u64 some_length(Random& random) {
  constexpr u64 LENGTHS[] = {8, 100, 9 * 1024, 17 * 1024};
  return LENGTHS[random.below(std::size(LENGTHS))];
}

struct Doomed {
  u32 writers = 0;  // of the first so many threads of each kind, the process is killed
  u32 readers = 0;
};

// Two writers and two readers; those that are doomed die at a random step. The survivors go
// on until everything that can come has come.
void letters_survive(Run& run, const Doomed& doomed, bool leases_only) {
  Limits limits = roomy();
  if (run.random.one_in(2)) limits.messages_max = run.random.between(1, 3);
  limits.flags = run.random.one_in(2) ? FLAG_JOINABLE : 0;
  Office office(run, limits);
  constexpr u32 EACH = 6;
  u32 writing = 2;
  std::vector<u32> dying;
  for (u32 writer = 0; writer < 2; ++writer) {
    Channel& channel = office.attach();
    const u32 process = run.new_process();
    if (writer < doomed.writers) dying.push_back(process);
    run.thread(process, "writer " + std::to_string(writer),
               [&, writer, random = Random(run.random.next())]() mutable {
                 for (u32 number = 1; number <= EACH; ++number)
                   send(channel, office.ledger, {writer, number}, some_length(random));
                 --writing;
               });
  }
  for (u32 reader = 0; reader < 2; ++reader) {
    Channel& channel = office.attach();
    const u32 process = run.new_process();
    if (reader < doomed.readers) dying.push_back(process);
    run.thread(
        process, "reader " + std::to_string(reader),
        [&, reader, random = Random(run.random.next())]() mutable {
          while (receive(channel, office.ledger, reader,
                         leases_only ? Manner::lease : static_cast<Manner>(random.below(4)))) {
          }
        });
  }
  // The one who ends it all when the writers have ended, or are dead.
  Channel& closer = office.attach();
  run.thread(run.new_process(), "closer", [&] {
    while (writing > 0 && writing > run.deaths())
      closer.wait(closer.joiners(), Deadline::after(MILLISECOND), [] { return false; });
    closer.shut_down(false);
  });
  for (const u32 process : dying) run.kill_at_step(process, run.random.below(900));
  run.go();
  audit(office);
}

void writers_die(Run& run) { letters_survive(run, {1, 0}, false); }
void readers_die(Run& run) { letters_survive(run, {0, 1}, false); }
void one_of_each_dies(Run& run) { letters_survive(run, {1, 1}, false); }
void only_one_reader_survives(Run& run) { letters_survive(run, {2, 1}, false); }

// With leases alone not one letter is lost, whoever dies.
void a_lease_loses_nothing(Run& run) {
  Office office(run, roomy());
  constexpr u32 COUNT = 8;
  for (u32 number = 1; number <= COUNT; ++number)
    send(office.main(), office.ledger, {0, number}, some_length(run.random));
  std::vector<u32> dying;
  for (u32 reader = 0; reader < 3; ++reader) {
    Channel& channel = office.attach();
    const u32 process = run.new_process();
    dying.push_back(process);
    run.thread(process, "reader " + std::to_string(reader), [&channel, &office] {
      for (u32 i = 0; i < COUNT; ++i) {
        Lease lease;
        if (channel.get(Patience::as_long_as_it_takes, RecordState::ready, lease,
                        [](const RecordView&) { return Verdict::take; }) != Get::found)
          continue;
        read_letter(lease.body);
        channel.settle(lease, How::give_back, Patience::as_long_as_it_takes);
      }
    });
  }
  for (const u32 process : dying) run.kill_at_step(process, run.random.below(400));
  run.go();
  Channel& main = office.main();
  run.advance(SECOND);
  while (main.check_deaths()) run.advance(SECOND);
  for (u32 number = 1; number <= COUNT; ++number) {
    bool empty = false;
    const auto letter = try_receive(main, office.ledger, AUDITOR, Manner::lease, empty);
    check(letter == Letter{0, number}, "all of them, in their order");
  }
  audit(office);
}

// Who repairs or sweeps is killed there, and the next one who does, and the next.
void repairers_die_in_turn(Run& run) {
  Office office(run, roomy());
  for (u32 number = 1; number <= 6; ++number)
    send(office.main(), office.ledger, {0, number}, some_length(run.random));
  constexpr const char* POINTS[] = {"repair.producers", "repair.consumers", "sweep.found",
                                    "sweep.returned",   "sweep.released",   "mutex.consistent"};
  for (const char* point : POINTS)
    if (run.random.one_in(2)) run.kill_at(point, 0);
  for (u32 number = 0; number < 5; ++number) {
    Channel& channel = office.attach();
    const u32 process = run.new_process();
    if (number == 4) run.protect(process);
    run.thread(process, "user", [&channel, &office, number] {
      for (int i = 0; i < 3; ++i) {
        bool empty = false;
        try_receive(channel, office.ledger, number, Manner::lease, empty);
        channel.check_deaths();
        send(channel, office.ledger, {number + 1, static_cast<u32>(i + 1)}, 9 * 1024);
      }
    });
    if (number < 2) run.kill_at_step(process, run.random.below(300));
  }
  run.go();
  audit(office);
}

}  // namespace
}  // namespace interlock::tests

int main() {
  using namespace interlock::tests;
  return run_tests({
      {"a writer dies at any step", writers_die, 1500, 0},
      {"a reader dies at any step", readers_die, 1500, 0},
      {"one of each dies", one_of_each_dies, 1500, 0},
      {"only one reader survives", only_one_reader_survives, 1500, 0},
      {"a lease loses nothing", a_lease_loses_nothing, 1500, 0},
      {"repairers die in turn", repairers_die_in_turn, 1500, 0},
  });
}
