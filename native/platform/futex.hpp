// Sleeping until a shared word changes, and waking who sleeps there (futex(2)).
//
// Words are shared between processes, so the calls are without FUTEX_PRIVATE_FLAG. Of a
// word of 64 bits it is the lower half that is looked at.
#pragma once

#include <cerrno>
#include <climits>

#include "platform/clock.hpp"

#ifndef INTERLOCK_SYSTEMATIC
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace interlock {

enum class Woke { changed, timed_out, interrupted };

constexpr int EVERYBODY = INT_MAX;

#ifdef INTERLOCK_SYSTEMATIC

template <class T>
Woke futex_wait(Atomic<T>& word, u32 expected, Nanoseconds timeout) {
  return systematic::futex_wait(word.address(), expected, timeout) ? Woke::changed
                                                                   : Woke::timed_out;
}
template <class T>
int futex_wake(Atomic<T>& word, int count) {
  return systematic::futex_wake(word.address(), count);
}
inline void yield_processor() { systematic::step(); }

#else

template <class T>
Woke futex_wait(Atomic<T>& word, u32 expected, Nanoseconds timeout) {
  timespec limit{static_cast<time_t>(timeout / SECOND), static_cast<long>(timeout % SECOND)};
  const long result = syscall(SYS_futex, word.address(), FUTEX_WAIT, expected, &limit, nullptr, 0);
  if (result == 0 || errno == EAGAIN) return Woke::changed;
  return errno == EINTR ? Woke::interrupted : Woke::timed_out;
}

// Returns how many were asleep and are now awake.
template <class T>
int futex_wake(Atomic<T>& word, int count) {
  const long woken = syscall(SYS_futex, word.address(), FUTEX_WAKE, count, nullptr, nullptr, 0);
  return woken < 0 ? 0 : static_cast<int>(woken);
}

inline void yield_processor() { sched_yield(); }

#endif

}  // namespace interlock
