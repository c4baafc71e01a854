// An event: a flag that many wait for, and that no death can take along.
//
// One word: how often it was set, and whether it is set now. Whoever waits returns when the flag
// is set or the number has risen since it began to wait, so an event that is cleared at once
// after it was set has woken them all the same.
//
// A death leaves the word as it was or as it will be. One that dies between setting the
// flag and waking is made up for by the bound on each sleep.
// Protocol: docs/protocols/locks.md, "The event".
#pragma once

#include "core/roster.hpp"
#include "core/waiters.hpp"

namespace interlock {

class Event {
 public:
  static constexpr Nanoseconds RECHECK = Waiters::RECHECK;

  explicit Event(const SyncSegment& segment) : shared_(segment.shared()), roster_(segment) {}

  bool is_set() const { return (shared_.value.load() & SET) != 0; }

  void set() {
    u64 seen = shared_.value.load();
    while (!shared_.value.compare_exchange(seen, (seen | SET) + ONCE)) {
    }
    INTERLOCK_PROBE("event.set");
    waiters().wake(EVERYBODY);
  }
  void clear() { shared_.value.fetch_and(~SET); }

  // One who waits, for as long as it does.
  class Waiting {
   public:
    Waiting(const Event& event, Stamp me)
        : event_(event), before_(event.shared_.value.load()), entry_(event.roster_.claim(me)) {
      if (entry_ != NO_ENTRY) event_.roster_.line_up(entry_);  // without one it waits unseen
    }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    ~Waiting() {
      if (entry_ != NO_ENTRY) event_.roster_.give_back(entry_);
    }

    bool has_happened() const {
      const u64 word = event_.shared_.value.load();
      return (word & SET) != 0 || word / ONCE != before_ / ONCE;
    }
    // False at the deadline, at a signal, and after RECHECK at the latest.
    bool wait(const Deadline& deadline) const {
      Waiters waiters = event_.waiters();
      for (;;) {
        const u32 ticket = waiters.ticket();
        waiters.enroll();
        if (has_happened()) return true;
        const Nanoseconds rest = deadline.rest(RECHECK);
        if (rest == 0 || waiters.sleep(ticket, rest) != Woke::changed) return has_happened();
      }
    }

   private:
    const Event& event_;
    const u64 before_;
    u32 entry_;
  };

 private:
  static constexpr u64 SET = 1;
  static constexpr u64 ONCE = 2;
  Waiters waiters() const { return Waiters(shared_.sequence, shared_.waiting); }

  SharedWords& shared_;
  Roster roster_;
};

}  // namespace interlock
