// One level of nesting as it is written: sharing, depth, and what cannot contain itself.
#pragma once

#include "codec/put.hpp"
#include "codec/writer.hpp"

namespace interlock::codec {

// Why an object cannot be written; the reader of the error sees it behind the path.
inline constexpr char NOT_REGISTERED[] = "its type is not registered";
inline constexpr char TOO_DEEP_TO_WRITE[] = "it is nested too deeply (max_depth)";
inline constexpr char CONTAINS_ITSELF[] =
    "it contains itself, and is made from its parts when it is read";
inline constexpr char TOO_MANY_ITEMS[] = "the message has more items than it may (max_items)";
inline constexpr char TOO_LONG[] = "it is longer than it may be (max_string)";
inline constexpr char NO_BUFFER_HERE[] = "a buffer stands only within an object's state";

template <Writer::May may, class Body>
std::byte* Writer::container(PyObject* object, std::byte* at, Body&& body) {
  if (depth_ >= (bounds_->trusted ? WRITE_DEPTH_MAX : bounds_->depth)) [[unlikely]]
    return refuse(object, TOO_DEEP_TO_WRITE);
  const int open_before = open_count_;
  if (may_be_shared(object)) {
    const Memo::Place place = memo_.add(object);
    if (!place.is_new) return again(object, place.number, at);
    at = put(at, Tag::remember);
    if constexpr (may == May::not_contain_itself) open_[open_count_++] = place.number;
  }
  ++depth_;
  at = body(at);
  --depth_;
  open_count_ = open_before;
  return at;
}

}  // namespace interlock::codec
