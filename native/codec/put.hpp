// Bytes of a message, one behind the other; there is room for them.
#pragma once

#include <cstring>

#include "codec/format.hpp"

namespace interlock::codec {

inline std::byte* put(std::byte* at, u8 tag) {
  *at = std::byte{tag};
  return at + 1;
}
inline std::byte* put(std::byte* at, Tag tag) { return put(at, static_cast<u8>(tag)); }

template <class T>
std::byte* put_number(std::byte* at, T number) {
  std::memcpy(at, &number, sizeof number);
  return at + sizeof number;
}

inline std::byte* put_bytes(std::byte* at, const void* data, std::size_t size) {
  std::memcpy(at, data, size);
  return at + size;
}

// A number behind its tag: the tag before `tag` has 1 byte for it, `tag` has a u32.
inline std::byte* put_index(std::byte* at, Tag tag, u32 number) {
  if (number < 256) [[likely]]
    return put(put(at, static_cast<u8>(static_cast<u8>(tag) - 1)), static_cast<u8>(number));
  return put_number(put(at, tag), number);
}

}  // namespace interlock::codec
