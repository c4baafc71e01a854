// The ring's producing half: how a message becomes visible (P2).
//
// The ring is a linked list of chunks (records.hpp). Under the producers' lock P:
//   1 room?                 messages and bytes not settled, against the bounds
//   2 a chunk with space    the tail, or a new one: FILLING -> CHUNK, then linked
//   3 write                 the record, and behind it the message if it is short
//   4 commit                one 64-bit store: Chunk.committed = (count, end)
//   5 count, unlock, wake
// A long message is copied before that into a block of its own (FILLING), without
// the lock; step 3 makes the block QUEUED with the number the message will have.
//
// Invariants: I1 a message is visible only after all its bytes and then its commit
// word are written. I2 a death leaves the state before step 4 or after it. I6 the
// order of one producer's messages is the order of its puts.
//
// A death leaves: before 4, bytes behind the committed end, overwritten by the next;
// a chunk or a block with a number that was never published, freed by
// Producer::repair(); after 4, derived counts one short, recounted there.
//
// Not chosen: one circular buffer (a lease held for an hour would stop it; it cannot
// grow while wrapped), and reserve-then-commit slots (a dead producer's reservation
// has to be skipped by every consumer; the lock costs less than that is worth).
// Protocol: docs/protocols/ring.md.
#pragma once

#include "core/records.hpp"
#include "core/robust_mutex.hpp"
#include "core/waiters.hpp"

namespace interlock {

enum class Put { done, full, shut_down, busy };

struct Outgoing {
  u64 length = 0;
  Encoding encoding{};
  u32 block = NO_BLOCK;   // where it already lies, for a long message
};

class Producer {
 public:
  Producer(const Segment& segment, Processes& processes, Blocks& blocks)
      : segment_(segment), processes_(processes), blocks_(blocks), p_(segment.producers()) {}

  RobustMutex mutex() const { return RobustMutex(p_.lock); }

  // The creator, alone: the first chunk.
  void begin() {
    const u32 first = new_chunk();
    p_.tail_chunk.set(first);
    ConsumerSide& c = segment_.consumers();
    c.first_chunk.set(first);
    c.head.set(Pair{first, static_cast<u32>(CHUNK_DATA)}.word());
  }

  // Under P. `fill` writes the message's bytes where they belong.
  template <class Fill>
  Put append(const Outgoing& message, Fill&& fill) {
    if (segment_.header().shut_down.load(Order::relaxed) != 0) return Put::shut_down;
    if (!room(message.length)) return Put::full;
    ChunkView chunk(segment_, p_.tail_chunk.peek());
    Pair committed = chunk.committed();
    const u64 body = message.block == NO_BLOCK ? align_record(message.length) : 0;
    const u64 size = sizeof(Record) + body;
    if (committed.low + size > CHUNK_BYTES) [[unlikely]] {
      const u32 next = add_chunk(chunk);
      if (next == NO_BLOCK) return Put::full;
      chunk = ChunkView(segment_, next);
      committed = {0, static_cast<u32>(CHUNK_DATA)};
    }
    auto* record = reinterpret_cast<Record*>(chunk.at(committed.low));
    record->state.set(RecordWord{RecordState::ready, 0, {}}.word());
    record->bytes_before.set(p_.published_bytes.peek());
    record->length.set(message.length);
    record->block.set(message.block);
    record->encoding.set(static_cast<u32>(message.encoding));
    if (message.block == NO_BLOCK) {
      fill(chunk.at(committed.low + sizeof(Record)));
    } else {
      segment_.block(message.block).sequence.store(p_.published.peek());
      blocks_.set_state(message.block, BlockState::queued);
      INTERLOCK_PROBE("put.queued_block");
    }
    INTERLOCK_PROBE("put.written");
    commit(chunk, {committed.high + 1, static_cast<u32>(committed.low + size)}, message.length);
    return Put::done;
  }

  // Under P. A block for a long message, FILLING for this process.
  u32 claim_block(u64 length, Blocks::Pages pages = Blocks::Pages::reserved) {
    return blocks_.allocate(length, processes_.me(), pages);
  }

  bool room(u64 length) {
    const Limits& limits = segment_.limits();
    if (fits(limits, length)) [[likely]]
      return true;
    const ConsumerSide& c = segment_.consumers();
    // SYNC ring.settled: pairs with the release in Consumer::count_settled()
    p_.settled_bytes_seen.set(c.settled_bytes.load(Order::acquire));
    p_.settled_seen.set(c.settled.load(Order::acquire));
    return fits(limits, length);
  }

  // Under P, after a death (R1): everything derived is counted again, and what was
  // never published goes back.
  void repair() {
    u32 tail = p_.tail_chunk.peek();
    for (u32 hops = 0;; ++hops) {
      const u32 next = ChunkView(segment_, tail).next();
      if (next == NO_BLOCK) break;
      if (hops == BLOCK_SLOTS) throw SegmentCorrupted("the list of chunks has no end");
      tail = next;
    }
    p_.tail_chunk.set(tail);
    const ChunkView chunk(segment_, tail);
    u64 bytes = chunk.header().first_bytes.load();
    each_record(chunk, [&](const RecordView& view) {
      bytes = view.record->bytes_before.load() + view.body.size();
    });
    p_.published_bytes.set(bytes);
    p_.published.set(chunk.header().first_sequence.load() + chunk.committed().high);
    INTERLOCK_PROBE("repair.producers");
    free_unpublished(tail);
    blocks_.repair();
  }

 private:
  bool fits(const Limits& limits, u64 length) const {
    // What was seen settled may lag behind; the difference is never too small.
    const u64 messages = p_.published.peek() - p_.settled_seen.peek();
    const u64 bytes = p_.published_bytes.peek() - p_.settled_bytes_seen.peek();
    if (limits.messages_max != 0 && messages >= limits.messages_max) return false;
    return bytes == 0 || bytes + length <= limits.queue_bytes_max;
  }

  void commit(const ChunkView& chunk, Pair committed, u64 length) {
    // SYNC ring.commit: pairs with the acquire in ChunkView::committed()
    chunk.header().committed.store(committed.word(), Order::release);
    INTERLOCK_PROBE("put.committed");
    p_.published_bytes.set(p_.published_bytes.peek() + length);
    // SYNC ring.published: pairs with the acquire in Consumer::looks_ready() and ready()
    p_.published.store(p_.published.peek() + 1, Order::release);
    INTERLOCK_PROBE("put.counted");
  }

  u32 new_chunk() {
    const u32 index = blocks_.allocate(CHUNK_BYTES, processes_.me());
    if (index == NO_BLOCK) return NO_BLOCK;
    Chunk& chunk = *reinterpret_cast<Chunk*>(segment_.bytes(index).data());
    chunk.committed.set(Pair{0, static_cast<u32>(CHUNK_DATA)}.word());
    chunk.first_sequence.set(p_.published.peek());
    chunk.first_bytes.set(p_.published_bytes.peek());
    chunk.next.set(NO_BLOCK);
    chunk.done.set(0);
    // Whoever finds it unlinked knows by the number that it is not an old one.
    segment_.block(index).sequence.store(p_.published.peek());
    blocks_.set_state(index, BlockState::chunk);
    INTERLOCK_PROBE("chunk.made");
    return index;
  }

  u32 add_chunk(const ChunkView& tail) {
    const u32 index = new_chunk();
    if (index == NO_BLOCK) return NO_BLOCK;
    // SYNC ring.link: pairs with the acquire in ChunkView::next()
    tail.header().next.store(index, Order::release);
    INTERLOCK_PROBE("chunk.linked");
    p_.tail_chunk.set(index);
    return index;
  }

  void free_unpublished(u32 tail) {
    const u64 published = p_.published.peek();
    for (u32 index = 0, end = blocks_.count(); index < end; ++index) {
      const BlockState state = blocks_.state(index).state;
      const bool numbered = state == BlockState::queued || state == BlockState::chunk;
      if (numbered && index != tail && segment_.block(index).sequence.load() >= published)
        blocks_.free(index);
    }
  }

  const Segment& segment_;
  Processes& processes_;
  Blocks& blocks_;
  ProducerSide& p_;
};

}  // namespace interlock
