// Taking a robust lock for one step: how long to wait for it, and what is first put right.
//
// A side is what such a lock guards, a half of the ring (ring.hpp, leases.hpp) or the order of
// who waits (fair_lock.hpp): it has mutex(), and repair(), which makes sound what a dead
// holder left half done. If repair() throws, the lock stays inconsistent for the next one.
// Protocol: docs/protocols/ring.md, "Locks".
#pragma once

#include "core/robust_mutex.hpp"

namespace interlock {

// How long to wait for such a lock. Its holder keeps it for some hundred instructions; for
// longer when it has no processor, or is stopped.
class Patience {
 public:
  static const Patience none;
  static const Patience as_long_as_it_takes;
  // Until then, but only to the next signal, and for RobustMutex::RECHECK at the most.
  static Patience until(const Deadline& deadline) {
    return Patience(Kind::slice, Deadline::after(deadline.rest(RobustMutex::RECHECK)));
  }

  Locked lock(RobustMutex& mutex) const {
    if (kind_ == Kind::none) [[likely]]
      return mutex.try_lock();
    return kind_ == Kind::slice ? mutex.lock_until(deadline_) : mutex.lock();
  }

 private:
  enum class Kind { none, slice, all };
  constexpr Patience(Kind kind, Deadline deadline) : kind_(kind), deadline_(deadline) {}
  Kind kind_;
  Deadline deadline_;
};
inline constexpr Patience Patience::none{Kind::none, Deadline::never()};
inline constexpr Patience Patience::as_long_as_it_takes{Kind::all, Deadline::never()};

// Holding a side, repaired if its last holder died.
template <class Side>
class Turn {
 public:
  Turn(Side& side, Patience patience) : mutex_(side.mutex()) {
    const Locked locked = patience.lock(mutex_);
    held_ = locked != Locked::busy;
    if (locked != Locked::owner_died) [[likely]]
      return;
    after_death_ = true;
    try {
      side.repair();
    } catch (...) {
      mutex_.unlock_inconsistent();
      throw;
    }
    mutex_.consistent();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() { end(); }
  void end() {
    if (held_) mutex_.unlock();
    held_ = false;
  }
  bool held() const { return held_; }
  bool after_death() const { return after_death_; }

 private:
  RobustMutex mutex_;
  bool held_ = false;
  bool after_death_ = false;
};

}  // namespace interlock
