// interlock._native.SharedLock: what interlock.synchronize.Lock and RLock build on.
#include "bind/bind.hpp"
#include "bind/lock_docs.hpp"
#include "bind/lock_handle.hpp"

namespace interlock::bind {

namespace {

LockHandle* handle_of(PyObject* self) {
  SharedLock* lock = self_of<SharedLock>(self);
  return lock == nullptr ? nullptr : lock->handle.get();
}

// What the Python half does about a dead owner: it warns, or gives the lock up and raises.
PyObject* told(PyObject* self, Taken taken) {
  if (taken == Taken::yes) [[likely]]
    return boolean(true);
  const nb::object answer = nb::steal(PyObject_CallMethod(self, "_abandoned_found", nullptr));
  return answer.is_valid() ? boolean(true) : nullptr;
}

template <class Lock>
PyObject* wait_for(PyObject* self, Lock& lock, Stamp me, const Deadline& deadline) {
  std::optional<typename Lock::Waiting> waiting;
  Taken taken = Taken::busy;
  const auto wait = [&] {
    if (!waiting.has_value()) waiting.emplace(lock, me);
    return waiting->wait(deadline);
  };
  if (!wait_by_turns(deadline, taken, wait, [](Taken one) { return one != Taken::busy; }))
    return nullptr;
  waiting.reset();
  return taken == Taken::busy ? boolean(false) : told(self, taken);
}

// Apart from take(), whose few instructions would have to save the registers of all this.
[[gnu::noinline]] PyObject* take_held(PyObject* self, LockHandle& handle, Stamp me,
                                      const Wait& wait) {
  if (handle.is_recursive() && handle.ownership().is_owned_by(me)) {
    handle.ownership().set_depth(handle.ownership().depth() + 1);
    return boolean(true);
  }
  if (!wait.block || wait.deadline.passed()) {
    const Taken taken = handle.try_recover(me);
    return taken == Taken::busy ? boolean(false) : told(self, taken);
  }
  return handle.is_fair() ? wait_for(self, handle.fair(), me, wait.deadline)
                          : wait_for(self, handle.plain(), me, wait.deadline);
}

inline PyObject* take(PyObject* self, LockHandle& handle, const Wait& wait) {
  handle.introduce();
  const Stamp me = Stamp::mine();
  if (handle.try_acquire(me) == Taken::yes) [[likely]]
    return boolean(true);
  return take_held(self, handle, me, wait);
}

PyObject* acquire(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  return guarded([&]() -> PyObject* {
    LockHandle* const handle = handle_of(self);
    if (handle == nullptr) return nullptr;
    Wait wait;
    if (count != 0 || keywords != nullptr) {
      PyObject* arguments[2];
      if (!parse_arguments("acquire", given, count, keywords, {"block", "timeout"}, 0, arguments) ||
          !parse_wait(arguments[0], arguments[1], wait))
        return nullptr;
    }
    return take(self, *handle, wait);
  });
}

PyObject* enter(PyObject* self, PyObject*) {
  return guarded([&]() -> PyObject* {
    LockHandle* const handle = handle_of(self);
    return handle == nullptr ? nullptr : take(self, *handle, Wait{});
  });
}

// Whether that was the last of its levels, and the lock is to be given up now.
[[gnu::noinline]] std::optional<bool> is_last_level(Ownership& ownership) {
  if (!ownership.is_owned_by(Stamp::mine())) {
    PyErr_SetString(python().not_owner,
                    "attempt to release recursive lock not owned by thread; only the thread "
                    "that acquired it may release it");
    return std::nullopt;
  }
  const u32 depth = ownership.depth();
  if (depth <= 1) return true;
  ownership.set_depth(depth - 1);
  return false;
}

PyObject* give_up(LockHandle& handle) {
  if (handle.is_recursive()) {
    const std::optional<bool> is_last = is_last_level(handle.ownership());
    if (!is_last.has_value()) return nullptr;
    if (!*is_last) return none();
  }
  if (handle.release() != Released::not_held) [[likely]]
    return none();
  PyErr_SetString(python().not_held,
                  "semaphore or lock released too many times: nobody holds this lock");
  return nullptr;
}

PyObject* release(PyObject* self, PyObject*) {
  return guarded([&]() -> PyObject* {
    LockHandle* const handle = handle_of(self);
    return handle == nullptr ? nullptr : give_up(*handle);
  });
}

PyObject* leave(PyObject* self, PyObject* const*, Py_ssize_t, PyObject*) {
  return release(self, nullptr);
}

PyMethodDef methods[] = {
    fast<acquire>("acquire", docs::ACQUIRE),
    {"release", release, METH_NOARGS, docs::RELEASE},
    {"__enter__", enter, METH_NOARGS, "__enter__($self, /)\n--\n\nAs `acquire`."},
    fast<leave>("__exit__", "__exit__($self, kind, error, trace, /)\n--\n\nAs `release`."),
    {nullptr, nullptr, 0, nullptr},
};
PyType_Slot slots[] = {{Py_tp_methods, methods}, {0, nullptr}};

// ---- looking on ----------------------------------------------------------------------------

std::optional<Seen> owner(const SharedLock& lock) {
  Ownership& ownership = lock.handle->ownership();
  for (;;) {  // the moment is of the same owner as the stamp
    const Stamp who = ownership.owner();
    const Nanoseconds since = ownership.since();
    if (who.nobody()) return std::nullopt;
    if (ownership.owner() == who) return seen(lock.handle->segment(), who, since);
  }
}

// ---- awaiting --------------------------------------------------------------------------------

// A place in the order of a fair lock, for a task that awaits it.
class PlaceInOrder {
 public:
  PlaceInOrder(const SharedLock& lock, nb::object kept)
      : handle_(*lock.handle), kept_(std::move(kept)) {
    const WithoutInterpreter released;
    waiting_.emplace(handle_.fair(), Stamp::mine());
  }
  // False: not yet.
  bool look() {
    Taken taken;
    {
      const WithoutInterpreter released;
      taken = waiting_->poll();
    }
    if (taken == Taken::busy) return false;
    const nb::object answer = nb::steal(told(kept_.ptr(), taken));
    if (!answer.is_valid()) throw nb::python_error();
    return true;
  }
  void leave() {
    const WithoutInterpreter released;
    waiting_.reset();
    handle_.segment().ring_bells();
  }

 private:
  LockHandle& handle_;
  nb::object kept_;
  std::optional<FairLock::Waiting> waiting_;
};

}  // namespace

void bind_lock(nb::module_& module) {
  auto type = nb::class_<SharedLock>(module, "SharedLock", nb::is_weak_referenceable(),
                                     nb::type_slots(slots), "A lock in shared memory.");
  def_views(type);
  type.def(
          "__init__",
          [](SharedLock* self, bool recursive, bool fair, bool raises) {
            const u32 flags = (fair ? SYNC_FAIR : 0) | (raises ? SYNC_RAISE : 0);
            const SyncKind kind = recursive ? SyncKind::recursive_lock : SyncKind::lock;
            new (self) SharedLock{std::make_unique<LockHandle>(SyncSegment::create(kind, flags))};
          },
          nb::arg("recursive"), nb::arg("fair"), nb::arg("raises"))
      .def(
          "__init__",
          [](SharedLock* self, int segment) {
            new (self)
                SharedLock{std::make_unique<LockHandle>(SyncSegment::attach(Descriptor(segment)))};
          },
          nb::arg("segment"))
      .def("_owner", owner)
      .def_prop_ro(
          "fair", [](const SharedLock& lock) { return lock.handle->is_fair(); }, docs::FAIR)
      .def("_raises", [](const SharedLock& lock) { return lock.handle->segment().has(SYNC_RAISE); })
      .def("_is_mine",
           [](const SharedLock& lock) {
             return lock.handle->ownership().is_owned_by(Stamp::mine());
           })
      .def("_count",
           [](const SharedLock& lock) {
             Ownership& ownership = lock.handle->ownership();
             return ownership.is_owned_by(Stamp::mine()) ? ownership.depth() : 0u;
           })
      .def(
          "locked",
          [](const SharedLock& lock) { return !lock.handle->ownership().owner().nobody(); },
          docs::LOCKED);
  nb::class_<PlaceInOrder>(module, "PlaceInOrder", "A place in the order of a fair lock.")
      .def(
          "__init__",
          [](PlaceInOrder* self, nb::object lock) {
            new (self) PlaceInOrder(nb::cast<const SharedLock&>(lock), lock);
          },
          nb::arg("lock"))
      .def("look", &PlaceInOrder::look)
      .def("leave", &PlaceInOrder::leave);
}

}  // namespace interlock::bind
