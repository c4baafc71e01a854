// Objects met in a message, by identity, so that each is written once (as pickle does).
//
// A table with open addressing. An entry belongs to the present message when it bears
// the present epoch, so that a new message begins with one addition instead of a sweep.
#pragma once

#include <cstdlib>
#include <memory>
#include <new>
#include <utility>

#include "codec/cpython.hpp"
#include "codec/limits.hpp"

namespace interlock::codec {

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

class Memo {
 public:
  struct Place {
    u32 number;
    bool is_new;
  };

  // The number of `object`, the next one if it is new. Throws std::bad_alloc.
  Place add(PyObject* object) {
    if (2 * count_ >= capacity_) [[unlikely]]
      grow();
    Entry& entry = find(object);
    if (entry.epoch == epoch_) return {entry.number, false};
    if (keeps_) [[unlikely]]
      Py_INCREF(object);
    entry = {object, epoch_, count_};
    return {count_++, true};
  }

  // Whether it keeps the objects alive. Where other code runs within the message, it might
  // drop one, and a new object take its address. To be said while the memo is empty.
  void keep(bool keeps) { keeps_ = keeps || !INTERPRETER_HAS_LOCK; }

  void reset() {
    if (count_ == 0) return;
    if (keeps_) [[unlikely]]
      let_go();
    count_ = 0;
    if (capacity_ > MEMO_KEEP || epoch_ == UINT32_MAX) [[unlikely]] {
      table_.reset();
      capacity_ = 0;
      epoch_ = 0;
    }
    ++epoch_;
  }

 private:
  struct Entry {
    PyObject* object;
    u32 epoch;      // 0: never used
    u32 number;
  };
  using Table = std::unique_ptr<Entry[], Free>;

  Entry& find(PyObject* object) {
    const auto address = reinterpret_cast<std::uintptr_t>(object);
    u32 at = static_cast<u32>(((address >> 4) * 0x9e3779b97f4a7c15u) >> 32) & (capacity_ - 1);
    while (table_[at].epoch == epoch_ && table_[at].object != object)
      at = (at + 1) & (capacity_ - 1);
    return table_[at];
  }

  void grow() {
    if (capacity_ > UINT32_MAX / 4) throw std::bad_alloc();
    const u32 capacity = capacity_ == 0 ? MEMO_FIRST : 2 * capacity_;
    Table larger(static_cast<Entry*>(std::calloc(capacity, sizeof(Entry))));
    if (larger == nullptr) throw std::bad_alloc();
    std::swap(table_, larger);
    const u32 before = std::exchange(capacity_, capacity);
    for (u32 i = 0; i < before; ++i)
      if (larger[i].epoch == epoch_) find(larger[i].object) = larger[i];
  }

  void let_go() {
    for (u32 i = 0; i < capacity_; ++i)
      if (table_[i].epoch == epoch_) Py_DECREF(table_[i].object);
  }

  Table table_;
  bool keeps_ = !INTERPRETER_HAS_LOCK;
  u32 capacity_ = 0;
  u32 count_ = 0;
  u32 epoch_ = 1;
};

}  // namespace interlock::codec
