// Keys of a map: encoded and decoded.
#include "bind/map_keys.hpp"

#include <cstring>

namespace interlock::bind {

namespace {

constexpr u32 DEPTH_MAX = 64;

void put_number(std::string& out, u32 number) {
  out.append(reinterpret_cast<const char*>(&number), sizeof number);
}
bool put_bytes(std::string& out, char kind, const char* data, Py_ssize_t length) {
  if (static_cast<u64>(length) > 0x7fffffff) {
    PyErr_SetString(PyExc_ValueError, "a key has at most 2 GiB");
    return false;
  }
  out.push_back(kind);
  put_number(out, static_cast<u32>(length));
  out.append(data, static_cast<std::size_t>(length));
  return true;
}

bool encode_int(PyObject* key, std::string& out) {
  int overflow = 0;
  const long long small = PyLong_AsLongLongAndOverflow(key, &overflow);
  if (overflow == 0) {
    if (small == -1 && PyErr_Occurred() != nullptr) return false;
    out.push_back('i');
    out.append(reinterpret_cast<const char*>(&small), sizeof small);
    return true;
  }
  const nb::object digits = nb::steal(PyNumber_ToBase(key, 16));
  Py_ssize_t length = 0;
  const char* const text =
      digits.is_valid() ? PyUnicode_AsUTF8AndSize(digits.ptr(), &length) : nullptr;
  return text != nullptr && put_bytes(out, 'I', text, length);
}

bool encode_str(PyObject* key, std::string& out) {
  Py_ssize_t length = 0;
  if (const char* const text = PyUnicode_AsUTF8AndSize(key, &length); text != nullptr)
    return put_bytes(out, 's', text, length);
  PyErr_Clear();   // it has surrogates
  const nb::object bytes = nb::steal(PyUnicode_AsEncodedString(key, "utf-8", "surrogatepass"));
  return bytes.is_valid() &&
         put_bytes(out, 's', PyBytes_AS_STRING(bytes.ptr()), PyBytes_GET_SIZE(bytes.ptr()));
}

bool encode(PyObject* key, std::string& out, u32 depth) {
  if (PyUnicode_Check(key)) return encode_str(key, out);
  if (PyLong_Check(key)) return encode_int(key, out);
  if (PyBytes_Check(key)) return put_bytes(out, 'b', PyBytes_AS_STRING(key), PyBytes_GET_SIZE(key));
  if (PyIndex_Check(key)) {  // numpy's ints, which are equal to those of Python
    const nb::object index = nb::steal(PyNumber_Index(key));
    return index.is_valid() && encode_int(index.ptr(), out);
  }
  if (!PyTuple_Check(key)) {
    PyErr_Format(PyExc_TypeError,
                 "a key of a SharedDict is a str, bytes, int or a tuple of such, not %.200s",
                 Py_TYPE(key)->tp_name);
    return false;
  }
  if (depth == DEPTH_MAX) {
    PyErr_Format(PyExc_ValueError, "a key of a SharedDict has at most %u tuples in each other",
                 DEPTH_MAX);
    return false;
  }
  out.push_back('t');
  put_number(out, static_cast<u32>(PyTuple_GET_SIZE(key)));
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(key); ++i)
    if (!encode(PyTuple_GET_ITEM(key, i), out, depth + 1)) return false;
  return true;
}

// The bytes that are left; empty pieces and nullptr where they end too early.
class KeyReader {
 public:
  explicit KeyReader(std::span<const std::byte> bytes) : rest_(bytes) {}

  PyObject* read(u32 depth) {
    const std::span kind = take(1);
    if (kind.empty()) return broken();
    switch (static_cast<char>(kind[0])) {
      case 'i': {
        const std::span bytes = take(sizeof(long long));
        long long number = 0;
        if (bytes.empty()) return broken();
        std::memcpy(&number, bytes.data(), sizeof number);
        return PyLong_FromLongLong(number);
      }
      case 'I': {
        const std::string digits = take_text();
        return digits.empty() ? broken() : PyLong_FromString(digits.c_str(), nullptr, 16);
      }
      case 's': {
        const std::string text = take_text();
        return failed_ ? broken()
                       : PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()),
                                              "surrogatepass");
      }
      case 'b': {
        const std::string bytes = take_text();
        return failed_
                   ? broken()
                   : PyBytes_FromStringAndSize(bytes.data(), static_cast<Py_ssize_t>(bytes.size()));
      }
      case 't':
        return read_tuple(depth);
      default:
        return broken();
    }
  }

 private:
  PyObject* read_tuple(u32 depth) {
    const u32 count = take_number();
    if (failed_ || depth == DEPTH_MAX || count > rest_.size()) return broken();
    nb::object tuple = nb::steal(PyTuple_New(static_cast<Py_ssize_t>(count)));
    for (u32 i = 0; tuple.is_valid() && i < count; ++i) {
      PyObject* const item = read(depth + 1);
      if (item == nullptr) return nullptr;
      PyTuple_SET_ITEM(tuple.ptr(), static_cast<Py_ssize_t>(i), item);
    }
    return tuple.release().ptr();
  }

  std::span<const std::byte> take(std::size_t length) {
    failed_ = failed_ || length > rest_.size();
    if (failed_) return {};
    const std::span piece = rest_.first(length);
    rest_ = rest_.subspan(length);
    return piece;
  }
  u32 take_number() {
    u32 number = 0;
    const std::span bytes = take(sizeof number);
    if (!bytes.empty()) std::memcpy(&number, bytes.data(), sizeof number);
    return number;
  }
  std::string take_text() {
    const std::span bytes = take(take_number());
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  static PyObject* broken() {
    if (PyErr_Occurred() == nullptr)
      PyErr_SetString(python().corrupted, "a key of a map is damaged: a process wrote over it");
    return nullptr;
  }

  std::span<const std::byte> rest_;
  bool failed_ = false;
};

}  // namespace

bool encode_key(PyObject* key, std::string& out) { return encode(key, out, 0); }
PyObject* decode_key(std::span<const std::byte> bytes) { return KeyReader(bytes).read(0); }

}  // namespace interlock::bind
