// A message into a port and out of one.
#include "bind/transfer.hpp"

namespace interlock::bind {

namespace {

// A block claimed for a long message, given back unless the ring has it.
class Claim {
 public:
  explicit Claim(Channel& channel) : channel_(channel) {}
  ~Claim() {
    if (index != NO_BLOCK) channel_.drop_block(index);
  }
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;
  u32 index = NO_BLOCK;

 private:
  Channel& channel_;
};

bool pipe_is_broken(const Port& port) {
  if (!port.readers_gone()) return false;
  errno = EPIPE;
  PyErr_SetFromErrno(PyExc_BrokenPipeError);
  return true;
}

void fill(Channel& channel, const Message& message, u32 block) {
  Blocks& blocks = channel.blocks();
  const Segment& segment = channel.segment();
  if (!blocks.is_cold(block)) {
    message.copy_to(segment.bytes(block).data());
    return;
  }
  message.write_to(segment.fd(), segment.file_offset(block));
  blocks.written(block, message.length());
}

// Without the interpreter's lock.
Put put_patiently(Port& port, const Message& message, Claim& claim, Patience patience) {
  Channel& channel = port.channel();
  Outgoing outgoing{message.length(), message.encoding(), NO_BLOCK};
  if (message.is_long()) {
    if (claim.index == NO_BLOCK) {
      if (!channel.looks_roomy(message.length())) return Put::full;
      const Put claimed = channel.claim_block(message.length(), patience, claim.index);
      if (claimed != Put::done) return claimed;
      fill(channel, message, claim.index);
      INTERLOCK_PROBE("put.filled");
    }
    outgoing.block = claim.index;
  }
  const Put put = channel.put(
      outgoing, patience, [&](std::byte* out) { message.copy_to(out); }, [&] { port.at_commit(); });
  if (put == Put::done) claim.index = NO_BLOCK;
  return put;
}

bool send_patiently(const Slot& slot, const Message& message, const Wait& wait) {
  const std::shared_ptr<Port> port = slot;
  Channel& channel = port->channel();
  Claim claim(channel);
  const Deadline for_lock = wait.for_lock();
  for (;;) {
    const bool late = !wait.block || wait.deadline.passed();
    bool returned = false;
    Put put;
    {
      const WithoutInterpreter released;
      put = put_patiently(*port, message, claim, Patience::until(for_lock));
      if (put == Put::full) {
        returned = port->check_deaths(Patience::until(for_lock));
        if (!returned && !late)
          channel.wait(channel.writers(), wait.deadline,
                       [&] { return channel.looks_roomy(message.length()); });
      }
    }
    if (put == Put::done) {
      port->after_put();
      return true;
    }
    if (put == Put::shut_down) {
      PyErr_SetString(python().shut_down,
                      "The queue was shut down; nothing more can be put into it.");
      return false;
    }
    if (pipe_is_broken(*port) || !signals_are_quiet()) return false;
    if (slot != port) {
      port->set_closed_error();
      return false;
    }
    if (late && !returned && (put == Put::full || for_lock.passed())) {
      PyErr_SetNone(python().full);
      return false;
    }
  }
}

bool decodes_quietly(const RecordView& view, As as) {
  return view.block == NO_BLOCK &&
         view.encoding == (as == As::object ? Encoding::native : Encoding::bytes);
}

// A message that was restored under the consumers' lock, or one that is held.
struct Attempt {
  Get got = Get::busy;
  bool restored = false;
  PyObject* object = nullptr;
  Lease lease;
};

// Under the interpreter's lock; does not wait. `quiet_only`: leave what may run code.
Attempt attempt(Port& port, const Reading& reading, bool quiet_only = false) {
  Attempt result;
  bool left = false;
  const WithoutCollector quiet;
  result.got = port.channel().get(
      Patience::none, RecordState::ready, result.lease, [&](const RecordView& view) {
        if (!decodes_quietly(view, reading.as)) {
          left = quiet_only;
          return quiet_only ? Verdict::leave : Verdict::take;
        }
        result.restored = true;
        result.object = reading.as == As::object
                            ? codec::read_plain(view.body, *reading.bounds)
                            : Incoming{view.encoding, view.body, nullptr, reading}.restore();
        const bool starved =
            result.object == nullptr && PyErr_ExceptionMatches(PyExc_MemoryError) != 0;
        return starved ? Verdict::leave : Verdict::finish;
      });
  if (left) result.got = Get::empty;
  if (result.restored) port.after_room();
  return result;
}

// Under the interpreter's lock, which is given up for it.
void after_taking(const Slot& slot) {
  if (slot == nullptr || !slot->channel().polled_for_good()) [[likely]]
    return;
  const std::shared_ptr<Port> port = slot;
  const WithoutInterpreter released;
  port->after_taking();
}

Get take(Channel& channel, RecordState state, Lease& lease, Patience patience) {
  return channel.get(patience, state, lease, [](const RecordView&) { return Verdict::take; });
}

Get take_patiently(Channel& channel, RecordState state, Lease& lease, const Deadline& for_lock) {
  const WithoutInterpreter released;
  return take(channel, state, lease, Patience::until(for_lock));
}

Holding held(const std::shared_ptr<Port>& port, const Lease& lease) {
  Holding holding{port, lease, nullptr};
  if (lease.block != NO_BLOCK)
    holding.loan = std::make_shared<BorrowedBlock>(port->shared_channel(), lease.block);
  return holding;
}

// What is raised is not the message's fault: it must not be lost by it.
bool failed_from_outside() {
  return PyErr_ExceptionMatches(PyExc_MemoryError) != 0 ||
         PyErr_ExceptionMatches(PyExc_Exception) == 0;
}

PyObject* finish(Holding holding, const Reading& reading) {
  const Lease& lease = holding.lease;
  PyObject* object = Incoming{lease.encoding, lease.body, holding.loan, reading}.restore();
  if (object != nullptr) {
    settle(holding, How::done);
    return object;
  }
  PyObject *type, *value, *trace;
  PyErr_Fetch(&type, &value, &trace);
  PyErr_Restore(type, value, trace);
  const bool back = failed_from_outside();
  PyErr_Fetch(&type, &value, &trace);
  settle(holding, back ? How::give_back : How::done);
  PyErr_Restore(type, value, trace);
  return nullptr;
}

void after_lease(const std::shared_ptr<Port>& port) {
  if (!port->channel().polled_for_good()) [[likely]]
    return port->after_lease();
  const WithoutInterpreter released;
  port->after_lease();
}

// Under the interpreter's lock, which is given up for it. False with an error set: the handle
// was closed meanwhile.
bool look_for_deaths(const Slot& slot) {
  if (!slot->channel().deaths_overdue()) [[likely]]
    return true;
  const std::shared_ptr<Port> port = slot;
  {
    const WithoutInterpreter released;
    port->check_deaths(Patience::none);
  }
  if (slot == port) return true;
  port->set_closed_error();
  return false;
}

enum class Wake { try_again, over, nothing, failed };

// Nothing was found, or the lock was busy: wait for something, at most once. `late`: do not.
Wake wait_for_message(const Slot& slot, const std::shared_ptr<Port>& port, RecordState state,
                      const Deadline& deadline, const Deadline& for_lock, Get got, bool late) {
  Channel& channel = port->channel();
  const bool last = late && (got == Get::empty || for_lock.passed());
  const auto look = [&] {
    return channel.looks_over() ||
           (state == RecordState::dead ? channel.consumer().dead() != 0 : port->has_message());
  };
  bool over = false;
  bool returned = false;
  {
    const WithoutInterpreter released;
    returned = port->check_deaths(Patience::until(for_lock));
    over = !returned && port->is_over();
    if (!returned && !over && !late) channel.wait(channel.readers(), deadline, look);
    if (!returned && last && !over) port->after_taking();
  }
  if (slot != port) {
    port->set_closed_error();
    return Wake::failed;
  }
  if (over) return Wake::over;
  if (!signals_are_quiet()) return Wake::failed;
  return last && !returned ? Wake::nothing : Wake::try_again;
}

}  // namespace

void set_nothing_here(const Port& port, bool over) {
  if (!over)
    PyErr_SetNone(python().empty);
  else if (port.channel().shut_down() != 0)
    PyErr_SetString(python().shut_down, "The queue was shut down, and nothing is left in it.");
  else
    PyErr_SetNone(PyExc_EOFError);
}

bool send(const Slot& slot, const Message& message, const Wait& wait) {
  if (!message.is_long()) [[likely]] {
    const Outgoing outgoing{message.length(), message.encoding(), NO_BLOCK};
    const Put put = slot->channel().put(
        outgoing, Patience::none, [&](std::byte* out) { message.copy_to(out); },
        [&] { slot->at_commit(); });
    if (put == Put::done) [[likely]] {
      slot->after_put();
      return true;
    }
  }
  return send_patiently(slot, message, wait);
}

PyObject* receive_at_once(const Slot& slot, const Reading& reading, bool first) {
  const Attempt tried = attempt(*slot, reading, !first);
  if (tried.restored) {
    after_taking(slot);
    return tried.object;
  }
  if (tried.got != Get::found) return nullptr;
  return finish(held(slot, tried.lease), reading);
}

PyObject* receive(const Slot& slot, const Wait& wait, const Reading& reading) {
  if (!look_for_deaths(slot)) return nullptr;
  if (PyObject* object = receive_at_once(slot, reading, true); object != nullptr) [[likely]]
    return object;
  if (PyErr_Occurred() != nullptr) return nullptr;
  const std::shared_ptr<Port> port = slot;
  const Deadline for_lock = wait.for_lock();
  for (;;) {
    const bool late = !wait.block || wait.deadline.passed();
    Attempt tried = attempt(*port, reading);
    if (tried.restored) {
      after_taking(port);
      return tried.object;
    }
    if (tried.got == Get::busy)
      tried.got = take_patiently(port->channel(), RecordState::ready, tried.lease, for_lock);
    if (tried.got == Get::found) return finish(held(port, tried.lease), reading);
    const Wake wake =
        wait_for_message(slot, port, RecordState::ready, wait.deadline, for_lock, tried.got, late);
    if (wake == Wake::try_again) continue;
    if (wake != Wake::failed) set_nothing_here(*port, wake == Wake::over);
    return nullptr;
  }
}

PyObject* take(const Slot& slot, const Wait& wait, RecordState state, const Reading& reading,
               Holding& holding) {
  if (!look_for_deaths(slot)) return nullptr;
  const std::shared_ptr<Port> port = slot;
  const Deadline for_lock = wait.for_lock();
  for (;;) {
    const bool late = !wait.block || wait.deadline.passed();
    Lease lease;
    Get got = take(port->channel(), state, lease, Patience::none);
    if (got == Get::busy) got = take_patiently(port->channel(), state, lease, for_lock);
    if (got == Get::found) {
      holding = held(port, lease);
      after_taking(port);
      PyObject* object = Incoming{lease.encoding, lease.body, holding.loan, reading}.restore();
      if (object != nullptr) return object;
      PyObject *type, *value, *trace;
      PyErr_Fetch(&type, &value, &trace);
      // One that cannot be restored would come back for ever, where nothing counts it.
      const bool counted = port->channel().segment().limits().deliveries_max != 0;
      settle(holding, counted ? How::give_back : How::acknowledged);
      PyErr_Restore(type, value, trace);
      return nullptr;
    }
    const Wake wake = wait_for_message(slot, port, state, wait.deadline, for_lock, got, late);
    if (wake == Wake::try_again) continue;
    if (wake != Wake::failed) set_nothing_here(*port, wake == Wake::over);
    return nullptr;
  }
}

void settle(Holding& holding, How how) {
  Port& port = *holding.port;
  // Others than this one hold the loan: views of the message are still alive.
  const bool viewed = holding.loan != nullptr && holding.loan.use_count() > 1;
  Settle settled = port.channel().settle(holding.lease, how, Patience::none, viewed);
  if (settled == Settle::busy) {
    const WithoutInterpreter released;
    settled = port.channel().settle(holding.lease, how, Patience::as_long_as_it_takes, viewed);
  }
  if (settled == Settle::ended) {
    if (viewed) holding.loan->keep();
    after_lease(holding.port);
  }
  holding.loan.reset();
}

}  // namespace interlock::bind
