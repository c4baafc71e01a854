// One process's hold on a lock: of either kind, fair or not.
#pragma once

#include "bind/sync_handle.hpp"
#include "core/fair_lock.hpp"

namespace interlock::bind {

class LockHandle : public SyncHandle {
 public:
  explicit LockHandle(SyncSegment segment)
      : SyncHandle(std::move(segment)), plain_(segment_), fair_(segment_) {}

  bool is_fair() const { return segment_.has(SYNC_FAIR); }
  bool is_recursive() const { return segment_.kind() == SyncKind::recursive_lock; }
  Ownership& ownership() { return plain_; }
  OwnedLock& plain() { return plain_; }
  FairLock& fair() { return fair_; }

  Taken try_acquire(Stamp me) { return is_fair() ? fair_.try_acquire(me) : plain_.try_acquire(me); }
  // As try_acquire(), and looks whether the owner lives, at most once in LOOK_EVERY.
  Taken try_recover(Stamp me) {
    const Nanoseconds moment = now();
    if (moment - looked_ < LOOK_EVERY) return Taken::busy;
    looked_ = moment;
    return is_fair() ? fair_.try_recover(me) : plain_.try_recover(me);
  }
  Released release() {
    const Released released = is_fair() ? release_fair() : plain_.release();
    if (released == Released::with_waiters) [[unlikely]]
      segment_.ring_bells();
    return released;
  }

  // Ask to be rung. True: it may be had, look at once.
  bool arm() {
    ask_to_ring();
    return is_fair() ? plain_.owner().nobody() : !plain_.ask_to_be_told();
  }

 private:
  [[gnu::noinline]] Released release_fair() { return fair_.release(Stamp::mine()); }

  static constexpr Nanoseconds LOOK_EVERY = MILLISECOND;
  OwnedLock plain_;
  FairLock fair_;
  Nanoseconds looked_ = 0;
};

// What the Python classes are made of.
struct SharedLock {
  std::unique_ptr<LockHandle> handle;
};

}  // namespace interlock::bind
