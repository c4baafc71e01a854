// Writers to be used again.
#pragma once

#include <memory>

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

inline void give_back_writer(std::unique_ptr<Writer>&& writer) {
  writer->reset();
  spare_writer() = std::move(writer);
}

}  // namespace interlock::codec
