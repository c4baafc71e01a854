// The byte map of a lock, semaphore, condition, event or barrier: a small segment of its own.
//
//   0       SyncHeader       written once, by the creator
//   64      OwnerWords       who has it (locks); by one compare-exchange, then by the owner
//   128     SharedWords      what the kinds share; where said under the mutex
//   320     AbandonedWords   the last dead owner; by who takes the lock after it
//   384     bells[32]        processes that await it, each with a socket of its own; a hint
//   640     NameSlot[54]     names of processes, for who looks on; a hint
//   4 KiB   Entry[1024]      who waits, who has places; reserved when the first one comes
//
// Primary words: owner; value; Entry.state with its .stamp; generation. Everything else is for
// who looks on, or is told again by them.
// Protocol: docs/protocols/locks.md.
#pragma once

#include "core/layout.hpp"

namespace interlock {

constexpr u64 SYNC_MAGIC = 0x736b636f6c727469ull;  // "itrlocks"
constexpr u32 SYNC_LAYOUT_VERSION = 1;
constexpr u32 ENTRIES = 1024;
constexpr u32 NO_ENTRY = 0xffffffffu;
constexpr u32 NAME_BYTES = 48;
constexpr u32 NAME_SLOTS = 54;
constexpr u32 BELLS = 32;

// What a segment is; it does not change.
enum class SyncKind : u32 {
  lock = 1,
  recursive_lock = 2,
  semaphore = 3,
  bounded_semaphore = 4,
  condition = 5,
  event = 6,
  barrier = 7,
  read_write_lock = 8,
  atomic_integer = 9,
  atomic_float = 10,
  atomic_flag = 11,
};

struct SyncHeader {
  Atomic<u64> magic;
  Atomic<u32> version;
  Atomic<u32> kind;              // SyncKind
  Atomic<u64> id[2];             // random; names the segment among processes
  Atomic<u64> initial;           // a semaphore's places, a barrier's parties
  Atomic<u32> flags;             // SYNC_FAIR
};
constexpr u32 SYNC_FAIR = 1;
constexpr u32 SYNC_RAISE = 2;    // for the Python half: on_abandon="raise"

struct OwnerWords {
  alignas(CACHE_LINE) Atomic<u64> owner;  // Stamp | FUTEX_WAITERS; 0: free
  Atomic<u64> since;             // when it was taken, coarse_now(); the owner
  Atomic<u32> depth;             // how often a recursive lock is held; the owner
};

struct SharedWords {
  alignas(CACHE_LINE) Atomic<u32> mutex;      // a RobustMutex
  Atomic<u32> polled;            // 1: ring the bells at the next chance
  Atomic<u64> next_ticket;       // the order of who waits; one addition each
  Atomic<u32> tables_ready;      // 1: the entries have pages
  Atomic<u32> entries_end;       // nobody ever had one from here on; only rises
  alignas(CACHE_LINE) Atomic<u32> sequence;   // futex word of who waits
  Atomic<u64> waiting;           // see waiters.hpp
  alignas(
      CACHE_LINE) Atomic<u64> value;  // a semaphore's free places, an event's generation, an atomic
  Atomic<u64> generation;  // a barrier's
  Atomic<u64> intent;  // what is being changed: see semaphore.hpp, barrier.hpp
  Atomic<u64> intent_value;
};

struct AbandonedWords {
  alignas(CACHE_LINE) Atomic<u64> stamp;  // Stamp of the last dead owner; 0: none yet
  Atomic<u64> since;  // when it had taken the lock
  Atomic<u64> noticed;  // when that it is dead was noticed
  Atomic<u64> count;  // how many there were
  Atomic<u32> untold;  // 1: the next one who is let in has to be told; under the mutex
};

struct NameSlot {
  Atomic<u64> version;  // odd while it is written, by whoever made it so
  Atomic<u64> process;  // Stamp::process(); 0: nobody's
  Atomic<u64> name[NAME_BYTES / 8];  // UTF-8, filled up with zeros
};
static_assert(sizeof(NameSlot) == 64);

// Who waits, who has places of a semaphore, or who takes part in a barrier's rounds.
enum class EntryState : u32 {
  none = 0,
  waiting = 1,
  granted = 2,
  granted_after_death = 3,
  holding = 4,
  refused = 5,
};
struct Entry {
  Atomic<u64> stamp;  // whose it is; 0: nobody's. By compare-exchange
  Atomic<u64> ticket;  // its place in the order; whose it is
  Atomic<u32> state;  // EntryState, and the futex word of who waits here
  Atomic<u32> count;  // places held, a number in a round; under the mutex
  Atomic<u64> since;  // when it began; whose it is
};
static_assert(sizeof(Entry) == 32);

constexpr u64 OWNER_AT = 64;
constexpr u64 SHARED_AT = 128;
constexpr u64 ABANDONED_AT = 320;
constexpr u64 BELLS_AT = 384;
constexpr u64 NAMES_AT = BELLS_AT + sizeof(Atomic<u64>) * BELLS;
constexpr u64 ENTRIES_AT = PAGE;
constexpr u64 SYNC_BYTES = ENTRIES_AT + sizeof(Entry) * ENTRIES;

static_assert(sizeof(SyncHeader) <= OWNER_AT);
static_assert(OWNER_AT + sizeof(OwnerWords) <= SHARED_AT);
static_assert(SHARED_AT + sizeof(SharedWords) <= ABANDONED_AT);
static_assert(ABANDONED_AT + sizeof(AbandonedWords) <= BELLS_AT);
static_assert(NAMES_AT + sizeof(NameSlot) * NAME_SLOTS <= ENTRIES_AT);

}  // namespace interlock
