// Errors, arguments and timeouts: C++ to Python and back.
#include "bind/python.hpp"

#include <cmath>
#include <cstring>

#include "core/hash_map.hpp"
#include "core/roster.hpp"

namespace interlock::bind {

PythonNames& python() {
  static PythonNames names;
  return names;
}

void load_python() {
  const nb::module_ errors = nb::module_::import_("interlock.errors");
  const auto keep = [&](const char* name) { return nb::object(errors.attr(name)).release().ptr(); };
  PythonNames& names = python();
  names.empty = keep("Empty");
  names.full = keep("Full");
  names.shut_down = keep("ShutDown");
  names.too_large = keep("MessageTooLarge");
  names.closed = keep("QueueClosed");
  names.corrupted = keep("SegmentCorrupted");
  names.out_of_memory = keep("OutOfSharedMemory");
  names.too_many_processes = keep("TooManyProcesses");
  names.decode_error = keep("DecodeError");
  names.not_held = keep("LockNotHeld");
  names.not_owner = keep("LockNotOwned");
  names.too_many_waiters = keep("TooManyWaiters");
}

nb::object codec_function(const char* name) {
  if (python().codec == nullptr)
    python().codec = nb::module_::import_("interlock.serialize.codec").release().ptr();
  return nb::steal(PyObject_GetAttrString(python().codec, name));
}

void set_error_from_exception() noexcept {
  try {
    throw;
  } catch (nb::python_error& error) {
    error.restore();
  } catch (const SegmentCorrupted& error) {
    PyErr_Format(
        python().corrupted,
        "The shared memory of this queue, pipe, lock or map is damaged (%s): a process that has it "
        "attached wrote over it. Make a new one; what is in this one cannot be trusted.",
        error.what());
  } catch (const TooManyProcesses&) {
    PyErr_Format(python().too_many_processes,
                 "%u living processes use this queue or pipe already, and that is all it has "
                 "places for. Close it in processes that no longer need it.",
                 PROCESS_SLOTS);
  } catch (const TooManyWaiters&) {
    PyErr_Format(python().too_many_waiters,
                 "%u threads wait for this lock already, and that is all it has places for. "
                 "Let fewer of them wait for one lock.",
                 ENTRIES);
  } catch (const NoPagesForLock&) {
    PyErr_SetString(python().out_of_memory,
                    "The kernel has no more shared memory for this lock (a limit of the cgroup or "
                    "of this process, or the machine is full); nobody's turn has changed. Free "
                    "memory, or let fewer processes wait.");
  } catch (const MapFull&) {
    PyErr_SetString(python().out_of_memory,
                    "The map has as much as its max_bytes allow; nothing was stored. Take keys "
                    "out, or make it with more.");
  } catch (const std::bad_alloc&) {
    PyErr_SetString(
        python().out_of_memory,
        "The kernel has no more memory for this queue or pipe (a limit of the cgroup or of "
        "this process, or the machine is full); nothing was sent or taken. Get messages "
        "first, or set max_bytes lower so that put() waits in time.");
  } catch (const std::system_error& error) {
    errno = error.code().value();
    PyErr_SetFromErrno(PyExc_OSError);
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  }
}

bool parse_arguments(const char* function, PyObject* const* given, Py_ssize_t count,
                     PyObject* keywords, std::initializer_list<const char*> names,
                     std::size_t required, PyObject** out) {
  const auto limit = static_cast<Py_ssize_t>(names.size());
  if (count > limit) {
    PyErr_Format(PyExc_TypeError, "%s() takes at most %zd arguments (%zd given)", function, limit,
                 count);
    return false;
  }
  for (Py_ssize_t i = 0; i < limit; ++i) out[i] = i < count ? given[i] : nullptr;
  const Py_ssize_t named = keywords == nullptr ? 0 : PyTuple_GET_SIZE(keywords);
  for (Py_ssize_t k = 0; k < named; ++k) {
    PyObject* keyword = PyTuple_GET_ITEM(keywords, k);
    Py_ssize_t place = 0;
    for (const char* name : names) {
      if (PyUnicode_CompareWithASCIIString(keyword, name) == 0) break;
      ++place;
    }
    if (place == limit || out[place] != nullptr) {
      PyErr_Format(PyExc_TypeError,
                   place == limit ? "%s() got an unexpected keyword argument '%U'"
                                  : "%s() got multiple values for argument '%U'",
                   function, keyword);
      return false;
    }
    out[place] = given[count + k];
  }
  for (std::size_t i = 0; i < required; ++i) {
    if (out[i] != nullptr) continue;
    PyErr_Format(PyExc_TypeError, "%s() missing required argument '%s'", function,
                 names.begin()[i]);
    return false;
  }
  return true;
}

bool parse_wait(PyObject* block, PyObject* timeout, Wait& wait) {
  if (block != nullptr && block != Py_True) {
    const int truth = PyObject_IsTrue(block);
    if (truth < 0) return false;
    wait.block = truth != 0;
  }
  if (timeout == nullptr || timeout == Py_None || !wait.block) return true;
  const double seconds = PyFloat_AsDouble(timeout);
  if (seconds == -1.0 && PyErr_Occurred() != nullptr) return false;
  if (std::isnan(seconds)) {
    PyErr_SetString(PyExc_ValueError, "timeout is not a number; give seconds, or None for ever");
    return false;
  }
  if (seconds <= 0)
    wait.deadline = Deadline::after(0);
  else if (seconds < 9e9)
    wait.deadline = Deadline::after(static_cast<Nanoseconds>(seconds * 1e9));
  return true;
}

}  // namespace interlock::bind
