// Bytes (format.hpp) back to plain Python objects; any bytes, for they may be another
// process's scribble (I5).
//
// Every length and number is read once and checked against what is left before memory
// is taken: a container of n items needs n bytes at least, beside those that the containers
// around it still wait for, so a message makes objects of at most some hundred times its
// size. What is checked for its contents (ASCII,
// code points) is copied first and checked in the copy. Runs no Python code: keys are
// of the types below, and a tuple is referred to, and so hashed, only when complete.
#pragma once

#include <span>

#include "codec/cpython.hpp"

namespace interlock::codec {

// The object, a new reference; nullptr with an error set: the class given to
// raise_damage_as(), or MemoryError.
PyObject* read(std::span<const std::byte> data);

// The exception class for bytes that are no message; ValueError before it is said.
void raise_damage_as(PyObject* exception_class);

}  // namespace interlock::codec
