// The processes that have a segment attached: a slot each, and who of them is dead.
//
// A slot's identity word is (incarnation, pid); pid 0 is free. A process claims a
// slot with one compare-exchange that also raises the incarnation, so an owner's
// (slot, incarnation) never comes back. start_time is 0 until the claimer has
// written it: until then only the pid tells whether it lives. A forked child has
// another generation and so claims a slot of its own: it owns nothing of its parent's.
//
// A death leaves a claimed slot. Whoever finds it (find_dead) sweeps what the dead
// process held, under the consumers' lock (recovery.hpp), and releases the slot last,
// so a sweeper's own death leaves the slot for the next one.
#pragma once

#include "core/segment.hpp"
#include "platform/pidfd.hpp"
#include "platform/probe.hpp"

namespace interlock {

struct TooManyProcesses : std::runtime_error {
  TooManyProcesses() : std::runtime_error("all places of the process table are taken") {}
};

class Processes {
 public:
  explicit Processes(const Segment& segment) : segment_(segment) {}
  Processes(const Processes&) = delete;
  Processes& operator=(const Processes&) = delete;
  ~Processes() {
    if (generation_.peek() == process_generation()) release(me_);
  }

  // This process's own place; claimed on first use, and anew in a forked child.
  Owner me() {
    // SYNC process.place: pairs with the release in claim() and adopt()
    if (generation_.load(Order::acquire) != process_generation()) [[unlikely]]
      claim();
    return me_;
  }

  // A place for a child that is about to be forked, ours until it adopts it: so there is
  // no moment at which what the child will go on using belongs to nobody.
  Owner reserve_for_child() { return claim_place(identity(me().slot)); }
  void adopt(Owner reserved, u32 parent) {
    const std::lock_guard guard(claiming_);
    const ProcessIdentity self = this_process();
    ProcessSlot& place = segment_.process(reserved.slot);
    u64 seen = Pair{reserved.incarnation, parent}.word();
    place.start_time.store(0);  // the parent's: with the child's pid it would be a stranger's
    if (!place.identity.compare_exchange(seen, Pair{reserved.incarnation, self.pid}.word()))
      return;  // the parent died and was swept
    place.start_time.store(self.start_time);
    me_ = reserved;
    // SYNC process.place: pairs with the acquire in me()
    generation_.store(process_generation(), Order::release);
  }

  bool mine(Owner owner) const {
    return generation_.peek() == process_generation() && owner == me_;
  }

  ProcessIdentity identity(u32 slot) const {
    const ProcessSlot& place = segment_.process(slot);
    return {Pair::from(place.identity.load()).low, place.start_time.load()};
  }

  bool still_there(Owner owner, u32 pid) const {
    const Pair seen = Pair::from(segment_.process(owner.slot).identity.load());
    return seen.high == owner.incarnation && seen.low == pid;
  }

  void release(Owner owner) {
    ProcessSlot& place = segment_.process(owner.slot);
    if (Pair::from(place.identity.load()).high != owner.incarnation) return;
    place.start_time.store(0);
    place.identity.store(Pair{owner.incarnation, 0}.word());
    INTERLOCK_PROBE("sweep.released");
  }

  // Calls found(owner, pid) for each dead process.
  template <class Found>
  void find_dead(Found found) const {
    for (u32 slot = 0; slot < PROCESS_SLOTS; ++slot) {
      const Pair seen = Pair::from(segment_.process(slot).identity.load());
      if (seen.low == 0) continue;
      const Owner owner{slot, seen.high};
      if (mine(owner)) continue;
      const ProcessIdentity who{seen.low, segment_.process(slot).start_time.load()};
      if (process_is_dead(who)) found(owner, seen.low);
    }
  }

  template <class Visit>
  void each(Visit visit) const {
    for (u32 slot = 0; slot < PROCESS_SLOTS; ++slot) {
      const Pair seen = Pair::from(segment_.process(slot).identity.load());
      if (seen.low != 0) visit(seen.low);
    }
  }

 private:
  void claim() {
    const std::lock_guard guard(claiming_);
    const u64 generation = process_generation();
    if (generation_.peek() == generation) return;
    me_ = claim_place(this_process());
    // SYNC process.place: pairs with the acquire in me()
    generation_.store(generation, Order::release);
  }

  Owner claim_place(const ProcessIdentity& who) {
    for (u32 slot = 0; slot < PROCESS_SLOTS; ++slot) {
      ProcessSlot& place = segment_.process(slot);
      u64 seen = place.identity.load();
      while (Pair::from(seen).low == 0) {
        const u32 incarnation = Pair::from(seen).high + 1;
        if (!place.identity.compare_exchange(seen, Pair{incarnation, who.pid}.word())) continue;
        place.start_time.store(who.start_time);
        return {slot, incarnation};
      }
    }
    throw TooManyProcesses();
  }

  const Segment& segment_;
  ForkSafeMutex claiming_;
  Owner me_;
  Atomic<u64> generation_{};
};

}  // namespace interlock
