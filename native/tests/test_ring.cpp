// The producing half: a message is there whole or not at all, in its order (P2, I1, I2, I6).
#include "core/ring.hpp"

#include "tests/audit.hpp"

namespace interlock::tests {
namespace {

Put append(Channel& channel, const Letter& letter, u64 length) {
  Turn turn(channel.producer(), Patience::as_long_as_it_takes);
  return channel.producer().append({length, Encoding::bytes, NO_BLOCK},
                                   [&](std::byte* out) { write_letter(letter, out, length); });
}

// All letters in the ring, in order, by a walk from the first chunk.
std::vector<Letter> letters_in(const Channel& channel) {
  const Segment& segment = channel.segment();
  std::vector<Letter> found;
  for (u32 index = segment.consumers().first_chunk.peek(); index != NO_BLOCK;) {
    const ChunkView chunk(segment, index);
    each_record(chunk, [&](const RecordView& view) { found.push_back(read_letter(view.body)); });
    index = chunk.next();
  }
  return found;
}

void messages_lie_in_the_order_of_their_puts(Run& run) {
  const auto channel = Channel::create(roomy());
  const u32 count = 300;
  for (u32 number = 1; number <= count; ++number)
    check_equal(append(*channel, {0, number}, run.random.between(8, 3000)), Put::done, "append");
  const auto letters = letters_in(*channel);
  check_equal(letters.size(), count, "letters");
  for (u32 number = 1; number <= count; ++number)
    check(letters[number - 1] == Letter{0, number}, "in their order, over many chunks");
  check(channel->blocks().count() > 1, "over many chunks");
}

void the_bounds_hold(Run& run) {
  Limits limits = roomy();
  limits.messages_max = run.random.between(1, 20);
  limits.queue_bytes_max = run.random.between(50, 3000);
  const auto channel = Channel::create(limits);
  u64 messages = 0, bytes = 0;
  for (u32 number = 1; number <= 40; ++number) {
    const u64 length = run.random.between(8, 300);
    const bool fits =
        messages < limits.messages_max && (bytes == 0 || bytes + length <= limits.queue_bytes_max);
    check_equal(append(*channel, {0, number}, length), fits ? Put::done : Put::full,
                "room for a message");
    if (!fits) continue;
    ++messages;
    bytes += length;
  }
  check_equal(letters_in(*channel).size(), messages, "what was accepted");
}

void nothing_is_put_after_the_end(Run&) {
  const auto channel = Channel::create(roomy());
  check_equal(append(*channel, {0, 1}, 8), Put::done, "before");
  channel->shut_down(false);
  check_equal(append(*channel, {0, 2}, 8), Put::shut_down, "after");
  check_equal(letters_in(*channel).size(), 1u, "letters");
}

// A producer is killed at any step. What it had been told is there; at most one more is, and
// whole; the next producer goes on behind it, and the counts are right.
void a_death_at_any_step_leaves_whole_messages(Run& run) {
  Limits limits = roomy();
  Office office(run, limits);
  const u64 length = run.random.one_in(2) ? 30'000 : run.random.between(8, 5000);
  u32 told = 0;
  Channel& dying = office.attach();
  const u32 doomed = run.new_process();
  run.thread(doomed, "doomed", [&dying, &told, length] {
    for (u32 number = 1; number <= 12; ++number) {
      u32 block = NO_BLOCK;
      check_equal(try_send(dying, {0, number}, length, block), Put::done, "put");
      told = number;
    }
  });
  run.kill_at_step(doomed, run.random.below(500));
  run.go();
  Channel& main = office.main();
  u32 block = NO_BLOCK;
  check_equal(try_send(main, {1, 1}, length, block), Put::done, "a survivor's put");
  const auto letters = letters_in(main);
  const u64 of_doomed = letters.size() - 1;
  check(of_doomed == told || of_doomed == told + 1, "what was told, and one more at the most");
  for (u32 number = 1; number <= of_doomed; ++number)
    check(letters[number - 1] == Letter{0, number}, "in their order");
  check((letters.back() == Letter{1, 1}), "the survivor's is the last");
  check_equal(main.segment().producers().published.peek(), letters.size(), "counted");
  check_equal(main.segment().producers().published_bytes.peek(), letters.size() * length,
              "bytes counted");
}

// The second dies while it repairs what the first left. R4: each step may be made twice.
void a_repairer_may_die_too(Run& run) {
  Office office(run, roomy());
  u32 told[2] = {};
  for (u32 writer = 0; writer < 2; ++writer) {
    Channel& dying = office.attach();
    const u32 doomed = run.new_process();
    run.thread(doomed, "doomed", [&dying, &told, writer] {
      for (u32 number = 1; number <= 5; ++number) {
        u32 block = NO_BLOCK;
        check_equal(try_send(dying, {writer, number}, 17'000, block), Put::done, "put");
        told[writer] = number;
      }
    });
    run.kill_at_step(doomed, run.random.below(400));
  }
  run.go();
  Channel& main = office.main();
  check_equal(append(main, {2, 1}, 8), Put::done, "a survivor's put");
  u32 seen[3] = {};
  for (const Letter& letter : letters_in(main))
    check_equal(letter.number, ++seen[letter.writer], "each writer's letters are in order");
  for (u32 writer = 0; writer < 2; ++writer)
    check(seen[writer] == told[writer] || seen[writer] == told[writer] + 1,
          "what was told, and one more at the most");
}

}  // namespace
}  // namespace interlock::tests

int main() {
  using namespace interlock::tests;
  return run_tests({
      {"messages lie in the order of their puts", messages_lie_in_the_order_of_their_puts, 5, 5},
      {"the bounds hold", the_bounds_hold, 50, 50},
      {"nothing is put after the end", nothing_is_put_after_the_end, 1, 1},
      {"a death at any step leaves whole messages", a_death_at_any_step_leaves_whole_messages, 2000,
       0},
      {"a repairer may die too", a_repairer_may_die_too, 2000, 0},
  });
}
