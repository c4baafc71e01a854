// The whole channel: messages among processes and threads, room, tasks, the end (P2, I4, I6).
#include "tests/audit.hpp"

namespace interlock::tests {
namespace {

// Lengths that stay in the ring, fill its chunks soon, or need a block of their own.
u64 some_length(Random& random) {
  constexpr u64 LENGTHS[] = {8, 9, 100, 8 * 1024, 8 * 1024, 9 * 1024, 17 * 1024};
  return LENGTHS[random.below(std::size(LENGTHS))];
}

Limits some_limits(Random& random) {
  constexpr u64 MESSAGES[] = {0, 1, 2, 5};
  constexpr u64 BYTES[] = {1, 10'000, 40'000, u64{1} << 30};
  Limits limits = roomy();
  limits.messages_max = MESSAGES[random.below(std::size(MESSAGES))];
  limits.queue_bytes_max = BYTES[random.below(std::size(BYTES))];
  limits.flags = random.one_in(2) ? FLAG_JOINABLE : 0;
  return limits;
}

// Writers put, readers get; who gets the last one shuts the queue down. With all sleeps
// unbounded (tests/schedule.hpp), a lost wake-up is a deadlock that is reported.
void traffic(Run& run) {
  Office office(run, some_limits(run.random));
  const u32 writers = static_cast<u32>(run.random.between(1, 3));
  const u32 readers = static_cast<u32>(run.random.between(1, 3));
  const u32 each = static_cast<u32>(run.random.between(1, SYSTEMATIC ? 12 : 2000));
  for (u32 writer = 0; writer < writers; ++writer) {
    Channel& channel = office.attach();
    run.thread(run.new_process(), "writer " + std::to_string(writer),
               [&office, &channel, writer, each, random = Random(run.random.next())]() mutable {
                 for (u32 number = 1; number <= each; ++number)
                   check_equal(send(channel, office.ledger, {writer, number}, some_length(random)),
                               Put::done, "put");
               });
  }
  const u64 total = u64{writers} * each;
  for (u32 reader = 0; reader < readers; ++reader) {
    Channel& channel = office.attach();
    run.thread(
        run.new_process(), "reader " + std::to_string(reader),
        [&office, &channel, reader, total, random = Random(run.random.next())]() mutable {
          while (receive(channel, office.ledger, reader, static_cast<Manner>(random.below(4))))
            if (office.ledger.delivered() == total) channel.shut_down(false);
        });
  }
  run.go();
  check_equal(office.ledger.delivered(), total, "letters delivered");
  if (is_joinable(office.main())) check_equal(office.main().unfinished(), 0u, "unfinished tasks");
  audit(office);
}

// Both ends of one channel object shared by threads of one process.
void threads_share_a_channel(Run& run) {
  Office office(run, some_limits(run.random));
  Channel& channel = office.attach();
  const u32 process = run.new_process();
  const u32 each = SYSTEMATIC ? 8 : 2000;
  for (u32 writer = 0; writer < 2; ++writer)
    run.thread(process, "writer " + std::to_string(writer),
               [&office, &channel, writer, each, random = Random(run.random.next())]() mutable {
                 for (u32 number = 1; number <= each; ++number)
                   send(channel, office.ledger, {writer, number}, some_length(random));
               });
  for (u32 reader = 0; reader < 2; ++reader)
    run.thread(
        process, "reader " + std::to_string(reader),
        [&office, &channel, reader, each, random = Random(run.random.next())]() mutable {
          while (receive(channel, office.ledger, reader, static_cast<Manner>(random.below(4))))
            if (office.ledger.delivered() == 2 * each) channel.shut_down(false);
        });
  run.go();
  check_equal(office.ledger.delivered(), 2 * each, "letters delivered");
  audit(office);
}

// join() returns only when every task that was put before has ended, and it does return.
void join_waits_for_all_tasks(Run& run) {
  Limits limits = roomy();
  limits.flags = FLAG_JOINABLE;
  limits.deliveries_max = run.random.one_in(2) ? 2 : 0;
  Office office(run, limits);
  const u32 each = static_cast<u32>(run.random.between(1, SYSTEMATIC ? 5 : 500));
  constexpr u32 WRITERS = 2;
  for (u32 writer = 0; writer < WRITERS; ++writer) {
    Channel& channel = office.attach();
    run.thread(run.new_process(), "writer and joiner " + std::to_string(writer),
               [&office, &channel, writer, each] {
                 for (u32 number = 1; number <= each; ++number)
                   send(channel, office.ledger, {writer, number}, 8);
                 const u64 put = office.ledger.put();
                 join(channel);
                 check(office.ledger.tasks_ended() >= put, "join() returned before a task ended");
                 if (office.ledger.tasks_ended() == u64{WRITERS} * each) channel.shut_down(false);
               });
  }
  for (u32 reader = 0; reader < 2; ++reader) {
    Channel& channel = office.attach();
    run.thread(run.new_process(), "reader " + std::to_string(reader),
               [&office, &channel, reader, random = Random(run.random.next())]() mutable {
                 while (receive(channel, office.ledger, reader,
                                random.one_in(2) ? Manner::finish : Manner::lease)) {
                 }
               });
  }
  run.go();
  check_equal(office.main().unfinished(), 0u, "unfinished tasks");
  check(!office.main().task_done(), "a task_done() too many is refused");
  audit(office);
}

// A lease that is given back too often becomes a dead letter: that ends its task and makes
// room, and who waits for either must hear of it.
void a_dead_letter_wakes_who_waits(Run& run) {
  Limits limits = roomy();
  limits.flags = FLAG_JOINABLE;
  limits.deliveries_max = run.random.between(1, 2);
  limits.messages_max = 1;
  Office office(run, limits);
  Channel& writer = office.attach();
  run.thread(run.new_process(), "writer", [&] {
    for (u32 number = 1; number <= 2; ++number) send(writer, office.ledger, {0, number}, 8);
    join(writer);
  });
  Channel& reader = office.attach();
  run.thread(run.new_process(), "reader", [&] {
    while (reader.consumer().dead() < 2) {
      bool empty = false;
      try_receive(reader, office.ledger, 0, Manner::back, empty);
      if (empty)
        reader.wait(reader.readers(), Deadline::never(),
                    [&] { return reader.consumer().looks_ready(); });
    }
  });
  run.go();
  check_equal(office.main().counts().dead, 2u, "dead letters");
  check_equal(office.main().unfinished(), 0u, "unfinished tasks");
  audit(office);
}

// Shut down at once: what is ready is dropped, what was put late is dropped or refused,
// nobody is left asleep, and every task ends.
void shutdown_at_once(Run& run) {
  Limits limits = some_limits(run.random);
  limits.flags = FLAG_JOINABLE;
  Office office(run, limits);
  for (u32 writer = 0; writer < 2; ++writer) {
    Channel& channel = office.attach();
    run.thread(run.new_process(), "writer " + std::to_string(writer),
               [&office, &channel, writer, random = Random(run.random.next())]() mutable {
                 for (u32 number = 1; number <= 10; ++number)
                   if (send(channel, office.ledger, {writer, number}, some_length(random)) ==
                       Put::shut_down)
                     break;
                 join(channel);
               });
  }
  for (u32 reader = 0; reader < 2; ++reader) {
    Channel& channel = office.attach();
    run.thread(
        run.new_process(), "reader " + std::to_string(reader),
        [&office, &channel, reader, random = Random(run.random.next())]() mutable {
          while (receive(channel, office.ledger, reader, static_cast<Manner>(random.below(4)))) {
          }
        });
  }
  Channel& closer = office.attach();
  run.thread(run.new_process(), "closer", [&] {
    for (u64 left = run.random.below(200); left > 0; --left) yield_processor();
    closer.shut_down(true);
    closer.shut_down(false);  // does not take it back
  });
  run.go();
  check_equal(office.main().shut_down(), 2u, "shut down at once");
  check_equal(office.main().unfinished(), 0u, "unfinished tasks");
  check_counts(office.main());
  check_all_blocks_free(office.main());
}

// A deadline ends a wait although nothing happens.
void a_deadline_ends_a_wait(Run& run) {
  Limits limits = roomy();
  limits.messages_max = 1;
  Office office(run, limits);
  Channel& channel = office.attach();
  run.thread(run.new_process(), "writer", [&] {
    check_equal(send(channel, office.ledger, {0, 1}, 8), Put::done, "there is room for one");
    const Deadline deadline = Deadline::after(3 * MILLISECOND);
    check_equal(send(channel, office.ledger, {0, 2}, 8, deadline), Put::full, "and for no other");
    check(deadline.passed(), "it waited for as long as it was told to");
  });
  run.go();
  audit(office);
}

// The bell is rung once for each time somebody asked; a stranger asks for good.
void bells_ring_who_asked(Run& run) {
  Office office(run, roomy());
  Channel& channel = office.main();
  check(!channel.must_ring(Poll::readable), "nobody asked");
  channel.ask_to_ring(Poll::readable);
  channel.ask_to_ring(Poll::writable);
  check(!channel.must_ring(Poll::joined), "nobody asked for that");
  check(channel.must_ring(Poll::readable), "somebody asked");
  check(!channel.must_ring(Poll::readable), "once");
  check(channel.must_ring(Poll::writable), "the other is still asked for");
  check(!channel.polled_for_good(), "no stranger asked");
  channel.ask_to_ring(Poll::readable_for_good);
  check(!channel.must_ring(Poll::readable), "who asked for good is rung otherwise, at the commit");
  check(channel.polled_for_good(), "for good");
}

}  // namespace
}  // namespace interlock::tests

int main() {
  using namespace interlock::tests;
  return run_tests({
      {"every letter is delivered once and in order, and nobody sleeps beside it", traffic, 1500,
       10},
      {"threads of one process share a channel", threads_share_a_channel, 300, 5},
      {"join waits for all tasks and for no more", join_waits_for_all_tasks, 1500, 10},
      {"a dead letter wakes who waits for room or for the tasks", a_dead_letter_wakes_who_waits,
       500, 50},
      {"shutdown at once drops what is ready and wakes everybody", shutdown_at_once, 1000, 50},
      {"a deadline ends a wait", a_deadline_ends_a_wait, 50, 5},
      {"the doorbell rings for who asked", bells_ring_who_asked, 1, 1},
  });
}
