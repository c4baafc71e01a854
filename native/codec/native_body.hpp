// What a C function writes of its object: include/interlock.h's writer.
//
// Its parts are ordinary values, one behind the other, closed by Tag::end.
#pragma once

#include "codec/writer.hpp"

struct InterlockWriter {
 public:
  InterlockWriter(interlock::codec::Writer& writer, std::byte* at) : writer_(writer), at_(at) {}

  // The byte behind the object's body; nullptr: see Writer::write().
  std::byte* write(PyObject* object, const interlock::codec::Kind& kind);

  // 0, or -1: the object cannot be written.
  int bytes(const void* data, std::size_t size);
  int int64(std::int64_t value);
  int uint64(std::uint64_t value);
  int real(double value);
  int object(PyObject* object);
  int buffer(PyObject* owner, const void* data, std::size_t size, bool writable);

 private:
  // Once it has failed it stays so, whatever the C function still writes.
  template <class Put>
  int append(std::size_t room, Put&& put);

  interlock::codec::Writer& writer_;
  std::byte* at_;
  interlock::u64 part_ = 0;
};
