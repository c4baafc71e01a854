// A port: one process's hold on a channel, with the doorbells that go with it.
//
// Two bells. `readable` tells that there is a message: an eventfd of a queue, or this end
// of a pipe's socket pair, which also tells that the other end is gone. `side` tells the
// rest: room, a dead letter, all tasks done. Both ring only while somebody polls (the bits
// of ConsumerSide.polled), so a channel nobody polls costs no system call.
//
// Whoever silences a bell does so in this order, for others may poll it too:
//   silence; ask to be rung; look; and ring again if there is something.
// A socket cannot be rung from its own end, so it is silenced only while nothing can be
// published (under P) and there is nothing to read.
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
    return (channel_->shut_down() != 0 || writers_gone()) && !has_message() &&
           channel_->consumer().leased() == 0;
  }

  // ---- after something has happened --------------------------------------------------

  void after_put() {
    if (channel_->must_ring(Poll::readable)) [[unlikely]]
      ring_readable();
  }
  void after_room() { ring_side(Poll::writable); }
  // A lease has ended: there may be a message again, room, a dead letter, or no task left.
  void after_lease() {
    after_put();
    for (const Poll what : {Poll::writable, Poll::dead, Poll::joined}) ring_side(what);
  }
  void after_task() { ring_side(Poll::joined); }
  // Nobody found a message: a bell that rings all the same is silenced.
  void after_nothing() {
    if (channel_->polled_for_good()) silence_readable();
  }
  bool check_deaths(Patience patience) {
    const bool any = channel_->check_deaths(patience);
    if (any) after_lease();
    return any;
  }

  // ---- polling ---------------------------------------------------------------------

  // Ask to be rung. True: no need to wait, look at once.
  bool arm_readable() {
    silence_readable();
    channel_->ask_to_ring(Poll::readable);
    const bool ready = has_message() || is_over();
    if (ready) ring_readable();
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
    if (has_message() || is_over()) ring_readable();
  }
  void ring_everything() {
    ring_readable();
    eventfd_ring(side_fd());
  }

  virtual int readable_fd() const = 0;
  // For a thread that waited while another one closed the handle.
  virtual void set_closed_error() const = 0;

 protected:
  virtual void ring_readable() = 0;
  virtual void silence_readable() = 0;

 private:
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
      : Port(std::move(channel), std::make_shared<Descriptor>(std::move(side))), readable_(std::move(readable)) {}
  int readable_fd() const override { return readable_.get(); }
  void set_closed_error() const override { set_queue_closed(); }

 protected:
  void ring_readable() override { eventfd_ring(readable_fd()); }
  void silence_readable() override {
    eventfd_silence(readable_fd());
    if (has_message() || is_over()) eventfd_ring(readable_fd());
  }

 private:
  Descriptor readable_;
};

// One direction of a pipe, at one of its ends. The socket is the connection's.
class PipePort final : public Port {
 public:
  PipePort(std::shared_ptr<Channel> channel, std::shared_ptr<Descriptor> side, int socket)
      : Port(std::move(channel), std::move(side)), socket_(socket) {}
  int readable_fd() const override { return socket_; }
  void set_closed_error() const override { PyErr_SetString(PyExc_OSError, "handle is closed"); }
  bool writers_gone() const override { return socket_peer_is_gone(socket_); }
  bool readers_gone() const override { return socket_peer_is_gone(socket_); }

 protected:
  void ring_readable() override { socket_ring(socket_); }
  void silence_readable() override {
    if (has_message()) return;
    Turn turn(channel().producer(), Patience::none);
    if (turn.held() && !has_message()) socket_silence(socket_);
  }

 private:
  int socket_;
};

}  // namespace interlock::bind
