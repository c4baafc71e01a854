// A barrier: so many threads wait for each other; one that died is missing, and is named.
//
// A round ends for all that wait in it alike: passed, or broken. That is decided under the mutex:
//
//   intent_value = the next round (with the cause, if this one was broken)
//   intent       = outcome          decided
//   generation   = the next round
//   each state   = outcome          waiting -> granted (passed) | refused (broken)
//   intent       = 0
//
// Who has passed stays in the roster, in state holding, until its next round: so it is known who
// takes part. A process that was in the last round, and has died without leaving in an orderly way,
// is missing in the next.
//
// A death leaves
//   of one that waits          an entry with a dead stamp: breaks the round, within RECHECK
//   of one in the last round   the same, where one that was in the last round too waits
//   before the intent          nothing
//   after it                   the next one with the mutex makes the same stores again
// Protocol: docs/protocols/locks.md, "The barrier".
#pragma once

#include "core/roster.hpp"
#include "core/turn.hpp"
#include "core/waiters.hpp"

namespace interlock {

// Why a round is broken. Its numbers are Python's too (synchronize/barrier.py).
enum class Broken : u32 { no = 0, aborted = 1, timed_out = 2, missing = 3, reset = 4, failed = 5 };

class Barrier {
  // The word `generation`: which round it is, and whether it is broken for good.
  struct Round {
    u64 number;
    Broken broken;
    static Round of(u64 word) { return {word >> 4, static_cast<Broken>(word & 15)}; }
    u64 word() const { return number << 4 | static_cast<u64>(broken); }
    Round next(Broken why) const { return {number + 1, why}; }
  };

 public:
  explicit Barrier(const SyncSegment& segment)
      : segment_(segment), shared_(segment.shared()), roster_(segment) {}

  RobustMutex mutex() { return RobustMutex(shared_.mutex); }
  void repair() {
    if (const u64 outcome = shared_.intent.load(); outcome != 0)
      finish(static_cast<EntryState>(outcome));
  }

  u32 parties() const { return static_cast<u32>(segment_.initial()); }
  Broken broken() const { return round().broken; }
  u32 waiting() const { return count_waiting(round()); }

  // Ends the round for those that wait in it, and leaves the barrier broken.
  void abort(Broken why) {
    Turn turn(*this, Patience::as_long_as_it_takes);
    if (round().broken == Broken::no) end_round(EntryState::refused, why);
    wake(turn);
  }
  // Ends it in the same way, if anybody waits; then the barrier is as new.
  void reset() {
    Turn turn(*this, Patience::as_long_as_it_takes);
    if (round().broken == Broken::no) end_round(EntryState::refused, Broken::reset);
    forget([](u32) { return true; });
    shared_.generation.store(round().next(Broken::no).word());
    wake(turn);
  }

  // The threads of this process that have passed end in an orderly way: nobody misses them.
  void leave(Stamp me) {
    Turn turn(*this, Patience::as_long_as_it_takes);
    forget([&](u32 index) { return roster_.stamp(index).process() == me.process(); });
  }

  // Calls visit(stamp, since) for those of the last round that have not come yet.
  template <class Visit>
  void each_awaited(Visit visit) const {
    roster_.each([&](u32 index) {
      if (is_member(index))
        visit(roster_.stamp(index), static_cast<Nanoseconds>(roster_.at(index).since.load()));
    });
  }

  enum class Arrival { waits, last, full, broken };
  enum class Outcome { none, passed, broken };

  // One who takes part in a round.
  class Waiting {
   public:
    Waiting(Barrier& barrier, Stamp me) : barrier_(barrier), me_(me) {}
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    ~Waiting() { leave(); }

    // `full`: the last round is not over yet, wait() and come again. Throws TooManyWaiters.
    Arrival arrive() {
      Turn turn(barrier_, Patience::as_long_as_it_takes);
      const Round now = barrier_.round();
      if (now.broken != Broken::no) return Arrival::broken;
      const u32 before = barrier_.count_waiting(now);
      if (before >= barrier_.parties()) return Arrival::full;
      const bool is_last = before + 1 == barrier_.parties();
      if (is_last && barrier_.find_missing(false)) {
        barrier_.wake(turn);
        return Arrival::broken;
      }
      enter(now, before);
      return is_last ? Arrival::last : Arrival::waits;
    }
    // Its number in the round, from 0.
    u32 number() const { return number_; }

    // By the last one: all pass, unless the round was broken meanwhile.
    Outcome pass() {
      Turn turn(barrier_, Patience::as_long_as_it_takes);
      if (outcome() == Outcome::none) barrier_.end_round(EntryState::granted, Broken::no);
      barrier_.wake(turn);
      return outcome();
    }
    // Nobody passes, unless all have meanwhile.
    Outcome give_up(Broken why) {
      Turn turn(barrier_, Patience::as_long_as_it_takes);
      if (outcome() == Outcome::none) barrier_.end_round(EntryState::refused, why);
      barrier_.wake(turn);
      return outcome();
    }

    Outcome outcome() const {
      if (entry_ == NO_ENTRY) return Outcome::none;
      const EntryState state = barrier_.roster_.state(entry_);
      if (state == EntryState::granted) return Outcome::passed;
      return state == EntryState::refused ? Outcome::broken : Outcome::none;
    }
    // Why it is, for one whose outcome is `broken`.
    Broken why() const { return static_cast<Broken>(barrier_.roster_.at(entry_).count.load()); }

    // `none` at the deadline, at a signal, and after RECHECK at the latest; before it has arrived,
    // when there may be room.
    Outcome wait(const Deadline& deadline) {
      Waiters waiters = barrier_.waiters();
      for (;;) {
        const u32 ticket = waiters.ticket();
        waiters.enroll();
        if (outcome() != Outcome::none || may_arrive()) return outcome();
        const Nanoseconds rest = deadline.rest(Waiters::RECHECK);
        const Woke woke = rest == 0 ? Woke::timed_out : waiters.sleep(ticket, rest);
        if (woke == Woke::interrupted) return outcome();
        if (woke == Woke::timed_out) return poll();
      }
    }
    // Without waiting: looks for the dead.
    Outcome poll() {
      Turn turn(barrier_, Patience::as_long_as_it_takes);
      if (outcome() == Outcome::none && barrier_.round().broken == Broken::no &&
          barrier_.find_missing(was_here_))
        barrier_.wake(turn);
      return outcome();
    }

    // It takes no part any longer; if it has passed, it is expected in the next round.
    void leave() {
      if (entry_ == NO_ENTRY) return;
      if (outcome() == Outcome::passed) {
        barrier_.roster_.set_state(std::exchange(entry_, NO_ENTRY), EntryState::holding);
        return;
      }
      Turn turn(barrier_, Patience::as_long_as_it_takes);
      const bool has_passed = outcome() == Outcome::passed;
      const u32 entry = std::exchange(entry_, NO_ENTRY);
      if (has_passed)
        barrier_.roster_.set_state(entry, EntryState::holding);
      else
        barrier_.roster_.give_back(entry);
    }

    // It has not come yet, and need not wait to come.
    bool may_arrive() const {
      const Round now = barrier_.round();
      if (entry_ != NO_ENTRY) return false;
      return now.broken != Broken::no || barrier_.count_waiting(now) < barrier_.parties();
    }

   private:
    // Under the mutex.
    void enter(const Round& now, u32 before) {
      Roster& roster = barrier_.roster_;
      roster.each([&](u32 at) {
        if (roster.state(at) == EntryState::holding && roster.stamp(at) == me_) entry_ = at;
      });
      was_here_ = entry_ != NO_ENTRY && barrier_.is_member(entry_);
      if (entry_ == NO_ENTRY) entry_ = roster.claim(me_);
      if (entry_ == NO_ENTRY) throw TooManyWaiters();
      Entry& entry = roster.at(entry_);
      number_ = barrier_.free_number(now, before);
      entry.count.store(number_);
      entry.ticket.store(now.number);
      entry.since.store(static_cast<u64>(coarse_now()));
      roster.set_state(entry_, EntryState::waiting);
      INTERLOCK_PROBE("barrier.arrived");
    }

    Barrier& barrier_;
    Stamp me_;
    u32 entry_ = NO_ENTRY;
    u32 number_ = 0;
    bool was_here_ = false;
  };

 private:
  Round round() const { return Round::of(shared_.generation.load()); }
  Waiters waiters() const { return Waiters(shared_.sequence, shared_.waiting); }

  bool is_waiting_in(u32 index, const Round& now) const {
    return roster_.state(index) == EntryState::waiting &&
           roster_.at(index).ticket.load() == now.number;
  }
  // Whether it was in the last round, which was passed, and has not come to this one; or has died
  // while it came, and has its ticket already.
  bool is_member(u32 index) const {
    const EntryState state = roster_.state(index);
    return (state == EntryState::holding || state == EntryState::granted) &&
           roster_.at(index).ticket.load() + 1 >= round().number;
  }
  u32 count_waiting(const Round& now) const {
    u32 count = 0;
    roster_.each([&](u32 index) { count += is_waiting_in(index, now); });
    return count;
  }
  // One that nobody in the round has. One that left in the middle has made a gap.
  u32 free_number(const Round& now, u32 before) const {
    for (u32 number = before;; number = (number + 1) % parties()) {
      bool taken = false;
      roster_.each([&](u32 index) {
        taken = taken || (is_waiting_in(index, now) && roster_.at(index).count.load() == number);
      });
      if (!taken) return number;
    }
  }

  // Under the mutex. True: somebody who is dead is missing, and the round is broken.
  bool find_missing(bool was_here) {
    const Round now = round();
    Stamp missing;
    u64 since = 0;
    roster_.each([&](u32 index) {
      const bool waits = is_waiting_in(index, now), awaited = was_here && is_member(index);
      const Stamp whose = roster_.stamp(index);
      if (!missing.nobody() || (!waits && !awaited) || !whose.is_dead()) return;
      if (!waits && !whose.is_process_dead()) return;  // a thread that has passed may end
      missing = whose;
      since = roster_.at(index).since.load();
    });
    if (missing.nobody()) return false;
    segment_.note_abandoned(missing, since);
    end_round(EntryState::refused, Broken::missing);
    return true;
  }

  // Under the mutex.
  void end_round(EntryState outcome, Broken why) {
    const Round next = round().next(why == Broken::reset ? Broken::no : why);
    shared_.intent_value.store(next.word() << 4 | static_cast<u64>(why));
    shared_.intent.store(static_cast<u64>(outcome));
    INTERLOCK_PROBE("barrier.decided");
    finish(outcome);
  }
  void finish(EntryState outcome) {
    const u64 decided = shared_.intent_value.load();
    const Round next = Round::of(decided >> 4);
    const auto why = static_cast<u32>(decided & 15);
    shared_.generation.store(next.word());
    INTERLOCK_PROBE("barrier.turned");
    const Round ended{next.number - 1, Broken::no};
    roster_.each([&](u32 index) {
      if (!is_waiting_in(index, ended)) return;
      if (outcome == EntryState::refused) roster_.at(index).count.store(why);
      roster_.set_state(index, outcome);
      INTERLOCK_PROBE("barrier.told");
    });
    shared_.intent.store(0);
    forget([&](u32 index) { return roster_.at(index).ticket.load() < ended.number; });
  }
  // Those that have passed and are not expected any more. Under the mutex. One that has been told
  // and has not run yet gives its entry back itself, if it lives.
  template <class Which>
  void forget(Which which) {
    roster_.each([&](u32 index) {
      const EntryState state = roster_.state(index);
      const bool told = state == EntryState::granted || state == EntryState::refused;
      if ((state != EntryState::holding && !told) || !which(index)) return;
      if (!told || roster_.stamp(index).is_dead()) roster_.give_back(index);
    });
  }
  void wake(Turn<Barrier>& turn) {
    turn.end();
    waiters().wake(EVERYBODY);
  }

  const SyncSegment& segment_;
  SharedWords& shared_;
  Roster roster_;
};

}  // namespace interlock
