// What is not plain: objects of kinds that are known (kinds.hpp), and their buffers.
#include <Python.h>
#include <structmember.h>

#include "codec/moments.hpp"
#include "codec/native_body.hpp"
#include "codec/writer_container.hpp"

namespace interlock::codec {

// ---- objects ---------------------------------------------------------------------------------

// nullptr: there is none, or it has been refused.
const Kind* Writer::kind_of(PyObject* object) {
  PyTypeObject* const type = Py_TYPE(object);
  const bool trusted = bounds_->trusted;
  const Kind* kind = Kinds::known(type);
  if (kind == nullptr) {
    if (Kinds::worth_asking(type, trusted)) {
      if (!careful_) {
        begin_again();
        return nullptr;
      }
      kind = Kinds::find(type, trusted);
    }
    if (kind == nullptr) {
      if (PyErr_Occurred() != nullptr)
        failed();
      else
        refuse(object, NOT_REGISTERED);
      return nullptr;
    }
  }
  if (trusted ? !kind->trusted_too : kind->by_name) {
    refuse(object, NOT_REGISTERED);
    return nullptr;
  }
  if (kind->runs_python && !careful_) {
    begin_again();
    return nullptr;
  }
  // What the program said of a type of the standard library, or of its Enum, is pickle's to do.
  if (trusted && kind->yields && Kinds::has_reducer(type)) return nullptr;
  return kind;
}

std::byte* Writer::object(PyObject* object, std::byte* at) {
  if (Py_TYPE(object) == &PyPickleBuffer_Type && states_ != 0) return buffer(object, at);
  const Kind* const kind = kind_of(object);
  if (kind == nullptr) return nullptr;
  has_objects_ = true;
  const auto by = [&](std::byte* (Writer::*body)(PyObject*, const Kind&, std::byte*)) {
    return [this, object, kind, body](std::byte* at) { return (this->*body)(object, *kind, at); };
  };
  switch (kind->form) {
    case Form::record:
      return container<May::contain_itself>(object, at, by(&Writer::record));
    case Form::open:
      return container<May::contain_itself>(object, at, by(&Writer::open));
    case Form::fields:
      return container<May::not_contain_itself>(object, at, by(&Writer::record));
    case Form::member:
      return member(object, *kind, at);   // there is only one of each
    case Form::function:
      return container<May::not_contain_itself>(object, at, by(&Writer::function));
    case Form::native:
      return container<May::not_contain_itself>(object, at, by(&Writer::native));
    case Form::builtin:
      return container<May::not_contain_itself>(object, at, by(&Writer::builtin));
  }
  __builtin_unreachable();
}

// Before the body of an object: which kind it is.
std::byte* Writer::introduce(const Kind& kind, std::byte* at) {
  for (std::size_t i = kinds_.size(); i-- > 0;)
    if (kinds_[i] == &kind) return put_index(at, Tag::object, static_cast<u32>(i));
  kinds_.push_back(&kind);
  const std::string& definition = bounds_->trusted ? kind.trusted_definition : kind.definition;
  at = scratch_.reserve(at, definition.size() + 2 * VALUE_ROOM);
  if (at == nullptr) return no_memory();
  at = put_number(put(at, Tag::define), static_cast<u16>(definition.size()));
  return put_bytes(at, definition.data(), definition.size());
}

std::byte* Writer::record(PyObject* object, const Kind& kind, std::byte* at) {
  if (!has_room_for(kind.fields.size())) return refuse(object, TOO_MANY_ITEMS);
  if ((at = introduce(kind, at)) == nullptr) return nullptr;
  const bool is_tuple = kind.form == Form::fields;
  if (is_tuple && static_cast<std::size_t>(PyTuple_GET_SIZE(object)) != kind.fields.size())
    return refuse(object, "it has not the fields of its class");
  for (std::size_t i = 0; i < kind.fields.size(); ++i) {
    PyObject* const name = kind.fields[i].name;
    PyObject* const given = is_tuple
                                ? Py_NewRef(PyTuple_GET_ITEM(object, static_cast<Py_ssize_t>(i)))
                                : PyObject_GetAttr(object, name);
    if (given == nullptr) {
      failed();
      return lost([name](Path& path) { path.at_field(name); });
    }
    // Where no other code runs the object keeps it, and the count tells who else does.
    const Held held(careful_ ? given : nullptr);
    if (!careful_) Py_DECREF(given);
    if ((at = value(given, at)) == nullptr)
      return lost([name](Path& path) { path.at_field(name); });
  }
  return at;
}

std::byte* Writer::open(PyObject* object, const Kind& kind, std::byte* at) {
  if ((at = introduce(kind, at)) == nullptr) return nullptr;
  const Held state(PyObject_GenericGetDict(object, nullptr));
  if (!state) return failed();
  return dict(state.get(), at);
}

std::byte* Writer::member(PyObject* object, const Kind& kind, std::byte* at) {
  static PyObject* const value_name = PyUnicode_InternFromString("_value_");
  if ((at = introduce(kind, at)) == nullptr) return nullptr;
  const Held held(PyObject_GetAttr(object, value_name));
  if (!held) return failed();
  if ((at = value(held.get(), at)) == nullptr)
    return lost([](Path& path) { path.at_part(".value"); });
  return at;
}

std::byte* Writer::function(PyObject* object, const Kind& kind, std::byte* at) {
  if ((at = introduce(kind, at)) == nullptr) return nullptr;
  const Held state(PyObject_CallOneArg(kind.encode, object));
  if (!state) return failed();
  ++states_;
  at = value(state.get(), at);
  --states_;
  return at != nullptr ? at : lost([](Path& path) { path.at_part("<state>"); });
}

std::byte* Writer::native(PyObject* object, const Kind& kind, std::byte* at) {
  if ((at = introduce(kind, at)) == nullptr) return nullptr;
  ++states_;
  at = InterlockWriter(*this, at).write(object, kind);
  --states_;
  return at;
}

std::byte* Writer::builtin(PyObject* object, const Kind& kind, std::byte* at) {
  switch (kind.builtin) {
    case Builtin::date:
      return put_date(object, at);
    case Builtin::time:
      return value(tzinfo_of_time(object), put_time(object, at));
    case Builtin::datetime:
      return value(tzinfo_of_datetime(object), put_datetime(object, at));
    case Builtin::timedelta:
      return put_timedelta(object, at);
    case Builtin::timezone: {
      if (is_utc(object)) return put(put_utc(at), Tag::none);
      if (!careful_) return begin_again();   // a tuple is made
      if ((at = put_timezone(object, at)) == nullptr) return failed();
      // Its name if it was given one: that is what it is pickled with.
      const Held arguments(PyObject_CallMethod(object, "__getinitargs__", nullptr));
      if (!arguments) return failed();
      const bool named = PyTuple_GET_SIZE(arguments.get()) > 1;
      return value(named ? PyTuple_GET_ITEM(arguments.get(), 1) : Py_None, at);
    }
    case Builtin::decimal:
      return decimal(object, at);
    case Builtin::uuid:
      return uuid(object, at);
    case Builtin::none:
      break;
  }
  __builtin_unreachable();
}

std::byte* Writer::decimal(PyObject* decimal, std::byte* at) {
  const Held digits(PyObject_Str(decimal));
  if (!digits) return failed();
  return text(digits.get(), put(at, Tag::decimal));
}

std::byte* Writer::uuid(PyObject* uuid, std::byte* at) {
  const Held number(PyObject_GetAttrString(uuid, "int"));
  const Held safety(number ? PyObject_GetAttrString(uuid, "is_safe") : nullptr);
  const Held code(safety ? PyObject_GetAttrString(safety.get(), "_value_") : nullptr);
  if (!code) return failed();
  at = put(at, Tag::uuid);
  std::byte bytes[17];   // one more than it needs, for the sign
  if (!PyLong_CheckExact(number.get()) || big_int_size(number.get()) > sizeof bytes ||
      !big_int_to_bytes(number.get(), bytes, sizeof bytes))
    return PyErr_Occurred() != nullptr ? failed() : refuse(uuid, "it is no 128-bit number");
  at = put_bytes(at, bytes, 16);
  // SafeUUID: safe is 0, unsafe is -1, unknown is None.
  const bool safe = code.get() != Py_None && PyObject_Not(code.get()) == 1;
  return put(at, static_cast<u8>(code.get() == Py_None ? 0 : safe ? 1 : 2));
}

// ---- buffers ---------------------------------------------------------------------------------

std::byte* Writer::buffer(PyObject* picklebuffer, std::byte* at) {
  Py_buffer view;
  if (PyObject_GetBuffer(picklebuffer, &view, PyBUF_SIMPLE) != 0) return failed();
  return take_buffer(view, at);
}

// Takes the view over.
std::byte* Writer::take_buffer(Py_buffer& view, std::byte* at) {
  const auto size = static_cast<std::size_t>(view.len);
  has_objects_ = true;
  at = scratch_.reserve(at, VALUE_ROOM);
  if (at != nullptr && buffers_ == Buffers::beside && size >= BUFFER_MIN) {
    beside_.push_back(view);
    beside_bytes_ += size;
    return put(at, Tag::buffer);
  }
  if (at != nullptr) {
    at = put(put(at, Tag::buffer_in), static_cast<u8>(view.readonly == 0));
    const std::size_t place = scratch_.offset(at) + sizeof(u8) + sizeof(u64) + BYTES_BEFORE;
    const std::size_t padding = size >= BUFFER_MIN ? -place % BUFFER_ALIGN : 0;
    at = put_number(put(at, static_cast<u8>(padding)), static_cast<u64>(size));
    at = std::fill_n(at, padding, std::byte{});
    if (size >= EXTERNAL_MIN && scratch_.refer(at, view)) return at;
    at = scratch_.reserve(at, size);
    if (at != nullptr) at = put_bytes(at, view.buf, size);
  }
  PyBuffer_Release(&view);
  return at != nullptr ? at : no_memory();
}

}  // namespace interlock::codec
