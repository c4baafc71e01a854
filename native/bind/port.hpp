// A port: one process's hold on a channel, with the doorbells that go with it.
//
// Two bells. `readable` tells that there is a message: an eventfd of a queue, or this end
// of a pipe's socket pair, which also tells that the other end is gone. `side` tells the
// rest: room, a dead letter, all tasks done. Both ring only while somebody polls (the bits
// of ConsumerSide.polled), so a channel nobody polls costs no system call.
//
// Pollers of ours ask to be rung (arm_...), once, and look again whatever rang. A stranger,
// who has the descriptor from fileno() and may do a get() that waits when it is readable, must
// find it readable exactly while there is a message. For him (polled_for_good) the bell
// is rung before the producers' lock P is given up, and silenced under P while there is
// nothing to read; so a ring is never late. A socket cannot be rung from its own end, which is
// another reason never to silence it while there is something.
// Protocol: docs/protocols/ring.md, "Waiting".
#pragma once

#include "bind/python.hpp"
#include "platform/eventfd.hpp"

namespace interlock::bind {

class Port {
 public:
  Port(std::shared_ptr<Channel> channel, std::shared_ptr<Descriptor> side) noexcept
      : channel_(std::move(channel)), side_(std::move(side)) {}
  virtual ~Port() = default;
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  Channel& channel() const { return *channel_; }
  const std::shared_ptr<Channel>& shared_channel() const { return channel_; }
  int side_fd() const { return side_->get(); }

  // Nobody is left at the other end: what is here is the last.
  virtual bool writers_gone() const { return false; }
  virtual bool readers_gone() const { return false; }

  bool has_message() const { return channel_->consumer().looks_ready(); }
  // Nothing here, and nothing can come: not by put(), not by a lease given back.
  bool is_over() const {
    return channel_->looks_over() ||
           (writers_gone() && !has_message() && channel_->consumer().leased() == 0);
  }

  // ---- after something has happened --------------------------------------------------

  // Under P, with the message visible.
  void at_commit() {
    if (channel_->polled_for_good()) [[unlikely]]
      ring_readable();
  }
  void after_put() {
    if (channel_->must_ring(Poll::readable) && !channel_->polled_for_good()) [[unlikely]]
      ring_readable();
  }
  void after_room() { ring_side(Poll::writable); }
  // A lease has ended: there may be a message again, room, a dead letter, or no task left.
  void after_lease() {
    if (channel_->polled_for_good())
      refresh_readable();
    else if (channel_->must_ring(Poll::readable))
      ring_readable();
    for (const Poll what : {Poll::writable, Poll::dead, Poll::joined}) ring_side(what);
  }
  void after_task() { ring_side(Poll::joined); }
  // A message was taken, or none was found. To be called without the interpreter's lock.
  void after_taking() {
    if (channel_->polled_for_good()) refresh_readable();
  }
  bool check_deaths(Patience patience) {
    const bool any = channel_->check_deaths(patience);
    if (any) after_lease();
    return any;
  }

  // ---- polling ---------------------------------------------------------------------

  // Ask to be rung. True: no need to wait, look at once.
  bool arm_readable() {
    refresh_readable();
    channel_->ask_to_ring(Poll::readable);
    const bool ready = has_message() || is_over();
    if (ready) refresh_readable();  // for others, whose ring may have been silenced above
    return ready;
  }
  template <class Look>
  bool arm_side(Poll what, Look&& look) {
    eventfd_silence(side_fd());
    channel_->ask_to_ring(what);
    const bool ready = look();
    if (ready) eventfd_ring(side_fd());
    return ready;
  }
  // From now on `readable` rings whenever there is a message: a stranger polls it.
  void poll_for_good() {
    channel_->ask_to_ring(Poll::readable_for_good);
    refresh_readable();
  }
  void after_shut_down() {
    refresh_readable();
    eventfd_ring(side_fd());
  }

  virtual int readable_fd() const = 0;
  // For a thread that waited while another one closed the handle.
  virtual void set_closed_error() const = 0;

 protected:
  virtual void ring_readable() = 0;
  virtual void silence_readable() = 0;

 private:
  // The bell rings if there is something, and is silent if there is not. When P cannot be had
  // (its holder is stopped) it stays as it is.
  void refresh_readable() {
    Turn turn(channel_->producer(), Patience::until(Deadline::after(RobustMutex::RECHECK)));
    if (!turn.held()) return;
    if (has_message() || is_over())
      ring_readable();
    else
      silence_readable();
  }
  void ring_side(Poll what) {
    if (channel_->must_ring(what)) [[unlikely]]
      eventfd_ring(side_fd());
  }

  std::shared_ptr<Channel> channel_;
  std::shared_ptr<Descriptor> side_;
};

inline void set_queue_closed() {
  PyErr_SetString(python().closed,
                  "The queue is closed in this process; other processes go on. Use it before "
                  "close(), or keep another handle of it.");
}

// A queue's: every process has both ends of it.
class QueuePort final : public Port {
 public:
  QueuePort(std::shared_ptr<Channel> channel, Descriptor side, Descriptor readable)
      : Port(std::move(channel), std::make_shared<Descriptor>(std::move(side))),
        readable_(std::move(readable)) {}
  int readable_fd() const override { return readable_.get(); }
  void set_closed_error() const override { set_queue_closed(); }

 protected:
  void ring_readable() override { eventfd_ring(readable_fd()); }
  void silence_readable() override { eventfd_silence(readable_fd()); }

 private:
  Descriptor readable_;
};

// One direction of a pipe, at one of its ends. The socket is the connection's.
class PipePort final : public Port {
 public:
  enum class Direction { incoming, outgoing };
  PipePort(std::shared_ptr<Channel> channel, std::shared_ptr<Descriptor> side, int socket,
           Direction direction)
      : Port(std::move(channel), std::move(side)), socket_(socket), direction_(direction) {}
  int readable_fd() const override { return socket_; }
  void set_closed_error() const override { PyErr_SetString(PyExc_OSError, "handle is closed"); }
  bool writers_gone() const override { return socket_peer_is_gone(socket_); }
  bool readers_gone() const override { return socket_peer_is_gone(socket_); }

 protected:
  void ring_readable() override {
    if (direction_ == Direction::outgoing) socket_ring(socket_);
  }
  void silence_readable() override {
    if (direction_ == Direction::incoming) socket_silence(socket_);
  }

 private:
  int socket_;
  Direction direction_;
};

}  // namespace interlock::bind
