// The words of shared memory: what is packed into one comes out of it again.
#include "core/layout.hpp"

#include "tests/harness.hpp"

namespace interlock::tests {
namespace {

constexpr RecordState RECORD_STATES[] = {RecordState::writing, RecordState::ready,
                                         RecordState::taken, RecordState::done, RecordState::dead};
constexpr BlockState BLOCK_STATES[] = {BlockState::free, BlockState::filling, BlockState::chunk,
                                       BlockState::queued, BlockState::borrowed};

Owner some_owner(Random& random) {
  return {static_cast<u32>(random.below(PROCESS_SLOTS)), static_cast<u32>(random.next())};
}

void a_record_s_word_keeps_its_parts(Run& run) {
  for (const RecordState state : RECORD_STATES)
    for (const u32 attempts : {0u, 1u, 77u, RecordWord::ATTEMPTS_MAX}) {
      const RecordWord word{state, attempts, some_owner(run.random)};
      const RecordWord again = RecordWord::from(word.word());
      check_equal(again.state, state, "state");
      check_equal(again.attempts, attempts, "attempts");
      check(again.owner == word.owner, "owner");
    }
}

void a_block_s_word_keeps_its_parts(Run& run) {
  for (const BlockState state : BLOCK_STATES) {
    const BlockWord word{state, some_owner(run.random)};
    check_equal(BlockWord::from(word.word()).state, state, "state");
    check(BlockWord::from(word.word()).owner == word.owner, "owner");
  }
  check_equal(BlockWord{}.word(), 0u, "new memory is a free block");
}

void two_numbers_are_one_word(Run& run) {
  const Pair pair{static_cast<u32>(run.random.next()), static_cast<u32>(run.random.next())};
  const Pair again = Pair::from(pair.word());
  check(again.high == pair.high && again.low == pair.low, "a pair keeps its order");
}

// One part of the control area ends before the next begins, and words that different
// sides write do not share a cache line.
void the_parts_lie_apart(Run&) {
  check(HEADER_AT + sizeof(Header) <= PRODUCER_AT, "header and producers");
  check(PRODUCER_AT + sizeof(ProducerSide) <= CONSUMER_AT, "producers and consumers");
  check(CONSUMER_AT + sizeof(ConsumerSide) <= PROCESSES_AT, "consumers and processes");
  check(PROCESSES_AT + sizeof(ProcessSlot) * PROCESS_SLOTS <= HINTS_AT, "processes and hints");
  check(HINTS_AT + BLOCK_SLOTS / 8 <= BLOCKS_AT, "hints and blocks");
  check(BLOCKS_AT + sizeof(BlockSlot) * u64{BLOCK_SLOTS} <= CONTROL_BYTES, "blocks and the end");
  check_equal(PRODUCER_AT % CACHE_LINE, 0u, "the producers' words begin a cache line");
  check_equal(CONSUMER_AT % CACHE_LINE, 0u, "the consumers' words begin a cache line");
  check(NO_BLOCK >= BLOCK_SLOTS, "no block's number means none");
}

}  // namespace
}  // namespace interlock::tests

int main() {
  using namespace interlock::tests;
  return run_tests({
      {"a record's word keeps its parts", a_record_s_word_keeps_its_parts, 20, 20},
      {"a block's word keeps its parts", a_block_s_word_keeps_its_parts, 20, 20},
      {"two numbers are one word", two_numbers_are_one_word, 20, 20},
      {"the parts of the control area lie apart", the_parts_lie_apart, 1, 1},
  });
}
