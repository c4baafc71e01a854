// Messages through a channel: the waiting loops of native/bind, without Python.
//
// An Office is a segment with its processes, each with a mapping of its own. send() and
// receive() wait as bind/transfer.cpp does; `Ledger` records what became of each letter.
#pragma once

#include <fcntl.h>

#include "core/channel.hpp"
#include "tests/harness.hpp"
#include "tests/ledger.hpp"

namespace interlock::tests {

inline Descriptor another(int fd) { return Descriptor(fcntl(fd, F_DUPFD_CLOEXEC, 0)); }

// Tells the scheduler which words of this mapping are which.
inline void tell_mapping([[maybe_unused]] Run& run, [[maybe_unused]] const Segment& segment) {
#ifdef INTERLOCK_SYSTEMATIC
  Scheduler& scheduler = run.scheduler();
  scheduler.mapped(&segment.header(), CONTROL_BYTES);
  scheduler.name_word(segment.producers().lock.address(), "the producers' lock");
  scheduler.name_word(segment.consumers().lock.address(), "the consumers' lock");
  scheduler.name_word(segment.producers().sequence.address(), "a message (readers)");
  scheduler.name_word(segment.consumers().sequence.address(), "room (writers)");
  scheduler.name_word(segment.consumers().tasks_sequence.address(), "the tasks' end (joiners)");
#endif
}

class Office {
 public:
  Office(Run& run, const Limits& limits) : run_(run), main_(Channel::create(limits)) {
    tell_mapping(run_, main_->segment());
  }
  // Of the test's own process, which is never killed.
  Channel& main() { return *main_; }

  // A process that attaches the segment; its threads share the channel.
  Channel& attach() {
    channels_.push_back(Channel::attach(another(main_->segment().fd())));
    tell_mapping(run_, channels_.back()->segment());
    return *channels_.back();
  }
  Run& run() { return run_; }

  Ledger ledger;

 private:
  Run& run_;
  std::unique_ptr<Channel> main_;
  std::vector<std::unique_ptr<Channel>> channels_;
};

inline Limits roomy() { return {0, u64{1} << 40, u64{1} << 30, 0, 0}; }

// ---- writers ------------------------------------------------------------------------

inline Put try_send(Channel& channel, const Letter& letter, u64 length, u32& block) {
  Outgoing outgoing{length, Encoding::bytes, NO_BLOCK};
  if (length > INLINE_MAX) {
    if (block == NO_BLOCK) {
      if (!channel.looks_roomy(length)) return Put::full;
      block = channel.claim_block(length);
      if (block == NO_BLOCK) return Put::full;
      write_letter(letter, channel.segment().bytes(block).data(), length);
      INTERLOCK_PROBE("put.filled");
    }
    outgoing.block = block;
  }
  const Put put = channel.put(outgoing, Patience::as_long_as_it_takes,
                              [&](std::byte* out) { write_letter(letter, out, length); });
  if (put == Put::done) block = NO_BLOCK;
  return put;
}

inline Put send(Channel& channel, Ledger& ledger, const Letter& letter, u64 length,
                const Deadline& deadline = Deadline::never()) {
  ledger.put_begins(letter);
  u32 block = NO_BLOCK;
  for (;;) {
    const bool last = deadline.passed();
    const Put put = try_send(channel, letter, length, block);
    if (put == Put::done) {
      ledger.put_returned(letter);
      return put;
    }
    if (put == Put::shut_down || last) {
      ledger.put_refused(letter);
      if (block != NO_BLOCK) channel.drop_block(block);
      return put;
    }
    if (!channel.check_deaths())
      channel.wait(channel.writers(), deadline, [&] { return channel.looks_roomy(length); });
  }
}

// ---- readers ------------------------------------------------------------------------

// finish: done under the lock. lease: taken, then acknowledged. borrow: taken, done, and the
// block still read for a while. back: taken and given back, now and then.
enum class Manner { finish, lease, borrow, back };

inline bool is_joinable(const Channel& channel) {
  return (channel.segment().limits().flags & FLAG_JOINABLE) != 0;
}

inline void end_task(Channel& channel, Ledger& ledger) {
  if (!is_joinable(channel)) return;
  ledger.task_ends();
  check(channel.task_done(), "task_done() was refused after a message was received");
}

// What is left of receiving after the lock was released.
inline std::optional<Letter> settle_letter(Channel& channel, Ledger& ledger, u32 reader,
                                           const Lease& lease, Manner manner) {
  const Letter letter = read_letter(lease.body);
  if (manner == Manner::back) {
    check_equal(channel.settle(lease, How::give_back, Patience::as_long_as_it_takes), Settle::ended,
                "a living process's lease is its own");
    ledger.handed_back(reader);
    return std::nullopt;
  }
  const bool borrow = manner == Manner::borrow && lease.block != NO_BLOCK;
  const How how = manner == Manner::lease ? How::acknowledged : How::done;
  const Owner me = channel.processes().me();
  if (how == How::acknowledged) ledger.task_ends();
  check_equal(channel.settle(lease, how, Patience::as_long_as_it_takes, borrow), Settle::ended,
              "a living process's lease is its own");
  if (borrow) {
    check(read_letter(lease.body) == letter, "a borrowed block changed under its holder");
    channel.blocks().end_borrow(lease.block, me);
  }
  ledger.delivered(reader, letter);
  if (how == How::done) end_task(channel, ledger);
  return letter;
}

// One look, without waiting. `empty` is set when there was nothing.
inline std::optional<Letter> try_receive(Channel& channel, Ledger& ledger, u32 reader,
                                         Manner manner, bool& empty,
                                         RecordState state = RecordState::ready) {
  Lease lease;
  Letter letter;
  const Get got =
      channel.get(Patience::as_long_as_it_takes, state, lease, [&](const RecordView& view) {
        letter = read_letter(view.body);
        ledger.opened(reader, letter, view.word.attempts);
        return manner == Manner::finish ? Verdict::finish : Verdict::take;
      });
  empty = got == Get::empty;
  if (empty) return std::nullopt;
  if (manner != Manner::finish) return settle_letter(channel, ledger, reader, lease, manner);
  ledger.delivered(reader, letter);
  end_task(channel, ledger);
  return letter;
}

// The next letter; none when the queue is shut down and nothing can come.
inline std::optional<Letter> receive(Channel& channel, Ledger& ledger, u32 reader, Manner manner) {
  for (;;) {
    bool empty = false;
    if (const auto letter = try_receive(channel, ledger, reader, manner, empty)) return letter;
    if (!empty) {
      manner = Manner::lease;  // it was given back once; now somebody has to keep it
      continue;
    }
    if (channel.check_deaths()) continue;
    if (channel.looks_over()) return std::nullopt;
    channel.wait(channel.readers(), Deadline::never(),
                 [&] { return channel.looks_over() || channel.consumer().looks_ready(); });
  }
}

// Waits until every task has ended.
inline void join(Channel& channel) {
  while (channel.unfinished() != 0)
    if (!channel.check_deaths())
      channel.wait(channel.joiners(), Deadline::never(), [&] { return channel.unfinished() == 0; });
}

}  // namespace interlock::tests
