// What differs between the versions of CPython (3.11 on), and between those with
// and without the interpreter's lock.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstddef>

#include "platform/atomic.hpp"

namespace interlock::codec {

#ifdef Py_GIL_DISABLED
constexpr bool INTERPRETER_HAS_LOCK = false;
#else
constexpr bool INTERPRETER_HAS_LOCK = true;
#endif

// Whether a second reference to `object` can occur in the message. With one reference
// in all, which its container holds, it cannot; nor can the root, whose one reference
// is then the caller's. Borrowed references of CPython 3.14 are on the stack, never in
// a container. Without the interpreter's lock a count says nothing about other threads.
inline bool may_be_shared(PyObject* object) {
  return !INTERPRETER_HAS_LOCK || Py_REFCNT(object) > 1;
}

// An int of one digit (or none): most are. `value` is set when it is.
inline bool is_compact(PyObject* number, long long& value) {
  auto* const digits = reinterpret_cast<PyLongObject*>(number);
#if PY_VERSION_HEX >= 0x030c0000
  if (!PyUnstable_Long_IsCompact(digits)) return false;
  value = PyUnstable_Long_CompactValue(digits);
  return true;
#else
  const Py_ssize_t size = Py_SIZE(number);
  if (size < -1 || size > 1) return false;
  value = size * static_cast<long long>(digits->ob_digit[0]);   // of 0: size 0
  return true;
#endif
}

// Bytes that the two's complement of `number` takes.
inline std::size_t big_int_size(PyObject* number) {
#if PY_VERSION_HEX >= 0x030d0000
  return static_cast<std::size_t>(
      PyLong_AsNativeBytes(number, nullptr, 0, Py_ASNATIVEBYTES_LITTLE_ENDIAN));
#else
  return _PyLong_NumBits(number) / 8 + 1;
#endif
}

inline bool big_int_to_bytes(PyObject* number, std::byte* out, std::size_t size) {
#if PY_VERSION_HEX >= 0x030d0000
  return PyLong_AsNativeBytes(number, out, static_cast<Py_ssize_t>(size),
                              Py_ASNATIVEBYTES_LITTLE_ENDIAN) >= 0;
#else
  return _PyLong_AsByteArray(reinterpret_cast<PyLongObject*>(number),
                             reinterpret_cast<unsigned char*>(out), size, 1, 1) == 0;
#endif
}

inline PyObject* big_int_from_bytes(const std::byte* data, std::size_t size) {
#if PY_VERSION_HEX >= 0x030d0000
  return PyLong_FromNativeBytes(data, size, Py_ASNATIVEBYTES_LITTLE_ENDIAN);
#else
  return _PyLong_FromByteArray(reinterpret_cast<const unsigned char*>(data), size, 1, 1);
#endif
}

// A reference that is given back at the end of its block.
class Held {
 public:
  explicit Held(PyObject* object) : object_(object) {}
  ~Held() { Py_XDECREF(object_); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  PyObject* get() const { return object_; }
  PyObject* release() {
    PyObject* object = object_;
    object_ = nullptr;
    return object;
  }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  PyObject* object_;
};

// A container that stays as it is while it is read: itself where no other code can run,
// otherwise a copy.
class Unchanging {
 public:
  Unchanging(PyObject* container, PyObject* (*copy)(PyObject*), bool others_run)
      : copied_(others_run || !INTERPRETER_HAS_LOCK),
        object_(copied_ ? copy(container) : container) {}
  ~Unchanging() {
    if (copied_) Py_XDECREF(object_);
  }
  Unchanging(const Unchanging&) = delete;
  Unchanging& operator=(const Unchanging&) = delete;
  PyObject* get() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  bool copied_;
  PyObject* object_;
};

}  // namespace interlock::codec
