// What a C function reads of its object: include/interlock.h's reader.
#pragma once

#include "codec/reading.hpp"

struct InterlockReader {
 public:
  explicit InterlockReader(interlock::codec::Reader& reader) : reader_(reader) {}

  PyObject* read(const interlock::codec::Kind& kind);

  // 0, or -1: the next part is of another type, or there is none.
  int bytes(const void** data, std::size_t* size);
  int int64(std::int64_t* value);
  int uint64(std::uint64_t* value);
  int real(double* value);
  PyObject* object();
  PyObject* buffer(void** data, std::size_t* size, int* writable);
  bool has_more();
  PyObject* refuse(const char* reason);

 private:
  // The tag of the next part, consumed; Says::end where there is none, not consumed.
  interlock::codec::Says next();
  int wrong(const char* what);

  interlock::codec::Reader& reader_;
};
