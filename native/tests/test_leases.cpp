// The consuming half: taken once, given back in order, dead letters, room (P2, I6).
#include "core/leases.hpp"

#include "tests/audit.hpp"

namespace interlock::tests {
namespace {

Lease take(Channel& channel, Letter& letter, RecordState state = RecordState::ready) {
  Lease lease;
  const Get got =
      channel.get(Patience::as_long_as_it_takes, state, lease, [&](const RecordView& view) {
        letter = read_letter(view.body);
        return Verdict::take;
      });
  check_equal(got, Get::found, "a message to take");
  return lease;
}

bool is_empty(Channel& channel, RecordState state = RecordState::ready) {
  Lease lease;
  return channel.get(Patience::as_long_as_it_takes, state, lease,
                     [](const RecordView&) { return Verdict::leave; }) == Get::empty;
}

void put(Channel& channel, u32 count, u64 length = 16) {
  for (u32 number = 1; number <= count; ++number) {
    u32 block = NO_BLOCK;
    check_equal(try_send(channel, {0, number}, length, block), Put::done, "put");
  }
}

bool settle(Channel& channel, const Lease& lease, How how) {
  return channel.settle(lease, how, Patience::as_long_as_it_takes) == Settle::ended;
}

// Leases are ended in any order; what comes back is taken again before what is newer.
void what_comes_back_keeps_its_place(Run& run) {
  const auto channel = Channel::create(roomy());
  constexpr u32 COUNT = 40;
  put(*channel, COUNT, run.random.one_in(2) ? 16 : 9000);
  std::vector<std::pair<Letter, Lease>> held;
  for (u32 i = 0; i < COUNT / 2; ++i) {
    Letter letter;
    const Lease lease = take(*channel, letter);
    check(letter == Letter{0, i + 1}, "first in, first out");
    held.emplace_back(letter, lease);
  }
  std::set<u32> back;
  while (!held.empty()) {
    const auto at = held.begin() + static_cast<std::ptrdiff_t>(run.random.below(held.size()));
    const bool returns = run.random.one_in(2);
    check(settle(*channel, at->second, returns ? How::give_back : How::done), "it is ours");
    if (returns) back.insert(at->first.number);
    held.erase(at);
  }
  for (u32 number = COUNT / 2 + 1; number <= COUNT; ++number) back.insert(number);
  for (const u32 number : back) {
    Letter letter;
    const Lease lease = take(*channel, letter);
    check_equal(letter.number, number, "the oldest first");
    check_equal(lease.attempts, number <= COUNT / 2 ? 2u : 1u, "attempts");
    check(settle(*channel, lease, How::done), "it is ours");
  }
  check_counts(*channel);
  check_all_blocks_free(*channel);
}

void a_lease_ends_once(Run& run) {
  const auto channel = Channel::create(roomy());
  put(*channel, 1);
  Letter letter;
  const Lease lease = take(*channel, letter);
  const How first = run.random.one_in(2) ? How::done : How::give_back;
  check(settle(*channel, lease, first), "the first word counts");
  for (const How how : {How::done, How::acknowledged, How::give_back})
    check(!settle(*channel, lease, how), "and no other");
  check_equal(is_empty(*channel), first == How::done, "what is left");
  if (first == How::done) return;
  const Lease again = take(*channel, letter);
  check(!settle(*channel, lease, How::done), "an old lease is not the new one");
  check(settle(*channel, again, How::done), "the new one is");
}

void another_process_cannot_end_it(Run& run) {
  Office office(run, roomy());
  put(office.main(), 1);
  Letter letter;
  const Lease lease = take(office.main(), letter);
  Channel& other = office.attach();
  run.thread(run.new_process(), "other", [&] {
    other.processes().me();
    for (const How how : {How::done, How::acknowledged, How::give_back})
      check(!settle(other, lease, how), "it is not this process's");
  });
  run.go();
  check(settle(office.main(), lease, How::done), "it still is whose it was");
}

void after_the_last_delivery_it_is_a_dead_letter(Run& run) {
  Limits limits = roomy();
  limits.deliveries_max = run.random.between(1, 4);
  limits.messages_max = 2;
  const auto channel = Channel::create(limits);
  put(*channel, 1);
  Letter letter;
  for (u32 attempt = 1; attempt <= limits.deliveries_max; ++attempt) {
    const Lease lease = take(*channel, letter);
    check_equal(lease.attempts, attempt, "attempt");
    settle(*channel, lease, How::give_back);
  }
  check(is_empty(*channel), "it is delivered no more");
  put(*channel, 2);  // a dead letter takes no room
  const Lease dead = take(*channel, letter, RecordState::dead);
  check_equal(letter.number, 1u, "the dead letter");
  settle(*channel, dead, How::give_back);
  check(!is_empty(*channel, RecordState::dead), "given back it is a dead letter again");
  settle(*channel, take(*channel, letter, RecordState::dead), How::done);
  check(is_empty(*channel, RecordState::dead), "taken it is gone");
  for (u32 number = 1; number <= 2; ++number) settle(*channel, take(*channel, letter), How::done);
  check_counts(*channel);
  check_all_blocks_free(*channel);
}

void an_old_lease_keeps_only_its_chunk(Run&) {
  const auto channel = Channel::create(roomy());
  put(*channel, 1, 3000);
  Letter letter;
  const Lease old = take(*channel, letter);
  for (int round = 0; round < 200; ++round) {
    put(*channel, 3, 3000);
    for (int i = 0; i < 3; ++i) settle(*channel, take(*channel, letter), How::done);
  }
  check(channel->blocks().count() <= 4, "the chunks behind it are used again");
  check(read_letter(old.body) == Letter{0, 1}, "what is leased is whole");
  settle(*channel, old, How::done);
  check_counts(*channel);
  check_all_blocks_free(*channel);
}

void drained_it_is_empty(Run& run) {
  const auto channel = Channel::create(roomy());
  const u32 count = static_cast<u32>(run.random.between(0, 30));
  put(*channel, count, run.random.one_in(2) ? 100 : 20'000);
  Letter letter;
  std::vector<Lease> held;
  for (u32 i = 0; i < count / 3; ++i) held.push_back(take(*channel, letter));
  channel->drain();
  check(is_empty(*channel), "nothing is ready");
  check_equal(channel->counts().leased, held.size(), "what is leased is its holder's");
  for (const Lease& lease : held) check(settle(*channel, lease, How::done), "it is ours");
  check_counts(*channel);
  check_all_blocks_free(*channel);
}

}  // namespace
}  // namespace interlock::tests

int main() {
  using namespace interlock::tests;
  return run_tests({
      {"what comes back keeps its place", what_comes_back_keeps_its_place, 50, 50},
      {"a lease ends once", a_lease_ends_once, 10, 10},
      {"another process cannot end it", another_process_cannot_end_it, 20, 0},
      {"after the last delivery it is a dead letter", after_the_last_delivery_it_is_a_dead_letter,
       20, 20},
      {"an old lease keeps only its own chunk", an_old_lease_keeps_only_its_chunk, 2, 2},
      {"drained it is empty", drained_it_is_empty, 20, 20},
  });
}
