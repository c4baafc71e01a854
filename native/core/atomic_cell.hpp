// A number of 64 bits that many change at once, and that one can wait for to change.
//
// One word; every change is one atomic operation on it, so a death leaves it as it was or as
// it will be. Who waits sleeps as waiters.hpp has it, and is woken by every change; one that dies
// between changing and waking is made up for by the bound on each sleep.
// Protocol: docs/protocols/locks.md, "The atomic".
#pragma once

#include <bit>

#include "core/sync_segment.hpp"
#include "core/waiters.hpp"

namespace interlock {

class AtomicCell {
 public:
  explicit AtomicCell(const SyncSegment& segment) : shared_(segment.shared()) {}

  u64 load() const { return shared_.value.load(); }
  void store(u64 bits) {
    shared_.value.store(bits);
    changed();
  }
  u64 exchange(u64 bits) {
    const u64 before = shared_.value.exchange(bits);
    changed();
    return before;
  }
  // The new one. Beyond the largest comes the smallest.
  u64 add_integer(u64 more) {
    const u64 after = shared_.value.fetch_add(more) + more;
    changed();
    return after;
  }
  double add_double(double more) {
    u64 seen = shared_.value.load();
    double after;
    do after = std::bit_cast<double>(seen) + more;
    while (!shared_.value.compare_exchange(seen, std::bit_cast<u64>(after)));
    changed();
    return after;
  }
  bool compare_exchange(u64 expected, u64 bits) {
    if (!shared_.value.compare_exchange(expected, bits)) return false;
    changed();
    return true;
  }

  // Whether it has another value than this. False at the deadline, at a signal, and after
  // Waiters::RECHECK at the latest.
  bool wait(u64 old, const Deadline& deadline) const {
    Waiters waiters = waiters_of();
    for (;;) {
      const u32 ticket = waiters.ticket();
      waiters.enroll();
      if (load() != old) return true;
      const Nanoseconds rest = deadline.rest(Waiters::RECHECK);
      if (rest == 0 || waiters.sleep(ticket, rest) != Woke::changed) return load() != old;
    }
  }

 private:
  Waiters waiters_of() const { return Waiters(shared_.sequence, shared_.waiting); }
  void changed() {
    INTERLOCK_PROBE("atomic.changed");
    waiters_of().wake(EVERYBODY);
  }

  SharedWords& shared_;
};

}  // namespace interlock
