// Bytes back to Python objects: what each tag leads to.
#include "codec/reader.hpp"

#include "codec/reading.hpp"

namespace interlock::codec {

PyObject* Reader::value() {
  if (in_.left() == 0) [[unlikely]]
    return cut_short();
  const u8 tag = in_.next();
  switch (MEANINGS[tag]) {
    case Says::small_int:
      return PyLong_FromLong(tag);
    case Says::short_string:
      return short_string(tag % SHORT_STRING_END);
    case Says::common_string:
      return common_string(tag % SHORT_STRING_END);
    case Says::small_dict:
      return dict(tag % SMALL_COUNT_END);
    case Says::small_list:
      return list(tag % SMALL_COUNT_END);
    case Says::small_tuple:
      return tuple(tag % SMALL_COUNT_END);
    case Says::none:
      return Py_NewRef(Py_None);
    case Says::no:
      return Py_NewRef(Py_False);
    case Says::yes:
      return Py_NewRef(Py_True);
    case Says::int32:
      return with<std::int32_t>([](long number) { return PyLong_FromLong(number); });
    case Says::int64:
      return with<std::int64_t>([](long number) { return PyLong_FromLong(number); });
    case Says::big_int:
      return big_int();
    case Says::real:
      return with<double>([](double number) { return PyFloat_FromDouble(number); });
    case Says::complex:
      return complex();
    case Says::ascii8:
    case Says::ascii:
    case Says::latin8:
    case Says::latin:
    case Says::wide8:
    case Says::wide:
    case Says::full8:
    case Says::full:
      return text(MEANINGS[tag]);
    case Says::bytes8:
      return with<u8>([this](u64 n) { return bytes(n); });
    case Says::bytes:
      return with<u64>([this](u64 n) { return bytes(n); });
    case Says::bytearray:
      return with<u64>([this](u64 n) { return bytearray(n); });
    case Says::dict:
      return with<u64>([this](u64 n) { return dict(n); });
    case Says::list:
      return with<u64>([this](u64 n) { return list(n); });
    case Says::tuple:
      return with<u64>([this](u64 n) { return tuple(n); });
    case Says::set:
      return with<u64>([this](u64 n) { return set(n, PySet_New); });
    case Says::frozenset:
      return with<u64>([this](u64 n) { return set(n, PyFrozenSet_New); });
    case Says::range:
      return range();
    case Says::slice:
      return slice();
    case Says::remember:
      return remember();
    case Says::again8:
      return with<u8>([this](u64 n) { return again(n); });
    case Says::again:
      return with<u32>([this](u64 n) { return again(n); });
    case Says::define:
    case Says::object8:
    case Says::object:
      return object(MEANINGS[tag]);
    case Says::buffer:
    case Says::buffer_in:
      return buffer(MEANINGS[tag]);
    case Says::date:
    case Says::time:
    case Says::datetime:
    case Says::timedelta:
    case Says::timezone:
    case Says::decimal:
    case Says::uuid:
      return builtin(MEANINGS[tag]);
    case Says::end:
    case Says::unknown:
      return damaged("a tag that has no meaning");
  }
  __builtin_unreachable();
}

void Reader::begin_with(const Source& source) {
  in_.take(std::min(source.skip, in_.size()));
  u64 size = in_.size();
  for (PyObject* const buffer : source.buffers) size += buffer_size(buffer);
  if (size > bounds_.bytes) too_much("max_bytes", bounds_.bytes);
}

PyObject* read(std::span<const std::byte> data, const Source& source) {
  try {
    Reader reader(data, *source.bounds, &source);
    reader.begin_with(source);
    return reader.message();
  } catch (const std::bad_alloc&) {
    return PyErr_NoMemory();
  }
}

PyObject* read_plain(std::span<const std::byte> data, const Bounds& bounds) {
  try {
    return Reader(data, bounds).message();
  } catch (const std::bad_alloc&) {
    return PyErr_NoMemory();
  }
}

}  // namespace interlock::codec
