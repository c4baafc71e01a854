// Short strings in registers: at most 31 bytes, copied and compared without a loop.
//
// A string of n bytes becomes two words, `first` and `last`: for n < 8 the bytes
// themselves, padded with zeros, and 0; for more the first eight and the last eight
// (which overlap below 16). With n they name it fully up to 16 bytes.
#pragma once

#include <bit>
#include <cstring>

#include "codec/cpython.hpp"
#include "codec/limits.hpp"

namespace interlock::codec {

inline u64 load_word(const std::byte* from) {
  u64 word;
  std::memcpy(&word, from, sizeof word);
  return word;
}
inline void store_word(std::byte* to, u64 word) { std::memcpy(to, &word, sizeof word); }

// The eight bytes that end at `end`, without the 8 - n before the last n.
inline u64 last_bytes(const std::byte* end, std::size_t n) {
  return n == 0 ? 0 : load_word(end - sizeof(u64)) >> (8 * (sizeof(u64) - n));
}

// Copies n < 32 bytes. Reads up to 8 bytes before `from` (an object's header lies there)
// and writes up to 32 bytes at `to`.
inline void copy_short(std::byte* to, const std::byte* from, std::size_t n) {
  if (n < 8) {
    store_word(to, last_bytes(from + n, n));
  } else if (n <= 16) {
    const u64 last = load_word(from + n - 8);
    std::memcpy(to, from, 8);
    store_word(to + n - 8, last);
  } else {
    std::memcpy(to, from, 16);
    std::memcpy(to + n - 16, from + n - 16, 16);
  }
}

constexpr u64 NOT_ASCII = 0x8080808080808080u;

struct ShortWords {
  u64 first, last;
};

// Of n <= 31 bytes of an object, whose header is readable before them.
inline ShortWords words_of(const std::byte* data, std::size_t n) {
  if (n < 8) return {last_bytes(data + n, n), 0};
  return {load_word(data), load_word(data + n - 8)};
}

// Whether all of `size` bytes are ASCII; they are this process's own.
inline bool is_ascii(const std::byte* data, std::size_t size) {
  u64 seen = 0;
  std::size_t at = 0;
  for (; at + 8 <= size; at += 8) seen |= load_word(data + at);
  for (; at < size; ++at) seen |= static_cast<u64>(data[at]);
  return (seen & NOT_ASCII) == 0;
}

// Strings met often (keys of records), by their contents: one object for all of them,
// whose hash is known, instead of a new one each time. Guarded by the interpreter's
// lock; not used where there is none. Its entries live as long as the process.
class CommonStrings {
 public:
  struct Entry {
    ShortWords words;
    u64 length;       // 0: never used
    PyObject* string;
  };
  // Where a string of these words would be.
  Entry& entry(ShortWords words, u64 length) {
    const u64 mixed = words.first ^ (words.last << 17 | words.last >> 47) ^ length;
    return entries_[mixed * 0x9e3779b97f4a7c15u >> (64 - BITS)];
  }
  static bool fits(const Entry& entry, ShortWords words, u64 length) {
    return entry.words.first == words.first && entry.words.last == words.last &&
           entry.length == length;
  }
  // `string` takes the entry's place; the reference is copied.
  static void keep(Entry& entry, PyObject* string, u64 length) {
    PyObject* const old = entry.string;
    // By what the string holds: the message may have changed since it was looked at.
    entry = {words_of(static_cast<std::byte*>(PyUnicode_DATA(string)), length), length,
             Py_NewRef(string)};
    Py_XDECREF(old);
  }

 private:
  static constexpr int BITS = std::bit_width(COMMON_STRINGS) - 1;
  static_assert(COMMON_STRINGS == std::size_t{1} << BITS, "a power of two");
  Entry entries_[COMMON_STRINGS]{};
};

}  // namespace interlock::codec
