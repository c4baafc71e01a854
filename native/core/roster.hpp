// Who waits for a lock, semaphore or condition, in which order: an entry each (sync_layout.hpp).
//
// An entry is claimed by a compare-exchange of its stamp, lined up by one store of its state,
// and given back by its owner in the opposite order. A death leaves
//   between claim and line-up     an entry that nobody counts, with a dead stamp
//   while it waits                the same, in state waiting
// and who comes by (prune(), next()) makes it his own, by a compare-exchange that one of
// several wins, and gives it back. An entry that is granted belongs to its thread even if it
// has not run yet; what that means after its death, each kind says.
//
// The table has an end beyond which nobody ever was, so that a look at it is short.
// Protocol: docs/protocols/locks.md, "The roster".
#pragma once

#include "core/sync_segment.hpp"
#include "core/turn.hpp"

namespace interlock {

struct TooManyWaiters : std::runtime_error {
  TooManyWaiters() : std::runtime_error("all places of the table of waiters are taken") {}
};

class Roster {
 public:
  explicit Roster(const SyncSegment& segment) : segment_(segment) {}

  // An entry of the caller's own, not lined up yet; NO_ENTRY when there is none. Where entries are
  // granted it is for who has the mutex, as what it buries may be granted by somebody just then.
  // Throws NoPagesForLock.
  u32 claim(Stamp me) const {
    segment_.need_entries();
    const u32 index = claim_free(me);
    return index != NO_ENTRY || !prune(me) ? index : claim_free(me);
  }

  // For who has not got it.
  template <class Side>
  u32 claim(Stamp me, Side& side) const {
    segment_.need_entries();
    if (const u32 index = claim_free(me); index != NO_ENTRY) return index;
    Turn turn(side, Patience::as_long_as_it_takes);
    return claim(me);
  }

  // At the end of the order. Nobody looks at the ticket of an entry in another state.
  void line_up(u32 index) const {
    Entry& entry = at(index);
    entry.ticket.set(segment_.shared().next_ticket.fetch_add(1) + 1);
    // SYNC roster.state: pairs with the acquire in state()
    entry.state.store(static_cast<u32>(EntryState::waiting), Order::release);
    INTERLOCK_PROBE("roster.lined_up");
  }

  void give_back(u32 index) const {
    Entry& entry = at(index);
    entry.state.store(static_cast<u32>(EntryState::none));
    INTERLOCK_PROBE("roster.left");
    entry.stamp.store(0);
  }

  EntryState state(u32 index) const {
    // SYNC roster.state: pairs with the release in line_up() and set_state()
    return static_cast<EntryState>(at(index).state.load(Order::acquire));
  }
  void set_state(u32 index, EntryState state) const {
    // SYNC roster.state: pairs with the acquire in state()
    at(index).state.store(static_cast<u32>(state), Order::release);
  }
  Stamp stamp(u32 index) const { return Stamp::of_word(at(index).stamp.load()); }
  Entry& at(u32 index) const { return segment_.entries()[index % ENTRIES]; }

  // The first in the order that is `state` and lives; the dead before it are given back.
  // Under the mutex. NO_ENTRY when there is none.
  u32 next(EntryState wanted, Stamp me) const {
    for (;;) {
      u32 first = NO_ENTRY;
      u64 ticket = 0;
      each([&](u32 index) {
        if (state(index) != wanted) return;
        const u64 its = at(index).ticket.peek();
        if (first == NO_ENTRY || its < ticket) {
          first = index;
          ticket = its;
        }
      });
      if (first == NO_ENTRY) return first;
      const Stamp whose = stamp(first);
      if (!whose.is_dead()) return first;
      bury(first, whose, me);
    }
  }

  // Gives back the entry of a dead thread, unless another one has done it.
  void bury(u32 index, Stamp dead, Stamp me) const {
    u64 whose = dead.word();
    if (at(index).stamp.compare_exchange(whose, me.word())) give_back(index);
  }

  // Gives back what the dead have left. False if there was nothing.
  bool prune(Stamp me) const {
    bool any = false;
    each([&](u32 index) {
      const Stamp whose = stamp(index);
      const EntryState seen = state(index);
      if (seen != EntryState::none && seen != EntryState::waiting) return;
      if (whose.nobody() || !whose.is_dead()) return;
      bury(index, whose, me);
      any = true;
    });
    return any;
  }

  template <class Visit>
  void each(Visit visit) const {
    if (!segment_.has_entries()) return;
    const u32 end = segment_.shared().entries_end.load();
    for (u32 index = 0; index < end && index < ENTRIES; ++index)
      if (at(index).stamp.peek() != 0) visit(index);
  }

 private:
  u32 claim_free(Stamp me) const {
    for (u32 index = 0; index < ENTRIES; ++index) {
      Entry& entry = at(index);
      u64 free = 0;
      if (entry.stamp.peek() != 0 || !entry.stamp.compare_exchange(free, me.word())) continue;
      entry.since.set(static_cast<u64>(coarse_now()));
      Atomic<u32>& end = segment_.shared().entries_end;
      u32 seen = end.load();
      while (seen <= index && !end.compare_exchange(seen, index + 1)) {
      }
      return index;
    }
    return NO_ENTRY;
  }

  const SyncSegment& segment_;
};

}  // namespace interlock
