// The limits of the codec, and the reason for each number.
#pragma once

#include <cstddef>

#include "platform/atomic.hpp"

namespace interlock::codec {

// Containers within containers. The writer leaves what is deeper to pickle, which
// knows how deep Python may go; the reader's bound only guards the C stack (about
// 200 bytes a level) against a message that somebody wrote over.
constexpr int WRITE_DEPTH_MAX = 200;
constexpr int READ_DEPTH_MAX = 1000;

// A str, bytes or bytearray of this many bytes is referred to instead of being copied
// into the scratch buffer: from here on the second copy costs more than the keeping.
constexpr std::size_t EXTERNAL_MIN = 16 * 1024;

// A buffer of an object goes beside the message from this size on (serialize/codec.py says why).
constexpr std::size_t BUFFER_MIN = 4096;

// The scratch buffer: what it begins with, and what it is cut back to between messages
// once one of them made it larger than SCRATCH_KEEP.
constexpr std::size_t SCRATCH_FIRST = 4 * 1024;
constexpr std::size_t SCRATCH_KEEP = 1024 * 1024;

// Room that is there before any value is written: the longest value written without
// a look at its length (a short string with its tag, copied in two halves of 16).
constexpr std::size_t VALUE_ROOM = 64;

// Entries of the writer's table of objects met, kept from message to message.
constexpr u32 MEMO_FIRST = 64;
constexpr u32 MEMO_KEEP = 64 * 1024;

// Strings the reader keeps: a power of two, large enough for the keys of some dozen
// kinds of record, small enough (16 KiB) to stay in a processor's first cache.
constexpr std::size_t COMMON_STRINGS = 512;

}  // namespace interlock::codec
