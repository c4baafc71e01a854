// One process's hold on a lock of Python: the segment, which kind it is, its bell.
#pragma once

#include <optional>
#include <string>

#include "bind/python.hpp"
#include "core/fair_lock.hpp"

namespace interlock::bind {

class LockHandle {
 public:
  explicit LockHandle(SyncSegment segment)
      : segment_(std::move(segment)), plain_(segment_), fair_(segment_) {}
  LockHandle(const LockHandle&) = delete;
  LockHandle& operator=(const LockHandle&) = delete;

  const SyncSegment& segment() const { return segment_; }
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
    const Released released = is_fair() ? fair_.release(Stamp::mine()) : plain_.release();
    if (released == Released::with_waiters) [[unlikely]]
      segment_.ring_bells();
    return released;
  }

  // Whether the process has told its name, and has begun to be this one.
  bool is_introduced() const { return generation_ == process_generation(); }
  void introduce(std::string_view name) {
    segment_.introduce(Stamp::mine(), name);
    bell_.reset();
    generation_ = process_generation();
  }

  // ---- awaiting --------------------------------------------------------------------------

  // This process's bell for it; made at the first call.
  int bell() {
    if (bell_.get() < 0) {
      const Stamp me = Stamp::mine();
      bell_ = bell_new(segment_.bell_name(me.pid()));
      segment_.enter_bell(me);
    }
    return bell_.get();
  }
  // Ask to be rung. True: it may be had, look at once.
  bool arm() {
    bell_silence(bell());
    segment_.enter_bell(Stamp::mine());
    segment_.shared().polled.store(1);
    return is_fair() ? plain_.owner().nobody() : !plain_.ask_to_be_told();
  }

 private:
  static constexpr Nanoseconds LOOK_EVERY = MILLISECOND;
  SyncSegment segment_;
  OwnedLock plain_;
  FairLock fair_;
  Descriptor bell_;
  Nanoseconds looked_ = 0;
  u64 generation_ = 0;
};

}  // namespace interlock::bind
