// What every bind_*.cpp needs of Python: the interpreter's lock, arguments, timeouts, errors.
#pragma once

#include <cxxabi.h>
#include <nanobind/nanobind.h>
#include <unistd.h>

#include <initializer_list>
#include <memory>
#include <utility>

#include "core/channel.hpp"

namespace interlock::bind {

namespace nb = nanobind;

// The classes of interlock.errors, and the Python halves of encoding and decoding.
// Filled in once by load_python(), kept for the life of the process.
struct PythonNames {
  PyObject* empty = nullptr;
  PyObject* full = nullptr;
  PyObject* shut_down = nullptr;
  PyObject* too_large = nullptr;
  PyObject* closed = nullptr;
  PyObject* corrupted = nullptr;
  PyObject* out_of_memory = nullptr;
  PyObject* too_many_processes = nullptr;
  PyObject* decode_error = nullptr;
  PyObject* not_held = nullptr;
  PyObject* not_owner = nullptr;
  PyObject* too_many_waiters = nullptr;
  PyObject* codec = nullptr;        // the module interlock.serialize.codec, loaded on first use
};
PythonNames& python();
void load_python();

// The attribute `name` of interlock.serialize.codec, borrowed from the module; nullptr + error.
nb::object codec_function(const char* name);

// Sets the Python error for the C++ exception in flight.
void set_error_from_exception() noexcept;

// Runs a raw method's body; a C++ exception becomes a Python one.
template <class Body>
PyObject* guarded(Body&& body) noexcept {
  try {
    return body();
  } catch (...) {
    set_error_from_exception();
    return nullptr;
  }
}

// Lets other Python threads run while this one waits or copies.
//
// When the interpreter has ended meanwhile, CPython before 3.14 ends a daemon thread that comes
// back, by unwinding its stack (pthread_exit). That would run destructors of Python objects in
// no interpreter, and end the process at the first noexcept; so the thread stays here until the
// process is gone, as later versions have it.
class WithoutInterpreter {
 public:
  WithoutInterpreter() : state_(PyEval_SaveThread()) {}
  ~WithoutInterpreter() {
    try {
      PyEval_RestoreThread(state_);
    } catch (abi::__forced_unwind&) {
      for (;;) pause();
    }
  }
  WithoutInterpreter(const WithoutInterpreter&) = delete;
  WithoutInterpreter& operator=(const WithoutInterpreter&) = delete;

 private:
  PyThreadState* state_;
};

// No cyclic collection, so no stranger's __del__, while a side of a ring is held.
class WithoutCollector {
 public:
#if PY_VERSION_HEX < 0x030c0000  // from 3.12 on it runs between bytecodes only
  WithoutCollector() : was_on_(PyGC_Disable()) {}
  ~WithoutCollector() {
    if (was_on_) PyGC_Enable();
  }

 private:
  int was_on_;
#endif
};

// Positional and keyword arguments of a METH_FASTCALL method, by name. Missing ones stay
// nullptr. False with a TypeError set where they do not fit.
bool parse_arguments(const char* function, PyObject* const* given, Py_ssize_t count,
                     PyObject* keywords, std::initializer_list<const char*> names,
                     std::size_t required, PyObject** out);

// How long to wait: `block` and `timeout` as queue.Queue takes them.
struct Wait {
  Deadline deadline = Deadline::never();
  bool block = true;

  // What asks at once waits this long for a side's lock: that it is busy says nothing about
  // what is in the queue. Who has the lock longer than that is stopped.
  static constexpr Nanoseconds LOCK_PATIENCE = 100 * MILLISECOND;
  Deadline for_lock() const {
    return block && !deadline.passed() ? deadline : Deadline::after(LOCK_PATIENCE);
  }
};
// False with an error set. nullptr: the default (block, for ever).
bool parse_wait(PyObject* block, PyObject* timeout, Wait& wait);

// Whether this thread's pending signals raise nothing.
inline bool signals_are_quiet() { return PyErr_CheckSignals() == 0; }

inline PyObject* none() { return Py_NewRef(Py_None); }
inline PyObject* boolean(bool value) { return Py_NewRef(value ? Py_True : Py_False); }

using RawMethod = PyObject* (*)(PyObject*, PyObject* const*, Py_ssize_t, PyObject*);
template <RawMethod method>
PyMethodDef fast(const char* name, const char* doc) {
  return {name, reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(method)),
          METH_FASTCALL | METH_KEYWORDS, doc};
}

// The C++ half of `self`; nullptr + TypeError when a subclass skipped __init__.
template <class T>
T* self_of(PyObject* self) {
  if (!nb::inst_ready(self)) [[unlikely]] {
    PyErr_Format(PyExc_TypeError, "%s.__init__() was not called", Py_TYPE(self)->tp_name);
    return nullptr;
  }
  return nb::inst_ptr<T>(self);
}

}  // namespace interlock::bind
