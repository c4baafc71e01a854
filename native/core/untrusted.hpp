// A number read from shared memory, before anybody has looked at it (I5).
//
// Any process that shares a segment can write anything there. A length, offset
// or index from it is therefore of this type, which has no use but to be
// checked; the check gives the number, or says that the segment is corrupted.
#pragma once

#include <stdexcept>

#include "platform/atomic.hpp"

namespace interlock {

struct SegmentCorrupted : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <class T>
class Untrusted {
 public:
  explicit Untrusted(T value) : value_(value) {}
  // The number, if it is at most `limit`.
  T checked(T limit, const char* what) const {
    if (value_ > limit) [[unlikely]]
      throw SegmentCorrupted(what);
    return value_;
  }

 private:
  T value_;
};

}  // namespace interlock
