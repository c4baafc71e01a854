// Python objects to bytes (format.hpp), as they are (P7) and sharing kept.
//
// What is plain is written without running any Python code: only exact types, and nothing is
// allocated that could start the collector; so under the interpreter's lock no object changes
// or dies meanwhile, and borrowed references do. As soon as code has to run (a registered
// function, a type that nobody asked about yet) the message is begun anew, carefully: a
// container is written from a copy of it, and the memo keeps what it has seen. So it always
// is without the interpreter's lock.
#pragma once

#include <string>
#include <vector>

#include "codec/bounds.hpp"
#include "codec/cpython.hpp"
#include "codec/format.hpp"
#include "codec/kinds.hpp"
#include "codec/memo.hpp"
#include "codec/path.hpp"
#include "codec/scratch.hpp"

namespace interlock::codec {

// What makes the exception for an object that may not travel (serialize/refusal.py).
void explain_refusals_by(PyObject* function);

// Reused from message to message; one message and one thread at a time.
class Writer {
 public:
  // Where large buffers of objects go: beside the message, or into it.
  enum class Buffers : u8 { beside, within };

  Writer() = default;
  ~Writer() { reset(); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // False without an error set: to a trusted receiver pickle may write it; not a byte of it is
  // to be used. False with an error: MemoryError, what an object's own code raised, or why it
  // must not travel.
  bool write(PyObject* root, const Bounds& bounds = TRUSTING, Buffers buffers = Buffers::beside);

  // Where the program has a pickler of its own (context.reducer), which may have something to
  // say of any object, even of a number: its persistent_id. Under the interpreter's lock.
  static bool leaves_all_to_pickle;

  std::size_t size() const { return scratch_.size(); }
  // Whether it is read where code may run: there are other objects than plain ones in it.
  bool has_objects() const { return has_objects_; }
  // The buffers that go beside the message, in the order in which it refers to them.
  const std::vector<Py_buffer>& beside() const { return beside_; }

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
    if (has_objects_) [[unlikely]]
      reset_objects();
  }

 private:
  friend struct ::InterlockWriter;
  void reset_objects();
  bool attempt(PyObject* root, bool carefully);
  [[gnu::cold, gnu::noinline]] bool write_carefully(PyObject* root);
  bool within_bytes() { return scratch_.size() + beside_bytes_ <= bounds_->bytes || too_large(); }
  [[gnu::cold]] bool too_large();
  [[gnu::cold]] bool explain();   // raises what was kept, if anything; false
  void raise_refusal();

  // Each writes at `at` and gives the byte behind; nullptr: see write().
  std::byte* value(PyObject* object, std::byte* at);
  std::byte* other(PyObject* object, std::byte* at);
  // `body`, once for each object. What cannot contain itself is complete before it has
  // its number on the other side.
  enum class May { contain_itself, not_contain_itself };
  template <May may, class Body>
  std::byte* container(PyObject* object, std::byte* at, Body&& body);
  std::byte* again(PyObject* object, u32 number, std::byte* at);
  bool has_room_for(u64 items);

  std::byte* integer(PyObject* number, std::byte* at);
  std::byte* string(PyObject* string, std::byte* at);
  std::byte* long_string(PyObject* string, std::byte* at);
  std::byte* text(PyObject* string, std::byte* at);
  std::byte* bytes(PyObject* bytes, std::byte* at);
  std::byte* bytearray(PyObject* array, std::byte* at);
  std::byte* dict(PyObject* dict, std::byte* at);
  std::byte* list(PyObject* list, std::byte* at);
  std::byte* tuple(PyObject* tuple, std::byte* at);
  std::byte* set(PyObject* set, std::byte* at);
  std::byte* range(PyObject* range, std::byte* at);
  std::byte* slice(PyObject* slice, std::byte* at);

  // writer_objects.cpp: what is not plain.
  std::byte* object(PyObject* object, std::byte* at);
  const Kind* kind_of(PyObject* object);
  std::byte* introduce(const Kind& kind, std::byte* at);
  std::byte* record(PyObject* object, const Kind& kind, std::byte* at);
  std::byte* open(PyObject* object, const Kind& kind, std::byte* at);
  std::byte* member(PyObject* object, const Kind& kind, std::byte* at);
  std::byte* function(PyObject* object, const Kind& kind, std::byte* at);
  std::byte* native(PyObject* object, const Kind& kind, std::byte* at);
  std::byte* builtin(PyObject* object, const Kind& kind, std::byte* at);
  std::byte* decimal(PyObject* decimal, std::byte* at);
  std::byte* uuid(PyObject* uuid, std::byte* at);
  std::byte* buffer(PyObject* picklebuffer, std::byte* at);
  std::byte* take_buffer(Py_buffer& view, std::byte* at);

  std::byte* content(std::byte* at, const void* data, std::size_t size, PyObject* owner);
  std::byte* no_memory() const;

  // Not plain: pickle writes it, or it is an error at this place.
  [[gnu::cold]] std::byte* refuse(PyObject* object, const char* reason);
  // Python code has to run: begin again, ready for it.
  [[gnu::cold]] std::byte* begin_again();
  // An error is set; it will be raised with the path to this place.
  [[gnu::cold]] std::byte* failed();
  // On the way back from a place that was refused or failed.
  template <class Step>
  std::byte* lost(Step&& step) {
    if (refused_ != nullptr || raised_ != nullptr) step(path_);
    return nullptr;
  }

  Scratch scratch_;
  Memo memo_;
  const Bounds* bounds_ = &TRUSTING;
  Buffers buffers_ = Buffers::beside;
  int depth_ = 0;
  bool careful_ = false;       // Python code may run within the message
  bool wants_care_ = false;
  bool has_objects_ = false;
  int states_ = 0;             // states of objects around this place: buffers are allowed here
  u64 items_ = 0;
  std::vector<const Kind*> kinds_;   // by their numbers
  std::vector<Py_buffer> beside_;
  std::size_t beside_bytes_ = 0;

  PyObject* refused_ = nullptr;      // kept, with the reason
  const char* reason_ = nullptr;
  PyObject* raised_ = nullptr;       // the exception, kept
  Path path_;

  // Numbers of the tuples (and such) being written, which cannot be referred to yet.
  u32 open_[READ_DEPTH_MAX];
  int open_count_ = 0;
};

}  // namespace interlock::codec
