// What a C function reads of its object.
#include "codec/native_reading.hpp"

using interlock::codec::MEANINGS;
using interlock::codec::Says;
namespace codec = interlock::codec;

PyObject* InterlockReader::read(const codec::Kind& kind) {
  codec::Held made(kind.native_decode(this, kind.version));
  if (!made) {
    if (PyErr_Occurred() != nullptr) return reader_.failed(nullptr);
    return reader_.damaged("the C function that decodes it made nothing of it");
  }
  if (PyErr_Occurred() != nullptr) return reader_.failed(nullptr);
  // A part that could not be read is no reason to make an object, whatever the function thinks.
  if (reader_.rare().has_fault()) return nullptr;
  while (has_more()) {
    const codec::Held skipped(object());
    if (!skipped) return nullptr;
  }
  if (reader_.in_.left() == 0) return reader_.cut_short();
  reader_.in_.next();   // Tag::end
  return made.release();
}

bool InterlockReader::has_more() {
  if (reader_.rare().has_fault() || reader_.in_.left() == 0) return false;
  return MEANINGS[reader_.in_.peek()] != Says::end;
}

Says InterlockReader::next() {
  if (!has_more()) return Says::end;
  if (!reader_.may_have(1)) {
    reader_.too_many();
    return Says::end;
  }
  return MEANINGS[reader_.in_.next()];
}

int InterlockReader::wrong(const char* what) {
  reader_.damaged(what);
  return -1;
}

int InterlockReader::bytes(const void** data, std::size_t* size) {
  std::uint64_t length = 0;
  switch (next()) {
    case Says::bytes8: {
      std::uint8_t small;
      if (!reader_.in_.number(small)) return wrong("the message ends within a value");
      length = small;
      break;
    }
    case Says::bytes:
      if (!reader_.in_.number(length)) return wrong("the message ends within a value");
      break;
    default:
      return wrong("a part of an object is no bytes");
  }
  if (length > reader_.bounds_.string) {
    reader_.too_long();
    return -1;
  }
  const std::byte* const taken = reader_.in_.take(length);
  if (taken == nullptr) return wrong("the message ends within a value");
  *data = taken;
  *size = length;
  return 0;
}

int InterlockReader::int64(std::int64_t* value) {
  if (next() != Says::int64) return wrong("a part of an object is no int64");
  return reader_.in_.number(*value) ? 0 : wrong("the message ends within a value");
}

int InterlockReader::uint64(std::uint64_t* value) {
  std::uint64_t length;
  std::uint8_t sign;
  if (next() != Says::big_int) return wrong("a part of an object is no uint64");
  const bool whole = reader_.in_.number(length) && length == sizeof *value + 1 &&
                     reader_.in_.number(*value) && reader_.in_.number(sign) && sign == 0;
  return whole ? 0 : wrong("a part of an object is no uint64");
}

int InterlockReader::real(double* value) {
  if (next() != Says::real) return wrong("a part of an object is no double");
  return reader_.in_.number(*value) ? 0 : wrong("the message ends within a value");
}

PyObject* InterlockReader::object() {
  if (!has_more()) {
    wrong("an object has fewer parts than its kind");
    return nullptr;
  }
  return reader_.may_have(1) ? reader_.value() : reader_.too_many();
}

PyObject* InterlockReader::buffer(void** data, std::size_t* size, int* writable) {
  const Says says = next();
  if (says != Says::buffer && says != Says::buffer_in) {
    wrong("a part of an object is no buffer");
    return nullptr;
  }
  PyObject* const view = reader_.buffer(says);
  if (view == nullptr) return nullptr;
  const Py_buffer* const taken = PyMemoryView_GET_BUFFER(view);
  if (data != nullptr) *data = taken->buf;
  if (size != nullptr) *size = static_cast<std::size_t>(taken->len);
  if (writable != nullptr) *writable = !taken->readonly;
  return view;
}

PyObject* InterlockReader::refuse(const char* reason) { return reader_.damaged(reason); }
