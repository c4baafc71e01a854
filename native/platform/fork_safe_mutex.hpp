// A lock between the threads of one process that a forked child can take although a
// thread of the parent, which the child does not have, held it at the fork.
//
// The word is the generation of the holder's process. What it guards must be sound
// for the child at any instruction; critical sections are a few system calls long.
#pragma once

#include "platform/futex.hpp"
#include "platform/pidfd.hpp"

namespace interlock {

class ForkSafeMutex {
 public:
  void lock() {
    const u64 generation = process_generation();
    // SYNC process.mutex: pairs with the release in unlock()
    for (u64 seen = 0; !holder_.compare_exchange(seen, generation, Order::acquire);) {
      if (seen == generation) {  // another thread of this process
        seen = 0;
        yield_processor();
      }                          // else: the parent's; `seen` is what to replace
    }
  }
  // SYNC process.mutex: pairs with the acquire in lock()
  void unlock() { holder_.store(0, Order::release); }

 private:
  Atomic<u64> holder_{};
};

}  // namespace interlock
