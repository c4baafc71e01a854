// The native encoding of plain Python objects: the table of tags.
//
// A message is one value. A value is a tag byte and what the table says; numbers
// are little-endian and not aligned. Tags of the upper half carry a small count.
//
//   0x00..0x3f  int 0..63
//   0x40..0x5f  str of 0..31 ASCII characters, then the characters
//   0x60..0x7f  the same, likely to come again: the reader keeps it in a cache
//   0x80..0x8f  dict of 0..15 items, then key, value, key, value ...
//   0x90..0x9f  list of 0..15 items, then these
//   0xa0..0xaf  tuple, likewise
//   0xb0..      the names of `Tag` below
//   0xd0..0xff  free (registered types will come here)
//
// Sharing: `remember` stands before a value that may be met again, and gives it the
// next number, 0, 1, 2 ...; `again` stands for the value with that number. A list or
// dict has its number before its items are read, so it may contain itself; any other
// value has it afterwards, and a tuple that contains itself is left to pickle. What
// nobody else refers to, and small immutable values, are not remembered.
//
// Source: the idea of counts within tags is MessagePack's; why not MessagePack
// itself: it has neither sharing nor Python's types, and texts here are copied in
// Python's own form (1, 2 or 4 bytes a character) rather than converted.
#pragma once

#include <array>
#include <bit>

#include "platform/atomic.hpp"

namespace interlock::codec {

static_assert(std::endian::native == std::endian::little, "the encoding is little-endian");

// The first tag of each group that carries its count.
constexpr u8 SMALL_INT = 0x00;
constexpr u8 SHORT_STRING = 0x40;
constexpr u8 COMMON_STRING = 0x60;
constexpr u8 SMALL_DICT = 0x80;
constexpr u8 SMALL_LIST = 0x90;
constexpr u8 SMALL_TUPLE = 0xa0;

constexpr u64 SMALL_INT_END = 64;       // one more than the largest
constexpr u64 SHORT_STRING_END = 32;
constexpr u64 SMALL_COUNT_END = 16;

// clang-format off: a line of tags is a group
// A count or length behind a tag has 1 byte where the name ends in 8, otherwise 8 bytes.
enum class Tag : u8 {
  none = 0xb0,
  no,             // False
  yes,            // True
  int32,          // 4 bytes
  int64,          // 8 bytes
  big_int,        // length in bytes, two's complement
  real,           // float: 8 bytes
  complex,        // real, imaginary: 16 bytes
  ascii8, ascii,  // length in characters, 1 byte each, all below 0x80
  latin8, latin,  // 1 byte each, one at least above 0x7f
  wide8, wide,    // 2 bytes each, one at least above 0xff (surrogates included)
  full8, full,    // 4 bytes each, one at least above 0xffff
  bytes8, bytes,  // length, then the bytes
  bytearray,
  dict, list, tuple,
  set, frozenset,
  range, slice,   // start, stop, step: three values
  remember,
  again8, again,  // the number; `again` has 4 bytes
  last = again,
};

// What a tag byte is about, found with one load: the reader's table of jumps.
enum class Kind : u8 {
  small_int, short_string, common_string, small_dict, small_list, small_tuple,
  none, no, yes, int32, int64, big_int, real, complex,
  ascii8, ascii, latin8, latin, wide8, wide, full8, full,
  bytes8, bytes, bytearray, dict, list, tuple, set, frozenset, range, slice,
  remember, again8, again,
  unknown,
};
// clang-format on

constexpr std::array<Kind, 256> make_kinds() {
  std::array<Kind, 256> kinds{};
  for (unsigned tag = 0; tag < 256; ++tag) {
    const unsigned named = tag - static_cast<unsigned>(Tag::none);
    if (tag < SHORT_STRING)
      kinds[tag] = Kind::small_int;
    else if (tag < COMMON_STRING)
      kinds[tag] = Kind::short_string;
    else if (tag < SMALL_DICT)
      kinds[tag] = Kind::common_string;
    else if (tag < SMALL_LIST)
      kinds[tag] = Kind::small_dict;
    else if (tag < SMALL_TUPLE)
      kinds[tag] = Kind::small_list;
    else if (tag < static_cast<unsigned>(Tag::none))
      kinds[tag] = Kind::small_tuple;
    else if (tag <= static_cast<unsigned>(Tag::last))
      kinds[tag] = static_cast<Kind>(static_cast<unsigned>(Kind::none) + named);
    else
      kinds[tag] = Kind::unknown;
  }
  return kinds;
}
constexpr std::array<Kind, 256> KINDS = make_kinds();
static_assert(KINDS[static_cast<u8>(Tag::last)] == Kind::again, "Tag and Kind in the same order");
static_assert(static_cast<u8>(Tag::last) < 0xd0, "0xd0 and above are free");

}  // namespace interlock::codec
