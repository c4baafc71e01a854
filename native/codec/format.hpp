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
//   0xe0..0xff  free
//
// Sharing: `remember` stands before a value that may be met again, and gives it the
// next number, 0, 1, 2 ...; `again` stands for the value with that number. A list or
// dict has its number before its items are read, so it may contain itself; any other
// value has it afterwards, and a tuple that contains itself is left to pickle. What
// nobody else refers to, and small immutable values, are not remembered.
//
// Objects of other types (codec/kinds.hpp): `define` introduces a kind, which has the next
// number, and is followed by an object of it; `object8` and `object` stand before another.
// An object's body is what its form says. A definition is
//
//   length of the rest (2 bytes), form (1 byte: Form, and 0x80 if by name), version (4 bytes),
//   name, and for forms record and fields: 0x00, field, 0x00, field ...   (UTF-8); to a trusted
//   reader 0x00, 0x00, and the module that registers it
//
// A record has its number, if it is remembered, before its fields are read, as a list has.
// Messages with any tag from `define` on are read where Python code may run.
//
// Buffers stand only within the state of an object: `buffer` for the next one that lies
// beside the message (out of band), `buffer_in` for one within it. A large one is padded, so
// that it can be used where it lies: one byte before the message is at a multiple of BUFFER_ALIGN.
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

constexpr u64 BUFFER_ALIGN = 16;
constexpr u64 BYTES_BEFORE = 1;
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
  define,         // a definition, then the body of an object of that kind
  object8, object,  // the kind's number, 1 or 4 bytes; then the body
  end,            // of a native body
  buffer,         // the next one
  buffer_in,      // whether it may be written to, padding (1 byte each), length, padding, bytes
  date,           // year (2 bytes), month, day
  time,           // hour, minute, second, fold (1 byte each), microsecond (4); tzinfo
  datetime,       // date and time
  timedelta,      // days, seconds, microseconds (4 bytes each)
  timezone,       // offset, a timedelta's 12 bytes; name: str or None
  decimal,        // a str
  uuid,           // 16 bytes, then 0, 1 or 2: safety is unknown, safe, unsafe
  last = uuid,
};

// What a tag byte is about, found with one load: the reader's table of jumps.
enum class Says : u8 {
  small_int, short_string, common_string, small_dict, small_list, small_tuple,
  none, no, yes, int32, int64, big_int, real, complex,
  ascii8, ascii, latin8, latin, wide8, wide, full8, full,
  bytes8, bytes, bytearray, dict, list, tuple, set, frozenset, range, slice,
  remember, again8, again,
  define, object8, object, end, buffer, buffer_in,
  date, time, datetime, timedelta, timezone, decimal, uuid,
  unknown,
};
// clang-format on

constexpr std::array<Says, 256> make_meanings() {
  std::array<Says, 256> meanings{};
  for (unsigned tag = 0; tag < 256; ++tag) {
    const unsigned named = tag - static_cast<unsigned>(Tag::none);
    if (tag < SHORT_STRING)
      meanings[tag] = Says::small_int;
    else if (tag < COMMON_STRING)
      meanings[tag] = Says::short_string;
    else if (tag < SMALL_DICT)
      meanings[tag] = Says::common_string;
    else if (tag < SMALL_LIST)
      meanings[tag] = Says::small_dict;
    else if (tag < SMALL_TUPLE)
      meanings[tag] = Says::small_list;
    else if (tag < static_cast<unsigned>(Tag::none))
      meanings[tag] = Says::small_tuple;
    else if (tag <= static_cast<unsigned>(Tag::last))
      meanings[tag] = static_cast<Says>(static_cast<unsigned>(Says::none) + named);
    else
      meanings[tag] = Says::unknown;
  }
  return meanings;
}
constexpr std::array<Says, 256> MEANINGS = make_meanings();
static_assert(MEANINGS[static_cast<u8>(Tag::last)] == Says::uuid, "Tag and Says in the same order");
static_assert(static_cast<u8>(Tag::last) < 0xe0, "0xe0 and above are free");

}  // namespace interlock::codec
