// A semaphore whose places come back when who has them dies (P3).
//
// Two kinds of number have to agree: the free places (`value`), and for each thread that has some,
// how many (`count` of its entry, in state holding). Both change in one step, under the mutex:
//
//   intent_value = (count, value)     what they will be
//   intent = entry                    the step is decided
//   value, count                      done
//   intent = 0
//
// A death leaves
//   before the intent        nothing
//   after it                 the next one with the mutex makes the same two stores
//   of one that has places   an entry with a dead stamp: who waits gives its places back
//   of one that waits        the flag of who waits, and an entry with a dead stamp
//
// A place may be given back by another than took it: a semaphore that counts things is acquired
// by one side and released by the other. So on a death only as many places come back as are
// missing from the number it was made with. Whoever releases gives up a place of its own, or
// else one that another thread of its process has.
// Protocol: docs/protocols/locks.md, "The semaphore".
#pragma once

#include "core/owned_lock.hpp"
#include "core/turn.hpp"
#include "core/waiters.hpp"

namespace interlock {

class Semaphore {
 public:
  static constexpr u32 VALUE_MAX = 0x7fffffff;
  static constexpr Nanoseconds RECHECK = 50 * MILLISECOND;

  explicit Semaphore(const SyncSegment& segment)
      : segment_(segment), shared_(segment.shared()), roster_(segment) {}

  // To be called once, by who makes it. Throws NoPagesForLock.
  void begin(u32 value) {
    segment_.need_entries();
    shared_.value.store(value);
  }

  RobustMutex mutex() { return RobustMutex(shared_.mutex); }
  void repair() {
    const u64 intent = shared_.intent.load();
    if (intent != 0) finish(static_cast<u32>(intent - 1), Pair::from(shared_.intent_value.load()));
  }

  u32 value() const { return static_cast<u32>(shared_.value.load()); }

  bool try_acquire(Stamp me) {
    if (shared_.value.load(Order::relaxed) == 0) return false;
    Turn turn(*this, Patience::as_long_as_it_takes);
    return take(me);
  }
  // As try_acquire(), and first gives back what the dead have.
  bool try_recover(Stamp me) {
    Turn turn(*this, Patience::as_long_as_it_takes);
    sweep(me);
    return take(me);
  }

  // One who waits, for as long as it does.
  class Waiting {
   public:
    Waiting(Semaphore& semaphore, Stamp me)
        : semaphore_(semaphore), me_(me), entry_(semaphore.roster_.claim(me)) {
      if (entry_ != NO_ENTRY) semaphore_.roster_.line_up(entry_);  // without one it waits unseen
    }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    ~Waiting() {
      if (entry_ != NO_ENTRY) semaphore_.roster_.give_back(entry_);
    }

    // False at the deadline, at a signal, and after RECHECK at the latest.
    bool wait(const Deadline& deadline) {
      Waiters waiters = semaphore_.waiters();
      for (;;) {
        const u32 ticket = waiters.ticket();
        waiters.enroll();
        if (semaphore_.try_acquire(me_)) return true;
        const Nanoseconds rest = deadline.rest(RECHECK);
        const Woke woke = rest == 0 ? Woke::timed_out : waiters.sleep(ticket, rest);
        if (woke == Woke::interrupted) return false;
        if (woke == Woke::timed_out) return semaphore_.try_recover(me_);
      }
    }

   private:
    Semaphore& semaphore_;
    Stamp me_;
    u32 entry_;
  };

  // Sets the flag, so that the next release looks for who is to be told. False: it may be had.
  bool ask_to_be_told() {
    waiters().enroll();
    return shared_.value.load() == 0;
  }

  // False if it would have more places than `most`.
  bool release(Stamp me, u32 most, u32 places = 1) {
    {
      Turn turn(*this, Patience::as_long_as_it_takes);
      const u32 free = value();
      if (free > most || most - free < places) return false;
      for (u32 i = 0; i < places; ++i) give_up(me);
    }
    waiters().wake(static_cast<int>(places));
    return true;
  }

  // Calls visit(stamp, places, since) for each thread that has some.
  template <class Visit>
  void each_holder(Visit visit) const {
    roster_.each([&](u32 index) {
      const Entry& entry = roster_.at(index);
      const u32 count = entry.count.load();
      if (roster_.state(index) == EntryState::holding && count > 0)
        visit(roster_.stamp(index), count, static_cast<Nanoseconds>(entry.since.load()));
    });
  }

 private:
  Waiters waiters() const { return Waiters(shared_.sequence, shared_.waiting); }

  bool take(Stamp me) {
    const u32 free = value();
    if (free == 0) return false;
    change(entry_of(me), 1, free - 1);
    return true;
  }

  void give_up(Stamp me) {
    u32 index = NO_ENTRY;
    roster_.each([&](u32 at) {
      const bool has = roster_.state(at) == EntryState::holding && roster_.at(at).count.peek() > 0;
      if (!has) return;
      if (roster_.stamp(at) == me)
        index = at;
      else if (index == NO_ENTRY && roster_.stamp(at).process() == me.process())
        index = at;
    });
    change(index, ~0u, value() + 1);
  }

  // What the dead have, as far as it is missing, is free again.
  void sweep(Stamp me) {
    roster_.each([&](u32 index) {
      const Stamp whose = roster_.stamp(index);
      const EntryState state = roster_.state(index);
      if (whose.nobody() || !whose.is_dead()) return;
      if (state == EntryState::holding) {
        const u32 has = roster_.at(index).count.load();
        const u64 there = total();
        const u32 extra = there > segment_.initial()
                              ? static_cast<u32>(std::min<u64>(there - segment_.initial(), has))
                              : 0;
        if (has > extra) segment_.note_abandoned(whose, roster_.at(index).since.load());
        change(index, ~0u * has, value() + has - extra);
        INTERLOCK_PROBE("semaphore.swept");
      }
      roster_.bury(index, whose, me);
    });
  }

  // All places, free and held.
  u64 total() const {
    u64 sum = value();
    roster_.each([&](u32 index) {
      if (roster_.state(index) == EntryState::holding) sum += roster_.at(index).count.peek();
    });
    return sum;
  }

  // The entry of what a thread has; NO_ENTRY if the table is full: then nobody knows who has it.
  u32 entry_of(Stamp me) {
    u32 index = NO_ENTRY;
    roster_.each([&](u32 at) {
      if (roster_.state(at) == EntryState::holding && roster_.stamp(at) == me) index = at;
    });
    if (index != NO_ENTRY) return index;
    index = roster_.claim(me);
    if (index == NO_ENTRY) return index;
    roster_.at(index).count.store(0);
    roster_.set_state(index, EntryState::holding);
    INTERLOCK_PROBE("semaphore.entered");
    return index;
  }

  void change(u32 index, u32 by, u32 value) {
    const u32 count = index == NO_ENTRY ? 0 : roster_.at(index).count.load() + by;
    if (index != NO_ENTRY && by == 1 && count == 1)
      roster_.at(index).since.set(static_cast<u64>(coarse_now()));
    const Pair after{count, value};
    shared_.intent_value.store(after.word());
    shared_.intent.store(u64{index} + 1);
    INTERLOCK_PROBE("semaphore.decided");
    finish(index, after);
    if (index != NO_ENTRY && count == 0) roster_.give_back(index);
  }
  void finish(u32 index, Pair after) {
    shared_.value.store(after.low);
    INTERLOCK_PROBE("semaphore.counted");
    if (index != NO_ENTRY) roster_.at(index).count.store(after.high);
    shared_.intent.store(0);
  }

  const SyncSegment& segment_;
  SharedWords& shared_;
  Roster roster_;
};

}  // namespace interlock
