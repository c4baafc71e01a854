// Putting the consumers' side right after a death (R1, R2), by counting everything again.
//
// R1  A holder of C died: repair(). All derived words are recounted from the records'
//     states, the head moves over records that are not new, the intent is completed or
//     forgotten, and blocks that no live record refers to are freed.
// R2  A process died holding leases: sweep(). What it had TAKEN is READY again (or DEAD),
//     what it was filling or borrowing is free, and then everything is recounted.
// R3  Free-block hints are rebuilt from the block states (Blocks::repair, Blocks::sweep).
// R4  Each step is one store and may be made twice, so a sweeper's or repairer's death
//     is R1 and R2 again for the next.
//
// Producers go on meanwhile: a message committed during the count is simply new, and a
// block whose number is not yet published is left to Producer::repair().
// Protocol: docs/protocols/ring.md, "What a death leaves".
#pragma once

#include <vector>

#include "core/leases.hpp"

namespace interlock {

// What one walk over all chunks finds.
struct Census {
  u64 published = 0;
  u64 published_bytes = 0;
  u64 passed = 0;
  u64 returned = 0;
  u64 leased = 0;
  u64 dead = 0;
  u64 unsettled = 0;        // READY, or TAKEN for the first time
  u64 live_bytes = 0;       // of all that is not DONE
  std::vector<bool> live_blocks = std::vector<bool>(BLOCK_SLOTS);
  std::vector<u32> finished_chunks;
};

inline void Consumer::repair() {
  finish_intent();
  skip_old_at_head();
  const Pair head = Pair::from(c_.head.peek());
  Census census;
  bool past_head = false;
  each_chunk([&](const ChunkView& chunk) {
    Chunk& header = chunk.header();
    census.live_blocks[chunk.index()] = true;
    census.published = header.first_sequence.load();
    census.published_bytes = header.first_bytes.load();
    u32 done = 0;
    each_record(chunk, [&](const RecordView& view) {
      const bool is_new = past_head || (view.chunk == head.high && view.offset >= head.low);
      ++census.published;
      census.published_bytes = view.record->bytes_before.load() + view.body.size();
      if (!is_new) census.passed = census.published;
      if (view.word.state == RecordState::done) {
        ++done;
        return;
      }
      census.live_bytes += view.body.size();
      if (view.block != NO_BLOCK) census.live_blocks[view.block] = true;
      if (view.word.state == RecordState::dead) {
        ++census.dead;
        return;
      }
      if (!was_dead(view)) ++census.unsettled;
      if (view.word.state == RecordState::taken) ++census.leased;
      if (view.word.state == RecordState::ready && !is_new) ++census.returned;
    });
    header.done.set(done);
    if (chunk.index() == head.high) {
      past_head = true;
      if (head.low == CHUNK_DATA) census.passed = header.first_sequence.load();
    }
    if (!past_head && done == chunk.committed().high)
      census.finished_chunks.push_back(chunk.index());
    return true;
  });
  INTERLOCK_PROBE("repair.consumers");
  c_.passed.set(census.passed);
  c_.returned.set(census.returned);
  c_.leased.set(census.leased);
  c_.dead.set(census.dead);
  c_.settled_bytes.store(census.published_bytes - census.live_bytes);
  c_.settled.store(census.published - census.unsettled);
  for (const u32 index : census.finished_chunks) free_if_done(ChunkView(segment_, index));
  free_unreferenced(census);
}

inline void Consumer::finish_intent() {
  // SYNC tasks.intent: pairs with the releases in write_intent() and complete_intent()
  const Pair at = Pair::from(c_.intent_record.load());
  if (at.word() == 0) return;
  const ChunkView chunk(segment_, at.high);
  const RecordState state = chunk.record(at.low, chunk.committed().low).word.state;
  if (state == RecordState::done || state == RecordState::dead)
    c_.tasks_settled.store(c_.intent_settled.load());
  c_.intent_record.store(0);
}

inline void Consumer::skip_old_at_head() {
  Pair head = Pair::from(c_.head.peek());
  const ChunkView chunk(segment_, head.high);
  const Pair committed = chunk.committed();
  while (committed.high != 0 && head.low < committed.low) {
    const RecordView view = chunk.record(head.low, committed.low);
    if (view.word.state == RecordState::ready) break;
    head.low = view.end;
  }
  c_.head.set(head.word());
}

// Chunks that were unlinked, and blocks whose message is done, before their holder died.
inline void Consumer::free_unreferenced(const Census& census) {
  for (u32 index = 0, end = blocks_.count(); index < end; ++index) {
    const BlockState state = blocks_.state(index).state;
    const bool numbered = state == BlockState::queued || state == BlockState::chunk;
    if (!numbered || census.live_blocks[index] ||
        segment_.block(index).sequence.load() >= census.published)
      continue;
    if (state == BlockState::chunk)
      blocks_.free(index);
    else
      blocks_.leave(index);
  }
}

inline void Consumer::sweep(Owner owner) {
  each_chunk([&](const ChunkView& chunk) {
    each_record(chunk, [&](const RecordView& view) {
      if (view.word.state != RecordState::taken || view.word.owner != owner) return;
      give_back(view);
      INTERLOCK_PROBE("sweep.returned");
    });
    return true;
  });
  repair();
  blocks_.sweep(owner);
}

}  // namespace interlock
