// What a handle lets through: whom it trusts, how much of it, and whether its user writes in place.
//
// A handle's own, not the channel's: who writes over the shared memory changes nobody's terms.
#pragma once

#include "bind/python.hpp"
#include "codec/bounds.hpp"

namespace interlock::bind {

struct Terms {
  codec::Bounds bounds;
  bool writable = false;  // received buffers
};

enum class As { object, bytes };

// How one message is to be read.
struct Reading {
  As as = As::object;
  const codec::Bounds* bounds = &codec::TRUSTING;
  bool writable = false;
};

// `limits` is None for a trusted other side, otherwise (bytes, depth, items, string).
// False with an error set.
bool parse_bounds(PyObject* limits, codec::Bounds& bounds);

bool parse_truth(PyObject* object, bool& truth);  // False with an error set.

// As the terms say, with `writable` as a call gave it; nullptr or None: as the handle has it.
// False with an error set.
inline bool parse_writable(PyObject* writable, const Terms& terms, Reading& reading) {
  reading.bounds = &terms.bounds;
  reading.writable = terms.writable;
  return writable == nullptr || writable == Py_None || parse_truth(writable, reading.writable);
}

// _set_terms(limits, writable) of a queue's or pipe's handle.
template <class End>
void set_terms(End& end, nb::object limits, bool writable) {
  codec::Bounds bounds;
  if (!parse_bounds(limits.ptr(), bounds)) throw nb::python_error();
  end.terms = Terms{bounds, writable};
}

}  // namespace interlock::bind
