// A channel: one ring with its blocks, as one process holds it.
//
// Puts the parts together: takes a side's lock, repairs what a dead holder left, does the
// step, releases, and wakes whoever waits for it. Nothing here knows Python; a caller that
// holds the interpreter's lock asks with Patience::none and gets Put::busy or
// Get::busy instead of a wait. Who has a deadline, or has to answer signals, asks again and
// again with Patience::until().
// Protocol: docs/protocols/ring.md.
#pragma once

#include <memory>

#include "core/recovery.hpp"
#include "core/turn.hpp"

namespace interlock {

enum class Get { found, empty, busy };
enum class Settle { ended, not_ours, busy };
enum class Verdict { finish, take, leave };

class Channel {
 public:
  static constexpr Nanoseconds DEATHS_EVERY = 20 * MILLISECOND;
  static constexpr Nanoseconds DEATHS_OVERDUE = 100 * MILLISECOND;

  static std::unique_ptr<Channel> create(const Limits& limits) {
    std::unique_ptr<Channel> channel(new Channel(Segment::create(limits)));
    channel->producer_.begin();
    return channel;
  }
  static std::unique_ptr<Channel> attach(Descriptor fd) {
    return std::unique_ptr<Channel>(new Channel(Segment::attach(std::move(fd))));
  }

  const Segment& segment() const { return segment_; }
  Consumer& consumer() { return consumer_; }
  Producer& producer() { return producer_; }
  Blocks& blocks() { return blocks_; }
  Processes& processes() { return processes_; }

  // ---- producers ------------------------------------------------------------------

  // `committed` is called under the lock, once the message is visible.
  template <class Fill, class Committed>
  Put put(const Outgoing& message, Patience patience, Fill&& fill, Committed&& committed) {
    ensure_place();
    Turn turn(producer_, patience);
    if (!turn.held()) return Put::busy;
    if (turn.after_death()) deaths_suspected_.set(1);
    const Put result = producer_.append(message, fill);
    if (result == Put::done) [[likely]]
      committed();
    turn.end();
    if (result == Put::done) [[likely]]
      readers().wake();
    return result;
  }

  template <class Fill>
  Put put(const Outgoing& message, Patience patience, Fill&& fill) {
    return put(message, patience, fill, [] {});
  }

  // A block to fill without a lock; Put::full when the table is full. To be given to put() or
  // to drop_block(). A cold one is to be written, not copied into (Blocks::written).
  Put claim_block(u64 length, Patience patience, u32& block) {
    ensure_place();
    if (blocks_.committed() > Blocks::WARM_BYTES) check_deaths(patience);
    Turn turn(producer_, patience);
    if (!turn.held()) return Put::busy;
    block = producer_.claim_block(length, Blocks::Pages::none_yet);
    INTERLOCK_PROBE("put.claimed");
    return block == NO_BLOCK ? Put::full : Put::done;
  }
  u32 claim_block(u64 length) {
    u32 block = NO_BLOCK;
    claim_block(length, Patience::as_long_as_it_takes, block);
    if (block != NO_BLOCK && blocks_.is_cold(block)) blocks_.written(block, 0);
    return block;
  }
  void drop_block(u32 index) { blocks_.free(index); }

  // Without the lock; a hint.
  bool looks_roomy(u64 length) {
    const Limits& limits = segment_.limits();
    const ProducerSide& p = segment_.producers();
    const ConsumerSide& c = segment_.consumers();
    // A message can be settled before its producer has counted it.
    // SYNC ring.settled: pairs with the release in Consumer::count_settled()
    const u64 messages = difference(p.published.peek(), c.settled.load(Order::acquire));
    const u64 bytes = difference(p.published_bytes.peek(), c.settled_bytes.load(Order::acquire));
    return shut_down() != 0 || ((limits.messages_max == 0 || messages < limits.messages_max) &&
                                (bytes == 0 || bytes + length <= limits.queue_bytes_max));
  }

  // ---- consumers ------------------------------------------------------------------

  // Finds the oldest message that is `state` (ready or dead). `decide(view)` runs under the
  // lock and says what becomes of it; if it is taken, `lease` says what was taken.
  template <class Decide>
  Get get(Patience patience, RecordState state, Lease& lease, Decide&& decide) {
    ensure_place();
    Turn turn(consumer_, patience);
    if (!turn.held()) return Get::busy;
    if (turn.after_death()) deaths_suspected_.set(1);
    RecordView view;
    const bool found =
        state == RecordState::dead ? consumer_.find_dead(view) : consumer_.find(view);
    if (!found) return Get::empty;
    const Verdict verdict = decide(view);
    if (verdict == Verdict::finish)
      consumer_.finish(view);
    else if (verdict == Verdict::take)
      lease = consumer_.take(view);
    turn.end();
    if (verdict == Verdict::finish) settled();
    return Get::found;
  }

  // Ends a lease; it may be this process's no longer (a forked child has none of its parent's).
  Settle settle(const Lease& lease, How how, Patience patience, bool held = false) {
    Turn turn(consumer_, patience);
    if (!turn.held()) return Settle::busy;
    const bool ours = consumer_.settle(lease, how, held);
    // What comes back to a queue that was shut down at once goes with the rest.
    if (how == How::give_back && shut_down() == 2) consumer_.drain();
    const bool last = consumer_.leased() == 0 && shut_down() != 0;
    turn.end();
    if (how == How::give_back) {
      // Ready again, or a dead letter: its readers, room, and the end of its task.
      wake_all();
    } else {
      settled();
      if (how == How::acknowledged) joiners().wake(EVERYBODY);
    }
    if (last) readers().wake(EVERYBODY);  // there is nothing left to wait for
    return ours ? Settle::ended : Settle::not_ours;
  }

  void settled() { writers().wake(); }

  struct Counts {
    u64 ready, leased, dead, in_queue;
  };
  // Exact: both sides are looked at while nothing moves on the consumers' side. False if that
  // was not possible in time.
  bool counts(Patience patience, Counts& now) {
    if (producer_.mutex().abandoned() && !Turn(producer_, patience).held()) return false;
    Turn turn(consumer_, patience);
    if (!turn.held()) return false;
    // SYNC ring.published: pairs with the release in Producer::commit()
    const u64 published = segment_.producers().published.load(Order::acquire);
    now = {consumer_.ready(), consumer_.leased(), consumer_.dead(),
           difference(published, consumer_.settled())};
    return true;
  }
  Counts counts() {
    Counts now{};
    counts(Patience::as_long_as_it_takes, now);
    return now;
  }

  // ---- tasks of a joinable queue -----------------------------------------------------

  // A message can be received, and its task ended, before its producer has counted it (or
  // when the producer died there). So that nothing is left is believed under P only, where
  // all that was committed is counted.
  // False if it could not be found out in time.
  bool unfinished(Patience patience, u64& tasks) {
    tasks = unfinished_seen();
    if (tasks != 0) return true;
    const Turn turn(producer_, patience);
    tasks = unfinished_seen();
    return turn.held();
  }
  u64 unfinished() {
    u64 tasks = 0;
    unfinished(Patience::as_long_as_it_takes, tasks);
    return tasks;
  }
  // Without the lock; a hint.
  bool looks_finished() const { return unfinished_seen() == 0; }

  // Settle::not_ours if there are more calls than messages.
  Settle task_done(Patience patience) {
    Atomic<u64>& done = segment_.consumers().tasks_done;
    u64 seen = done.load();
    do {
      if (!has_task_beyond(seen)) {
        const Turn turn(producer_, patience);
        if (!turn.held()) return Settle::busy;
        if (!has_task_beyond(seen)) return Settle::not_ours;
      }
    } while (!done.compare_exchange(seen, seen + 1));
    if (unfinished_seen() == 0) joiners().wake(EVERYBODY);
    return Settle::ended;
  }
  bool task_done() { return task_done(Patience::as_long_as_it_takes) == Settle::ended; }

  // ---- the end -------------------------------------------------------------------------

  u32 shut_down() const { return segment_.header().shut_down.load(Order::relaxed); }

  // Shut down, and nothing can come any more: what is leased may come back, unless all is
  // dropped. Without the lock; a hint.
  bool looks_over() const {
    const u32 seen = shut_down();
    return seen == 2 || (seen == 1 && !consumer_.looks_ready() && consumer_.leased() == 0);
  }

  void shut_down(bool at_once) {
    Atomic<u32>& word = segment_.header().shut_down;
    u32 seen = word.load();
    const u32 wanted = at_once ? 2 : 1;
    while (seen < wanted && !word.compare_exchange(seen, wanted)) {
    }
    if (at_once) {
      // Whoever is putting has not seen the word; when its turn is over, nobody else puts.
      {
        const Turn turn(producer_, Patience::as_long_as_it_takes);
      }
      drain();
    }
    wake_all();
  }

  void drain() {
    Turn turn(consumer_, Patience::as_long_as_it_takes);
    consumer_.drain();
    turn.end();
    joiners().wake(EVERYBODY);
  }

  void wake_all() {
    readers().wake(EVERYBODY);
    writers().wake(EVERYBODY);
    joiners().wake(EVERYBODY);
  }

  // ---- deaths ----------------------------------------------------------------------------

  // Who always finds a message never waits, and so never looks for the dead: it has to, now
  // and then, or what they held would not come back while the queue is busy.
  bool deaths_overdue() const { return coarse_now() - deaths_checked_.peek() >= DEATHS_OVERDUE; }

  // Returns what dead processes held. True if there was anything. Where the time does not suffice,
  // the next call goes on.
  bool check_deaths(Patience patience = Patience::as_long_as_it_takes) {
    const Nanoseconds moment = now();
    if (deaths_suspected_.peek() == 0 && moment - deaths_checked_.peek() < DEATHS_EVERY)
      return false;
    deaths_checked_.set(moment);
    deaths_suspected_.set(0);
    bool any = false;
    processes_.find_dead([&](Owner owner, u32 pid) {
      INTERLOCK_PROBE("sweep.found");
      Turn turn(consumer_, deaths_suspected_.peek() != 0 ? Patience::none : patience);
      if (!turn.held()) deaths_suspected_.set(1);
      if (!turn.held() || !processes_.still_there(owner, pid)) return;
      consumer_.sweep(owner);
      processes_.release(owner);
      any = true;
    });
    // Messages that the dead had committed but not counted are looked for in vain. Not only
    // after a sweep: who made it may have died here.
    const bool counted = producer_.mutex().abandoned() && Turn(producer_, patience).held();
    if (any || counted) wake_all();
    return any || counted;
  }

  // ---- waiting -----------------------------------------------------------------------------

  Waiters readers() {
    ProducerSide& p = segment_.producers();
    return {p.sequence, p.waiting};
  }
  Waiters writers() {
    ConsumerSide& c = segment_.consumers();
    return {c.sequence, c.waiting};
  }
  Waiters joiners() {
    ConsumerSide& c = segment_.consumers();
    return {c.tasks_sequence, c.tasks_waiting};
  }

  // One bounded wait: returns when look() says so, at the deadline, at a signal, or after
  // Waiters::RECHECK. To be called without the interpreter's lock.
  template <class Look>
  Woke wait(Waiters waiters, const Deadline& deadline, Look&& look) {
    if (spin(look)) return Woke::changed;
    const u32 ticket = waiters.ticket();
    waiters.enroll();
    if (look()) return Woke::changed;
    return waiters.sleep(ticket, deadline.rest(Waiters::RECHECK));
  }

  // A poller registers here, then looks again; who changes what it waits for rings.
  void ask_to_ring(Poll what) { segment_.consumers().polled.fetch_or(static_cast<u32>(what)); }

  // Whether somebody polls for `what`; who asks has to ring the doorbell.
  bool must_ring(Poll what) {
    Atomic<u32>& polled = segment_.consumers().polled;
    const u32 bit = static_cast<u32>(what);
    const u32 seen = polled.load();
    if (seen == 0) [[likely]]
      return false;
    return (seen & bit) != 0 && (polled.fetch_and(~bit) & bit) != 0;
  }
  bool polled_for_good() const {
    const u32 seen = segment_.consumers().polled.peek();
    return (seen & static_cast<u32>(Poll::readable_for_good)) != 0;
  }

 private:
  static u64 difference(u64 from, u64 what) { return from > what ? from - what : 0; }

  u64 unfinished_seen() const {
    const ConsumerSide& c = segment_.consumers();
    const u64 ended = c.tasks_done.load() + c.tasks_settled.load();
    return difference(segment_.producers().published.load(), ended);
  }
  bool has_task_beyond(u64 done) const {
    return done + segment_.consumers().tasks_settled.load() < segment_.producers().published.load();
  }

  static constexpr int YIELDS = 24;
  static constexpr u32 COOL_DOWN = 64;
  static constexpr Nanoseconds SLOW_YIELD = 40 * MICROSECOND;

  explicit Channel(Segment segment)
      : segment_(std::move(segment)),
        processes_(segment_),
        blocks_(segment_),
        producer_(segment_, processes_, blocks_),
        consumer_(segment_, processes_, blocks_) {}

  // A place in the process table before any lock is taken: a full table is swept first.
  void ensure_place() {
    try {
      processes_.me();
    } catch (const TooManyProcesses&) {
      deaths_suspected_.set(1);
      if (!check_deaths()) throw;
      processes_.me();
    }
  }

  // Giving way some times is quicker than sleeping while the other side is about to act;
  // where a turn takes long, others need the processor and sleeping is the kinder way.
  template <class Look>
  bool spin(Look&& look) {
    if (const u32 rest = spin_rest_.peek(); rest > 0) {
      spin_rest_.set(rest - 1);
      return look();
    }
    for (int turn = 0; turn < YIELDS; ++turn) {
      if (look()) return true;
      const Nanoseconds start = now();
      yield_processor();
      if (now() - start > SLOW_YIELD) {
        spin_rest_.set(COOL_DOWN);
        break;
      }
    }
    return look();
  }

  Segment segment_;
  Processes processes_;
  Blocks blocks_;
  Producer producer_;
  Consumer consumer_;
  // Hints, of all threads that share the channel: one that is lost costs a look or a wait.
  Atomic<Nanoseconds> deaths_checked_{};
  Atomic<u32> deaths_suspected_{};
  Atomic<u32> spin_rest_{};
};

}  // namespace interlock
