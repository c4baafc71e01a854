// Sleeping until there is something to do, without a lost wake-up (I4).
//
// A sleeper:  v = sequence;  register: waiting = (epoch + 1, flag);  look again;
//             sleep on `sequence` unless it differs from v, for at most RECHECK.
// A waker:    change what they wait for (the lock's release is a full fence);
//             w = waiting;  flag set -> sequence += 1, wake one;  nobody was
//             asleep -> clear the flag, unless the epoch has moved on from w.
//
// Either the waker sees the registration and moves `sequence`, or the sleeper,
// which looks again behind its registration, sees the change. The flag is cleared only for an epoch that the
// waker saw before it woke nobody, so a later registration is never wiped out.
// A dead sleeper leaves the flag set: one wasted system call, then it is clear.
// A waker's death between change and wake, and a sleeper's between being woken
// and taking, are why every sleep is bounded.
//
// Pollers of the doorbell (poll(2), asyncio, Trio) register as a bit in `polled`,
// and who changes what they wait for clears the bit and rings (writes one byte).
// The doorbell stays readable until somebody drains it, who must register and
// look again, and ring again when there is something.
// Protocol: docs/protocols/ring.md, "Waiting".
#pragma once

#include "platform/probe.hpp"
#include "platform/robust_list.hpp"

namespace interlock {

class Waiters {
 public:
  static constexpr Nanoseconds RECHECK = 50 * MILLISECOND;

  Waiters(Atomic<u32>& sequence, Atomic<u64>& waiting) : sequence_(sequence), waiting_(waiting) {}

  // SYNC wake.sequence: pairs with the addition in wake()
  u32 ticket() const { return sequence_.load(Order::acquire); }

  // To be called after ticket() and before the last look.
  void enroll() {
    u64 seen = waiting_.load(Order::relaxed);
    while (!waiting_.compare_exchange(seen, (seen | FLAG) + EPOCH)) {
    }
  }

  Woke sleep(u32 ticket, Nanoseconds at_most) {
    return futex_wait(sequence_, ticket, at_most < RECHECK ? at_most : RECHECK);
  }

  bool anybody() const { return (waiting_.load(Order::relaxed) & FLAG) != 0; }

  // The change is visible before this, and a sequentially consistent store lies between.
  void wake(int count = 1) {
    u64 seen = waiting_.load();
    if ((seen & FLAG) == 0) [[likely]]
      return;
    sequence_.fetch_add(1);  // SYNC wake.sequence: pairs with the acquire in ticket()
    INTERLOCK_PROBE("wake.before");
    if (futex_wake(sequence_, count) == 0) waiting_.compare_exchange(seen, seen & ~FLAG);
  }

 private:
  static constexpr u64 FLAG = 1;
  static constexpr u64 EPOCH = 2;
  Atomic<u32>& sequence_;
  Atomic<u64>& waiting_;
};

// Bits of ConsumerSide.polled.
enum class Poll : u32 { readable = 1, writable = 2, dead = 4, joined = 8, readable_for_good = 16 };

}  // namespace interlock
