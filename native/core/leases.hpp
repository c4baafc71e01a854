// The ring's consuming half: how a message is taken, and given back if its taker dies (P2).
//
// A record:  READY -> TAKEN(P) -> DONE        taken, decoded, done
//            READY -> DONE                    the same in one step, while C is held
//            TAKEN -> READY                   given back, or P died
//            TAKEN -> DEAD                    the same, after the last delivery allowed
//            DEAD -> DONE                     taken from the dead letters
// All of these are made under the consumers' lock C, one store each; what is counted
// (passed, returned, leased, dead, settled, Chunk.done) is derived from them.
//
// `head` is where the next new record is. Records before it are TAKEN, DONE, DEAD, or
// READY again (`returned` counts those; they are older and are taken first). A chunk
// whose records are all DONE, and that has a successor, is unlinked and freed.
//
// Invariants: I2; I3 a queued block is freed only after its record is DONE;
// I6 every message is DONE once.
//
// A death leaves: a store made but not counted: Consumer::repair() recounts; a record
// TAKEN(dead): the sweep returns it; a chunk or block nobody refers to: freed there.
//
// What ends a task of a joinable queue changes two words, the record and the count of
// ended tasks. The intent (which record, which count) is written first, so that the
// next holder of C completes or forgets it.
// Protocol: docs/protocols/ring.md.
#pragma once

#include "core/ring.hpp"

namespace interlock {

constexpr u32 FLAG_JOINABLE = 1;

// done: by get(), task_done() follows; acknowledged: that ends the task too.
enum class How { done, acknowledged, give_back };

// A record this process has taken, and what is needed to find it again.
struct Lease {
  u32 chunk = NO_BLOCK;
  u32 offset = 0;
  u64 word = 0;             // its state word, as written
  u32 attempts = 0;
  Encoding encoding{};
  u32 block = NO_BLOCK;
  std::span<std::byte> body;
};

class Consumer {
 public:
  Consumer(const Segment& segment, Processes& processes, Blocks& blocks)
      : segment_(segment), processes_(processes), blocks_(blocks), c_(segment.consumers()) {}

  RobustMutex mutex() const { return RobustMutex(c_.lock); }

  // Without the lock; may be wrong for a moment, never for longer than a sleep.
  bool looks_ready() const {
    // SYNC ring.published: pairs with the release in Producer::commit()
    return segment_.producers().published.load(Order::acquire) != c_.passed.peek() ||
           c_.returned.peek() != 0;
  }

  // Under C: the oldest message that is ready.
  bool find(RecordView& found) {
    if (c_.returned.peek() != 0 && find_before_head(RecordState::ready, found)) return true;
    Pair head = Pair::from(c_.head.peek());
    for (u32 hops = 0; hops <= BLOCK_SLOTS;) {
      const ChunkView chunk(segment_, head.high);
      const u32 next = chunk.next();  // before committed(): with a successor it is final
      const Pair committed = chunk.committed();
      if (head.low < committed.low && committed.high != 0) {
        found = chunk.record(head.low, committed.low);
        if (found.word.state == RecordState::ready) return true;
        head.low = found.end;  // a step that a death cut short
        c_.head.set(head.word());
        c_.passed.set(c_.passed.peek() + 1);
        continue;
      }
      if (next == NO_BLOCK) return false;
      const u32 left = head.high;
      head = {Untrusted(next).checked(BLOCK_SLOTS - 1, "next chunk"), static_cast<u32>(CHUNK_DATA)};
      c_.head.set(head.word());
      free_if_done(ChunkView(segment_, left));
      ++hops;
    }
    throw SegmentCorrupted("the list of chunks has no end");
  }

  // Under C: the oldest dead letter.
  bool find_dead(RecordView& found) { return find_before_head(RecordState::dead, found); }

  // Under C: done at once, for a message that was decoded while C was held.
  void finish(const RecordView& view) {
    INTERLOCK_PROBE("get.decoded");
    end_record(view, RecordState::done, Task::goes_on);
    pass(view);
  }

  // Under C: READY (or DEAD) becomes this process's until settle().
  Lease take(const RecordView& view) {
    const u32 attempts = std::min(view.word.attempts + 1, RecordWord::ATTEMPTS_MAX);
    const RecordWord word{RecordState::taken, attempts, processes_.me()};
    // SYNC record.state: pairs with the acquire in ChunkView::record()
    view.record->state.store(word.word(), Order::release);
    INTERLOCK_PROBE("get.taken");
    c_.leased.set(c_.leased.peek() + 1);
    if (view.word.state == RecordState::dead)
      c_.dead.set(c_.dead.peek() - 1);
    else
      pass(view);
    INTERLOCK_PROBE("get.advanced");
    return {view.chunk, view.offset, word.word(), attempts, view.encoding, view.block, view.body};
  }

  // Under C. False if the lease is no longer this process's (it was believed dead).
  // `held`: the message's block goes on to be read in place by this process.
  bool settle(const Lease& lease, How how, bool held = false) {
    const ChunkView chunk(segment_, lease.chunk);
    const RecordView view = chunk.record(lease.offset, chunk.committed().low);
    if (view.word.word() != lease.word || !processes_.mine(view.word.owner)) return false;
    c_.leased.set(c_.leased.peek() - 1);
    if (held) blocks_.hold(view.block, processes_.me());
    if (how == How::give_back) {
      give_back(view);
    } else {
      end_record(view, RecordState::done, how == How::done ? Task::goes_on : Task::ends);
      if (view.chunk != Pair::from(c_.head.peek()).high) free_if_done(chunk);
    }
    INTERLOCK_PROBE("get.settled");
    return true;
  }

  // Under C: a record whose taker died or did not want it. Its attempts stay counted.
  void give_back(const RecordView& view) {
    const u64 allowed = segment_.limits().deliveries_max;
    if (allowed != 0 && view.word.attempts >= allowed) {
      end_record(view, RecordState::dead, Task::ends);
      c_.dead.set(c_.dead.peek() + 1);
      INTERLOCK_PROBE("lease.dead_lettered");
      return;
    }
    // SYNC record.state: pairs with the acquire in ChunkView::record()
    view.record->state.store(RecordWord{RecordState::ready, view.word.attempts, {}}.word(),
                             Order::release);
    INTERLOCK_PROBE("lease.returned");
    c_.returned.set(c_.returned.peek() + 1);
  }

  // Under C: all that is ready is dropped (shutdown at once). How many there were.
  u64 drain() {
    u64 dropped = 0;
    for (RecordView view; find(view); ++dropped) {
      end_record(view, RecordState::done, Task::ends);
      pass(view);
    }
    return dropped;
  }

  // Under C, after a death or a sweep: everything derived is counted again.
  void repair();

  // Under C: what dead process `owner` had taken is ready again.
  void sweep(Owner owner);

  u64 ready() const {
    // SYNC ring.published: pairs with the release in Producer::commit()
    const u64 published = segment_.producers().published.load(Order::acquire);
    const u64 gone = c_.passed.peek() - c_.returned.peek();
    return published > gone ? published - gone : 0;
  }
  u64 leased() const { return c_.leased.peek(); }
  u64 dead() const { return c_.dead.peek(); }
  u64 settled() const { return c_.settled.peek(); }

 private:
  void finish_intent();
  void skip_old_at_head();
  void free_unreferenced(const struct Census& census);

  bool find_before_head(RecordState state, RecordView& found) {
    const Pair head = Pair::from(c_.head.peek());
    bool hit = false;
    each_chunk([&](const ChunkView& chunk) {
      each_record(chunk, [&](const RecordView& view) {
        const bool is_new = view.chunk == head.high && view.offset >= head.low;
        if (hit || is_new || view.word.state != state) return;
        found = view;
        hit = true;
      });
      return !hit && chunk.index() != head.high;
    });
    if (hit) INTERLOCK_PROBE("get.found");
    return hit;
  }

  // From the oldest on, while visit(ChunkView) says so.
  template <class Visit>
  void each_chunk(Visit visit) const {
    u32 index = c_.first_chunk.peek();
    for (u32 hops = 0; index != NO_BLOCK; ++hops) {
      if (hops > BLOCK_SLOTS) throw SegmentCorrupted("the list of chunks has no end");
      const ChunkView chunk(segment_, index);
      const u32 next = chunk.next();
      if (!visit(chunk)) return;
      index = next;
    }
  }

  // The head moves over a record, or one returned record fewer lies before it.
  void pass(const RecordView& view) {
    const Pair head = Pair::from(c_.head.peek());
    if (view.chunk == head.high && view.offset == head.low) {
      c_.head.set(Pair{head.high, view.end}.word());
      c_.passed.set(c_.passed.peek() + 1);
    } else {
      c_.returned.set(c_.returned.peek() - 1);
      if (view.chunk != head.high) free_if_done(ChunkView(segment_, view.chunk));
    }
  }

  // A plain get() leaves the task to task_done(); an acknowledged lease, a dead letter
  // and a drained message end it.
  enum class Task { goes_on, ends };

  // A dead letter was settled when it died; only its bytes are still counted.
  bool was_dead(const RecordView& view) const {
    const u64 allowed = segment_.limits().deliveries_max;
    return allowed != 0 && view.word.attempts > allowed;
  }

  // The record's last step: DONE, or DEAD.
  void end_record(const RecordView& view, RecordState state, Task task) {
    const bool first_end = !was_dead(view);
    const bool counts =
        task == Task::ends && first_end && (segment_.limits().flags & FLAG_JOINABLE) != 0;
    if (counts) write_intent(view);
    // SYNC record.state: pairs with the acquire in ChunkView::record()
    view.record->state.store(RecordWord{state, view.word.attempts, {}}.word(), Order::release);
    INTERLOCK_PROBE("get.done");
    if (counts) complete_intent();
    count_settled(first_end ? 1 : 0, state == RecordState::done ? view.body.size() : 0);
    if (state != RecordState::done) return;
    Chunk& chunk = ChunkView(segment_, view.chunk).header();
    chunk.done.set(chunk.done.peek() + 1);
    if (view.block != NO_BLOCK) {
      blocks_.leave(view.block);
      INTERLOCK_PROBE("get.block_freed");
    }
  }

  void write_intent(const RecordView& view) {
    // SYNC tasks.intent: pairs with the load in finish_intent()
    c_.intent_settled.set(c_.tasks_settled.peek() + 1);
    c_.intent_record.store(Pair{view.chunk, view.offset}.word(), Order::release);
  }

  void complete_intent() {
    // SYNC tasks.intent: pairs with the load in finish_intent()
    c_.tasks_settled.store(c_.intent_settled.peek(), Order::release);
    c_.intent_record.store(0, Order::release);
  }

  void count_settled(u64 messages, u64 bytes) {
    // SYNC ring.settled: pairs with the acquire in Producer::room()
    c_.settled_bytes.store(c_.settled_bytes.peek() + bytes, Order::release);
    c_.settled.store(c_.settled.peek() + messages, Order::release);
  }

  // A chunk behind the head whose records are all DONE has no reader left.
  void free_if_done(const ChunkView& chunk) {
    const u32 next = chunk.next();
    if (next == NO_BLOCK || chunk.header().done.peek() != chunk.committed().high) return;
    if (c_.first_chunk.peek() == chunk.index()) {
      c_.first_chunk.set(next);
    } else {
      each_chunk([next, gone = chunk.index()](const ChunkView& before) {
        if (before.next() != gone) return true;
        // SYNC ring.link: pairs with the acquire in ChunkView::next()
        before.header().next.store(next, Order::release);
        return false;
      });
    }
    INTERLOCK_PROBE("chunk.unlinked");
    blocks_.free(chunk.index());
  }

  const Segment& segment_;
  Processes& processes_;
  Blocks& blocks_;
  ConsumerSide& c_;
};

}  // namespace interlock
