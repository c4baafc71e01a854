// Numbers, texts and bytes of a message.
#include "codec/reading.hpp"

namespace interlock::codec {

namespace {

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

}  // namespace

PyObject* Reader::complex() {
  double real, imaginary;
  if (!in_.number(real) || !in_.number(imaginary)) return cut_short();
  return PyComplex_FromDoubles(real, imaginary);
}

PyObject* Reader::big_int() {
  u64 size;
  if (!in_.number(size)) return cut_short();
  if (size > bounds_.string) return too_long();
  const std::byte* const data = in_.take(size);
  return data != nullptr ? big_int_from_bytes(data, size) : cut_short();
}

namespace {

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

}  // namespace

template <class Form>
PyObject* Reader::string(u64 length) {
  if (length > in_.left() / sizeof(typename Form::unit)) return cut_short();
  if (length * sizeof(typename Form::unit) > bounds_.string) return too_long();
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

PyObject* Reader::common_string(std::size_t n) {
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
  if (size > bounds_.string) return too_long();
  const std::byte* const data = in_.take(size);
  if (data == nullptr) return cut_short();
  return PyBytes_FromStringAndSize(reinterpret_cast<const char*>(data),
                                   static_cast<Py_ssize_t>(size));
}

PyObject* Reader::bytearray(u64 size) {
  if (size > bounds_.string) return too_long();
  const std::byte* const data = in_.take(size);
  if (data == nullptr) return cut_short();
  return PyByteArray_FromStringAndSize(reinterpret_cast<const char*>(data),
                                       static_cast<Py_ssize_t>(size));
}

// A text of the kinds that have their length behind the tag.
PyObject* Reader::text(Says says) {
  switch (says) {
    case Says::ascii8:
      return with<u8>([this](u64 n) { return string<Ascii>(n); });
    case Says::ascii:
      return with<u64>([this](u64 n) { return string<Ascii>(n); });
    case Says::latin8:
      return with<u8>([this](u64 n) { return string<Latin>(n); });
    case Says::latin:
      return with<u64>([this](u64 n) { return string<Latin>(n); });
    case Says::wide8:
      return with<u8>([this](u64 n) { return string<Wide>(n); });
    case Says::wide:
      return with<u64>([this](u64 n) { return string<Wide>(n); });
    case Says::full8:
      return with<u8>([this](u64 n) { return string<Full>(n); });
    default:
      return with<u64>([this](u64 n) { return string<Full>(n); });
  }
}

}  // namespace interlock::codec
