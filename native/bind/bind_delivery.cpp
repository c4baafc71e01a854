// interlock._native.Delivery: a message taken under a lease.
#include "bind/bind.hpp"
#include "bind/delivery.hpp"

namespace interlock::bind {

namespace {

// Takes its message on entry, not before: a lease that is never entered takes nothing.
struct Delivery {
  nb::object owner;
  const Slot* slot = nullptr;
  const Terms* terms = nullptr;
  nb::object timeout;
  Holding holding;
  nb::object message;
  bool is_held = false;

  Delivery() = default;
  Delivery(Delivery&&) = default;
  ~Delivery() { end(How::give_back); }

  // A forked child has the object and not the message.
  bool is_ours() const {
    return is_held &&
           holding.port->channel().processes().mine(RecordWord::from(holding.lease.word).owner);
  }
  void end(How how) {
    if (!is_held) return;
    is_held = false;
    message = nb::none();  // the last view of the message may be this one
    settle(holding, how);
    holding = Holding();
  }
};

bool take_into(Delivery& delivery) {
  if (delivery.is_held) {
    PyErr_SetString(PyExc_RuntimeError,
                    "This lease has a message already; call lease() again for another.");
    return false;
  }
  Wait wait;
  if (!parse_wait(nullptr, delivery.timeout.ptr(), wait)) return false;
  if (*delivery.slot == nullptr) {
    set_queue_closed();
    return false;
  }
  // Read-only: who gets it after us must get what was put.
  const Reading reading{As::object, &delivery.terms->bounds, false};
  PyObject* message = take(*delivery.slot, wait, RecordState::ready, reading, delivery.holding);
  if (message == nullptr) return false;
  delivery.message = nb::steal(message);
  delivery.is_held = true;
  return true;
}

PyObject* enter(PyObject* self, PyObject*) {
  return guarded([&]() -> PyObject* {
    Delivery* delivery = self_of<Delivery>(self);
    return delivery != nullptr && take_into(*delivery) ? Py_NewRef(self) : nullptr;
  });
}

PyObject* leave(PyObject* self, PyObject* const* arguments, Py_ssize_t count, PyObject*) {
  return guarded([&]() -> PyObject* {
    Delivery* delivery = self_of<Delivery>(self);
    if (delivery == nullptr) return nullptr;
    delivery->end(count > 0 && arguments[0] != Py_None ? How::give_back : How::acknowledged);
    return boolean(false);
  });
}

template <How how>
PyObject* end_now(PyObject* self, PyObject*) {
  return guarded([&]() -> PyObject* {
    Delivery* delivery = self_of<Delivery>(self);
    if (delivery == nullptr) return nullptr;
    delivery->end(how);
    return none();
  });
}

PyMethodDef methods[] = {
    {"__enter__", enter, METH_NOARGS,
     "__enter__($self, /)\n--\n\n"
     "Take the oldest message, waiting for it as the lease says.\n\n"
     "Raises:\n    Empty: No message arrived in time.\n    ShutDown: None will come.\n"
     "    Exception: What the message's own code raised while it was restored.\n\n"
     "If a process dies:\n    This one: the message goes to another consumer. Another: what it\n"
     "    held under a lease comes here."},
    fast<leave>("__exit__",
                "__exit__($self, kind, error, trace, /)\n--\n\n"
                "Acknowledge the message; give it back where an exception came."),
    {"acknowledge", end_now<How::acknowledged>, METH_NOARGS,
     "acknowledge($self, /)\n--\n\n"
     "Say now that the work is done; the message will not be delivered again."},
    {"give_back", end_now<How::give_back>, METH_NOARGS,
     "give_back($self, /)\n--\n\n"
     "Let another consumer have the message, or the dead letters after its last delivery."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {{Py_tp_methods, methods}, {0, nullptr}};

}  // namespace

nb::object make_delivery(nb::object owner, const Slot& slot, const Terms& terms,
                         PyObject* timeout) {
  Delivery delivery;
  delivery.owner = std::move(owner);
  delivery.slot = &slot;
  delivery.terms = &terms;
  delivery.timeout = timeout == nullptr ? nb::none() : nb::borrow(timeout);
  return nb::cast(std::move(delivery), nb::rv_policy::move);
}

void bind_delivery(nb::module_& module) {
  nb::class_<Delivery>(module, "Delivery", nb::type_slots(slots),
                       "A message under a lease: done when acknowledged, another consumer's when "
                       "given back or when this process dies.")
      .def_prop_ro(
          "message",
          [](const Delivery& delivery) { return delivery.is_held ? delivery.message : nb::none(); },
          nb::sig("def message(self) -> typing.Any"), "The message; None before and after.")
      .def_prop_ro(
          "attempt", [](const Delivery& delivery) { return delivery.holding.lease.attempts; },
          "How often the message has been delivered, this time included: 1 at first.")
      .def_prop_ro(
          "is_held", [](const Delivery& delivery) { return delivery.is_ours(); },
          "Whether the message is still this process's.");
}

}  // namespace interlock::bind
