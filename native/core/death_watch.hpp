// Whether an owner of a lock has died since somebody began to wait for something else.
//
// Who waits on a condition has given its lock up, and is told by who has it. One that dies with
// the lock may have died on its way to tell, so those that wait look for that too. They are
// all told of the same death: the count of dead owners only rises, and whoever comes late to look
// sees it even though the lock has another owner by then.
// Protocol: docs/protocols/locks.md, "The condition".
#pragma once

#include "core/sync_segment.hpp"

namespace interlock {

class DeathWatch {
 public:
  DeathWatch() = default;  // of nothing
  // By who has the lock.
  explicit DeathWatch(const SyncSegment& lock) : lock_(&lock), before_(deaths()) {}

  bool owner_has_died() const {
    if (lock_ == nullptr) return false;
    if (deaths() != before_) return true;
    const Atomic<u64>& owner = lock_->owner().owner;
    return died_in(owner, Stamp::of_word(owner.load()));
  }

 private:
  u64 deaths() const { return lock_->abandoned().count.load(); }
  const SyncSegment* lock_ = nullptr;
  u64 before_ = 0;
};

}  // namespace interlock
