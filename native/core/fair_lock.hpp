// A lock that is first come, first served: the owner hands it to who has waited longest.
//
// The word is OwnedLock's. While somebody waits, the flag keeps it from being taken by
// who comes by, and who releases enters the stamp of the next one in the order, under the mutex:
//
//   intent = entry       which hand-over is being made
//   word = its stamp     it is the owner
//   state = granted      it is told, and woken
//   intent = 0
//
// A death leaves
//   after intent or word            the next one with the mutex finishes the same hand-over
//   after the word was freed        who waits makes the hand-over, within RECHECK
//   of one that was handed it       a dead owner, as in owned_lock.hpp
//   of one that waits               an entry with a dead stamp, which is passed over
//
// So a waiter's time is bounded by those before it: each may have the lock once.
// Protocol: docs/protocols/locks.md, "In order".
#pragma once

#include <optional>

#include "core/owned_lock.hpp"
#include "core/turn.hpp"

namespace interlock {

class FairLock : public Ownership {
 public:
  explicit FairLock(const SyncSegment& segment)
      : Ownership(segment), shared_(segment.shared()), roster_(segment) {}

  RobustMutex mutex() { return RobustMutex(shared_.mutex); }
  void repair() {
    const u64 intent = shared_.intent.load();
    if (intent == 0) return;
    const u32 index = static_cast<u32>(intent - 1) % ENTRIES;
    const Stamp whose = roster_.stamp(index);
    if (roster_.state(index) == EntryState::waiting && owner() == whose && !whose.nobody())
      tell(index);
    shared_.intent.store(0);
  }

  Taken try_acquire(Stamp me) { return take(0, me.word()); }

  // As try_acquire(), also from a dead owner if nobody waits.
  Taken try_recover(Stamp me) {
    Turn turn(*this, Patience::as_long_as_it_takes);
    settle(me, true);
    if (!Stamp::of_word(words_.owner.load()).nobody()) return Taken::busy;
    const Taken taken = take(0, me.word());
    return taken == Taken::yes && told() ? Taken::abandoned : taken;
  }

  // One who waits, for as long as it does. Throws TooManyWaiters.
  class Waiting {
   public:
    Waiting(FairLock& lock, Stamp me)
        : lock_(lock), me_(me), roster_(lock.roster_), entry_(roster_.claim(me, lock)) {
      if (entry_ == NO_ENTRY) throw TooManyWaiters();
      roster_.line_up(entry_);
      Turn turn(lock_, Patience::as_long_as_it_takes);
      lock_.settle(me_, false);
    }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    ~Waiting() {
      if (entry_ != NO_ENTRY) withdraw();
    }

    // `busy` at the deadline, at a signal, and after RECHECK at the latest.
    Taken wait(const Deadline& deadline) {
      for (;;) {
        if (const Taken taken = look(); taken != Taken::busy) return taken;
        const Nanoseconds rest = deadline.rest(RECHECK);
        const Woke woke = rest == 0 ? Woke::timed_out
                                    : futex_wait(roster_.at(entry_).state,
                                                 static_cast<u32>(EntryState::waiting), rest);
        if (woke == Woke::interrupted) return Taken::busy;
        if (woke == Woke::timed_out) return look_again(deadline);
      }
    }

    // Without waiting, for who is told in another way when to look.
    Taken poll() {
      if (const Taken taken = look(); taken != Taken::busy) return taken;
      Turn turn(lock_, Patience::as_long_as_it_takes);
      lock_.settle(me_, true);
      return look();
    }

   private:
    // Whether it was handed the lock.
    Taken look() {
      if (entry_ == NO_ENTRY) return Taken::busy;
      const EntryState state = roster_.state(entry_);
      if (state == EntryState::waiting) return Taken::busy;
      lock_.began();
      roster_.give_back(std::exchange(entry_, NO_ENTRY));
      return state == EntryState::granted ? Taken::yes : Taken::abandoned;
    }
    // Does what one who died may have left undone.
    Taken look_again(const Deadline& deadline) {
      Turn turn(lock_, Patience::as_long_as_it_takes);
      lock_.settle(me_, true);
      const Taken taken = look();
      if (taken == Taken::busy && deadline.passed())
        roster_.give_back(std::exchange(entry_, NO_ENTRY));
      return taken;
    }
    void withdraw() {
      Turn turn(lock_, Patience::as_long_as_it_takes);
      const EntryState state = roster_.state(entry_);
      if (state == EntryState::granted_after_death) lock_.segment_.abandoned().untold.store(1);
      roster_.give_back(entry_);
      if (state != EntryState::waiting) lock_.let_in_next(me_);
    }

    FairLock& lock_;
    Stamp me_;
    const Roster& roster_;
    u32 entry_;
  };

  Released release(Stamp me) {
    u64 seen = words_.owner.load(Order::relaxed);
    while ((seen & FUTEX_WAITERS) == 0) {
      if (seen == 0) return Released::not_held;
      // SYNC lock.hand_over: pairs with the acquire in take()
      if (words_.owner.compare_exchange(seen, 0, Order::release)) return Released::quietly;
    }
    Turn turn(*this, Patience::as_long_as_it_takes);
    if (owner().nobody()) return Released::not_held;
    let_in_next(me);
    return Released::with_waiters;
  }

 private:
  // The owner, who may be anybody, has done with it. Under the mutex.
  void let_in_next(Stamp me) {
    words_.owner.store(FUTEX_WAITERS);
    INTERLOCK_PROBE("lock.freed");
    settle(me, false);
  }

  // A free lock goes to the first in the order; an owned one gets the flag. Under the mutex.
  void settle(Stamp me, bool look_for_death) {
    for (;;) {
      u64 seen = words_.owner.load();
      const Stamp whose = Stamp::of_word(seen);
      if (whose.nobody()) {
        const u32 first = roster_.next(EntryState::waiting, me);
        if (first == NO_ENTRY) {
          if (seen == 0 || words_.owner.compare_exchange(seen, 0)) return;
        } else if (hand_over(seen, first)) {
          return;
        }
      } else if (look_for_death && died_in(words_.owner, whose)) {
        bury_granted(whose, me);
        segment_.note_abandoned(whose, words_.since.load());
        segment_.abandoned().untold.store(1);
        words_.owner.compare_exchange(seen, FUTEX_WAITERS);
        INTERLOCK_PROBE("lock.recovered");
      } else if ((seen & FUTEX_WAITERS) != 0 || roster_.next(EntryState::waiting, me) == NO_ENTRY ||
                 words_.owner.compare_exchange(seen, seen | FUTEX_WAITERS)) {
        return;
      }
    }
  }

  bool hand_over(u64 seen, u32 index) {
    shared_.intent.store(u64{index} + 1);
    INTERLOCK_PROBE("lock.handing_over");
    const bool done =
        words_.owner.compare_exchange(seen, roster_.stamp(index).word() | FUTEX_WAITERS);
    INTERLOCK_PROBE("lock.handed_over");
    if (done) tell(index);
    shared_.intent.store(0);
    return done;
  }
  void tell(u32 index) {
    const bool after_death = segment_.abandoned().untold.peek() != 0;
    roster_.set_state(index, after_death ? EntryState::granted_after_death : EntryState::granted);
    INTERLOCK_PROBE("lock.granted");
    segment_.abandoned().untold.store(0);
    futex_wake(roster_.at(index).state, 1);
  }
  bool told() { return segment_.abandoned().untold.exchange(0) != 0; }

  void bury_granted(Stamp dead, Stamp me) {
    roster_.each([&](u32 index) {
      const EntryState state = roster_.state(index);
      if (roster_.stamp(index) == dead &&
          (state == EntryState::granted || state == EntryState::granted_after_death))
        roster_.bury(index, dead, me);
    });
  }

  SharedWords& shared_;
  Roster roster_;
};

}  // namespace interlock
