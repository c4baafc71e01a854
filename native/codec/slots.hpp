// Values of a message that may be met again, by number: the reader's half of sharing.
#pragma once

#include <cstdlib>
#include <cstring>

#include "codec/cpython.hpp"

namespace interlock::codec {

// Holds a reference to each until the message is read: a damaged message may drop the
// value from where it was (a key twice) and refer to it afterwards.
class Slots {
 public:
  Slots() = default;
  ~Slots() {
    for (std::size_t i = 0; i < count_; ++i) Py_XDECREF(items_[i]);
    if (items_ != first_) std::free(items_);
  }
  Slots(const Slots&) = delete;
  Slots& operator=(const Slots&) = delete;

  // The next number, whose value is not there yet. False when there is no memory.
  bool reserve(std::size_t& number) {
    if (count_ == capacity_ && !grow()) [[unlikely]]
      return false;
    number = count_;
    items_[count_++] = nullptr;
    return true;
  }
  void fill(std::size_t number, PyObject* value) { items_[number] = Py_NewRef(value); }
  // Borrowed; nullptr where there is none, or it is not complete yet.
  PyObject* get(std::size_t number) const { return number < count_ ? items_[number] : nullptr; }

 private:
  static constexpr std::size_t FIRST = 16;

  bool grow() {
    auto* larger = static_cast<PyObject**>(std::malloc(2 * capacity_ * sizeof(PyObject*)));
    if (larger == nullptr) return false;
    std::memcpy(larger, items_, count_ * sizeof(PyObject*));
    if (items_ != first_) std::free(items_);
    items_ = larger;
    capacity_ *= 2;
    return true;
  }

  PyObject* first_[FIRST];
  PyObject** items_ = first_;
  std::size_t count_ = 0;
  std::size_t capacity_ = FIRST;
};

}  // namespace interlock::codec
