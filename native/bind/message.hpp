// A message on its way: a Python object as bytes in shared memory, and back.
//
// The encodings (core Encoding):
//   native    plain objects (codec/), restored without running any code
//   objects   the same format with other objects in it, whose own code may run
//   framed    objects with large buffers beside them
//   pickle    protocol 5, its large buffers out of band
//   bytes     as they are (send_bytes)
// A message of up to INLINE_MAX bytes without large buffers lies in the ring; any other in a
// block: framed, and every pickle there, as BufferTable, the message, then each buffer aligned
// to 64 bytes. A large buffer is copied once, into the block, and read in place by the receiver.
//
// A pickle is neither written for nor read from a side that is not trusted (Terms).
#pragma once

#include <vector>

#include "bind/loans.hpp"
#include "bind/python.hpp"
#include "bind/terms.hpp"
#include "codec/reader.hpp"
#include "codec/writer.hpp"

namespace interlock::bind {

class Message {
 public:
  Message() = default;
  ~Message();
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;

  // False with an error set: nothing can be sent.
  bool encode(PyObject* object, const codec::Bounds& bounds);
  bool encode_bytes(PyObject* buffer, Py_ssize_t offset, Py_ssize_t size);

  u64 length() const { return length_; }
  Encoding encoding() const { return encoding_; }
  bool is_long() const { return !buffers().empty() || length_ > INLINE_MAX; }
  // Without the interpreter's lock if need be.
  void copy_to(std::byte* out) const;
  // The same into a file, whose pages need not be there yet. Throws OutOfPages.
  void write_to(int fd, u64 place) const;

 private:
  bool encode_by_pickle(PyObject* object);
  const std::vector<Py_buffer>& buffers() const {
    return writer_ != nullptr ? writer_->beside() : buffers_;
  }
  bool has_table() const {
    return encoding_ == Encoding::framed || (encoding_ == Encoding::pickle && is_long());
  }
  u64 length_with_buffers(u64 body) const;
  template <class Put>
  void each_body_piece(Put&& put) const;
  // Calls put(offset, data, size) for each piece of the message, in order.
  template <class Put>
  void each_piece(Put&& put) const;

  Encoding encoding_{};
  u64 length_ = 0;
  std::unique_ptr<codec::Writer> writer_;
  nb::object pickled_;
  std::vector<Py_buffer> buffers_;
  Py_buffer raw_{};
  u64 raw_offset_ = 0;
};

// A block that this process reads in place, given back with its last view.
class BorrowedBlock {
 public:
  BorrowedBlock(std::shared_ptr<Channel> channel, u32 block)
      : channel_(std::move(channel)), block_(block) {}
  ~BorrowedBlock() {
    if (kept_) Loans::of_this_process().drop(channel_, block_);
  }
  BorrowedBlock(const BorrowedBlock&) = delete;
  BorrowedBlock& operator=(const BorrowedBlock&) = delete;
  // This process is a holder of the block now.
  void keep() {
    Loans::of_this_process().add(channel_, block_);
    kept_ = true;
  }

 private:
  std::shared_ptr<Channel> channel_;
  u32 block_;
  bool kept_ = false;
};

// The object behind a received array: a buffer that keeps its block.
struct SharedBuffer {
  std::shared_ptr<BorrowedBlock> block;
  std::span<std::byte> bytes;
  bool writable = false;
};

// What a channel delivers. `loan` is set when the object may refer to the block.
struct Incoming {
  Encoding encoding{};
  std::span<const std::byte> body;
  std::shared_ptr<BorrowedBlock> loan;   // of a long message
  Reading reading;

  PyObject* restore() const;             // as `reading` says; new reference, or nullptr + error

 private:
  PyObject* object() const;
  PyObject* bytes() const;
  PyObject* unpickled() const;
};

}  // namespace interlock::bind
