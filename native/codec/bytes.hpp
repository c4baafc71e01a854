// The codec on its own: an object to a bytes object and back.
#pragma once

#include "codec/cpython.hpp"

namespace interlock::codec {

// bytes; None when `object` is not plain; nullptr with an error set.
PyObject* dumps(PyObject* object);

// The object in `buffer` (anything with the buffer protocol); nullptr with an error set.
PyObject* loads(PyObject* buffer);

}  // namespace interlock::codec
