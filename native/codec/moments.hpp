// Dates and times in their fixed parts: the only file that knows the datetime module's C API.
#pragma once

#include "codec/cursor.hpp"
#include "codec/format.hpp"

namespace interlock::codec {

// Imports the datetime module, once. False with an error set.
bool load_datetime();

// The longest fixed part with its tag.
constexpr std::size_t MOMENT_SIZE = 16;

std::byte* put_date(PyObject* date, std::byte* at);
std::byte* put_time(PyObject* time, std::byte* at);
std::byte* put_datetime(PyObject* moment, std::byte* at);
std::byte* put_timedelta(PyObject* delta, std::byte* at);
// The offset; nullptr with an error set.
std::byte* put_timezone(PyObject* zone, std::byte* at);
bool is_utc(PyObject* zone);
std::byte* put_utc(std::byte* at);

// What goes behind the fixed part; borrowed.
PyObject* tzinfo_of_time(PyObject* time);
PyObject* tzinfo_of_datetime(PyObject* moment);

// The fixed parts as they were read.
struct DatePart {
  u16 year;
  u8 month, day;
};
struct TimePart {
  u8 hour, minute, second, fold;
  u32 microsecond;
};
bool take_date(Cursor& in, DatePart& date);
bool take_time(Cursor& in, TimePart& time);

// New references; nullptr with a ValueError or TypeError set where the numbers make none.
PyObject* make_date(const DatePart& date);
PyObject* make_time(const TimePart& time, PyObject* tzinfo);
PyObject* make_datetime(const DatePart& date, const TimePart& time, PyObject* tzinfo);
// nullptr without an error set: the message ends before.
PyObject* read_timedelta(Cursor& in);
// `name` is a str or None.
PyObject* make_timezone(PyObject* offset, PyObject* name);

}  // namespace interlock::codec
