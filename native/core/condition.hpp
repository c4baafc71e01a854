// A condition's waiters: who notifies never waits for them, and the dead take no notification.
//
// Who waits lines up in the roster before it gives up the lock that the condition goes with.
// A notification is one store, under the mutex, in the entry of the first that waits and lives:
//
//   waiting -> granted -> none
//
// It is used up when its thread has the lock again and says so (done()). Until then it can be
// given to another: at a death (pass_on(), by who notifies and by who waits, within
// RECHECK), and by a thread that leaves in another way, such as by an exception.
//
// A death leaves
//   of one that waits      an entry with a dead stamp, which is passed over
//   of one that is granted the same in state granted, which is passed on
//   of one that notifies   as many granted as it came to
//   of one with the lock   who waits notices within RECHECK, and takes it for a notification: the
//                          dead one may have been about to notify
// Nobody counts sleepers, so a dead one is missing in no count (python/cpython#75158).
// Protocol: docs/protocols/locks.md, "The condition".
#pragma once

#include "core/death_watch.hpp"
#include "core/roster.hpp"
#include "core/turn.hpp"

namespace interlock {

class Condition {
 public:
  static constexpr Nanoseconds RECHECK = 50 * MILLISECOND;

  explicit Condition(const SyncSegment& segment) : shared_(segment.shared()), roster_(segment) {}

  RobustMutex mutex() { return RobustMutex(shared_.mutex); }
  void repair() {}  // each step is one store

  // Returns how many were notified: as many as wait, and `count` at the most.
  u32 notify(Stamp me, u32 count) {
    Turn turn(*this, Patience::as_long_as_it_takes);
    pass_on(me);
    u32 told = 0;
    while (told < count && grant_next(me)) ++told;
    return told;
  }

  u32 waiting() const {
    u32 count = 0;
    roster_.each([&](u32 index) { count += roster_.state(index) == EntryState::waiting; });
    return count;
  }

  // One who waits; the watch is of the lock that goes with the condition. Throws TooManyWaiters.
  class Waiting {
   public:
    Waiting(Condition& condition, Stamp me, DeathWatch watch = {})
        : condition_(condition),
          me_(me),
          watch_(watch),
          entry_(condition.roster_.claim(me, condition)) {
      if (entry_ == NO_ENTRY) throw TooManyWaiters();
      roster().line_up(entry_);
    }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    ~Waiting() { leave(); }

    bool is_granted() const {
      return entry_ != NO_ENTRY && roster().state(entry_) == EntryState::granted;
    }

    // Whether it was notified. False at the deadline, and then it waits no longer; at a signal;
    // and after RECHECK at the latest.
    bool wait(const Deadline& deadline) {
      for (;;) {
        if (is_granted()) return true;
        if (entry_ == NO_ENTRY) return false;
        const Nanoseconds rest = deadline.rest(RECHECK);
        const Woke woke = rest == 0 ? Woke::timed_out
                                    : futex_wait(roster().at(entry_).state,
                                                 static_cast<u32>(EntryState::waiting), rest);
        if (woke == Woke::interrupted) return false;
        if (woke == Woke::timed_out) return look_again(deadline);
      }
    }
    // Without waiting, for who is told in another way when to look.
    bool poll() { return is_granted() || look_again(Deadline::never()); }

    // The notification is used up.
    void done() {
      if (entry_ != NO_ENTRY) roster().give_back(std::exchange(entry_, NO_ENTRY));
      INTERLOCK_PROBE("condition.done");
    }
    // A notification that came all the same goes on to another.
    void leave() {
      if (entry_ == NO_ENTRY) return;
      Turn turn(condition_, Patience::as_long_as_it_takes);
      const bool was_granted = is_granted();
      if (was_granted) condition_.grant_next(me_);
      roster().give_back(std::exchange(entry_, NO_ENTRY));
    }

   private:
    const Roster& roster() const { return condition_.roster_; }
    bool look_again(const Deadline& deadline) {
      Turn turn(condition_, Patience::as_long_as_it_takes);
      condition_.pass_on(me_);
      if (entry_ == NO_ENTRY || is_granted()) return entry_ != NO_ENTRY;
      if (watch_.owner_has_died()) {
        roster().set_state(entry_, EntryState::granted);
        return true;
      }
      if (deadline.passed()) roster().give_back(std::exchange(entry_, NO_ENTRY));
      return false;
    }

    Condition& condition_;
    Stamp me_;
    DeathWatch watch_;
    u32 entry_;
  };

 private:
  // Under the mutex.
  bool grant_next(Stamp me) {
    const u32 index = roster_.next(EntryState::waiting, me);
    if (index == NO_ENTRY) return false;
    roster_.set_state(index, EntryState::granted);
    INTERLOCK_PROBE("condition.granted");
    futex_wake(roster_.at(index).state, 1);
    return true;
  }
  void pass_on(Stamp me) {
    roster_.each([&](u32 index) {
      const Stamp whose = roster_.stamp(index);
      if (roster_.state(index) != EntryState::granted || !died_in(roster_.at(index).stamp, whose) ||
          roster_.state(index) != EntryState::granted)
        return;
      // First the next one: a death in between leaves one too many, and never one too few.
      grant_next(me);
      INTERLOCK_PROBE("condition.passed_on");
      roster_.bury(index, whose, me);
    });
  }

  SharedWords& shared_;
  Roster roster_;
};

}  // namespace interlock
