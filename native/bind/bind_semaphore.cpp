// interlock._native.SharedSemaphore: what Semaphore and BoundedSemaphore build on.
#include "bind/bind.hpp"
#include "bind/sync_docs.hpp"
#include "bind/sync_handle.hpp"
#include "core/semaphore.hpp"

namespace interlock::bind {

namespace {

class SemaphoreHandle : public SyncHandle {
 public:
  explicit SemaphoreHandle(SyncSegment segment)
      : SyncHandle(std::move(segment)), semaphore_(segment_) {}

  Semaphore& semaphore() { return semaphore_; }
  u32 most() const {
    return segment_.kind() == SyncKind::bounded_semaphore ? static_cast<u32>(segment_.initial())
                                                          : Semaphore::VALUE_MAX;
  }
  // Ask to be rung. True: it may be had, look at once.
  bool arm() {
    ask_to_ring();
    return !semaphore_.ask_to_be_told();
  }

 private:
  Semaphore semaphore_;
};

struct SharedSemaphore {
  std::unique_ptr<SemaphoreHandle> handle;
};

SemaphoreHandle* handle_of(PyObject* self) {
  SharedSemaphore* one = self_of<SharedSemaphore>(self);
  return one == nullptr ? nullptr : one->handle.get();
}

PyObject* take(SemaphoreHandle& handle, const Wait& wait) {
  handle.introduce();
  const Stamp me = Stamp::mine();
  Semaphore& semaphore = handle.semaphore();
  if (semaphore.try_acquire(me)) return boolean(true);
  if (!wait.block || wait.deadline.passed()) return boolean(semaphore.try_recover(me));
  std::optional<Semaphore::Waiting> waiting;
  bool taken = false;
  const auto sleep = [&] {
    if (!waiting.has_value()) waiting.emplace(semaphore, me);
    return waiting->wait(wait.deadline);
  };
  if (!wait_by_turns(wait.deadline, taken, sleep, [](bool one) { return one; })) return nullptr;
  return boolean(taken);
}

PyObject* acquire(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  return guarded([&]() -> PyObject* {
    SemaphoreHandle* const handle = handle_of(self);
    if (handle == nullptr) return nullptr;
    Wait wait;
    PyObject* arguments[2];
    if (!parse_arguments("acquire", given, count, keywords, {"block", "timeout"}, 0, arguments) ||
        !parse_wait(arguments[0], arguments[1], wait))
      return nullptr;
    return take(*handle, wait);
  });
}

PyObject* enter(PyObject* self, PyObject*) {
  return guarded([&]() -> PyObject* {
    SemaphoreHandle* const handle = handle_of(self);
    return handle == nullptr ? nullptr : take(*handle, Wait{});
  });
}

PyObject* release(PyObject* self, PyObject*) {
  return guarded([&]() -> PyObject* {
    SemaphoreHandle* const handle = handle_of(self);
    if (handle == nullptr) return nullptr;
    if (!handle->semaphore().release(Stamp::mine(), handle->most())) {
      PyErr_Format(python().not_held,
                   "semaphore or lock released too many times: it has all of its %u places",
                   handle->most());
      return nullptr;
    }
    handle->segment().ring_bells();
    return none();
  });
}

PyObject* leave(PyObject* self, PyObject* const*, Py_ssize_t, PyObject*) {
  return release(self, nullptr);
}

PyMethodDef methods[] = {
    fast<acquire>("acquire", docs::ACQUIRE_PLACE),
    {"release", release, METH_NOARGS, docs::RELEASE_PLACE},
    {"__enter__", enter, METH_NOARGS, "__enter__($self, /)\n--\n\nAs `acquire`."},
    fast<leave>("__exit__", "__exit__($self, kind, error, trace, /)\n--\n\nAs `release`."),
    {nullptr, nullptr, 0, nullptr},
};
PyType_Slot slots[] = {{Py_tp_methods, methods}, {0, nullptr}};

// Who has places, and how many.
std::vector<std::tuple<Seen, u32>> holders(const SharedSemaphore& one) {
  std::vector<std::tuple<Seen, u32>> all;
  one.handle->semaphore().each_holder([&](Stamp who, u32 count, Nanoseconds since) {
    all.emplace_back(seen(one.handle->segment(), who, since), count);
  });
  return all;
}

u32 held_here(const SharedSemaphore& one) {
  const Stamp me = Stamp::mine();
  u32 places = 0;
  one.handle->semaphore().each_holder([&](Stamp who, u32 count, Nanoseconds) {
    if (who == me) places += count;
  });
  return places;
}

}  // namespace

void bind_semaphore(nb::module_& module) {
  auto type = nb::class_<SharedSemaphore>(module, "SharedSemaphore", nb::is_weak_referenceable(),
                                          nb::type_slots(slots), "A semaphore in shared memory.");
  def_views(type);
  type.def(
          "__init__",
          [](SharedSemaphore* self, u32 value, bool bounded) {
            const SyncKind kind = bounded ? SyncKind::bounded_semaphore : SyncKind::semaphore;
            auto handle = std::make_unique<SemaphoreHandle>(SyncSegment::create(kind, 0, value));
            handle->semaphore().begin(value);
            new (self) SharedSemaphore{std::move(handle)};
          },
          nb::arg("value"), nb::arg("bounded"))
      .def(
          "__init__",
          [](SharedSemaphore* self, int segment) {
            new (self) SharedSemaphore{
                std::make_unique<SemaphoreHandle>(SyncSegment::attach(Descriptor(segment)))};
          },
          nb::arg("segment"))
      .def(
          "get_value", [](const SharedSemaphore& one) { return one.handle->semaphore().value(); },
          docs::GET_VALUE)
      .def("_initial", [](const SharedSemaphore& one) { return one.handle->segment().initial(); })
      .def("_holders", holders)
      .def("_count", held_here);
}

}  // namespace interlock::bind
