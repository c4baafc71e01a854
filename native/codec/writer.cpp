// Plain Python objects to bytes: one function a type, the frequent ones first.
#include "codec/writer.hpp"

#include "codec/put.hpp"
#include "codec/strings.hpp"
#include "codec/writer_container.hpp"

namespace interlock::codec {

namespace {

// A count within its tag if it is small; otherwise `large` and 8 bytes.
std::byte* put_count(std::byte* at, u8 small, Tag large, Py_ssize_t count) {
  if (static_cast<u64>(count) < SMALL_COUNT_END) [[likely]]
    return put(at, static_cast<u8>(small + count));
  return put_number(put(at, large), static_cast<u64>(count));
}

// A length behind its tag: the tag before `tag` has 1 byte for it, `tag` has 8.
std::byte* put_length(std::byte* at, Tag tag, std::size_t length) {
  if (length < 256) [[likely]]
    return put(put(at, static_cast<u8>(static_cast<u8>(tag) - 1)), static_cast<u8>(length));
  return put_number(put(at, tag), static_cast<u64>(length));
}

PyObject* copy_of_list(PyObject* list) { return PyList_GetSlice(list, 0, PY_SSIZE_T_MAX); }

}  // namespace

inline bool Writer::attempt(PyObject* root, bool carefully) {
  reset();
  memo_.keep(carefully);
  careful_ = carefully;
  wants_care_ = false;
  depth_ = open_count_ = states_ = 0;
  items_ = 0;
  std::byte* at = scratch_.begin();
  if (at == nullptr) [[unlikely]]
    return no_memory() != nullptr;
  try {
    at = value(root, at);
  } catch (const std::bad_alloc&) {
    at = no_memory();
  }
  if (at == nullptr) return false;
  scratch_.finish(at);
  return true;
}

bool Writer::leaves_all_to_pickle = false;

bool Writer::write(PyObject* root, const Bounds& bounds, Buffers buffers) {
  if (leaves_all_to_pickle && bounds.trusted) [[unlikely]]
    return false;
  bounds_ = &bounds;
  buffers_ = buffers;
  if (attempt(root, false) && within_bytes()) [[likely]]
    return true;
  return wants_care_ ? write_carefully(root) : explain();
}

bool Writer::write_carefully(PyObject* root) {
  if (attempt(root, true) && within_bytes()) return true;
  return explain();
}

std::byte* Writer::no_memory() const {
  PyErr_NoMemory();
  return nullptr;
}

std::byte* Writer::value(PyObject* object, std::byte* at) {
  at = scratch_.reserve(at, VALUE_ROOM);
  if (at == nullptr) [[unlikely]]
    return no_memory();
  PyTypeObject* const type = Py_TYPE(object);
  if (type == &PyUnicode_Type) return string(object, at);
  if (type == &PyLong_Type) return integer(object, at);
  if (type == &PyFloat_Type) return put_number(put(at, Tag::real), PyFloat_AS_DOUBLE(object));
  if (object == Py_None) return put(at, Tag::none);
  if (type == &PyBool_Type) return put(at, object == Py_True ? Tag::yes : Tag::no);
  return other(object, at);
}

std::byte* Writer::other(PyObject* object, std::byte* at) {
  PyTypeObject* const type = Py_TYPE(object);
  const auto by = [&](std::byte* (Writer::*body)(PyObject*, std::byte*)) {
    return [this, object, body](std::byte* at) { return (this->*body)(object, at); };
  };
  if (type == &PyDict_Type) return container<May::contain_itself>(object, at, by(&Writer::dict));
  if (type == &PyList_Type) return container<May::contain_itself>(object, at, by(&Writer::list));
  if (type == &PyTuple_Type) {
    if (PyTuple_GET_SIZE(object) == 0) return put(at, SMALL_TUPLE);   // there is only one
    return container<May::not_contain_itself>(object, at, by(&Writer::tuple));
  }
  if (type == &PyBytes_Type) return bytes(object, at);
  if (type == &PySet_Type) return container<May::not_contain_itself>(object, at, by(&Writer::set));
  if (type == &PyFrozenSet_Type)
    return container<May::not_contain_itself>(object, at, by(&Writer::set));
  if (type == &PyByteArray_Type)
    return container<May::not_contain_itself>(object, at, by(&Writer::bytearray));
  if (type == &PyComplex_Type) {
    const Py_complex value = PyComplex_AsCComplex(object);
    return put_number(put_number(put(at, Tag::complex), value.real), value.imag);
  }
  if (type == &PyRange_Type)
    return container<May::not_contain_itself>(object, at, by(&Writer::range));
  if (type == &PySlice_Type)
    return container<May::not_contain_itself>(object, at, by(&Writer::slice));
  return this->object(object, at);
}

std::byte* Writer::integer(PyObject* number, std::byte* at) {
  long long value = 0;
  if (!is_compact(number, value)) [[unlikely]] {
    int overflow = 0;
    value = PyLong_AsLongLongAndOverflow(number, &overflow);
    if (overflow != 0) {
      const std::size_t size = big_int_size(number);
      if (size > bounds_->string) return refuse(number, TOO_LONG);
      at = scratch_.reserve(at, size + VALUE_ROOM);
      if (at == nullptr) return no_memory();
      at = put_number(put(at, Tag::big_int), static_cast<u64>(size));
      return big_int_to_bytes(number, at, size) ? at + size : nullptr;
    }
  }
  if (static_cast<u64>(value) < SMALL_INT_END) return put(at, static_cast<u8>(value));
  if (value == static_cast<std::int32_t>(value)) [[likely]]
    return put_number(put(at, Tag::int32), static_cast<std::int32_t>(value));
  return put_number(put(at, Tag::int64), static_cast<std::int64_t>(value));
}

std::byte* Writer::string(PyObject* string, std::byte* at) {
  if (!PyUnicode_IS_COMPACT_ASCII(string)) [[unlikely]]
    return long_string(string, at);
  const auto length = static_cast<std::size_t>(PyUnicode_GET_LENGTH(string));
  if (length >= SHORT_STRING_END) return long_string(string, at);
  // What others refer to as well (literals, keys) will come again.
  at = put(at, static_cast<u8>((may_be_shared(string) ? COMMON_STRING : SHORT_STRING) + length));
  const auto* data =
      reinterpret_cast<const std::byte*>(reinterpret_cast<PyASCIIObject*>(string) + 1);
  copy_short(at, data, length);
  return at + length;
}

std::byte* Writer::long_string(PyObject* string, std::byte* at) {
#if PY_VERSION_HEX < 0x030c0000
  if (PyUnicode_READY(string) != 0) return nullptr;   // one made by the old C API
#endif
  const auto length = static_cast<std::size_t>(PyUnicode_GET_LENGTH(string));
  const unsigned kind = PyUnicode_KIND(string);
  if (length * kind >= SHORT_STRING_END && may_be_shared(string)) {
    const Memo::Place place = memo_.add(string);
    if (!place.is_new) return again(string, place.number, at);
    at = put(at, Tag::remember);
  }
  return text(string, at);
}

std::byte* Writer::text(PyObject* string, std::byte* at) {
  const auto length = static_cast<std::size_t>(PyUnicode_GET_LENGTH(string));
  const unsigned kind = PyUnicode_KIND(string);
  if (length * kind > bounds_->string) return refuse(string, TOO_LONG);
  if (PyUnicode_IS_ASCII(string))
    at = put_length(at, Tag::ascii, length);
  else if (kind == PyUnicode_1BYTE_KIND)
    at = put_length(at, Tag::latin, length);
  else if (kind == PyUnicode_2BYTE_KIND)
    at = put_length(at, Tag::wide, length);
  else
    at = put_length(at, Tag::full, length);
  return content(at, PyUnicode_DATA(string), length * kind, string);
}

std::byte* Writer::bytes(PyObject* bytes, std::byte* at) {
  const auto size = static_cast<std::size_t>(PyBytes_GET_SIZE(bytes));
  if (size >= SHORT_STRING_END && may_be_shared(bytes)) {
    const Memo::Place place = memo_.add(bytes);
    if (!place.is_new) return again(bytes, place.number, at);
    at = put(at, Tag::remember);
  }
  if (size > bounds_->string) return refuse(bytes, TOO_LONG);
  return content(put_length(at, Tag::bytes, size), PyBytes_AS_STRING(bytes), size, bytes);
}

// The bytes themselves: copied, or referred to. They belong to `owner`, which never changes.
std::byte* Writer::content(std::byte* at, const void* data, std::size_t size, PyObject* owner) {
  if (size < EXTERNAL_MIN) [[likely]] {
    at = scratch_.reserve(at, size);
    if (at == nullptr) return no_memory();
    std::memcpy(at, data, size);
    return at + size;
  }
  Py_buffer view{};
  view.buf = const_cast<void*>(data);
  view.len = static_cast<Py_ssize_t>(size);
  view.obj = Py_NewRef(owner);
  if (scratch_.refer(at, view)) return at;
  PyBuffer_Release(&view);
  return no_memory();
}

std::byte* Writer::again(PyObject* object, u32 number, std::byte* at) {
  for (int i = 0; i < open_count_; ++i)
    if (open_[i] == number) return refuse(object, CONTAINS_ITSELF);
  if (number < 256) return put(put(at, Tag::again8), static_cast<u8>(number));
  return put_number(put(at, Tag::again), number);
}

bool Writer::has_room_for(u64 items) {
  items_ += items;
  return items_ <= bounds_->items;
}

std::byte* Writer::dict(PyObject* object, std::byte* at) {
  const Unchanging dict(object, PyDict_Copy, careful_);
  if (!dict) return nullptr;
  if (!has_room_for(2 * static_cast<u64>(PyDict_GET_SIZE(dict.get()))))
    return refuse(object, TOO_MANY_ITEMS);
  at = put_count(at, SMALL_DICT, Tag::dict, PyDict_GET_SIZE(dict.get()));
  Py_ssize_t position = 0;
  PyObject* key;
  PyObject* item;
  while (PyDict_Next(dict.get(), &position, &key, &item)) {
    if ((at = value(key, at)) == nullptr) return lost([](Path& path) { path.at_key(); });
    if ((at = value(item, at)) == nullptr) return lost([&](Path& path) { path.at_item(key); });
  }
  return at;
}

std::byte* Writer::list(PyObject* object, std::byte* at) {
  const Unchanging list(object, copy_of_list, careful_);
  if (!list) return nullptr;
  const Py_ssize_t count = PyList_GET_SIZE(list.get());
  if (!has_room_for(static_cast<u64>(count))) return refuse(object, TOO_MANY_ITEMS);
  at = put_count(at, SMALL_LIST, Tag::list, count);
  for (Py_ssize_t i = 0; i < count; ++i)
    if ((at = value(PyList_GET_ITEM(list.get(), i), at)) == nullptr)
      return lost([i](Path& path) { path.at_index(static_cast<u64>(i)); });
  return at;
}

std::byte* Writer::tuple(PyObject* tuple, std::byte* at) {
  const Py_ssize_t count = PyTuple_GET_SIZE(tuple);
  if (!has_room_for(static_cast<u64>(count))) return refuse(tuple, TOO_MANY_ITEMS);
  at = put_count(at, SMALL_TUPLE, Tag::tuple, count);
  for (Py_ssize_t i = 0; i < count; ++i)
    if ((at = value(PyTuple_GET_ITEM(tuple, i), at)) == nullptr)
      return lost([i](Path& path) { path.at_index(static_cast<u64>(i)); });
  return at;
}

// Its table is read directly: an iterator would be a new object, and a new object may
// start the collector, which runs Python code.
std::byte* Writer::set(PyObject* object, std::byte* at) {
  const Unchanging held(object, PySet_New, careful_);
  if (!held) return nullptr;
  if (!has_room_for(static_cast<u64>(PySet_GET_SIZE(held.get()))))
    return refuse(object, TOO_MANY_ITEMS);
  const auto* const set = reinterpret_cast<PySetObject*>(held.get());
  at = put(at, Py_TYPE(object) == &PySet_Type ? Tag::set : Tag::frozenset);
  at = put_number(at, static_cast<u64>(PySet_GET_SIZE(held.get())));
  for (Py_ssize_t i = 0; i <= set->mask; ++i) {
    const setentry& entry = set->table[i];
    if (entry.key == nullptr || entry.hash == -1) continue;   // never used, or removed
    if ((at = value(entry.key, at)) == nullptr) return lost([](Path& path) { path.at_member(); });
  }
  return at;
}

std::byte* Writer::bytearray(PyObject* array, std::byte* at) {
  Py_buffer view;
  if (PyObject_GetBuffer(array, &view, PyBUF_SIMPLE) != 0) return nullptr;
  const auto size = static_cast<std::size_t>(view.len);
  if (size > bounds_->string) {
    PyBuffer_Release(&view);
    return refuse(array, TOO_LONG);
  }
  at = put_number(put(at, Tag::bytearray), static_cast<u64>(size));
  // While it is referred to it cannot be resized: a BufferError, as while it is being
  // written to a file.
  if (size >= EXTERNAL_MIN && scratch_.refer(at, view)) return at;
  at = scratch_.reserve(at, size);
  if (at != nullptr) {
    std::memcpy(at, view.buf, size);
    at += size;
  }
  PyBuffer_Release(&view);
  return at != nullptr ? at : no_memory();
}

std::byte* Writer::range(PyObject* range, std::byte* at) {
  at = put(at, Tag::range);
  for (const char* name : {"start", "stop", "step"}) {
    const Held number(PyObject_GetAttrString(range, name));
    if (!number) return nullptr;
    if ((at = value(number.get(), at)) == nullptr) return nullptr;
  }
  return at;
}

std::byte* Writer::slice(PyObject* object, std::byte* at) {
  const auto* const slice = reinterpret_cast<PySliceObject*>(object);
  at = put(at, Tag::slice);
  for (PyObject* part : {slice->start, slice->stop, slice->step})
    if ((at = value(part, at)) == nullptr) return lost([](Path& path) { path.at_part("<part>"); });
  return at;
}

}  // namespace interlock::codec
