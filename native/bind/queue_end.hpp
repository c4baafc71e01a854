// A process's handle of a queue, as its methods see it.
#pragma once

#include "bind/bind.hpp"
#include "bind/transfer.hpp"

namespace interlock::bind {

struct QueueEnd {
  explicit QueueEnd(Slot given) : port(std::move(given)) {}
  Slot port;
  Terms terms;
};

// Whether the handle has a port; otherwise the error for a closed one.
inline bool is_open(const Slot& slot) {
  if (slot == nullptr) [[unlikely]]
    set_queue_closed();
  return slot != nullptr;
}

inline Port* port_of(PyObject* self) {
  QueueEnd* end = self_of<QueueEnd>(self);
  return end != nullptr && is_open(end->port) ? end->port.get() : nullptr;
}
inline const Slot& slot_of(PyObject* self) { return nb::inst_ptr<QueueEnd>(self)->port; }

// Kept: another thread may close the handle while this one has given up the interpreter's lock.
inline Slot open_port(const QueueEnd& end) {
  if (!is_open(end.port)) throw nb::python_error();
  return end.port;
}

// Calls try_it(Patience) without the interpreter's lock until it is true, as long as it
// takes. False with an error set: a signal's, or another thread has closed the handle: the slot
// is no longer what was kept of it.
template <class Try>
bool patiently(const Slot& slot, const Slot& kept, Try&& try_it) {
  for (;;) {
    bool done = false;
    {
      const WithoutInterpreter released;
      done = try_it(Patience::until(Deadline::never()));
    }
    if (done) return true;
    if (!signals_are_quiet()) return false;
    if (slot != kept) {
      kept->set_closed_error();
      return false;
    }
  }
}

// In bind_queue_state.cpp.
namespace state {

// What is in the queue.
nb::tuple counts(const QueueEnd& end);  // ready, leased, dead, not settled; published
PyObject* size(PyObject* self, PyObject*);
PyObject* is_empty(PyObject* self, PyObject*);
PyObject* is_full(PyObject* self, PyObject*);

// When the work on it is done.
u64 unfinished(const QueueEnd& end);
PyObject* task_done(PyObject* self, PyObject*);
PyObject* join(PyObject* self, PyObject*);

}  // namespace state

}  // namespace interlock::bind
