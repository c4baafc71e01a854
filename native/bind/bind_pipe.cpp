// interlock._native.PipeEnd: what interlock.connection.Connection builds on.
//
// An end has up to two ports, one a direction, each with a channel of its own; and one end
// of a socket pair, which belongs to the Python object (Connection._handle). No message
// goes through the socket: it is the doorbell, and by it the kernel tells that the last
// process that has the other end is gone.
#include <nanobind/stl/optional.h>

#include "bind/bind.hpp"
#include "bind/pipe_docs.hpp"
#include "bind/transfer.hpp"

namespace interlock::bind {

namespace {

struct PipeEnd {
  Slot incoming;
  Slot outgoing;
  Terms terms;
};
const Terms& terms_of(PyObject* self) { return nb::inst_ptr<PipeEnd>(self)->terms; }

const Slot* direction(PyObject* self, Slot PipeEnd::* which, const char* missing) {
  PipeEnd* end = self_of<PipeEnd>(self);
  if (end == nullptr) return nullptr;
  const Slot& slot = end->*which;
  if (slot != nullptr) [[likely]]
    return &slot;
  const bool closed = end->incoming == nullptr && end->outgoing == nullptr;
  PyErr_SetString(PyExc_OSError, closed ? "handle is closed" : missing);
  return nullptr;
}
const Slot* incoming(PyObject* self) {
  return direction(self, &PipeEnd::incoming, "connection is write-only");
}
const Slot* outgoing(PyObject* self) {
  return direction(self, &PipeEnd::outgoing, "connection is read-only");
}

bool send_message(PyObject* self, const Message& message, const Wait& wait) {
  const Slot* slot = outgoing(self);  // again: an object's own code may have closed it
  if (slot == nullptr) return false;
  if ((*slot)->readers_gone()) {
    errno = EPIPE;
    PyErr_SetFromErrno(PyExc_BrokenPipeError);
    return false;
  }
  return send(*slot, message, wait);
}

PyObject* send_object(PyObject* self, PyObject* object) {
  return guarded([&]() -> PyObject* {
    if (outgoing(self) == nullptr) return nullptr;
    Message message;
    return message.encode(object, terms_of(self).bounds) && send_message(self, message, Wait{})
               ? none()
               : nullptr;
  });
}

// As send(), but Full instead of waiting.
PyObject* send_nowait(PyObject* self, PyObject* object) {
  return guarded([&]() -> PyObject* {
    if (outgoing(self) == nullptr) return nullptr;
    Message message;
    const Wait at_once{Deadline::never(), false};
    return message.encode(object, terms_of(self).bounds) && send_message(self, message, at_once)
               ? none()
               : nullptr;
  });
}

PyObject* send_bytes(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject*) {
  return guarded([&]() -> PyObject* {
    if (count != 3) {
      PyErr_SetString(PyExc_TypeError, "_send_bytes() takes buf, offset, size");
      return nullptr;
    }
    const Py_ssize_t offset = PyNumber_AsSsize_t(given[1], PyExc_OverflowError);
    if (offset == -1 && PyErr_Occurred() != nullptr) return nullptr;
    const Py_ssize_t size = PyNumber_AsSsize_t(given[2], PyExc_OverflowError);
    if (size == -1 && PyErr_Occurred() != nullptr) return nullptr;
    Message message;
    if (!message.encode_bytes(given[0], offset, size)) return nullptr;
    return send_message(self, message, Wait{}) ? none() : nullptr;
  });
}

template <As as, bool block>
PyObject* receive_message(PyObject* self, PyObject* const* given, Py_ssize_t count,
                          PyObject* keywords) {
  PyObject* writable = nullptr;
  if (count != 0 || keywords != nullptr) [[unlikely]] {
    if (!parse_arguments("recv", given, count, keywords, {"writable"}, 0, &writable))
      return nullptr;
  }
  return guarded([&]() -> PyObject* {
    if (incoming(self) == nullptr) return nullptr;
    Reading reading{as, nullptr, false};
    if (!parse_writable(writable, terms_of(self), reading)) return nullptr;
    const Slot* slot = incoming(self);   // again: an object's own code may have closed it
    return slot != nullptr ? receive(*slot, Wait{Deadline::never(), block}, reading) : nullptr;
  });
}

PyObject* poll_message(PyObject* self, PyObject* const* given, Py_ssize_t count,
                       PyObject* keywords) {
  return guarded([&]() -> PyObject* {
    PyObject* arguments[1];
    Wait wait;
    if (!parse_arguments("poll", given, count, keywords, {"timeout"}, 0, arguments)) return nullptr;
    if (arguments[0] == nullptr) wait.deadline = Deadline::after(0);
    if (!parse_wait(nullptr, arguments[0], wait)) return nullptr;
    const Slot* slot = incoming(self);  // last: a number's own code may have closed it
    if (slot == nullptr) return nullptr;
    const std::shared_ptr<Port> port = *slot;
    Channel& channel = port->channel();
    for (;;) {
      const bool last = wait.deadline.passed();
      bool ready = port->has_message();
      if (!ready) {
        const WithoutInterpreter released;
        const Patience patience = Patience::until(wait.deadline);
        ready = (port->check_deaths(patience) && port->has_message()) || port->writers_gone();
        if (!ready && !last)
          channel.wait(channel.readers(), wait.deadline, [&] { return port->has_message(); });
        else if (!ready)
          port->after_taking();
      }
      if (ready) return boolean(true);
      if (!signals_are_quiet()) return nullptr;
      if (*slot != port) {
        port->set_closed_error();
        return nullptr;
      }
      if (last) return boolean(false);
    }
  });
}

PyMethodDef methods[] = {
    {"send", send_object, METH_O, docs::SEND},
    fast<receive_message<As::object, true>>("recv", docs::RECV),
    fast<poll_message>("poll", docs::POLL),
    fast<send_bytes>("_send_bytes", docs::SEND_BYTES),
    fast<receive_message<As::bytes, true>>("_recv_bytes", docs::RECV_BYTES),
    {"_send_nowait", send_nowait, METH_O,
     "_send_nowait($self, obj, /)\n--\n\nAs `send`; Full instead of waiting."},
    fast<receive_message<As::object, false>>(
        "_recv_nowait",
        "_recv_nowait($self, /, writable=None)\n--\n\nAs `recv`; Empty instead of waiting."),
    fast<receive_message<As::bytes, false>>(
        "_recv_bytes_nowait",
        "_recv_bytes_nowait($self, /)\n--\n\nAs `recv_bytes`; Empty instead of waiting."),
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {{Py_tp_methods, methods}, {0, nullptr}};

// One direction of a pipe, for the end or ends of it in this process.
struct Line {
  std::shared_ptr<Channel> channel;
  std::shared_ptr<Descriptor> side;
};

Line new_line(u64 max_bytes) {
  return {Channel::create(Limits{0, 0, max_bytes, 0, 0}),
          std::make_shared<Descriptor>(eventfd_new())};
}

// Takes the descriptors over.
Line attached_line(int segment, int side) {
  Descriptor owned(segment);
  auto bell = std::make_shared<Descriptor>(side);
  return {Channel::attach(std::move(owned)), std::move(bell)};
}

Slot port_of(const std::optional<Line>& line, int socket, PipePort::Direction direction) {
  if (!line.has_value()) return nullptr;
  return std::make_shared<PipePort>(line->channel, line->side, socket, direction);
}

nb::object descriptors(const Slot& slot) {
  if (slot == nullptr) return nb::none();
  return nb::make_tuple(slot->channel().segment().fd(), slot->side_fd());
}

// After the socket was closed: who waits at the other end looks whether it is the last.
void hang_up(PipeEnd& end) {
  const Slot in = std::move(end.incoming);
  const Slot out = std::move(end.outgoing);
  if (out != nullptr) out->channel().wake_all();
  if (in != nullptr) in->channel().wake_all();
}

// Kept: another thread may close the end while this one has given up the interpreter's lock.
Slot reading(const PipeEnd& end) {
  if (end.incoming == nullptr) {
    PyErr_SetString(PyExc_OSError, "connection is closed or write-only");
    throw nb::python_error();
  }
  return end.incoming;
}

bool arm(const PipeEnd& end, const char* what) {
  if (what[0] == 'r') {
    const Slot kept = reading(end);
    const WithoutInterpreter released;
    return kept->arm_readable();
  }
  if (end.outgoing == nullptr) {
    PyErr_SetString(PyExc_OSError, "connection is closed or read-only");
    throw nb::python_error();
  }
  Port& port = *end.outgoing;
  return port.arm_side(Poll::writable,
                       [&] { return port.readers_gone() || port.channel().looks_roomy(1); });
}

bool ready(const PipeEnd& end) {
  const Slot kept = reading(end);
  Port& port = *kept;
  if (port.has_message() || port.is_over()) return true;
  const WithoutInterpreter released;
  port.check_deaths(Patience::until(Deadline::never()));
  return port.has_message() || port.is_over();
}

}  // namespace

void bind_pipe(nb::module_& module) {
  nb::class_<Line>(module, "Line", "One direction of a pipe.")
      .def(
          "__init__", [](Line* self, u64 max_bytes) { new (self) Line(new_line(max_bytes)); },
          nb::arg("max_bytes"))
      .def(
          "__init__",
          [](Line* self, int segment, int side) { new (self) Line(attached_line(segment, side)); },
          nb::arg("segment"), nb::arg("side"));
  nb::class_<PipeEnd>(module, "PipeEnd", nb::is_weak_referenceable(), nb::type_slots(slots),
                      "An end of a pipe: send() and recv().")
      .def(
          "__init__",
          [](PipeEnd* self, int socket, const std::optional<Line>& in,
             const std::optional<Line>& out) {
            new (self) PipeEnd{port_of(in, socket, PipePort::Direction::incoming),
                               port_of(out, socket, PipePort::Direction::outgoing), Terms{}};
          },
          nb::arg("socket"), nb::arg("incoming").none(), nb::arg("outgoing").none())
      .def("_descriptors",
           [](const PipeEnd& end) {
             return nb::make_tuple(descriptors(end.incoming), descriptors(end.outgoing));
           })
      .def("_set_terms", set_terms<PipeEnd>, nb::arg("limits").none(), nb::arg("writable"))
      .def("_hang_up", hang_up)
      .def("_stop_reading", [](PipeEnd& end) { end.incoming.reset(); })
      .def("_arm", arm, nb::arg("what"))
      .def("_ready", ready)
      .def("_poll_for_good",
           [](const PipeEnd& end) {
             const Slot kept = end.incoming;
             if (kept == nullptr) return;
             const WithoutInterpreter released;
             kept->poll_for_good();
           })
      .def("_side_fd", [](const PipeEnd& end) {
        return end.outgoing == nullptr ? -1 : end.outgoing->side_fd();
      });
}

}  // namespace interlock::bind
