// The two C functions of a native kind, on their way through Python.
#pragma once

#include "codec/kinds.hpp"

namespace interlock::codec {

struct NativeFunctions {
  NativeEncode encode;
  NativeDecode decode;
};
inline constexpr char NATIVE_FUNCTIONS[] = "interlock native functions";

// In a capsule of that name; nullptr with an error set for anything else.
inline const NativeFunctions* native_functions(PyObject* capsule) {
  return static_cast<const NativeFunctions*>(PyCapsule_GetPointer(capsule, NATIVE_FUNCTIONS));
}

}  // namespace interlock::codec
