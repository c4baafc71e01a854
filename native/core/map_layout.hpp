// The byte map of a hash map in shared memory.
//
//   0        MapHeader     written once, by the creator
//   64       MapWords      the mutex, which space is the current one, and the two spaces' words
//   4 KiB    spaces        the current one, and room for the next: an index, then records
//
// A space:   index[slots]  a word each: 0 empty, 1 deleted, else where its record is, and 16 bits
//                          of the key's hash
//            records       one behind the other; written once and never changed
//
// Primary words: a space's index, and `generation`, which says which space is the current one.
// Everything else can be counted anew from them.
// Protocol: docs/protocols/map.md.
#pragma once

#include "core/layout.hpp"

namespace interlock {

constexpr u64 MAP_MAGIC = 0x70616d6b6c727469ull;  // "itrlkmap"
constexpr u32 MAP_LAYOUT_VERSION = 2;

struct MapHeader {
  Atomic<u64> magic;
  Atomic<u32> version;
  Atomic<u32> unused;
  Atomic<u64> id[2];             // random; names the map among processes
  Atomic<u64> seed;              // of the hashes; random
  Atomic<u64> max_bytes;         // of a space
};

// Where a space is, and what it has; by who has the mutex.
struct SpaceWords {
  Atomic<u64> begin;             // in the file, whole pages
  Atomic<u64> bytes;
  Atomic<u64> slots;             // a power of two
  Atomic<u64> tail;              // the first free byte, counted from `begin`
  Atomic<u64> count;             // keys
  Atomic<u64> used;              // slots that are not empty
  Atomic<u64> live;              // bytes of records that keys have
  Atomic<u64> unused;
};

struct MapWords {
  alignas(CACHE_LINE) Atomic<u32> mutex;       // a RobustMutex
  alignas(CACHE_LINE) Atomic<u64> generation;  // the current space is spaces[generation % 2]
  Atomic<u64> changes;           // how many there were; behind each
  alignas(CACHE_LINE) SpaceWords spaces[2];
};

struct MapRecordHeader {
  u64 hash;
  u64 value_bytes;
  u32 key_bytes;
  u32 unused;
  u64 order;      // of the key among the others; a new value keeps it
};

constexpr u64 MAP_WORDS_AT = 64;
constexpr u64 SPACES_AT = PAGE;
constexpr u64 SLOT_EMPTY = 0;
constexpr u64 SLOT_DELETED = 1;
constexpr u32 TAG_SHIFT = 48;
constexpr u64 PLACE_MASK = (u64{1} << TAG_SHIFT) - 1;
constexpr u64 SLOTS_MIN = 512;
constexpr u64 RECORDS_MIN = 60 * 1024;  // bytes

static_assert(sizeof(MapHeader) <= MAP_WORDS_AT);
static_assert(MAP_WORDS_AT + sizeof(MapWords) <= SPACES_AT);

}  // namespace interlock
