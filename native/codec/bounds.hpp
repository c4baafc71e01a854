// How much one message may contain, and whether its other side is trusted (serialize/limits.py).
#pragma once

#include "codec/limits.hpp"

namespace interlock::codec {

struct Bounds {
  u64 bytes = UINT64_MAX;    // of the message with its buffers
  u64 items = UINT64_MAX;    // of all its containers and objects
  u64 string = UINT64_MAX;   // bytes of one text, bytes object or integer
  int depth = READ_DEPTH_MAX;
  bool trusted = true;
};

// Between processes that trust each other: what a damaged message must not reach.
inline constexpr Bounds TRUSTING{};

}  // namespace interlock::codec
