// A lock for many readers or one writer, first come, first served; the dead hold nobody up.
//
// Who has it and who waits are entries of the roster, and nothing else is kept: each step is one
// store of an entry's state, under the mutex, so there is nothing to repair.
//
//   none -> waiting        who comes, behind those that wait; one ticket each
//   waiting -> holding     admitted: a reader unless a writer has it, a writer when nobody has it,
//                          and nobody that came before is left waiting
//   holding -> none        given up; who is next is admitted
//
// `count` of an entry is how often its thread has the lock, to read and to write. A writer may have
// it to read as well, and keeps that when it has written.
//
// A death leaves
//   of one that waits      an entry with a dead stamp: passed over and given back
//   of one that has it     the same: given back by who waits, within RECHECK; who is admitted next
//                          after a writer is told
//   of one that admits     somebody admitted and not woken: it looks within RECHECK
// Protocol: docs/protocols/locks.md, "Readers and writers".
#pragma once

#include "core/owned_lock.hpp"
#include "core/turn.hpp"

namespace interlock {

enum class Mode : u32 { read = 0, write = 1 };

class ReadWriteLock {
 public:
  static constexpr Nanoseconds RECHECK = 50 * MILLISECOND;

  explicit ReadWriteLock(const SyncSegment& segment)
      : segment_(segment), shared_(segment.shared()), roster_(segment) {}

  RobustMutex mutex() { return RobustMutex(shared_.mutex); }
  void repair() {}  // each step is one store

  enum class Again { no, yes, deadlock, too_often };

  // For a thread that has it already: once more. `deadlock`: a reader that wants to write.
  Again try_again(Stamp me, Mode mode) const {
    const u32 mine = find(me);
    if (mine == NO_ENTRY) return Again::no;
    const u32 count = roster_.at(mine).count.peek();
    if (mode == Mode::write && count < WRITE) return Again::deadlock;
    if (times(count, mode) == TIMES_MAX) return Again::too_often;
    roster_.at(mine).count.store(count + once(mode));
    return Again::yes;
  }

  enum class Release { not_held, quietly, admitted };

  // By the thread that took it in this mode.
  Release release(Stamp me, Mode mode) {
    const u32 mine = find(me);
    const u32 count = mine == NO_ENTRY ? 0 : roster_.at(mine).count.peek();
    if (times(count, mode) == 0) return Release::not_held;
    const u32 left = count - once(mode);
    if (left == 0) return release_entry(mine, me);
    const bool goes_on_reading = count >= WRITE && left < WRITE;
    if (!goes_on_reading) {
      roster_.at(mine).count.store(left);
      return Release::quietly;
    }
    Turn turn(*this, Patience::as_long_as_it_takes);
    roster_.at(mine).count.store(left);
    return admit_next(me) ? Release::admitted : Release::quietly;
  }

  bool is_held_by(Stamp me) const { return find(me) != NO_ENTRY; }

  // Calls visit(stamp, mode, since) for each thread that has it.
  template <class Visit>
  void each_holder(Visit visit) const {
    roster_.each([&](u32 index) {
      if (roster_.state(index) != EntryState::holding) return;
      const Entry& entry = roster_.at(index);
      visit(roster_.stamp(index), mode_of(index), static_cast<Nanoseconds>(entry.since.load()));
    });
  }

  // One who wants it, until it has it or gives up. Throws TooManyWaiters.
  class Waiting {
   public:
    Waiting(ReadWriteLock& lock, Stamp me, Mode mode) : lock_(lock), me_(me) {
      entry_ = lock_.roster_.claim(me, lock_);
      if (entry_ == NO_ENTRY) throw TooManyWaiters();
      entry().count.store(once(mode));
    }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    ~Waiting() { leave(); }

    // Has it at once, if nobody has to be waited for; looking for the dead first, if told to.
    Taken try_enter(bool look_for_dead = false) {
      Turn turn(lock_, Patience::as_long_as_it_takes);
      if (look_for_dead) {
        lock_.sweep(me_);
        lock_.admit_next(me_);
      }
      if (lock_.somebody_waits() || !lock_.may_enter(lock_.mode_of(entry_))) return Taken::busy;
      lock_.admit(entry_);
      return taken();
    }
    // Joins those that wait.
    void line_up() {
      Turn turn(lock_, Patience::as_long_as_it_takes);
      lock_.roster_.line_up(entry_);
      lock_.admit_next(me_);
    }
    // `busy` at the deadline, at a signal, and after RECHECK at the latest.
    Taken wait(const Deadline& deadline) {
      for (;;) {
        if (is_in()) return taken();
        const Nanoseconds rest = deadline.rest(RECHECK);
        const Woke woke =
            rest == 0 ? Woke::timed_out
                      : futex_wait(entry().state, static_cast<u32>(EntryState::waiting), rest);
        if (woke == Woke::interrupted) return Taken::busy;
        if (woke == Woke::timed_out) return poll();
      }
    }
    // Without waiting: looks for the dead.
    Taken poll() {
      if (is_in()) return taken();
      Turn turn(lock_, Patience::as_long_as_it_takes);
      lock_.sweep(me_);
      lock_.admit_next(me_);
      return is_in() ? taken() : Taken::busy;
    }
    bool is_in() const {
      return entry_ != NO_ENTRY && lock_.roster_.state(entry_) == EntryState::holding;
    }

    // It keeps what it has; for who gives it up by release().
    void keep() { entry_ = NO_ENTRY; }
    // It wants it no longer, or not any more. Whether others may go on for that.
    bool leave() {
      if (entry_ == NO_ENTRY) return false;
      return lock_.release_entry(std::exchange(entry_, NO_ENTRY), me_) == Release::admitted;
    }

   private:
    Entry& entry() const { return lock_.roster_.at(entry_); }
    // Of who has it: whether it is the one to be told of a dead writer.
    Taken taken() {
      Atomic<u32>& untold = lock_.segment_.abandoned().untold;
      return untold.peek() != 0 && untold.exchange(0) != 0 ? Taken::abandoned : Taken::yes;
    }

    ReadWriteLock& lock_;
    Stamp me_;
    u32 entry_ = NO_ENTRY;
  };

 private:
  static constexpr u32 WRITE = 1u << 16, TIMES_MAX = WRITE - 1;

  static u32 once(Mode mode) { return mode == Mode::write ? WRITE : 1; }
  static u32 times(u32 count, Mode mode) {
    return mode == Mode::write ? count / WRITE : count % WRITE;
  }
  Mode mode_of(u32 index) const {
    return roster_.at(index).count.load() >= WRITE ? Mode::write : Mode::read;
  }
  u32 find(Stamp me) const {
    u32 mine = NO_ENTRY;
    roster_.each([&](u32 index) {
      if (mine == NO_ENTRY && roster_.stamp(index) == me &&
          roster_.state(index) == EntryState::holding)
        mine = index;
    });
    return mine;
  }

  // What follows is done under the mutex.
  bool somebody_waits() const {
    bool any = false;
    roster_.each([&](u32 index) { any = any || roster_.state(index) == EntryState::waiting; });
    return any;
  }
  bool may_enter(Mode mode) const {
    bool may = true;
    roster_.each([&](u32 index) {
      if (roster_.state(index) == EntryState::holding &&
          (mode == Mode::write || mode_of(index) == Mode::write))
        may = false;
    });
    return may;
  }
  void admit(u32 index) {
    // SYNC roster.state: pairs with the acquire in state()
    roster_.set_state(index, EntryState::holding);
    INTERLOCK_PROBE("rwlock.admitted");
    roster_.at(index).since.set(static_cast<u64>(coarse_now()));
  }
  bool admit_next(Stamp me) {
    bool any = false;
    for (;;) {
      const u32 first = roster_.next(EntryState::waiting, me);
      if (first == NO_ENTRY || !may_enter(mode_of(first))) return any;
      admit(first);
      any = true;
      futex_wake(roster_.at(first).state, 1);
    }
  }
  Release release_entry(u32 index, Stamp me) {
    Turn turn(*this, Patience::as_long_as_it_takes);
    roster_.give_back(index);
    INTERLOCK_PROBE("rwlock.released");
    return admit_next(me) ? Release::admitted : Release::quietly;
  }
  void sweep(Stamp me) {
    roster_.each([&](u32 index) {
      const Stamp whose = roster_.stamp(index);
      if (roster_.state(index) != EntryState::holding || !whose.is_dead()) return;
      if (mode_of(index) == Mode::write) {
        segment_.note_abandoned(whose, roster_.at(index).since.load());
        segment_.abandoned().untold.store(1);
        INTERLOCK_PROBE("rwlock.noted");
      }
      roster_.bury(index, whose, me);
    });
  }

  const SyncSegment& segment_;
  SharedWords& shared_;
  Roster roster_;
};

}  // namespace interlock
