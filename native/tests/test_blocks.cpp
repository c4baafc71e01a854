// Blocks: given to one at a time, kept warm, freed when nobody needs them (I3).
#include "core/blocks.hpp"

#include "tests/audit.hpp"

namespace interlock::tests {
namespace {

void a_size_class_wastes_little(Run& run) {
  for (int i = 0; i < 1000; ++i) {
    const u64 size = 1 + (run.random.next() >> (24 + run.random.below(40)));
    const u64 capacity = Blocks::size_class(size);
    check(capacity >= size, "it has room");
    check_equal(Blocks::size_class(capacity), capacity, "a class is its own");
    if (size > BLOCK_MIN) check(capacity - size <= size / 4 + 1, "a quarter is wasted at the most");
    if (size > 2 * Blocks::LARGE) check(capacity - size <= size / 16, "less of a large one");
    check(Blocks::size_class(size + 1) >= capacity, "a larger one is not smaller");
  }
}

// Threads of several processes claim and free; each finds in its block what it wrote.
void nobody_gets_another_s_block(Run& run) {
  Office office(run, roomy());
  const u32 each = SYSTEMATIC ? 6 : 2000;
  for (u32 number = 0; number < 3; ++number) {
    Channel& channel = office.attach();
    run.thread(run.new_process(), "user",
               [&channel, number, each, random = Random(run.random.next())]() mutable {
                 for (u32 i = 0; i < each; ++i) {
                   const u64 length = random.between(BLOCK_MIN, SYSTEMATIC ? 20'000 : 300'000);
                   const u32 block = channel.claim_block(length);
                   const auto bytes = channel.segment().bytes(block).first(length);
                   check_equal(channel.blocks().state(block).state, BlockState::filling,
                               "it is ours");
                   write_letter({number, i}, bytes.data(), 64);
                   yield_processor();
                   check(read_letter(bytes.first(64)) == Letter{number, i},
                         "another wrote into our block");
                   channel.drop_block(block);
                 }
               });
  }
  run.go();
  check_all_blocks_free(office.main());
}

void what_is_freed_is_used_again(Run&) {
  const auto channel = Channel::create(roomy());
  const u32 first = channel->claim_block(100'000);
  channel->blocks().written(first, 0);
  channel->drop_block(first);
  const u32 count = channel->blocks().count();
  for (int i = 0; i < 50; ++i) {
    const u32 block = channel->claim_block(100'000 - static_cast<u64>(i) * 500);
    check_equal(block, first, "the same block");
    check(!channel->blocks().is_cold(block), "it has its pages still");
    channel->drop_block(block);
  }
  check_equal(channel->blocks().count(), count, "no other was made");
  const u32 larger = channel->claim_block(300'000);
  check(larger != first, "it is too small for that");
  const u32 smaller = channel->claim_block(BLOCK_MIN);
  check(smaller != first, "and too large for this");
}

// A block is freed when its message is done and the last who reads it in place has let go.
void the_last_holder_frees(Run& run) {
  Office office(run, roomy());
  Channel& main = office.main();
  u32 block = NO_BLOCK;
  check_equal(try_send(main, {0, 1}, 50'000, block), Put::done, "put");
  Lease none;
  main.get(Patience::as_long_as_it_takes, RecordState::ready, none, [&](const RecordView& view) {
    block = view.block;
    return Verdict::leave;
  });
  const u32 holders = static_cast<u32>(run.random.between(1, 3));
  for (u32 number = 0; number < holders; ++number) {
    Channel& channel = office.attach();
    const Owner owner = channel.processes().me();
    main.blocks().hold(block, owner);
    run.thread(run.new_process(), "holder",
               [&channel, block, owner] { channel.blocks().end_borrow(block, owner); });
  }
  Channel& taking = office.attach();
  run.thread(run.new_process(), "taker", [&taking, block] {
    Lease lease;
    taking.get(Patience::as_long_as_it_takes, RecordState::ready, lease,
               [](const RecordView&) { return Verdict::take; });
    check_equal(taking.blocks().state(block).state, BlockState::queued, "while it is leased");
    check_equal(taking.settle(lease, How::done, Patience::as_long_as_it_takes), Settle::ended,
                "the lease is ours");
  });
  run.go();
  check_equal(main.blocks().state(block).state, BlockState::free, "free at the end");
}

void beyond_the_bound_pages_go_back(Run&) {
  Limits limits = roomy();
  limits.queue_bytes_max = 1 << 20;
  const auto channel = Channel::create(limits);
  u64 size = 8 << 20;
  for (int i = 0; i < 12; ++i, size += size / 2) {  // each too large for the one before
    const u32 block = channel->claim_block(size);
    channel->blocks().written(block, 0);
    channel->drop_block(block);
    check(channel->blocks().committed() <= Blocks::WARM_BYTES + 2 * size, "it is bounded");
    if (size > (128 << 20)) break;
  }
  bool cold = false;
  for (u32 index = 0; index < channel->blocks().count(); ++index)
    if (channel->blocks().state(index).state == BlockState::free)
      cold = cold || channel->blocks().is_cold(index);
  check(cold, "some of those that are free gave theirs back");
}

// Killed at any step of claiming, filling or freeing: nothing is lost and nothing is given twice.
void what_a_dead_process_was_filling_goes_back(Run& run) {
  Office office(run, roomy());
  Channel& dying = office.attach();
  const u32 doomed = run.new_process();
  run.thread(doomed, "doomed", [&dying, random = Random(run.random.next())]() mutable {
    for (int i = 0; i < 3; ++i) {
      const u32 block = dying.claim_block(random.between(BLOCK_MIN, 40'000));
      if (dying.blocks().is_cold(block)) dying.blocks().written(block, 0);
      if (random.one_in(2)) dying.drop_block(block);
    }
  });
  run.kill_at_step(doomed, run.random.below(150));
  Channel& other = office.attach();
  run.thread(run.new_process(), "other", [&other] {
    for (int i = 0; i < 3; ++i) {
      const u32 block = other.claim_block(20'000);
      yield_processor();
      check_equal(other.blocks().state(block).state, BlockState::filling, "it is ours alone");
      other.drop_block(block);
    }
  });
  run.go();
  if (run.is_dead(doomed)) audit(office);
}

}  // namespace
}  // namespace interlock::tests

int main() {
  using namespace interlock::tests;
  return run_tests({
      {"a size class wastes little", a_size_class_wastes_little, 10, 10},
      {"nobody gets another's block", nobody_gets_another_s_block, 500, 5},
      {"what is freed is used again", what_is_freed_is_used_again, 1, 1},
      {"the last holder frees", the_last_holder_frees, 500, 50},
      {"beyond the bound pages go back", beyond_the_bound_pages_go_back, 1, 1},
      {"what a dead process was filling goes back", what_a_dead_process_was_filling_goes_back, 1500,
       0},
  });
}
