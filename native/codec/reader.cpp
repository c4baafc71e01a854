// Bytes back to plain Python objects: one function a kind of value.
#include "codec/reader.hpp"

#include "codec/cursor.hpp"
#include "codec/format.hpp"
#include "codec/slots.hpp"

namespace interlock::codec {

namespace {

PyObject* damage_class = nullptr;
CommonStrings common_strings;

// Texts as they are stored: the least code point that makes a text one of these (a text
// of smaller ones has a narrower form, and only that form compares equal), and the most.
template <class Unit, u32 least, u32 most>
struct Form {
  using unit = Unit;
  static constexpr u32 LEAST = least, MOST = most;
};
using Ascii = Form<u8, 0, 0x7f>;
using Latin = Form<u8, 0x80, 0xff>;
using Wide = Form<u16, 0x100, 0xffff>;
using Full = Form<u32, 0x10000, 0x10ffff>;

class Reader {
 public:
  explicit Reader(std::span<const std::byte> data) : in_(data) {}

  PyObject* message() {
    Held value(this->value());
    if (value && in_.left() != 0) return damaged("the message goes on after its end");
    return value.release();
  }

 private:
  // Each case of value() only calls on, so that it saves no registers itself.
  PyObject* value();
  [[gnu::noinline]] PyObject* complex();
  [[gnu::noinline]] PyObject* big_int();
  [[gnu::noinline]] PyObject* short_string(std::size_t n);
  PyObject* common_string(std::size_t n);
  [[gnu::noinline]] PyObject* new_common_string(std::size_t n, CommonStrings::Entry& entry);
  [[gnu::noinline]] PyObject* bytes(u64 size);
  [[gnu::noinline]] PyObject* bytearray(u64 size);
  [[gnu::noinline]] PyObject* dict(u64 count, const std::size_t* number = nullptr);
  [[gnu::noinline]] PyObject* list(u64 count, const std::size_t* number = nullptr);
  [[gnu::noinline]] PyObject* tuple(u64 count);
  [[gnu::noinline]] PyObject* set(u64 count, PyObject* (*make)(PyObject*));
  [[gnu::noinline]] PyObject* range();
  [[gnu::noinline]] PyObject* slice();
  [[gnu::noinline]] PyObject* remember();
  PyObject* again(u64 number);

  template <class Form>
  [[gnu::noinline]] PyObject* string(u64 length);
  // What comes next is a number of this type; `body` takes it.
  template <class Number, class Body>
  PyObject* with(Body&& body) {
    Number number;
    return in_.number(number) ? body(number) : cut_short();
  }

  [[gnu::cold, gnu::noinline]] PyObject* damaged(const char* what) const;
  [[gnu::cold, gnu::noinline]] PyObject* cut_short() const {
    return damaged("the message ends within a value");
  }
  [[gnu::cold, gnu::noinline]] PyObject* unfit_key() const;

  // Room for a container's items is taken before they are read. Each needs a byte at least, and
  // so does each that the containers around it still wait for.
  bool has_bytes_for(u64 items) const { return items <= in_.left() - std::min(owed_, in_.left()); }
  PyObject* item() {
    --owed_;
    return value();
  }

  Cursor in_;
  std::size_t owed_ = 0;  // items that open containers wait for
  Slots slots_;
  int depth_ = 0;
};

// One level of nesting, for as long as it lives.
class Level {
 public:
  explicit Level(int& depth) : depth_(++depth) {}
  ~Level() { --depth_; }
  Level(const Level&) = delete;
  Level& operator=(const Level&) = delete;
  bool too_deep() const { return depth_ > READ_DEPTH_MAX; }

 private:
  int& depth_;
};
constexpr const char* TOO_DEEP = "the values are nested too deeply";
constexpr const char* TOO_MANY = "a container has more items than the message has bytes";

PyObject* Reader::damaged(const char* what) const {
  PyErr_Format(damage_class != nullptr ? damage_class : PyExc_ValueError,
               "A message of %zu bytes is damaged at byte %zu: %s. It cannot be read; some process "
               "wrote over it, or it never was a message of interlock. Send it again.",
               in_.size(), in_.offset(), what);
  return nullptr;
}

// A key that is none says that the message is wrong; running out of memory does not.
PyObject* Reader::unfit_key() const {
  if (!PyErr_ExceptionMatches(PyExc_TypeError) && !PyErr_ExceptionMatches(PyExc_ValueError))
    return nullptr;
  PyErr_Clear();
  return damaged("a key or set member cannot be hashed");
}

PyObject* Reader::complex() {
  double real, imaginary;
  if (!in_.number(real) || !in_.number(imaginary)) return cut_short();
  return PyComplex_FromDoubles(real, imaginary);
}

PyObject* Reader::big_int() {
  u64 size;
  if (!in_.number(size)) return cut_short();
  const std::byte* const data = in_.take(size);
  return data != nullptr ? big_int_from_bytes(data, size) : cut_short();
}

// ---- texts and bytes

// A new string of 2 to 16 ASCII bytes.
PyObject* make_string(ShortWords words, std::size_t n) {
  PyObject* const made = PyUnicode_New(static_cast<Py_ssize_t>(n), 0x7f);
  if (made == nullptr) return nullptr;
  auto* const data = static_cast<std::byte*>(PyUnicode_DATA(made));
  const auto put = [=](auto part, std::size_t at) { std::memcpy(data + at, &part, sizeof part); };
  if (n >= 8) {
    put(words.first, 0);
    put(words.last, n - 8);
  } else if (n >= 4) {
    put(static_cast<u32>(words.first), 0);
    put(static_cast<u32>(words.first >> (8 * (n - 4))), n - 4);
  } else {
    put(static_cast<u16>(words.first), 0);
    put(static_cast<u16>(words.first >> (8 * (n - 2))), n - 2);
  }
  return made;
}

// A new string of `length` characters from `data`, which is copied before it is checked.
// nullptr without an error: it is not of this form.
template <class Form>
PyObject* text_of(const std::byte* data, std::size_t length) {
  using Unit = typename Form::unit;
  PyObject* const made = PyUnicode_New(static_cast<Py_ssize_t>(length), Form::MOST);
  if (made == nullptr) return nullptr;
  std::memcpy(PyUnicode_DATA(made), data, length * sizeof(Unit));
  const auto* const units = static_cast<const Unit*>(PyUnicode_DATA(made));
  bool fits;
  if constexpr (std::is_same_v<Form, Ascii>) {
    fits = is_ascii(reinterpret_cast<const std::byte*>(units), length);
  } else {
    Unit most = 0;
    for (std::size_t i = 0; i < length; ++i) most = std::max(most, units[i]);
    fits = Form::LEAST <= most && most <= Form::MOST;
  }
  if (fits) return made;
  Py_DECREF(made);
  return nullptr;
}

template <class Form>
PyObject* Reader::string(u64 length) {
  if (length > in_.left() / sizeof(typename Form::unit)) return cut_short();
  const std::byte* const data = in_.take(length * sizeof(typename Form::unit));
  PyObject* made;
  if (length == 1 && Form::MOST <= 0xff) {   // there is one object for each of them
    const auto character = settle(static_cast<u8>(*data));
    const bool fits = Form::LEAST <= character && character <= Form::MOST;
    made = fits ? PyUnicode_FromOrdinal(character) : nullptr;
  } else {
    made = text_of<Form>(data, length);
  }
  if (made == nullptr && PyErr_Occurred() == nullptr)
    return damaged("a text holds characters that it cannot hold");
  return made;
}

// At most 31 characters.
PyObject* Reader::short_string(std::size_t n) {
  if (n < 2 || n > 16) return string<Ascii>(n);
  if (in_.left() < n) return cut_short();
  const ShortWords words = in_.short_words(n);
  if (((words.first | words.last) & NOT_ASCII) != 0) return string<Ascii>(n);   // says why
  in_.take(n);
  return make_string(words, n);
}

inline PyObject* Reader::common_string(std::size_t n) {
  if (!INTERPRETER_HAS_LOCK || n < 2 || in_.left() < n) [[unlikely]]
    return short_string(n);
  const ShortWords words = in_.short_words(n);
  CommonStrings::Entry& entry = common_strings.entry(words, n);
  if (!CommonStrings::fits(entry, words, n)) [[unlikely]]
    return new_common_string(n, entry);
  if (n > 16 && !in_.middle_is(entry.string, n)) [[unlikely]]
    return new_common_string(n, entry);
  in_.take(n);
  return Py_NewRef(entry.string);
}

PyObject* Reader::new_common_string(std::size_t n, CommonStrings::Entry& entry) {
  PyObject* const made = short_string(n);
  if (made != nullptr) CommonStrings::keep(entry, made, n);
  return made;
}

PyObject* Reader::bytes(u64 size) {
  const std::byte* const data = in_.take(size);
  if (data == nullptr) return cut_short();
  return PyBytes_FromStringAndSize(reinterpret_cast<const char*>(data),
                                   static_cast<Py_ssize_t>(size));
}

PyObject* Reader::bytearray(u64 size) {
  const std::byte* const data = in_.take(size);
  if (data == nullptr) return cut_short();
  return PyByteArray_FromStringAndSize(reinterpret_cast<const char*>(data),
                                       static_cast<Py_ssize_t>(size));
}

// ---- containers

PyObject* Reader::dict(u64 count, const std::size_t* number) {
  const Level level(depth_);
  if (level.too_deep()) return damaged(TOO_DEEP);
  if (count > in_.left() / 2 || !has_bytes_for(2 * count)) return damaged(TOO_MANY);
  Held dict(PyDict_New());
  if (!dict) return nullptr;
  if (number != nullptr) slots_.fill(*number, dict.get());
  for (owed_ += 2 * count; count != 0; --count) {
    const Held key(item());
    if (!key) return nullptr;
    const Held value(item());
    if (!value) return nullptr;
    if (PyDict_SetItem(dict.get(), key.get(), value.get()) != 0) return unfit_key();
  }
  return dict.release();
}

PyObject* Reader::list(u64 count, const std::size_t* number) {
  const Level level(depth_);
  if (level.too_deep()) return damaged(TOO_DEEP);
  if (!has_bytes_for(count)) return damaged(TOO_MANY);
  Held list(PyList_New(static_cast<Py_ssize_t>(count)));
  if (!list) return nullptr;
  if (number != nullptr) slots_.fill(*number, list.get());
  owed_ += count;
  for (u64 i = 0; i < count; ++i) {
    PyObject* const item = this->item();
    if (item == nullptr) return nullptr;
    PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), item);
  }
  return list.release();
}

PyObject* Reader::tuple(u64 count) {
  const Level level(depth_);
  if (level.too_deep()) return damaged(TOO_DEEP);
  if (!has_bytes_for(count)) return damaged(TOO_MANY);
  Held tuple(PyTuple_New(static_cast<Py_ssize_t>(count)));
  if (!tuple) return nullptr;
  owed_ += count;
  for (u64 i = 0; i < count; ++i) {
    PyObject* const item = this->item();
    if (item == nullptr) return nullptr;
    PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), item);
  }
  return tuple.release();
}

PyObject* Reader::set(u64 count, PyObject* (*make)(PyObject*)) {
  const Level level(depth_);
  if (level.too_deep()) return damaged(TOO_DEEP);
  if (!has_bytes_for(count)) return damaged(TOO_MANY);
  Held set(make(nullptr));
  if (!set) return nullptr;
  for (owed_ += count; count != 0; --count) {
    const Held member(item());
    if (!member) return nullptr;
    if (PySet_Add(set.get(), member.get()) != 0) return unfit_key();
  }
  return set.release();
}

PyObject* Reader::range() {
  const Level level(depth_);
  if (level.too_deep()) return damaged(TOO_DEEP);
  const Held start(value());
  const Held stop(start ? value() : nullptr);
  const Held step(stop ? value() : nullptr);
  if (!step) return nullptr;
  for (const Held* number : {&start, &stop, &step})
    if (!PyLong_CheckExact(number->get())) return damaged("a range of what are no integers");
  PyObject* const range = PyObject_CallFunctionObjArgs(
      reinterpret_cast<PyObject*>(&PyRange_Type), start.get(), stop.get(), step.get(), nullptr);
  if (range == nullptr && PyErr_ExceptionMatches(PyExc_ValueError)) {
    PyErr_Clear();
    return damaged("a range whose step is 0");
  }
  return range;
}

PyObject* Reader::slice() {
  const Level level(depth_);
  if (level.too_deep()) return damaged(TOO_DEEP);
  const Held start(value());
  const Held stop(start ? value() : nullptr);
  const Held step(stop ? value() : nullptr);
  return step ? PySlice_New(start.get(), stop.get(), step.get()) : nullptr;
}

// ---- sharing

PyObject* Reader::remember() {
  std::size_t number;
  if (!slots_.reserve(number)) return PyErr_NoMemory();
  if (in_.left() == 0) return cut_short();
  const u8 tag = in_.peek();
  switch (KINDS[tag]) {
    case Kind::small_list:
      in_.next();
      return list(tag % SMALL_COUNT_END, &number);
    case Kind::small_dict:
      in_.next();
      return dict(tag % SMALL_COUNT_END, &number);
    case Kind::list:
      in_.next();
      return with<u64>([&](u64 n) { return list(n, &number); });
    case Kind::dict:
      in_.next();
      return with<u64>([&](u64 n) { return dict(n, &number); });
    case Kind::remember:
      return damaged("a value with two numbers");
    default:
      break;
  }
  PyObject* const remembered = value();
  if (remembered != nullptr) slots_.fill(number, remembered);
  return remembered;
}

PyObject* Reader::again(u64 number) {
  PyObject* const value = slots_.get(number);
  if (value == nullptr) return damaged("it refers to a value that is not there yet");
  return Py_NewRef(value);
}

// ---- any value

PyObject* Reader::value() {
  if (in_.left() == 0) [[unlikely]]
    return cut_short();
  const u8 tag = in_.next();
  switch (KINDS[tag]) {
    case Kind::small_int:
      return PyLong_FromLong(tag);
    case Kind::short_string:
      return short_string(tag % SHORT_STRING_END);
    case Kind::common_string:
      return common_string(tag % SHORT_STRING_END);
    case Kind::small_dict:
      return dict(tag % SMALL_COUNT_END);
    case Kind::small_list:
      return list(tag % SMALL_COUNT_END);
    case Kind::small_tuple:
      return tuple(tag % SMALL_COUNT_END);
    case Kind::none:
      return Py_NewRef(Py_None);
    case Kind::no:
      return Py_NewRef(Py_False);
    case Kind::yes:
      return Py_NewRef(Py_True);
    case Kind::int32:
      return with<std::int32_t>([](long number) { return PyLong_FromLong(number); });
    case Kind::int64:
      return with<std::int64_t>([](long number) { return PyLong_FromLong(number); });
    case Kind::big_int:
      return big_int();
    case Kind::real:
      return with<double>([](double number) { return PyFloat_FromDouble(number); });
    case Kind::complex:
      return complex();
    case Kind::ascii8:
      return with<u8>([this](u64 n) { return string<Ascii>(n); });
    case Kind::ascii:
      return with<u64>([this](u64 n) { return string<Ascii>(n); });
    case Kind::latin8:
      return with<u8>([this](u64 n) { return string<Latin>(n); });
    case Kind::latin:
      return with<u64>([this](u64 n) { return string<Latin>(n); });
    case Kind::wide8:
      return with<u8>([this](u64 n) { return string<Wide>(n); });
    case Kind::wide:
      return with<u64>([this](u64 n) { return string<Wide>(n); });
    case Kind::full8:
      return with<u8>([this](u64 n) { return string<Full>(n); });
    case Kind::full:
      return with<u64>([this](u64 n) { return string<Full>(n); });
    case Kind::bytes8:
      return with<u8>([this](u64 n) { return bytes(n); });
    case Kind::bytes:
      return with<u64>([this](u64 n) { return bytes(n); });
    case Kind::bytearray:
      return with<u64>([this](u64 n) { return bytearray(n); });
    case Kind::dict:
      return with<u64>([this](u64 n) { return dict(n); });
    case Kind::list:
      return with<u64>([this](u64 n) { return list(n); });
    case Kind::tuple:
      return with<u64>([this](u64 n) { return tuple(n); });
    case Kind::set:
      return with<u64>([this](u64 n) { return set(n, PySet_New); });
    case Kind::frozenset:
      return with<u64>([this](u64 n) { return set(n, PyFrozenSet_New); });
    case Kind::range:
      return range();
    case Kind::slice:
      return slice();
    case Kind::remember:
      return remember();
    case Kind::again8:
      return with<u8>([this](u64 n) { return again(n); });
    case Kind::again:
      return with<u32>([this](u64 n) { return again(n); });
    case Kind::unknown:
      return damaged("a tag that has no meaning");
  }
  __builtin_unreachable();
}

}  // namespace

PyObject* read(std::span<const std::byte> data) { return Reader(data).message(); }

void raise_damage_as(PyObject* exception_class) {
  Py_XSETREF(damage_class, Py_NewRef(exception_class));
}

}  // namespace interlock::codec
