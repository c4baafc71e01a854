// Where a message comes from, and what it may therefore contain.
#pragma once

#include <span>

#include "codec/bounds.hpp"
#include "codec/cpython.hpp"

namespace interlock::codec {

struct Source {
  const Bounds* bounds = &TRUSTING;
  std::span<PyObject* const> buffers;   // beside the message, in order; borrowed
  bool writable = false;                // buffers within the message may be written to
  PyObject* owner = nullptr;  // the bytes object that all of it lies in, if any; borrowed
  std::size_t skip = 0;  // bytes before the message: offsets count from them
};

// Bytes of anything with the buffer protocol; 0 for anything else.
std::size_t buffer_size(PyObject* buffer);

}  // namespace interlock::codec
