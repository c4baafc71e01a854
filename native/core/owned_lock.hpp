// A lock that any thread of any process may hold for as long as it likes, several at a time;
// who waits for it notices that its owner is dead (P3).
//
// The word:  0 free | Stamp of the owner | FUTEX_WAITERS.
//
//   acquire   0 -> mine                          one compare-exchange
//   release   anything -> 0                      one exchange; wake one if the flag was set
//   wait      set the flag, sleep while the word is the same, for RECHECK at most
//   recover   dead owner -> mine                 one compare-exchange, by who waits
//
// A death leaves
//   before the word is taken       nothing
//   while it is held               a dead stamp: found by who waits, within RECHECK
//   released, sleepers not woken   a free word: found by who waits, within RECHECK
//   woken, not taken               the same
//
// The kernel's robust list is of no use here: its entry that needs no pointers in shared memory is
// one a thread (platform/robust_list.hpp), and a program holds many locks at a time.
// So nobody is woken by the death itself; who waits looks.
//
// It may be released by any thread, as multiprocessing's can. Who comes may pass those that
// wait: that favours throughput. FairLock (fair_lock.hpp) is first come, first served.
// Protocol: docs/protocols/locks.md. Source: futex(2); Ulrich Drepper, "Futexes Are Tricky".
#pragma once

#include "core/roster.hpp"

namespace interlock {

enum class Taken { busy, yes, abandoned };
enum class Released { not_held, quietly, with_waiters };

// The owner's words, whoever is let in next.
class Ownership {
 public:
  static constexpr Nanoseconds RECHECK = 50 * MILLISECOND;

  explicit Ownership(const SyncSegment& segment) : segment_(segment), words_(segment.owner()) {}

  Stamp owner() const { return Stamp::of_word(words_.owner.load()); }
  bool is_owned_by(Stamp me) const {
    return Stamp::of_word(words_.owner.load(Order::relaxed)) == me;
  }
  u32 depth() const { return words_.depth.peek(); }
  void set_depth(u32 depth) { words_.depth.set(depth); }
  Nanoseconds since() const { return static_cast<Nanoseconds>(words_.since.load()); }

 protected:
  Taken take(u64 seen, u64 mine) {
    // SYNC lock.hand_over: pairs with the release in free()
    if (!words_.owner.compare_exchange(seen, mine, Order::acquire)) return Taken::busy;
    INTERLOCK_PROBE("lock.taken");
    began();
    return Taken::yes;
  }
  void began() {
    words_.since.set(static_cast<u64>(coarse_now()));
    words_.depth.set(1);
  }
  const SyncSegment& segment_;
  OwnerWords& words_;
};

class OwnedLock : public Ownership {
 public:
  static constexpr int YIELDS = 16;
  using Ownership::Ownership;

  Taken try_acquire(Stamp me) { return take(0, me.word()); }

  // As try_acquire(), also from a dead owner; for who does not wait any longer.
  Taken try_recover(Stamp me) {
    const u64 seen = words_.owner.load();
    const Stamp whose = Stamp::of_word(seen);
    if (whose.nobody()) return take(seen, me.word() | FUTEX_WAITERS);
    if (whose == me || !whose.is_dead()) return Taken::busy;
    const u64 since = words_.since.load();
    if (take(seen, me.word() | FUTEX_WAITERS) == Taken::busy) return Taken::busy;
    segment_.note_abandoned(whose, since);
    INTERLOCK_PROBE("lock.recovered");
    return Taken::abandoned;
  }

  // One who waits, for as long as it does: seen by who looks on, and woken by who releases.
  class Waiting {
   public:
    Waiting(OwnedLock& lock, Stamp me) : lock_(lock), me_(me), roster_(lock.segment_) {
      for (int turn = 0; turn < YIELDS && taken_ == Taken::busy; ++turn) {
        yield_processor();
        taken_ = lock_.try_acquire(me_);
      }
    }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    ~Waiting() {
      if (entry_ != NO_ENTRY) roster_.give_back(entry_);
    }

    // `busy` at the deadline, at a signal, and after RECHECK at the latest.
    Taken wait(const Deadline& deadline) {
      if (taken_ == Taken::busy && entry_ == NO_ENTRY) enter();
      for (;;) {
        if (taken_ != Taken::busy) return taken_;
        // Others may sleep too, so the lock is taken with the flag that wakes them.
        u64 seen = lock_.words_.owner.load(Order::relaxed);
        if (Stamp::of_word(seen).nobody()) {
          taken_ = lock_.take(seen, me_.word() | FUTEX_WAITERS);
          continue;
        }
        if ((seen & FUTEX_WAITERS) == 0 &&
            !lock_.words_.owner.compare_exchange(seen, seen | FUTEX_WAITERS))
          continue;
        INTERLOCK_PROBE("lock.flagged");
        const auto low = static_cast<u32>(seen) | FUTEX_WAITERS;
        const Nanoseconds rest = deadline.rest(RECHECK);
        const Woke woke = rest == 0 ? Woke::timed_out : futex_wait(lock_.words_.owner, low, rest);
        if (woke == Woke::interrupted) return Taken::busy;
        if (woke == Woke::timed_out) return lock_.try_recover(me_);
      }
    }

   private:
    void enter() {
      entry_ = roster_.claim(me_);
      if (entry_ != NO_ENTRY) roster_.line_up(entry_);  // without one it waits unseen
    }

    OwnedLock& lock_;
    Stamp me_;
    Roster roster_;
    u32 entry_ = NO_ENTRY;
    Taken taken_ = Taken::busy;
  };

  // Sets the flag, so that the next release looks for who is to be told. False: it is free.
  bool ask_to_be_told() {
    u64 seen = words_.owner.load();
    while (!Stamp::of_word(seen).nobody())
      if ((seen & FUTEX_WAITERS) != 0 || words_.owner.compare_exchange(seen, seen | FUTEX_WAITERS))
        return true;
    return false;
  }

  Released release() {
    // SYNC lock.hand_over: pairs with the acquire in take()
    const u64 was = words_.owner.exchange(0, Order::release);
    INTERLOCK_PROBE("lock.released");
    if ((was & FUTEX_WAITERS) != 0) [[unlikely]] {
      futex_wake(words_.owner, 1);
      return Stamp::of_word(was).nobody() ? Released::not_held : Released::with_waiters;
    }
    return was == 0 ? Released::not_held : Released::quietly;
  }
};

}  // namespace interlock
