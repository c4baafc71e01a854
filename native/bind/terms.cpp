// What a handle lets through.
#include "bind/terms.hpp"

#include <algorithm>

namespace interlock::bind {

bool parse_bounds(PyObject* limits, codec::Bounds& bounds) {
  if (limits == Py_None) return true;
  unsigned long long bytes, items, string;
  int depth;
  if (!PyTuple_Check(limits)) {
    PyErr_SetString(PyExc_TypeError, "limits is a tuple (bytes, depth, items, string), or None");
    return false;
  }
  if (!PyArg_ParseTuple(limits, "KiKK", &bytes, &depth, &items, &string)) return false;
  bounds = {bytes, items, string, std::clamp(depth, 1, codec::READ_DEPTH_MAX), false};
  return true;
}

bool parse_truth(PyObject* object, bool& truth) {
  const int found = PyObject_IsTrue(object);
  truth = found == 1;
  return found >= 0;
}

}  // namespace interlock::bind
