// The byte map of a segment: which words there are, who writes each, under which lock.
//
//   0          Header            written once, by the creator
//   4 KiB      ProducerSide      written under the producers' lock (P) but where said
//              ConsumerSide      written under the consumers' lock (C) but where said
//   8 KiB      ProcessSlot[]     who has the segment attached
//   ...        free-block hints  one bit a block; a hint, rebuilt from the block states
//   ...        BlockSlot[]       where each block lies and who has it
//   ...        extents           the blocks themselves; the file grows by extents
//
// Primary words (all others are derived from them and recounted after a death):
//   Chunk.committed, Chunk.next, Record.state, BlockSlot.state and .holders,
//   ConsumerSide.first_chunk, ProcessSlot.identity, Extent, block_count.
//
// Protocol: docs/protocols/ring.md.
#pragma once

#include <cstddef>

#include "platform/atomic.hpp"

namespace interlock {

constexpr u64 SEGMENT_MAGIC = 0x6b636f6c7265746eull;  // "nterlock"
constexpr u32 LAYOUT_VERSION = 1;
constexpr u32 PROCESS_SLOTS = 1024;
constexpr u32 BLOCK_SLOTS = 65536;
constexpr u32 EXTENT_SLOTS = 56;
constexpr u32 NO_BLOCK = 0xffffffffu;
constexpr u32 CACHE_LINE = 64;
constexpr u64 PAGE = 4096;

// A chunk is a block that holds many small messages.
constexpr u64 CHUNK_BYTES = 64 * 1024;
constexpr u64 CHUNK_DATA = 64;            // where the first record of a chunk begins
constexpr u64 RECORD_ALIGN = 16;
constexpr u64 INLINE_MAX = 8 * 1024;      // a longer message lives in a block of its own
constexpr u64 BLOCK_MIN = 16 * 1024;
constexpr u64 BLOCK_MAX = u64{1} << 46;

// ---- words made of several fields ------------------------------------------

// A process's place in the table, told apart from earlier users of the place.
struct Owner {
  u32 slot = 0;
  u32 incarnation = 0;
  bool operator==(const Owner&) const = default;
};

enum class RecordState : u8 { writing = 0, ready = 1, taken = 2, done = 3, dead = 4 };

// Record.state: state 4 | attempts 12 | slot 16 | incarnation 32, from the low bits up.
struct RecordWord {
  RecordState state = RecordState::writing;
  u32 attempts = 0;
  Owner owner;

  static constexpr u32 ATTEMPTS_MAX = 0xfff;
  static RecordWord from(u64 word) {
    return {static_cast<RecordState>(word & 0xf),
            static_cast<u32>(word >> 4 & ATTEMPTS_MAX),
            {static_cast<u32>(word >> 16 & 0xffff), static_cast<u32>(word >> 32)}};
  }
  u64 word() const {
    return static_cast<u64>(state) | u64{attempts} << 4 | u64{owner.slot} << 16 |
           u64{owner.incarnation} << 32;
  }
};

enum class BlockState : u8 { free = 0, filling = 1, chunk = 2, queued = 3, borrowed = 4 };

// BlockSlot.state: state 8 | unused 8 | slot 16 | incarnation 32. The owner counts
// only while filling.
struct BlockWord {
  BlockState state = BlockState::free;
  Owner owner;

  static BlockWord from(u64 word) {
    return {static_cast<BlockState>(word & 0xff),
            {static_cast<u32>(word >> 16 & 0xffff), static_cast<u32>(word >> 32)}};
  }
  u64 word() const {
    return static_cast<u64>(state) | u64{owner.slot} << 16 | u64{owner.incarnation} << 32;
  }
};

// Chunk.committed and ConsumerSide.head: two 32-bit numbers in one store.
struct Pair {
  u32 high = 0;
  u32 low = 0;
  static Pair from(u64 word) { return {static_cast<u32>(word >> 32), static_cast<u32>(word)}; }
  u64 word() const { return u64{high} << 32 | low; }
};

// ---- records and chunks -----------------------------------------------------

// What a message is (bind/message.hpp); the core only carries it.
enum class Encoding : u16 { native = 1, pickle = 2, bytes = 3, objects = 4, framed = 5 };

struct Record {
  Atomic<u64> state;             // RecordWord; C, or the owner of TAKEN under C
  Atomic<u64> bytes_before;      // of all messages published before this one; P
  Atomic<u64> length;            // of the message; P
  Atomic<u32> block;             // where the message is, or NO_BLOCK: behind this header; P
  Atomic<u32> encoding;          // Encoding; P
};
static_assert(sizeof(Record) == 32);

struct Chunk {
  Atomic<u64> committed;         // Pair: messages, and the offset behind the last; P
  Atomic<u64> first_sequence;    // of the first message here, counted from 0; P, once
  Atomic<u64> first_bytes;       // of all messages published before it; P, once
  Atomic<u32> next;              // block of the next chunk or NO_BLOCK; P once, then C
  Atomic<u32> done;              // derived: records here that are DONE; C
};
static_assert(sizeof(Chunk) <= CHUNK_DATA);

// ---- the control area ----------------------------------------------------------

struct Header {
  Atomic<u64> magic;
  Atomic<u32> version;
  Atomic<u32> flags;
  Atomic<u64> id[2];             // random; names the segment among processes
  Atomic<u64> messages_max;      // 0: no bound
  Atomic<u64> message_bytes_max; // of one message
  Atomic<u64> queue_bytes_max;   // of all messages that are not settled
  Atomic<u64> deliveries_max;    // 0: no bound
  Atomic<u32> shut_down;         // 0, 1 drain, 2 at once; only ever rises
};

struct Extent {
  Atomic<u64> offset;            // in the file
  Atomic<u64> length;
};

struct ProducerSide {
  alignas(CACHE_LINE) Atomic<u32> lock;
  Atomic<u32> tail_chunk;        // derived: follow Chunk.next
  Atomic<u64> published;         // derived: messages committed so far
  Atomic<u64> published_bytes;   // derived
  Atomic<u64> settled_seen;      // ConsumerSide.settled as last read
  Atomic<u64> settled_bytes_seen;
  Atomic<u64> committed_memory;  // derived: bytes of blocks that have pages; no lock
  alignas(CACHE_LINE) Atomic<u32> sequence;  // futex word of who waits for a message
  alignas(CACHE_LINE) Atomic<u64> waiting;   // by consumers: see waiters.hpp
  alignas(CACHE_LINE) Atomic<u32> block_count;
  Atomic<u32> extent_count;
  Atomic<u64> extent_used;       // derived: of the last extent
  Extent extents[EXTENT_SLOTS];
};

struct ConsumerSide {
  alignas(CACHE_LINE) Atomic<u32> lock;
  Atomic<u32> first_chunk;       // the oldest chunk that has a record not DONE
  Atomic<u64> head;              // Pair: chunk, offset: records before it are not new
  Atomic<u64> passed;            // derived: messages before head
  Atomic<u64> returned;          // derived: READY before head
  Atomic<u64> leased;            // derived: TAKEN
  Atomic<u64> dead;              // derived: DEAD
  alignas(CACHE_LINE) Atomic<u64> settled;        // derived: DONE or DEAD; P reads it
  Atomic<u64> settled_bytes;                      // derived: of DONE
  Atomic<u64> tasks_done;        // task_done() calls; no lock: one addition a call
  Atomic<u64> tasks_settled;     // tasks that ended without a call: acknowledged, dead, drained
  Atomic<u64> intent_record;     // Pair: the record whose end is being counted, or 0
  Atomic<u64> intent_settled;    // what tasks_settled becomes once that record is DONE or DEAD
  alignas(CACHE_LINE) Atomic<u32> sequence;       // futex word of who waits for room
  Atomic<u32> tasks_sequence;                     // futex word of who waits in join()
  alignas(CACHE_LINE) Atomic<u64> waiting;        // by producers
  Atomic<u64> tasks_waiting;                      // by join()
  Atomic<u32> polled;            // by whoever polls the doorbell: see waiters.hpp
};

struct ProcessSlot {
  alignas(CACHE_LINE) Atomic<u64> identity;  // Pair: incarnation, pid (0: free)
  Atomic<u64> start_time;
};

struct BlockSlot {
  alignas(CACHE_LINE) Atomic<u64> state;     // BlockWord
  Atomic<u64> place;             // Pair-like: extent 8 bits, offset in it 56 bits; P, once
  Atomic<u64> capacity;          // P, once
  Atomic<u64> sequence;          // of the message that lies here, while queued
  Atomic<u32> cold;              // 1: it has no pages yet, or gave them back; P, or who fills it
  alignas(CACHE_LINE) Atomic<u64> holders[PROCESS_SLOTS / 64];  // who borrows it, a bit a slot
};
static_assert(sizeof(BlockSlot) == 192);

constexpr u64 HEADER_AT = 0;
constexpr u64 PRODUCER_AT = PAGE;
constexpr u64 CONSUMER_AT = PRODUCER_AT + 2048;
constexpr u64 PROCESSES_AT = 2 * PAGE;
constexpr u64 HINTS_AT = PROCESSES_AT + sizeof(ProcessSlot) * PROCESS_SLOTS;
constexpr u64 BLOCKS_AT = HINTS_AT + BLOCK_SLOTS / 8;
constexpr u64 CONTROL_BYTES =
    (BLOCKS_AT + sizeof(BlockSlot) * u64{BLOCK_SLOTS} + PAGE - 1) / PAGE * PAGE;

static_assert(sizeof(Header) <= PAGE);
static_assert(sizeof(ProducerSide) <= 2048);
static_assert(sizeof(ConsumerSide) <= 2048);
static_assert(HINTS_AT % PAGE == 0 && BLOCKS_AT % CACHE_LINE == 0);

}  // namespace interlock
