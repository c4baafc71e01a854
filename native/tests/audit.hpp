// What must be true of a segment when everybody is gone and everything is consumed (I2, I3).
#pragma once

#include "tests/traffic.hpp"

namespace interlock::tests {

constexpr u32 AUDITOR = 999;

inline void check_blocks_apart(const Segment& segment, u32 count) {
  std::map<u64, u64> places;  // where each begins: where it ends
  for (u32 index = 0; index < count; ++index) {
    const u64 begin = segment.block(index).place.peek();
    const u64 end = begin + segment.block(index).capacity.peek();
    const auto after = places.lower_bound(begin);
    check(after == places.end() || after->first >= end, "two blocks overlap");
    check(after == places.begin() || std::prev(after)->second <= begin, "two blocks overlap");
    places[begin] = end;
    check(segment.bytes(index).size() == end - begin, "a block's bytes are its capacity");
  }
}

// Every block is free, hinted and held by nobody, but for the one chunk of an empty ring.
inline void check_all_blocks_free(Channel& channel, bool somebody_died = false) {
  const Segment& segment = channel.segment();
  const u32 count = channel.blocks().count();
  check_blocks_apart(segment, count);
  u32 chunks = 0;
  u64 committed = 0;
  for (u32 index = 0; index < count; ++index) {
    const BlockState state = channel.blocks().state(index).state;
    const std::string name = "block " + std::to_string(index);
    if (state == BlockState::chunk) {
      ++chunks;
      check_equal(index, segment.consumers().first_chunk.peek(), "the chunk left is the first");
      check_equal(index, segment.producers().tail_chunk.peek(), "the chunk left is the last");
    } else {
      check_equal(state, BlockState::free, name + " belongs to nobody");
      const bool hinted = (segment.free_hint(index / 64).peek() >> index % 64 & 1) != 0;
      check(hinted, name + " is free, and no hint says so (R3)");
    }
    for (const auto& word : segment.block(index).holders)
      check_equal(word.peek(), 0u, name + " has a holder");
    if (segment.block(index).cold.peek() == 0) committed += segment.block(index).capacity.peek();
  }
  check_equal(chunks, 1u, "chunks of an empty ring");
  // Who fills a block may die before it has counted the pages: trim() counts anew.
  const u64 counted = segment.producers().committed_memory.peek();
  if (somebody_died)
    check(counted <= committed, "more memory was counted than is kept");
  else
    check_equal(counted, committed, "the memory that is kept");
}

inline void check_counts(Channel& channel, u64 dead_letters = 0) {
  const Channel::Counts counts = channel.counts();
  check_equal(counts.ready, 0u, "ready");
  check_equal(counts.leased, 0u, "leased");
  check_equal(counts.dead, dead_letters, "dead letters");
  check_equal(counts.in_queue, 0u, "in the queue");
  const ProducerSide& p = channel.segment().producers();
  const ConsumerSide& c = channel.segment().consumers();
  check_equal(c.settled.peek(), p.published.peek(), "settled is published (I6)");
  check_equal(c.passed.peek(), p.published.peek(), "passed is published");
  check_equal(c.returned.peek(), 0u, "returned");
  if (dead_letters == 0)
    check_equal(c.settled_bytes.peek(), p.published_bytes.peek(), "bytes settled");
  check_equal(c.intent_record.peek(), 0u, "an intent that nobody completed");
}

inline void check_process_table(const Channel& channel) {
  for (u32 slot = 0; slot < PROCESS_SLOTS; ++slot) {
    const Pair seen = Pair::from(channel.segment().process(slot).identity.peek());
    if (seen.low == 0) continue;
    check(!process_is_dead({seen.low, 0}), "a dead process kept its place");
  }
}

// Sweeps the dead, reads what is left (into the ledger), and looks at everything.
inline void audit(Office& office) {
  Channel& channel = office.main();
  const auto sweep = [&] {
    office.run().advance(SECOND);
    return channel.check_deaths();
  };
  while (sweep()) {
  }
  for (const RecordState state : {RecordState::ready, RecordState::dead})
    for (bool empty = false; !empty;)
      try_receive(channel, office.ledger, AUDITOR, Manner::lease, empty, state);
  office.ledger.check_complete();
  check_counts(channel);
  check_all_blocks_free(channel, office.run().deaths() != 0);
  check_process_table(channel);
}

}  // namespace interlock::tests
