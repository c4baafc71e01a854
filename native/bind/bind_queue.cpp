// interlock._native.QueueEnd and its two kinds: what interlock.queues builds on.
//
// The methods that are called for each message are raw functions in the type's slots; the
// rest are nanobind's. A Python class derives from these, so that put() and get() have no
// Python frame of their own.
#include "bind/bind.hpp"
#include "bind/delivery.hpp"
#include "bind/queue_docs.hpp"
#include "bind/queue_end.hpp"

namespace interlock::bind {

namespace {

struct MessageQueue : QueueEnd {
  using QueueEnd::QueueEnd;
};
struct SimpleMessageQueue : QueueEnd {
  using QueueEnd::QueueEnd;
};

const Terms& terms_of(PyObject* self) { return nb::inst_ptr<QueueEnd>(self)->terms; }

// ---- the life of a handle ---------------------------------------------------------------

nb::tuple descriptors(const QueueEnd& end) {
  const Slot kept = open_port(end);
  const Port& port = *kept;
  return nb::make_tuple(port.channel().segment().fd(), port.readable_fd(), port.side_fd());
}

std::shared_ptr<Port> new_port(u64 messages, u64 message_bytes, u64 bytes, u64 deliveries,
                               bool joinable) {
  const Limits limits{messages, message_bytes, bytes, deliveries, joinable ? FLAG_JOINABLE : 0};
  return std::make_shared<QueuePort>(Channel::create(limits), eventfd_new(), eventfd_new());
}

// Takes the descriptors over.
std::shared_ptr<Port> attached_port(int segment, int readable, int side) {
  Descriptor owned[] = {Descriptor(segment), Descriptor(readable), Descriptor(side)};
  return std::make_shared<QueuePort>(Channel::attach(std::move(owned[0])), std::move(owned[2]),
                                     std::move(owned[1]));
}

nb::bytes segment_id(const QueueEnd& end) {
  const Slot kept = open_port(end);
  const SegmentId& id = kept->channel().segment().id();
  return nb::bytes(id.data(), sizeof id);
}

void shut_down(const QueueEnd& end, bool immediate) {
  const Slot kept = open_port(end);
  Port& port = *kept;
  {
    const WithoutInterpreter released;
    port.channel().shut_down(immediate);
    port.after_shut_down();
  }
}

nb::list users(const QueueEnd& end) {
  nb::list pids;
  open_port(end)->channel().processes().each([&](u32 pid) { pids.append(pid); });
  return pids;
}

// ---- polling ----------------------------------------------------------------------------

int readable_fd(const QueueEnd& end) {
  const Slot kept = open_port(end);
  Port& port = *kept;
  {
    const WithoutInterpreter released;
    port.poll_for_good();
  }
  return port.readable_fd();
}

bool arm(const QueueEnd& end, const char* what) {
  const Slot kept = open_port(end);
  Port& port = *kept;
  Channel& channel = port.channel();
  const WithoutInterpreter released;
  switch (what[0]) {
    case 'r':
      return port.arm_readable();
    case 'w':
      return port.arm_side(Poll::writable,
                           [&] { return channel.shut_down() != 0 || channel.looks_roomy(1); });
    case 'd':
      return port.arm_side(
          Poll::dead, [&] { return channel.shut_down() != 0 || channel.consumer().dead() != 0; });
    default:
      return port.arm_side(Poll::joined, [&] { return channel.looks_finished(); });
  }
}

// Whether get() would not wait: a message, or the end.
bool ready(const QueueEnd& end) {
  const Slot kept = open_port(end);
  Port& port = *kept;
  if (port.has_message() || port.is_over()) return true;
  const WithoutInterpreter released;
  port.check_deaths(Patience::until(Deadline::never()));
  return port.has_message() || port.is_over();
}

// ---- messages -----------------------------------------------------------------------------

bool encode(PyObject* self, Message& message, PyObject* object) {
  if (!message.encode(object, terms_of(self).bounds)) return false;
  const Port* port = port_of(self);  // anew: an object's own code may have closed the handle
  if (port == nullptr) return false;
  const u64 most = port->channel().segment().limits().message_bytes_max;
  if (most == 0 || message.length() <= most) [[likely]]
    return true;
  PyErr_Format(
      python().too_large,
      "A message of %llu bytes is larger than the queue may ever hold (max_bytes=%llu); it "
      "was not put. Make the queue with a larger max_bytes, or send the message in parts.",
      static_cast<unsigned long long>(message.length()), static_cast<unsigned long long>(most));
  return false;
}

PyObject* put_object(PyObject* self, PyObject* object, const Wait& wait) {
  return guarded([&]() -> PyObject* {
    if (port_of(self) == nullptr) return nullptr;
    Message message;
    return encode(self, message, object) && send(slot_of(self), message, wait) ? none() : nullptr;
  });
}

PyObject* get_object(PyObject* self, const Wait& wait, PyObject* writable = nullptr) {
  return guarded([&]() -> PyObject* {
    QueueEnd* const end = self_of<QueueEnd>(self);
    Reading reading;
    if (end == nullptr || !parse_writable(writable, end->terms, reading)) return nullptr;
    return is_open(end->port) ? receive(end->port, wait, reading) : nullptr;
  });
}

const Wait AT_ONCE{Deadline::never(), false};

PyObject* put(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  PyObject* arguments[3];
  Wait wait;
  if (count == 1 && keywords == nullptr) [[likely]]
    return put_object(self, given[0], wait);
  if (!parse_arguments("put", given, count, keywords, {"obj", "block", "timeout"}, 1, arguments) ||
      !parse_wait(arguments[1], arguments[2], wait))
    return nullptr;
  return put_object(self, arguments[0], wait);
}

PyObject* put_nowait(PyObject* self, PyObject* object) { return put_object(self, object, AT_ONCE); }
PyObject* put_simply(PyObject* self, PyObject* object) { return put_object(self, object, Wait{}); }

PyObject* get(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  PyObject* arguments[3] = {};
  Wait wait;
  if (count != 0 || keywords != nullptr) [[unlikely]] {
    if (!parse_arguments("get", given, count, keywords, {"block", "timeout", "writable"}, 0,
                         arguments) ||
        !parse_wait(arguments[0], arguments[1], wait))
      return nullptr;
  }
  return get_object(self, wait, arguments[2]);
}

// get(writable) of a SimpleQueue, and get_nowait(writable).
template <bool block>
PyObject* get_only(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  PyObject* writable = nullptr;
  if (count != 0 || keywords != nullptr) [[unlikely]] {
    if (!parse_arguments(block ? "get" : "get_nowait", given, count, keywords, {"writable"}, 0,
                         &writable))
      return nullptr;
  }
  return get_object(self, block ? Wait{} : AT_ONCE, writable);
}

// Says in the exception that is set how many messages went before it.
void note_accepted(Py_ssize_t accepted) {
  PyObject *type, *value, *trace;
  PyErr_Fetch(&type, &value, &trace);
  PyErr_NormalizeException(&type, &value, &trace);
  const nb::object number = nb::steal(PyLong_FromSsize_t(accepted));
  if (!number.is_valid() || PyObject_SetAttrString(value, "accepted", number.ptr()) != 0)
    PyErr_Clear();  // an exception of the caller's that takes no attributes
  PyErr_Restore(type, value, trace);
}

PyObject* put_many(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  PyObject* arguments[3];
  Wait wait;
  if (!parse_arguments("put_many", given, count, keywords, {"objs", "block", "timeout"}, 1,
                       arguments) ||
      !parse_wait(arguments[1], arguments[2], wait))
    return nullptr;
  return guarded([&]() -> PyObject* {
    const nb::object iterator = nb::steal(PyObject_GetIter(arguments[0]));
    if (!iterator.is_valid() || port_of(self) == nullptr) return nullptr;
    for (Py_ssize_t accepted = 0;; ++accepted) {
      const nb::object object = nb::steal(PyIter_Next(iterator.ptr()));
      if (object.is_valid()) {
        const nb::object done = nb::steal(put_object(self, object.ptr(), wait));
        if (done.is_valid()) continue;
      } else if (PyErr_Occurred() == nullptr) {
        return none();
      }
      note_accepted(accepted);
      return nullptr;
    }
  });
}

PyObject* get_many(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  PyObject* arguments[3];
  Wait wait;
  if (!parse_arguments("get_many", given, count, keywords, {"max_messages", "timeout", "writable"},
                       1, arguments) ||
      !parse_wait(nullptr, arguments[1], wait))
    return nullptr;
  const Py_ssize_t most = PyNumber_AsSsize_t(arguments[0], PyExc_OverflowError);
  if (most == -1 && PyErr_Occurred() != nullptr) return nullptr;
  if (most < 1) {
    PyErr_Format(PyExc_ValueError, "max_messages is %zd; give at least 1", most);
    return nullptr;
  }
  return guarded([&]() -> PyObject* {
    nb::object first = nb::steal(get_object(self, wait, arguments[2]));
    if (!first.is_valid()) return nullptr;
    Reading reading;
    if (!parse_writable(arguments[2], terms_of(self), reading)) return nullptr;
    nb::list messages;
    messages.append(first);
    // What may fail waits for the next call: an error must not take the others with it.
    while (static_cast<Py_ssize_t>(messages.size()) < most && slot_of(self) != nullptr) {
      const nb::object next = nb::steal(receive_at_once(slot_of(self), reading, false));
      if (!next.is_valid()) break;
      messages.append(next);
    }
    if (PyErr_Occurred() != nullptr) PyErr_WriteUnraisable(self);
    return messages.release().ptr();
  });
}

PyObject* lease(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  PyObject* arguments[1];
  Wait wait;
  if (!parse_arguments("lease", given, count, keywords, {"timeout"}, 0, arguments) ||
      !parse_wait(nullptr, arguments[0], wait))
    return nullptr;
  return guarded([&]() -> PyObject* {
    if (port_of(self) == nullptr) return nullptr;
    return make_delivery(nb::borrow(self), slot_of(self), terms_of(self), arguments[0])
        .release()
        .ptr();
  });
}

PyObject* get_dead(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  PyObject* arguments[2];
  Wait wait;
  if (!parse_arguments("get", given, count, keywords, {"block", "timeout"}, 0, arguments) ||
      !parse_wait(arguments[0], arguments[1], wait))
    return nullptr;
  return guarded([&]() -> PyObject* {
    if (port_of(self) == nullptr) return nullptr;
    Holding holding;
    PyObject* message = take(slot_of(self), wait, RecordState::dead,
                             {As::object, &terms_of(self).bounds, false}, holding);
    if (message != nullptr) settle(holding, How::done);
    return message;
  });
}

PyMethodDef end_methods[] = {
    {"empty", state::is_empty, METH_NOARGS, docs::EMPTY},
    {nullptr, nullptr, 0, nullptr},
};

PyMethodDef queue_methods[] = {
    fast<put>("put", docs::PUT),
    {"put_nowait", put_nowait, METH_O, docs::PUT_NOWAIT},
    fast<get>("get", docs::GET),
    fast<get_only<false>>("get_nowait", docs::GET_NOWAIT),
    fast<put_many>("put_many", docs::PUT_MANY),
    fast<get_many>("get_many", docs::GET_MANY),
    fast<lease>("lease", docs::LEASE),
    fast<get_dead>("_get_dead", docs::GET_DEAD),
    {"qsize", state::size, METH_NOARGS, docs::QSIZE},
    {"full", state::is_full, METH_NOARGS, docs::FULL},
    {"_task_done", state::task_done, METH_NOARGS, docs::TASK_DONE},
    {"_join", state::join, METH_NOARGS, docs::JOIN},
    {nullptr, nullptr, 0, nullptr},
};

PyMethodDef simple_methods[] = {
    {"put", put_simply, METH_O, docs::SIMPLE_PUT},
    fast<get_only<true>>("get", docs::SIMPLE_GET),
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot queue_slots[] = {{Py_tp_methods, queue_methods}, {0, nullptr}};
PyType_Slot simple_slots[] = {{Py_tp_methods, simple_methods}, {0, nullptr}};
PyType_Slot end_slots[] = {{Py_tp_methods, end_methods}, {0, nullptr}};

// Made new, or from the descriptors of another process's.
template <class Kind>
void bind_kind(nb::module_& module, const char* name, PyType_Slot* slots, const char* doc) {
  nb::class_<Kind, QueueEnd>(module, name, nb::type_slots(slots), doc)
      .def(
          "__init__",
          [](Kind* self, u64 messages, u64 message_bytes, u64 bytes, u64 deliveries,
             bool joinable) {
            new (self) Kind(new_port(messages, message_bytes, bytes, deliveries, joinable));
          },
          nb::arg("messages_max"), nb::arg("message_bytes_max"), nb::arg("queue_bytes_max"),
          nb::arg("deliveries_max"), nb::arg("joinable"))
      .def(
          "__init__",
          [](Kind* self, int segment, int readable, int side) {
            new (self) Kind(attached_port(segment, readable, side));
          },
          nb::arg("segment"), nb::arg("readable"), nb::arg("side"))
      .def(
          "__init__", [](Kind* self, const QueueEnd& other) { new (self) Kind(other.port); },
          nb::arg("other"));
}

}  // namespace

void bind_queue(nb::module_& module) {
  nb::class_<QueueEnd>(module, "QueueEnd", nb::is_weak_referenceable(), nb::type_slots(end_slots),
                       "A process's handle of a queue.")
      .def("_descriptors", descriptors, "The segment's, and those of the bells.")
      .def("_segment_id", segment_id)
      .def("_shut_down", shut_down, nb::arg("immediate"))
      .def("_counts", state::counts)
      .def("_users", users)
      .def("_readable_fd", readable_fd)
      .def("_side_fd", [](const QueueEnd& end) { return open_port(end)->side_fd(); })
      .def("_bell_fd", [](const QueueEnd& end) { return open_port(end)->readable_fd(); })
      .def("_arm", arm, nb::arg("what"))
      .def("_ready", ready)
      .def("_unfinished", state::unfinished)
      .def("_is_shut_down",
           [](const QueueEnd& end) { return open_port(end)->channel().shut_down(); })
      .def("_limits",
           [](const QueueEnd& end) {
             const Limits limits = open_port(end)->channel().segment().limits();
             return nb::make_tuple(limits.messages_max, limits.message_bytes_max,
                                   limits.queue_bytes_max, limits.deliveries_max,
                                   (limits.flags & FLAG_JOINABLE) != 0);
           })
      .def("_set_terms", set_terms<QueueEnd>, nb::arg("limits").none(), nb::arg("writable"))
      .def("_release", [](QueueEnd& end) { end.port.reset(); })
      .def_prop_ro("_is_open", [](const QueueEnd& end) { return end.port != nullptr; });
  bind_kind<MessageQueue>(module, "MessageQueue", queue_slots, "put() and get() of a queue.");
  bind_kind<SimpleMessageQueue>(module, "SimpleMessageQueue", simple_slots,
                                "put() and get() without timeouts.");
}

}  // namespace interlock::bind
