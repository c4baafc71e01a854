// Whether a value is of the type that a field declares.
#include "codec/checks.hpp"

#include <cstring>

namespace interlock::codec {

namespace {

struct Name {
  const char* name;
  int what;
  bool takes_parts;
};

}  // namespace

std::unique_ptr<Check> Check::from(PyObject* description) {
  static const Name NAMES[] = {
      {"any", int(What::any), false},
      {"type", int(What::type), false},
      {"int", int(What::integer), false},
      {"float", int(What::real), false},
      {"union", int(What::either), true},
      {"literal", int(What::literal), false},
      {"list", int(What::list), true},
      {"set", int(What::set), true},
      {"frozenset", int(What::frozenset), true},
      {"dict", int(What::dict), true},
      {"tuple", int(What::tuple), true},
      {"tuple of", int(What::tuple_of), true},
  };
  const char* text = nullptr;
  const char* name = nullptr;
  if (!PyTuple_Check(description) || PyTuple_GET_SIZE(description) < 2 ||
      (text = PyUnicode_AsUTF8(PyTuple_GET_ITEM(description, 0))) == nullptr ||
      (name = PyUnicode_AsUTF8(PyTuple_GET_ITEM(description, 1))) == nullptr) {
    if (PyErr_Occurred() == nullptr) PyErr_SetString(PyExc_TypeError, "no description of a check");
    return nullptr;
  }
  const Name* found = nullptr;
  for (const Name& known : NAMES)
    if (std::strcmp(known.name, name) == 0) found = &known;
  if (found == nullptr) {
    PyErr_Format(PyExc_ValueError, "there is no check of the name %s", name);
    return nullptr;
  }
  std::unique_ptr<Check> check(new Check);
  check->what_ = static_cast<What>(found->what);
  check->text_ = text;
  const Py_ssize_t count = PyTuple_GET_SIZE(description);
  if (!found->takes_parts) {
    check->operand_ = PyTuple_GetSlice(description, 2, count);
    return check->operand_ != nullptr ? std::move(check) : nullptr;
  }
  check->deep_ = check->what_ != What::either;
  for (Py_ssize_t i = 2; i < count; ++i) {
    std::unique_ptr<Check> part = from(PyTuple_GET_ITEM(description, i));
    if (part == nullptr) return nullptr;
    check->deep_ = check->deep_ || part->deep_;
    check->parts_.push_back(std::move(part));
  }
  return check;
}

bool Check::is_container(PyObject* value) const {
  switch (what_) {
    case What::list:
      return PyList_Check(value);
    case What::set:
      return PySet_Check(value);
    case What::frozenset:
      return PyFrozenSet_Check(value);
    case What::dict:
      return PyDict_Check(value);
    case What::tuple:
      return PyTuple_Check(value) &&
             static_cast<std::size_t>(PyTuple_GET_SIZE(value)) == parts_.size();
    case What::tuple_of:
      return PyTuple_Check(value);
    default:
      return false;
  }
}

// Calls visit(check, item, step) for each item of a container until it answers false; a step
// appends itself to a path.
template <class Visit>
bool Check::each_item(PyObject* value, Visit&& visit) const {
  const auto index = [](u64 i) { return [i](Path& path) { path.at_index(i); }; };
  if (what_ == What::list) {
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(value); ++i)
      if (PyObject* const item = PyList_GET_ITEM(value, i);
          item == nullptr || !visit(*parts_[0], item, index(static_cast<u64>(i))))
        return false;
    return true;
  }
  if (what_ == What::tuple || what_ == What::tuple_of) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(value); ++i) {
      const Check& part = *parts_[what_ == What::tuple ? static_cast<std::size_t>(i) : 0];
      if (!visit(part, PyTuple_GET_ITEM(value, i), index(static_cast<u64>(i)))) return false;
    }
    return true;
  }
  if (what_ == What::dict) {
    Py_ssize_t position = 0;
    PyObject *key, *item;
    while (PyDict_Next(value, &position, &key, &item)) {
      if (!visit(*parts_[0], key, [](Path& path) { path.at_key(); })) return false;
      if (!visit(*parts_[1], item, [key](Path& path) { path.at_item(key); })) return false;
    }
    return true;
  }
  // A set's members are read from its table: an iterator could start the collector.
  const auto* const set = reinterpret_cast<PySetObject*>(value);
  for (Py_ssize_t i = 0; i <= set->mask; ++i) {
    const setentry& entry = set->table[i];
    if (entry.key == nullptr || entry.hash == -1) continue;   // never used, or removed
    if (!visit(*parts_[0], entry.key, [](Path& path) { path.at_member(); })) return false;
  }
  return true;
}

bool Check::fits(PyObject* value, u64& work) const {
  if (work == 0) return false;
  --work;
  switch (what_) {
    case What::any:
      return true;
    case What::integer:
      return PyLong_Check(value) && !PyBool_Check(value);
    case What::real:
      return PyFloat_Check(value) || (PyLong_Check(value) && !PyBool_Check(value));
    case What::type:
      for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(operand_); ++i)
        if (PyObject_TypeCheck(value,
                               reinterpret_cast<PyTypeObject*>(PyTuple_GET_ITEM(operand_, i))))
          return true;
      return false;
    case What::literal:
      for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(operand_); ++i) {
        PyObject* const known = PyTuple_GET_ITEM(operand_, i);
        if (Py_TYPE(known) != Py_TYPE(value)) continue;
        if (known == value) return true;
        // Of int, str, bytes and bool; an enum's member is the same object.
        if (!PyLong_CheckExact(value) && !PyUnicode_CheckExact(value) && !PyBytes_CheckExact(value))
          continue;
        if (PyObject_RichCompareBool(known, value, Py_EQ) == 1) return true;
      }
      return false;
    case What::either:
      for (const auto& part : parts_)
        if (part->fits(value, work)) return true;
      return false;
    default:
      return is_container(value) &&
             each_item(value, [&work](const Check& check, PyObject* item, auto&&) {
               return check.fits(item, work);
             });
  }
}

const Check* Check::guilty(PyObject* value, Path& path, PyObject*& found, u64& work) const {
  found = value;
  if (!is_container(value)) return this;
  const Check* inner = nullptr;
  each_item(value, [&](const Check& check, PyObject* item, auto&& step) {
    if (check.fits(item, work)) return true;
    inner = check.guilty(item, path, found, work);
    step(path);
    return false;
  });
  return inner != nullptr ? inner : this;
}

}  // namespace interlock::codec
