// interlock._native.SharedAtomic: what AtomicInt, AtomicFloat and AtomicFlag build on.
#include "bind/bind.hpp"
#include "bind/sync_docs.hpp"
#include "bind/sync_handle.hpp"
#include "core/atomic_cell.hpp"

namespace interlock::bind {

namespace {

class AtomicHandle : public SyncHandle {
 public:
  explicit AtomicHandle(SyncSegment segment) : SyncHandle(std::move(segment)), cell_(segment_) {}
  AtomicCell& cell() { return cell_; }
  SyncKind kind() const { return segment_.kind(); }
  void changed() { segment_.ring_bells(); }

  PyObject* object(u64 bits) const {
    if (kind() == SyncKind::atomic_float) return PyFloat_FromDouble(std::bit_cast<double>(bits));
    if (kind() == SyncKind::atomic_flag) return boolean(bits != 0);
    return PyLong_FromLongLong(static_cast<long long>(bits));
  }
  // False with an error set.
  bool parse(PyObject* object, u64& bits) const {
    if (kind() == SyncKind::atomic_float) {
      bits = std::bit_cast<u64>(PyFloat_AsDouble(object));
    } else if (kind() == SyncKind::atomic_flag) {
      const int truth = PyObject_IsTrue(object);
      bits = truth > 0;
      return truth >= 0;
    } else {
      const nb::object index = nb::steal(PyNumber_Index(object));
      if (!index.is_valid()) return false;
      bits = static_cast<u64>(PyLong_AsLongLong(index.ptr()));
    }
    return PyErr_Occurred() == nullptr;
  }

 private:
  AtomicCell cell_;
};

struct SharedAtomic {
  std::unique_ptr<AtomicHandle> handle;
};
AtomicHandle* handle_of(PyObject* self) {
  SharedAtomic* const one = self_of<SharedAtomic>(self);
  return one == nullptr ? nullptr : one->handle.get();
}

// Runs act(handle, bits) for a method of one value.
template <class Act>
PyObject* with_value(PyObject* self, PyObject* value, Act act) {
  return guarded([&]() -> PyObject* {
    AtomicHandle* const handle = handle_of(self);
    u64 bits = 0;
    if (handle == nullptr || !handle->parse(value, bits)) return nullptr;
    return act(*handle, bits);
  });
}

PyObject* load(PyObject* self, PyObject*) {
  return guarded([&]() -> PyObject* {
    AtomicHandle* const handle = handle_of(self);
    return handle == nullptr ? nullptr : handle->object(handle->cell().load());
  });
}
PyObject* store(PyObject* self, PyObject* value) {
  return with_value(self, value, [](AtomicHandle& handle, u64 bits) {
    handle.cell().store(bits);
    handle.changed();
    return none();
  });
}
PyObject* exchange(PyObject* self, PyObject* value) {
  return with_value(self, value, [](AtomicHandle& handle, u64 bits) {
    const u64 before = handle.cell().exchange(bits);
    handle.changed();
    return handle.object(before);
  });
}
PyObject* add(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  PyObject* more = nullptr;
  if (!parse_arguments("add", given, count, keywords, {"more"}, 0, &more)) return nullptr;
  static PyObject* const one = PyLong_FromLong(1);
  return with_value(self, more != nullptr ? more : one, [](AtomicHandle& handle, u64 bits) {
    const u64 after =
        handle.kind() == SyncKind::atomic_float
            ? std::bit_cast<u64>(handle.cell().add_double(std::bit_cast<double>(bits)))
            : handle.cell().add_integer(bits);
    handle.changed();
    return handle.object(after);
  });
}

PyObject* compare_exchange(PyObject* self, PyObject* const* given, Py_ssize_t count,
                           PyObject* keywords) {
  return guarded([&]() -> PyObject* {
    AtomicHandle* const handle = handle_of(self);
    PyObject* arguments[2];
    u64 expected = 0, bits = 0;
    if (handle == nullptr ||
        !parse_arguments("compare_exchange", given, count, keywords, {"expected", "value"}, 2,
                         arguments) ||
        !handle->parse(arguments[0], expected) || !handle->parse(arguments[1], bits))
      return nullptr;
    const bool exchanged = handle->cell().compare_exchange(expected, bits);
    if (exchanged) handle->changed();
    return boolean(exchanged);
  });
}

PyObject* wait_for_change(PyObject* self, PyObject* const* given, Py_ssize_t count,
                          PyObject* keywords) {
  return guarded([&]() -> PyObject* {
    AtomicHandle* const handle = handle_of(self);
    PyObject* arguments[2];
    u64 old = 0;
    Wait wait;
    if (handle == nullptr ||
        !parse_arguments("wait", given, count, keywords, {"value", "timeout"}, 1, arguments) ||
        !handle->parse(arguments[0], old) || !parse_wait(nullptr, arguments[1], wait))
      return nullptr;
    if (handle->cell().load() != old) return boolean(true);
    if (wait.deadline.passed()) return boolean(false);
    bool changed = false;
    const auto sleep = [&] { return handle->cell().wait(old, wait.deadline); };
    if (!wait_by_turns(wait.deadline, changed, sleep, [](bool yes) { return yes; })) return nullptr;
    return boolean(changed);
  });
}

PyMethodDef methods[] = {
    {"load", load, METH_NOARGS, docs::LOAD},
    {"store", store, METH_O, docs::STORE},
    {"exchange", exchange, METH_O, docs::EXCHANGE},
    fast<add>("_add", docs::ADD),
    fast<compare_exchange>("compare_exchange", docs::COMPARE_EXCHANGE),
    fast<wait_for_change>("wait", docs::WAIT_ATOMIC),
    {nullptr, nullptr, 0, nullptr},
};
PyType_Slot slots[] = {{Py_tp_methods, methods}, {0, nullptr}};

SyncKind kind_of(u32 number) {
  const auto kind = static_cast<SyncKind>(number);
  if (kind != SyncKind::atomic_integer && kind != SyncKind::atomic_float &&
      kind != SyncKind::atomic_flag)
    throw nb::value_error("there is no atomic of this kind");
  return kind;
}

}  // namespace

void bind_atomic(nb::module_& module) {
  nb::class_<SharedAtomic>(module, "SharedAtomic", nb::is_weak_referenceable(),
                           nb::type_slots(slots), "A number that changes in one step.")
      .def(
          "__init__",
          [](SharedAtomic* self, nb::handle, u32 kind) {
            new (self)
                SharedAtomic{std::make_unique<AtomicHandle>(SyncSegment::create(kind_of(kind), 0))};
          },
          nb::arg("segment").none(), nb::arg("kind"))
      .def(
          "__init__",
          [](SharedAtomic* self, int segment) {
            SyncSegment attached = SyncSegment::attach(Descriptor(segment));
            kind_of(static_cast<u32>(attached.kind()));
            new (self) SharedAtomic{std::make_unique<AtomicHandle>(std::move(attached))};
          },
          nb::arg("segment"))
      .def("_descriptor", [](const SharedAtomic& one) { return one.handle->segment().fd(); })
      .def("_segment_id", [](const SharedAtomic& one) { return id_of(one.handle->segment()); })
      .def("_bell_fd", [](const SharedAtomic& one) { return one.handle->bell(); })
      .def("_ask_to_ring", [](const SharedAtomic& one) { one.handle->ask_to_ring(); });
}

}  // namespace interlock::bind
