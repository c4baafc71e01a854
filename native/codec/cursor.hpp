// The place in a message: the only way from its bytes to a length, an offset, a pointer.
//
// The bytes may lie in shared memory and change at any time, so each number is taken
// once: settle() keeps the compiler from reading it again after the check.
#pragma once

#include <algorithm>
#include <span>

#include "codec/strings.hpp"

namespace interlock::codec {

template <class T>
T settle(T value) {
  asm volatile("" : "+r"(value));
  return value;
}

class Cursor {
 public:
  explicit Cursor(std::span<const std::byte> data)
      : begin_(data.data()), at_(begin_), end_(begin_ + data.size()) {}

  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  std::size_t offset() const { return static_cast<std::size_t>(at_ - begin_); }
  std::size_t size() const { return static_cast<std::size_t>(end_ - begin_); }

  // The next byte; there is one.
  u8 peek() const { return static_cast<u8>(settle(static_cast<u32>(*at_))); }
  u8 next() {
    const u8 byte = peek();
    ++at_;
    return byte;
  }

  // The next sizeof(T) bytes as a number. False when the message ends before.
  template <class T>
  bool number(T& value) {
    if (left() < sizeof value) [[unlikely]]
      return false;
    T taken;
    std::memcpy(&taken, at_, sizeof taken);
    if constexpr (sizeof taken == 1)
      value = static_cast<T>(settle(u32{taken}));
    else if constexpr (std::is_integral_v<T>)
      value = settle(taken);
    else
      value = taken;
    at_ += sizeof value;
    return true;
  }

  // The next n bytes, still to be copied before anybody looks at them. nullptr when
  // the message ends before.
  const std::byte* take(std::size_t n) {
    if (left() < n) [[unlikely]]
      return nullptr;
    const std::byte* const taken = at_;
    at_ += n;
    return taken;
  }

  // The next n <= 31 bytes, which are there, as strings.hpp's two words.
  ShortWords short_words(std::size_t n) const {
    if (n >= 8) return {settle(load_word(at_)), settle(load_word(at_ + n - 8))};
    if (offset() + n >= 8) [[likely]]   // what stands before is ours to read
      return {settle(last_bytes(at_ + n, n)), 0};
    if (left() >= 8) return {settle(load_word(at_) & ((u64{1} << (8 * n)) - 1)), 0};
    u64 word = 0;
    std::copy_n(at_, n, reinterpret_cast<std::byte*>(&word));
    return {settle(word), 0};
  }

  // Whether the next n (17 to 31) bytes, but the first and the last 8, are those of `string`.
  bool middle_is(PyObject* string, std::size_t n) const {
    const auto* const kept = static_cast<const std::byte*>(PyUnicode_DATA(string));
    return load_word(at_ + 8) == load_word(kept + 8) &&
           load_word(at_ + n - 16) == load_word(kept + n - 16);
  }

 private:
  const std::byte* begin_;
  const std::byte* at_;
  const std::byte* end_;
};

}  // namespace interlock::codec
