// Bytes (format.hpp) back to plain Python objects; any bytes, for they may be another
// process's scribble (I5).
//
// Every length and number is read once and checked against what is left before memory
// is taken: a container of n items needs n bytes at least, beside those that the containers
// around it still wait for, so a message makes objects of at most some hundred times its
// size. What is checked for its contents (ASCII,
// code points) is copied first and checked in the copy. Of plain objects no Python code runs:
// keys are of plain types, and a tuple is referred to, and so hashed, only when complete.
// Other objects (kinds.hpp) are made by what was registered for their kind, and nothing else.
#pragma once

#include <span>

#include "codec/cpython.hpp"
#include "codec/source.hpp"

namespace interlock::codec {

// The object, a new reference; nullptr with an error set: the class given to
// raise_damage_as(), MemoryError, or (from a trusted source) what registered code raised.
PyObject* read(std::span<const std::byte> data, const Source& source);
// The same of plain objects, where no code may run: others are damage.
PyObject* read_plain(std::span<const std::byte> data, const Bounds& bounds);

struct Kind;
// An object of a record or fields kind from a dict of its fields, each of its type. A new
// reference; nullptr with an error set.
PyObject* build(const Kind& kind, PyObject* state);

// The exception class for bytes that are no message: called with a text, and `offset` and
// `path` by keyword.
void raise_damage_as(PyObject* exception_class);

}  // namespace interlock::codec
