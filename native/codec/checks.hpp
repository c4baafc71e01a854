// Whether a value is of the type that a field declares: the half of typing that bytes need.
//
// A check is made once, from the description that serialize/fields.py gives of a type hint:
//
//   ("any",)                     ("type", class, ...)      an instance of one of the classes
//   ("int",) ("float",)          exactly; a bool is no int, an int is a float
//   ("union", check, ...)        ("literal", value, ...)
//   ("list", item) ("set", item) ("frozenset", item)       ("dict", key, value)
//   ("tuple", item, ...)         ("tuple of", item)
//
// and the text by which an error calls it comes first: ("list[int]", "list", ...).
//
// The work is counted: a value that a message refers to many times over, through lists in
// lists, would be looked at as often as there are ways to it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "codec/cpython.hpp"
#include "codec/path.hpp"

namespace interlock::codec {

class Check {
 public:
  // nullptr with an error set.
  static std::unique_ptr<Check> from(PyObject* description);
  ~Check() { Py_XDECREF(operand_); }
  Check(const Check&) = delete;
  Check& operator=(const Check&) = delete;

  // Whether it needs to look into a container, whose items may not be there yet.
  bool is_deep() const { return deep_; }

  // Runs no Python code. `work` is what it may still look at; at 0 it answers false.
  bool fits(PyObject* value, u64& work) const;
  // The innermost that does not fit, when fits() is false: what was expected there, and the
  // path to it, innermost step first.
  const Check* guilty(PyObject* value, Path& path, PyObject*& found, u64& work) const;

  const std::string& text() const { return text_; }

 private:
  enum class What : u8 {
    any,
    type,
    integer,
    real,
    either,
    literal,
    list,
    set,
    frozenset,
    dict,
    tuple,
    tuple_of,
  };
  Check() = default;
  template <class Visit>
  bool each_item(PyObject* value, Visit&& visit) const;
  bool is_container(PyObject* value) const;

  What what_{};
  bool deep_ = false;
  std::string text_;
  PyObject* operand_ = nullptr;   // type, literal: a tuple of classes or values
  std::vector<std::unique_ptr<Check>> parts_;
};

}  // namespace interlock::codec
