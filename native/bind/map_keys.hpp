// Keys of a map as bytes, one way each: keys that are equal are equal bytes.
//
//   i 8 bytes           an int of 64 bits; a bool is the int that it equals
//   I length, digits    any other int, in base 16
//   s length, bytes     a str, in UTF-8
//   b length, bytes     bytes
//   t count, keys       a tuple
// Lengths and counts are 4 bytes. Numbers have the machine's byte order: a map does not leave it.
#pragma once

#include <span>
#include <string>

#include "bind/python.hpp"

namespace interlock::bind {

// False with a TypeError, or a ValueError for what is too long or too deep.
bool encode_key(PyObject* key, std::string& out);
// nullptr with an error where the bytes are no key (I5).
PyObject* decode_key(std::span<const std::byte> bytes);

}  // namespace interlock::bind
