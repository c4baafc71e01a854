// The way from a message's root to a part of it, for errors: $.rows[3].id
//
// Collected while an error unwinds the recursion, so that it costs nothing otherwise: each
// level appends its step, innermost first.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "codec/cpython.hpp"

namespace interlock::codec {

class Path {
 public:
  void at_index(u64 index) { add("[", std::to_string(index), "]"); }
  void at_field(PyObject* name) { add(".", text_of(name), ""); }
  void at_member() { steps_.push_back("<member>"); }
  void at_key() { steps_.push_back("<key>"); }
  // The value of a key.
  void at_item(PyObject* key) {
    if (PyUnicode_CheckExact(key) || PyLong_CheckExact(key)) {
      const Held shown(PyObject_Repr(key));
      add("[", shown ? text_of(shown.get()) : "...", "]");
      PyErr_Clear();
    } else {
      add("[<", Py_TYPE(key)->tp_name, ">]");
    }
  }
  void at_part(const char* name) { steps_.push_back(name); }
  void clear() { steps_.clear(); }

  std::string text() const {
    std::string whole = "$";
    std::size_t shown = 0;
    for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
      if (++shown > STEPS_MAX) return whole + "...";
      whole += *step;
    }
    return whole;
  }

 private:
  static constexpr std::size_t STEPS_MAX = 64;
  static constexpr std::size_t TEXT_MAX = 64;   // characters of a key or a name

  void add(const char* before, const std::string& text, const char* behind) {
    std::string& step = steps_.emplace_back(before);
    step += text;
    step += behind;
  }

  // What a stranger wrote may be long.
  static std::string text_of(PyObject* text) {
    Py_ssize_t size = 0;
    const bool short_enough = PyUnicode_GET_LENGTH(text) <= static_cast<Py_ssize_t>(TEXT_MAX);
    const Held cut(short_enough ? Py_NewRef(text) : PyUnicode_Substring(text, 0, TEXT_MAX));
    const char* const bytes = cut ? PyUnicode_AsUTF8AndSize(cut.get(), &size) : nullptr;
    if (bytes == nullptr) {
      PyErr_Clear();
      return "?";
    }
    return std::string(bytes, static_cast<std::size_t>(size)) + (short_enough ? "" : "...");
  }

  std::vector<std::string> steps_;
};

}  // namespace interlock::codec
