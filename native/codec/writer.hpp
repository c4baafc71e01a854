// Plain Python objects to bytes (format.hpp), as they are (P7) and sharing kept.
//
// Runs no Python code: only exact types are written, and nothing is allocated that
// could start the collector; so under the interpreter's lock no object changes or
// dies meanwhile, and borrowed references do. Without that lock a container is
// written from a copy of it, and the memo keeps what it has seen.
#pragma once

#include "codec/cpython.hpp"
#include "codec/format.hpp"
#include "codec/memo.hpp"
#include "codec/scratch.hpp"

namespace interlock::codec {

// Reused from message to message; one message and one thread at a time.
class Writer {
 public:
  Writer() = default;
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // False without an error set: not plain (or too deep), pickle must write it; not a byte
  // of it is to be used. False with an error: MemoryError.
  bool write(PyObject* root);
  std::size_t size() const { return scratch_.size(); }
  // Without the interpreter's lock if need be.
  void copy_to(std::byte* out) const {
    scratch_.each_piece([out](std::size_t offset, const std::byte* data, std::size_t size) {
      std::memcpy(out + offset, data, size);
    });
  }
  // Calls put(offset, data, size) for each piece of the message, in order.
  template <class Put>
  void each_piece(Put&& put) const {
    scratch_.each_piece(put);
  }
  // Lets go of the objects referred to. Before the writer is kept or destroyed.
  void reset() {
    scratch_.reset();
    memo_.reset();
  }

 private:
  // Each writes at `at` and gives the byte behind; nullptr: see write().
  std::byte* value(PyObject* object, std::byte* at);
  std::byte* other(PyObject* object, std::byte* at);
  // `body`, once for each object. What cannot contain itself is complete before it has
  // its number on the other side.
  enum class May { contain_itself, not_contain_itself };
  template <std::byte* (Writer::*body)(PyObject*, std::byte*), May may = May::not_contain_itself>
  std::byte* container(PyObject* object, std::byte* at);
  std::byte* again(u32 number, std::byte* at);

  std::byte* integer(PyObject* number, std::byte* at);
  std::byte* string(PyObject* string, std::byte* at);
  std::byte* long_string(PyObject* string, std::byte* at);
  std::byte* bytes(PyObject* bytes, std::byte* at);
  std::byte* bytearray(PyObject* array, std::byte* at);
  std::byte* dict(PyObject* dict, std::byte* at);
  std::byte* list(PyObject* list, std::byte* at);
  std::byte* tuple(PyObject* tuple, std::byte* at);
  std::byte* set(PyObject* set, std::byte* at);
  std::byte* range(PyObject* range, std::byte* at);
  std::byte* slice(PyObject* slice, std::byte* at);

  std::byte* content(std::byte* at, const void* data, std::size_t size, PyObject* owner);
  std::byte* no_memory() const;

  Scratch scratch_;
  Memo memo_;
  int depth_ = 0;
  // Numbers of the tuples (and such) being written, which cannot be referred to yet.
  u32 open_[WRITE_DEPTH_MAX];
  int open_count_ = 0;
};

}  // namespace interlock::codec
