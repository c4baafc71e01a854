// Time for deadlines and for measuring how long a step took: monotonic, in nanoseconds.
#pragma once

#include <ctime>

#include "platform/atomic.hpp"

namespace interlock {

using Nanoseconds = std::int64_t;
constexpr Nanoseconds FOREVER = INT64_MAX;
constexpr Nanoseconds MICROSECOND = 1'000;
constexpr Nanoseconds MILLISECOND = 1'000'000;
constexpr Nanoseconds SECOND = 1'000'000'000;

inline Nanoseconds moment_of([[maybe_unused]] clockid_t clock) {
#ifdef INTERLOCK_SYSTEMATIC
  return systematic::now();
#else
  timespec t;
  clock_gettime(clock, &t);
  return t.tv_sec * SECOND + t.tv_nsec;
#endif
}

inline Nanoseconds now() { return moment_of(CLOCK_MONOTONIC); }
// The same, some milliseconds late and five times cheaper.
inline Nanoseconds coarse_now() { return moment_of(CLOCK_MONOTONIC_COARSE); }

// A moment after which nobody waits any longer.
class Deadline {
 public:
  static constexpr Deadline never() { return Deadline(FOREVER); }
  static Deadline after(Nanoseconds timeout) {
    const Nanoseconds start = now();
    return timeout >= FOREVER - start ? never() : Deadline(start + timeout);
  }
  bool passed() const { return at_ != FOREVER && now() >= at_; }
  // The rest of the time, but at most `slice`.
  Nanoseconds rest(Nanoseconds slice) const {
    if (at_ == FOREVER) return slice;
    const Nanoseconds left = at_ - now();
    return left < 0 ? 0 : (left < slice ? left : slice);
  }

 private:
  explicit constexpr Deadline(Nanoseconds at) : at_(at) {}
  Nanoseconds at_;
};

}  // namespace interlock
