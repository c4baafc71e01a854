// The lock for readers and writers: who may be inside together, in which order, and after a death.
#include "core/read_write_lock.hpp"

#include "tests/harness.hpp"

namespace interlock::tests {
namespace {

// Lets time go by.
void pause_for_a_moment() {
  Atomic<u32> nothing{};
  futex_wait(nothing, 0, MILLISECOND);
}

Taken acquire(ReadWriteLock& lock, Mode mode) {
  ReadWriteLock::Waiting waiting(lock, Stamp::mine(), mode);
  Taken taken = waiting.try_enter();
  if (taken == Taken::busy) waiting.line_up();
  while (taken == Taken::busy) taken = waiting.wait(Deadline::never());
  waiting.keep();
  return taken;
}
void release(ReadWriteLock& lock, Mode mode) {
  check(lock.release(Stamp::mine(), mode) != ReadWriteLock::Release::not_held, "it has it");
}

struct Inside {
  Atomic<u32> readers{}, writers{};
  void enter(Mode mode) {
    (mode == Mode::read ? readers : writers).fetch_add(1);
    look(mode);
  }
  void look(Mode mode) const {
    check(writers.load() == (mode == Mode::write ? 1u : 0u), "a writer is alone");
    if (mode == Mode::write) check(readers.load() == 0, "a writer is alone");
  }
  void leave(Mode mode) {
    look(mode);
    (mode == Mode::read ? readers : writers).fetch_add(~0u);
  }
};

void readers_together_writers_alone(Run& run) {
  const SyncSegment segment = SyncSegment::create(SyncKind::read_write_lock, 0);
  const u32 turns = SYSTEMATIC ? 3 : 500;
  Inside inside;
  Atomic<u32> done{};
  for (u32 number = 0; number < 4; ++number)
    run.thread(run.new_process(), "user", [&, number] {
      ReadWriteLock lock(segment);
      for (u32 turn = 0; turn < turns; ++turn) {
        const Mode mode = (number + turn) % 3 == 0 ? Mode::write : Mode::read;
        check(acquire(lock, mode) == Taken::yes, "nobody died");
        inside.enter(mode);
        yield_processor();
        inside.leave(mode);
        release(lock, mode);
        done.fetch_add(1);
      }
    });
  run.go();
  check_equal(done.peek(), 4 * turns, "turns");
  ReadWriteLock(segment).each_holder([](Stamp, Mode, Nanoseconds) { fail("somebody is left"); });
}

// Readers that come behind a writer that waits do not pass it.
void no_reader_passes_a_writer(Run& run) {
  const SyncSegment segment = SyncSegment::create(SyncKind::read_write_lock, 0);
  Atomic<u32> stage{}, written{};
  const Roster roster(segment);
  const auto waiting = [&] {
    u32 count = 0;
    roster.each([&](u32 index) { count += roster.state(index) == EntryState::waiting; });
    return count;
  };
  run.thread(run.new_process(), "first reader", [&] {
    ReadWriteLock lock(segment);
    acquire(lock, Mode::read);
    stage.store(1);
    while (waiting() < 2) yield_processor();
    release(lock, Mode::read);
  });
  run.thread(run.new_process(), "writer", [&] {
    ReadWriteLock lock(segment);
    while (stage.load() == 0) yield_processor();
    acquire(lock, Mode::write);
    written.store(1);
    release(lock, Mode::write);
  });
  run.thread(run.new_process(), "second reader", [&] {
    ReadWriteLock lock(segment);
    while (waiting() < 1) yield_processor();
    acquire(lock, Mode::read);
    check_equal(written.load(), 1u, "the writer came first");
    release(lock, Mode::read);
  });
  run.go();
}

void one_thread_may_have_it_again(Run& run) {
  const SyncSegment segment = SyncSegment::create(SyncKind::read_write_lock, 0);
  Atomic<u32> reading{}, over{};
  run.thread(run.new_process(), "user", [&] {
    using Again = ReadWriteLock::Again;
    ReadWriteLock lock(segment);
    const Stamp me = Stamp::mine();
    check(lock.try_again(me, Mode::read) == Again::no, "it has not got it");
    acquire(lock, Mode::read);
    check(lock.try_again(me, Mode::write) == Again::deadlock, "a reader cannot write");
    check(lock.try_again(me, Mode::read) == Again::yes, "once more");
    release(lock, Mode::read);
    check(lock.is_held_by(me), "once less");
    release(lock, Mode::read);
    acquire(lock, Mode::write);
    check(lock.try_again(me, Mode::read) == Again::yes, "a writer may read");
    release(lock, Mode::write);  // and goes on reading, with others
    while (reading.load() == 0) yield_processor();
    check(lock.release(me, Mode::write) == ReadWriteLock::Release::not_held, "only to read");
    over.store(1);
    release(lock, Mode::read);
    check(!lock.is_held_by(me), "given up");
  });
  run.thread(run.new_process(), "reader", [&] {
    ReadWriteLock lock(segment);
    acquire(lock, Mode::read);
    reading.store(1);
    release(lock, Mode::read);
    while (over.load() == 0) yield_processor();
    acquire(lock, Mode::write);
    release(lock, Mode::write);
  });
  run.go();
}

// One is killed at any step. The others have it; one of them is told, if the dead one wrote.
void the_dead_hold_nobody_up(Run& run) {
  const SyncSegment segment = SyncSegment::create(SyncKind::read_write_lock, 0);
  const u32 doomed = run.new_process();
  const Mode its = run.random.below(2) == 0 ? Mode::read : Mode::write;
  Inside inside;
  Atomic<u32> told{}, wrote{};
  run.thread(doomed, "doomed", [&] {
    ReadWriteLock lock(segment);
    for (;;) {
      acquire(lock, its);
      wrote.store(1);
      yield_processor();
      wrote.store(0);
      release(lock, its);
    }
  });
  run.kill_at_step(doomed, run.random.below(120));
  for (u32 number = 0; number < 2; ++number)
    run.thread(run.new_process(), "user", [&, number] {
      ReadWriteLock lock(segment);
      for (u32 turn = 0; turn < 4 || !run.is_dead(doomed); ++turn) {
        const Mode mode = (number + turn) % 2 == 0 ? Mode::write : Mode::read;
        const Taken taken = acquire(lock, mode);
        if (taken == Taken::abandoned) told.fetch_add(1);
        if (its == Mode::write && !run.is_dead(doomed)) check_equal(wrote.load(), 0u, "alone");
        inside.enter(mode);
        inside.leave(mode);
        release(lock, mode);
      }
    });
  run.go();
  check(told.peek() <= 1, "told once");
  if (its == Mode::write && wrote.peek() == 1) check_equal(told.peek(), 1u, "told");
  if (its == Mode::read) check_equal(told.peek(), 0u, "a reader changes nothing");
}

void a_timeout_leaves_nothing(Run& run) {
  const SyncSegment segment = SyncSegment::create(SyncKind::read_write_lock, 0);
  Atomic<u32> stage{};
  run.thread(run.new_process(), "reader", [&] {
    ReadWriteLock lock(segment);
    acquire(lock, Mode::read);
    stage.store(1);
    while (stage.load() < 3) pause_for_a_moment();
    release(lock, Mode::read);
  });
  run.thread(run.new_process(), "writer", [&] {
    ReadWriteLock lock(segment);
    while (stage.load() < 1) yield_processor();
    {
      ReadWriteLock::Waiting waiting(lock, Stamp::mine(), Mode::write);
      waiting.line_up();
      stage.store(2);
      const Deadline deadline = Deadline::after(2 * MILLISECOND);
      while (!deadline.passed()) check(waiting.wait(deadline) == Taken::busy, "a reader has it");
    }
    check(!lock.is_held_by(Stamp::mine()), "it gave up");
  });
  run.thread(run.new_process(), "late reader", [&] {
    ReadWriteLock lock(segment);
    while (stage.load() < 2) yield_processor();
    acquire(lock, Mode::read);  // behind the writer, until that one gives up
    release(lock, Mode::read);
    stage.store(3);
  });
  run.go();
}

}  // namespace
}  // namespace interlock::tests

int main() {
  using namespace interlock::tests;
  return run_tests({
      {"readers together, writers alone", readers_together_writers_alone, 500, 10},
      {"no reader passes a writer", no_reader_passes_a_writer, 300, 5},
      {"one thread may have it again", one_thread_may_have_it_again, 300, 5},
      {"the dead hold nobody up", the_dead_hold_nobody_up, 4000, 0},
      {"a timeout leaves nothing", a_timeout_leaves_nothing, 300, 5},
  });
}
