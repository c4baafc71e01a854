// Where a message is written: a buffer of this process, kept from message to message,
// and references to the large buffers that are only copied once, to where they go.
//
//   encoded:   [tag ...  tag length][tag ...            ]
//                                   ^ here belongs the large buffer of piece 0
// copy_to() puts the parts together; it uses no Python and needs no lock.
#pragma once

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "codec/cpython.hpp"
#include "codec/limits.hpp"
#include "codec/memo.hpp"

namespace interlock::codec {

class Scratch {
 public:
  Scratch() = default;
  ~Scratch() { reset(); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  // The first byte to write to; nullptr when there is no memory.
  std::byte* begin() { return buffer_ != nullptr ? buffer_.get() : grow(nullptr, VALUE_ROOM); }

  // At least `room` bytes at `at`, which may move. nullptr when there is no memory.
  std::byte* reserve(std::byte* at, std::size_t room) {
    if (static_cast<std::size_t>(end_ - at) < room) [[unlikely]]
      return grow(at, room);
    return at;
  }

  // The large buffer belongs behind what is written up to `at`. Takes over `view`, which
  // keeps the buffer alive; false when there is no memory.
  bool refer(std::byte* at, const Py_buffer& view) noexcept {
    try {
      pieces_.push_back({static_cast<std::size_t>(at - buffer_.get()), view});
    } catch (const std::bad_alloc&) {
      return false;
    }
    external_ += static_cast<std::size_t>(view.len);
    return true;
  }

  // In the message, of what is written at `at`.
  std::size_t offset(const std::byte* at) const {
    return static_cast<std::size_t>(at - buffer_.get()) + external_;
  }

  void finish(const std::byte* at) { written_ = static_cast<std::size_t>(at - buffer_.get()); }
  std::size_t size() const { return written_ + external_; }

  // Calls put(offset, data, size) for each piece of the message, in order.
  template <class Put>
  void each_piece(Put&& put) const {
    const std::byte* from = buffer_.get();
    std::size_t done = 0;
    std::size_t offset = 0;
    for (const Piece& piece : pieces_) {
      put(offset, from + done, piece.before - done);
      offset += piece.before - done;
      const auto size = static_cast<std::size_t>(piece.view.len);
      put(offset, static_cast<const std::byte*>(piece.view.buf), size);
      offset += size;
      done = piece.before;
    }
    if (written_ > done) put(offset, from + done, written_ - done);
  }

  // Gives the large buffers back. With the interpreter's lock.
  void reset() {
    for (Piece& piece : pieces_) PyBuffer_Release(&piece.view);
    pieces_.clear();
    external_ = written_ = 0;
    if (end_ - buffer_.get() > static_cast<std::ptrdiff_t>(SCRATCH_KEEP)) [[unlikely]] {
      buffer_.reset();
      end_ = nullptr;
    }
  }

 private:
  struct Piece {
    std::size_t before;   // bytes of the scratch buffer that come before it
    Py_buffer view;
  };

  std::byte* grow(std::byte* at, std::size_t room) {
    const auto used = static_cast<std::size_t>(at - buffer_.get());
    std::size_t capacity = static_cast<std::size_t>(end_ - buffer_.get());
    capacity = capacity == 0 ? SCRATCH_FIRST : 2 * capacity;
    if (capacity < used + room) capacity = used + room;
    void* const larger = std::realloc(buffer_.get(), capacity);
    if (larger == nullptr) return nullptr;
    static_cast<void>(buffer_.release());
    buffer_.reset(static_cast<std::byte*>(larger));
    end_ = buffer_.get() + capacity;
    return buffer_.get() + used;
  }

  std::unique_ptr<std::byte[], Free> buffer_;
  std::byte* end_ = nullptr;
  std::size_t written_ = 0;
  std::size_t external_ = 0;
  std::vector<Piece> pieces_;
};

}  // namespace interlock::codec
