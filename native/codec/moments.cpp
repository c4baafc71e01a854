// Dates and times in their fixed parts.
#include "codec/moments.hpp"

#include <datetime.h>

#include "codec/put.hpp"

namespace interlock::codec {

bool load_datetime() {
  if (PyDateTimeAPI == nullptr) PyDateTime_IMPORT;
  return PyDateTimeAPI != nullptr;
}

namespace {

std::byte* put_date_part(std::byte* at, int year, int month, int day) {
  at = put_number(at, static_cast<u16>(year));
  return put(put(at, static_cast<u8>(month)), static_cast<u8>(day));
}

std::byte* put_time_part(std::byte* at, int hour, int minute, int second, int fold,
                         int microsecond) {
  for (const int part : {hour, minute, second, fold}) at = put(at, static_cast<u8>(part));
  return put_number(at, static_cast<u32>(microsecond));
}

std::byte* put_delta_part(PyObject* delta, std::byte* at) {
  at = put_number(at, static_cast<std::int32_t>(PyDateTime_DELTA_GET_DAYS(delta)));
  at = put_number(at, static_cast<std::int32_t>(PyDateTime_DELTA_GET_SECONDS(delta)));
  return put_number(at, static_cast<std::int32_t>(PyDateTime_DELTA_GET_MICROSECONDS(delta)));
}

}  // namespace

std::byte* put_date(PyObject* date, std::byte* at) {
  return put_date_part(put(at, Tag::date), PyDateTime_GET_YEAR(date), PyDateTime_GET_MONTH(date),
                       PyDateTime_GET_DAY(date));
}

std::byte* put_time(PyObject* time, std::byte* at) {
  return put_time_part(put(at, Tag::time), PyDateTime_TIME_GET_HOUR(time),
                       PyDateTime_TIME_GET_MINUTE(time), PyDateTime_TIME_GET_SECOND(time),
                       PyDateTime_TIME_GET_FOLD(time), PyDateTime_TIME_GET_MICROSECOND(time));
}

std::byte* put_datetime(PyObject* moment, std::byte* at) {
  at = put_date_part(put(at, Tag::datetime), PyDateTime_GET_YEAR(moment),
                     PyDateTime_GET_MONTH(moment), PyDateTime_GET_DAY(moment));
  return put_time_part(at, PyDateTime_DATE_GET_HOUR(moment), PyDateTime_DATE_GET_MINUTE(moment),
                       PyDateTime_DATE_GET_SECOND(moment), PyDateTime_DATE_GET_FOLD(moment),
                       PyDateTime_DATE_GET_MICROSECOND(moment));
}

std::byte* put_timedelta(PyObject* delta, std::byte* at) {
  return put_delta_part(delta, put(at, Tag::timedelta));
}

std::byte* put_timezone(PyObject* zone, std::byte* at) {
  const Held offset(PyObject_CallMethod(zone, "utcoffset", "O", Py_None));
  return offset ? put_delta_part(offset.get(), put(at, Tag::timezone)) : nullptr;
}

bool is_utc(PyObject* zone) { return zone == PyDateTimeAPI->TimeZone_UTC; }

std::byte* put_utc(std::byte* at) {
  at = put(at, Tag::timezone);
  for (int part = 0; part < 3; ++part) at = put_number(at, std::int32_t{0});
  return at;
}

PyObject* tzinfo_of_time(PyObject* time) { return PyDateTime_TIME_GET_TZINFO(time); }
PyObject* tzinfo_of_datetime(PyObject* moment) { return PyDateTime_DATE_GET_TZINFO(moment); }

bool take_date(Cursor& in, DatePart& date) {
  return in.number(date.year) && in.number(date.month) && in.number(date.day);
}

bool take_time(Cursor& in, TimePart& time) {
  return in.number(time.hour) && in.number(time.minute) && in.number(time.second) &&
         in.number(time.fold) && in.number(time.microsecond);
}

PyObject* make_date(const DatePart& date) {
  return PyDate_FromDate(date.year, date.month, date.day);
}

PyObject* make_time(const TimePart& time, PyObject* tzinfo) {
  return PyDateTimeAPI->Time_FromTimeAndFold(time.hour, time.minute, time.second,
                                             static_cast<int>(time.microsecond), tzinfo, time.fold,
                                             PyDateTimeAPI->TimeType);
}

PyObject* make_datetime(const DatePart& date, const TimePart& time, PyObject* tzinfo) {
  return PyDateTimeAPI->DateTime_FromDateAndTimeAndFold(
      date.year, date.month, date.day, time.hour, time.minute, time.second,
      static_cast<int>(time.microsecond), tzinfo, time.fold, PyDateTimeAPI->DateTimeType);
}

PyObject* read_timedelta(Cursor& in) {
  std::int32_t days, seconds, microseconds;
  if (!in.number(days) || !in.number(seconds) || !in.number(microseconds)) return nullptr;
  return PyDelta_FromDSU(days, seconds, microseconds);
}

PyObject* make_timezone(PyObject* offset, PyObject* name) {
  return PyDateTimeAPI->TimeZone_FromTimeZone(offset, name == Py_None ? nullptr : name);
}

}  // namespace interlock::codec
