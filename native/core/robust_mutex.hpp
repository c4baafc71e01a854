// A lock in shared memory whose dead owner is noticed (P3).
//
// The word:  0 free | thread id of the owner | FUTEX_OWNER_DIED | FUTEX_WAITERS.
// Who takes it after a death gets `Locked::owner_died` and must repair what the
// lock guards before it calls consistent(); if it dies before that, the next one
// gets the same answer. A death leaves:
//   before the word is taken       nothing
//   while it is held               FUTEX_OWNER_DIED, by the kernel, and one sleeper awake
//   after it is released, before   the kernel wakes one sleeper, because the lock
//   the wake                       is still this thread's pending one
//
// A death never blocks anybody. A living owner that is stopped (SIGSTOP, a debugger) does, for
// as long as it is stopped: nobody can know what it is about to write. lock_until() gives
// up at its deadline.
//
// The order of values: a thread holds at most one such lock (platform/robust_list.hpp).
// Every sleep is bounded, so a wake-up lost with its waker costs RECHECK at most.
// Unlike a pthread robust mutex it keeps no pointer in shared memory (I5).
// Protocol: docs/protocols/ring.md, "Locks". Source: futex(2), get_robust_list(2).
#pragma once

#include "platform/probe.hpp"
#include "platform/robust_list.hpp"

namespace interlock {

enum class Locked { yes, owner_died, busy };

class RobustMutex {
 public:
  static constexpr Nanoseconds RECHECK = 50 * MILLISECOND;
  static constexpr int YIELDS = 16;

  explicit RobustMutex(Atomic<u32>& word) : word_(word) {}

  Locked try_lock(u32 with_flags = 0) {
    auto&& self = ThreadInKernel::self();
    self.set_pending(word_);
    u32 seen = 0;
    // SYNC mutex.hand_over: pairs with the release in unlock()
    if (word_.compare_exchange(seen, self.id() | with_flags, Order::acquire)) [[likely]] {
      INTERLOCK_PROBE("mutex.locked");
      return Locked::yes;
    }
    while ((seen & FUTEX_TID_MASK) == 0) {  // free but for flags: an owner died, or sleepers
      const u32 mine = self.id() | with_flags | (seen & (FUTEX_OWNER_DIED | FUTEX_WAITERS));
      if (word_.compare_exchange(seen, mine, Order::acquire))
        return (mine & FUTEX_OWNER_DIED) != 0 ? Locked::owner_died : Locked::yes;
    }
    self.clear_pending();
    return Locked::busy;
  }

  // Waits as long as it takes; the owner holds it for some hundred instructions.
  Locked lock() { return acquire(Deadline::never(), false); }
  // `busy` at the deadline, or at a signal.
  Locked lock_until(const Deadline& deadline) { return acquire(deadline, true); }

  // What the lock guards is sound again.
  void consistent() {
    word_.fetch_and(~FUTEX_OWNER_DIED, Order::relaxed);
    INTERLOCK_PROBE("mutex.consistent");
  }

  void unlock() {
    // SYNC mutex.hand_over: pairs with the acquire in try_lock(). Sequentially
    // consistent, because the caller looks for sleepers behind it (waiters.hpp).
    const u32 was = word_.exchange(0, Order::seq_cst);
    INTERLOCK_PROBE("mutex.unlocked");
    if ((was & FUTEX_WAITERS) != 0) [[unlikely]]
      futex_wake(word_, 1);
    ThreadInKernel::self().clear_pending();
  }

  // Repairing failed (no memory, a corrupted segment): the next one has to do it.
  void unlock_inconsistent() {
    // SYNC mutex.hand_over: pairs with the acquire in try_lock()
    word_.exchange(FUTEX_OWNER_DIED, Order::release);
    futex_wake(word_, 1);
    ThreadInKernel::self().clear_pending();
  }

  // Whether the last owner died and nobody has taken the lock since.
  bool abandoned() const { return (word_.load(Order::relaxed) & FUTEX_OWNER_DIED) != 0; }

 private:
  Locked acquire(const Deadline& deadline, bool until_signal) {
    for (int turn = 0; turn < YIELDS; ++turn) {
      if (const Locked result = try_lock(); result != Locked::busy) return result;
      yield_processor();
    }
    for (;;) {
      // Others may sleep too, so the lock is taken with the flag that wakes them.
      if (const Locked result = try_lock(FUTEX_WAITERS); result != Locked::busy) return result;
      u32 seen = word_.load(Order::relaxed);
      if ((seen & FUTEX_TID_MASK) == 0) continue;
      if ((seen & FUTEX_WAITERS) == 0 &&
          !word_.compare_exchange(seen, seen | FUTEX_WAITERS, Order::relaxed))
        continue;
      // Given up behind the flag only: a wake-up that came to this thread goes on to the others.
      const Nanoseconds rest = deadline.rest(RECHECK);
      if (rest == 0) return Locked::busy;
      const Woke woke = futex_wait(word_, seen | FUTEX_WAITERS, rest);
      if (woke == Woke::interrupted && until_signal) return Locked::busy;
    }
  }

  Atomic<u32>& word_;
};

}  // namespace interlock
