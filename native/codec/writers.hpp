// Writers to be used again.
#pragma once

#include <algorithm>
#include <memory>
#include <string_view>

#include "codec/writer.hpp"

namespace interlock::codec {

inline std::unique_ptr<Writer>& spare_writer() {
  static thread_local std::unique_ptr<Writer> spare;
  return spare;
}

// This thread's spare writer; another where that one is in use, for an object's own code may
// encode while it is encoded. Throws std::bad_alloc.
inline std::unique_ptr<Writer> take_writer() {
  std::unique_ptr<Writer> taken = std::move(spare_writer());
  if (taken == nullptr) [[unlikely]]
    taken = std::make_unique<Writer>();
  return taken;
}

// A bytes object with what was written, behind `prefix`. nullptr with an error set.
inline PyObject* bytes_of(const Writer& writer, std::string_view prefix) {
  PyObject* const made =
      PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(prefix.size() + writer.size()));
  if (made == nullptr) return nullptr;
  char* const body = std::ranges::copy(prefix, PyBytes_AS_STRING(made)).out;
  writer.copy_to(reinterpret_cast<std::byte*>(body));
  return made;
}

inline void give_back_writer(std::unique_ptr<Writer>&& writer) {
  writer->reset();
  spare_writer() = std::move(writer);
}

}  // namespace interlock::codec
