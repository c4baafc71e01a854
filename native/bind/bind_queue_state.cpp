// What is in a queue at a moment, and when the work on its messages is done.
#include "bind/queue_end.hpp"

namespace interlock::bind::state {

namespace {

bool count(const Slot& slot, const Slot& kept, Channel::Counts& now) {
  return patiently(slot, kept,
                   [&](Patience patience) { return kept->channel().counts(patience, now); });
}

// What `answer` makes of the counts of this moment.
template <class Answer>
PyObject* counted(PyObject* self, Answer&& answer) {
  return guarded([&]() -> PyObject* {
    if (port_of(self) == nullptr) return nullptr;
    const Slot kept = slot_of(self);
    Channel::Counts now;
    return count(slot_of(self), kept, now) ? answer(kept->channel(), now) : nullptr;
  });
}

}  // namespace

nb::tuple counts(const QueueEnd& end) {
  const Slot kept = open_port(end);
  Port& port = *kept;
  Channel::Counts now;
  {
    const WithoutInterpreter released;
    port.check_deaths(Patience::until(Deadline::never()));
  }
  if (!count(end.port, kept, now)) throw nb::python_error();
  const u64 published = port.channel().segment().producers().published.load();
  return nb::make_tuple(now.ready, now.leased, now.dead, now.in_queue, published);
}

PyObject* size(PyObject* self, PyObject*) {
  return counted(self, [](Channel&, const Channel::Counts& now) {
    return PyLong_FromUnsignedLongLong(now.ready);
  });
}

PyObject* is_empty(PyObject* self, PyObject*) {
  return counted(self,
                 [](Channel&, const Channel::Counts& now) { return boolean(now.ready == 0); });
}

PyObject* is_full(PyObject* self, PyObject*) {
  return counted(self, [](Channel& channel, const Channel::Counts& now) {
    const Limits& limits = channel.segment().limits();
    const bool full = limits.messages_max != 0 && now.in_queue >= limits.messages_max;
    const bool no_room = now.in_queue != 0 && !channel.looks_roomy(1) && channel.shut_down() == 0;
    return boolean(full || no_room);
  });
}

// ---- tasks ----------------------------------------------------------------------------------

u64 unfinished(const QueueEnd& end) {
  const Slot kept = open_port(end);
  u64 tasks = 0;
  if (!patiently(end.port, kept,
                 [&](Patience patience) { return kept->channel().unfinished(patience, tasks); }))
    throw nb::python_error();
  return tasks;
}

PyObject* task_done(PyObject* self, PyObject*) {
  return guarded([&]() -> PyObject* {
    if (port_of(self) == nullptr) return nullptr;
    const Slot kept = slot_of(self);
    Channel& channel = kept->channel();
    Settle ended = channel.task_done(Patience::none);
    if (ended == Settle::busy && !patiently(slot_of(self), kept, [&](Patience patience) {
          ended = channel.task_done(patience);
          return ended != Settle::busy;
        }))
      return nullptr;
    if (ended == Settle::not_ours) {
      PyErr_SetString(PyExc_ValueError, "task_done() called too many times");
      return nullptr;
    }
    if (channel.looks_finished()) kept->after_task();
    return none();
  });
}

PyObject* join(PyObject* self, PyObject*) {
  return guarded([&]() -> PyObject* {
    if (port_of(self) == nullptr) return nullptr;
    const std::shared_ptr<Port> port = slot_of(self);
    Channel& channel = port->channel();
    for (;;) {
      u64 tasks = 0;
      {
        const WithoutInterpreter released;
        const Patience patience = Patience::until(Deadline::never());
        if (channel.unfinished(patience, tasks) && tasks == 0) break;
        port->check_deaths(patience);
        channel.wait(channel.joiners(), Deadline::never(),
                     [&] { return channel.looks_finished(); });
      }
      if (!signals_are_quiet()) return nullptr;
      if (slot_of(self) != port) return is_open(slot_of(self)) ? none() : nullptr;
    }
    return none();
  });
}

}  // namespace interlock::bind::state
