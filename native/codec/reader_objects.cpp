// Objects of kinds that are known, made by what was registered for them.
#include "codec/moments.hpp"
#include "codec/native_reading.hpp"
#include "codec/reading.hpp"

namespace interlock::codec {

namespace {

constexpr const char* NO_OBJECTS_HERE = "an object where only plain values may be";
constexpr std::size_t KINDS_MAX = 1 << 16;   // in one message

PyObject* no_arguments() {
  static PyObject* const empty = PyTuple_New(0);
  return empty;
}

PyObject* new_of(PyTypeObject* type) { return type->tp_new(type, no_arguments(), nullptr); }

// An attribute of a module of the standard library, imported when it is first needed.
PyObject* attribute(PyObject*& kept, const char* module, const char* name) {
  if (kept != nullptr) return kept;
  const Held found(PyImport_ImportModule(module));
  return kept = found ? PyObject_GetAttrString(found.get(), name) : nullptr;
}

class State {
 public:
  explicit State(int& states) : states_(++states) {}
  ~State() { --states_; }

 private:
  int& states_;
};

}  // namespace

// ---- kinds -----------------------------------------------------------------------------------

const Kind* Reader::define() {
  u16 size;
  const std::byte* data;
  if (!in_.number(size) || (data = in_.take(size)) == nullptr) {
    cut_short();
    return nullptr;
  }
  if (rare().met.size() == KINDS_MAX) {
    damaged("too many kinds of objects");
    return nullptr;
  }
  // A copy: others may write where the message lies.
  const std::string definition(reinterpret_cast<const char*>(data), size);
  const Kind* const kind = Kinds::resolve(definition, bounds_.trusted);
  if (kind == nullptr) {
    failed("its kind is not known here");
    return nullptr;
  }
  rare().met.push_back({kind, Py_NewRef(reinterpret_cast<PyObject*>(kind->type))});
  return kind;
}

PyObject* Reader::object(Says says, const std::size_t* number) {
  if (plain_only()) return damaged(NO_OBJECTS_HERE);
  if (says == Says::define) {
    const Kind* const kind = define();
    return kind != nullptr ? body(*kind, number) : nullptr;
  }
  const auto met = [&](u64 index) {
    return index < rare().met.size() ? body(*rare().met[index].kind, number)
                                     : damaged("an object of a kind that was not introduced");
  };
  return says == Says::object8 ? with<u8>(met) : with<u32>(met);
}

PyObject* Reader::body(const Kind& kind, const std::size_t* number) {
  const Level level(depth_);
  if (level.beyond(bounds_.depth)) return too_deep();
  if (kind.form == Form::record && !kind.older) return record(kind, number);
  if (kind.form == Form::open && !kind.older) return open(kind, number);
  PyObject* made = nullptr;
  if (kind.older && kind.form != Form::native)
    made = older(kind);
  else if (kind.form == Form::fields)
    made = fields(kind);
  else if (kind.form == Form::member)
    made = member(kind);
  else if (kind.form == Form::function)
    made = function(kind);
  else
    made = native(kind);
  if (made != nullptr && number != nullptr) slots_.fill(*number, made);
  return made;
}

// What was registered to look at a finished object.
PyObject* Reader::finished(PyObject* object, const Kind& kind) {
  if (kind.decode == nullptr) return object;
  const Held looked(PyObject_CallOneArg(kind.decode, object));
  if (looked) return object;
  Py_DECREF(object);
  return failed(nullptr);
}

PyObject* Reader::record(const Kind& kind, const std::size_t* number) {
  const std::size_t count = kind.fields.size();
  if (!has_bytes_for(count)) return damaged(TOO_MANY_FOR_ITS_BYTES);
  if (!may_have(count)) return too_many();
  Held object(new_of(kind.type));
  if (!object) return failed(nullptr);
  if (number != nullptr) slots_.fill(*number, object.get());
  owed_ += count;
  for (const Field& field : kind.fields) {
    const Held value(item());
    if (!value || !accept(field, value.get()))
      return lost([&](Path& path) { path.at_field(field.name); });
    // Past a __setattr__ of its own, as pickle sets slots: a frozen one refuses.
    if (PyObject_GenericSetAttr(object.get(), field.name, value.get()) != 0) {
      failed(nullptr);
      return lost([&](Path& path) { path.at_field(field.name); });
    }
  }
  return finished(object.release(), kind);
}

PyObject* Reader::open(const Kind& kind, const std::size_t* number) {
  Held object(new_of(kind.type));
  if (!object) return failed(nullptr);
  if (number != nullptr) slots_.fill(*number, object.get());
  const Held state(value());
  if (!state) return nullptr;
  if (!PyDict_CheckExact(state.get())) return damaged("the attributes of an object are no dict");
  const Held attributes(PyObject_GenericGetDict(object.get(), nullptr));
  if (!attributes) return failed(nullptr);
  Py_ssize_t position = 0;
  PyObject *name, *value;
  while (PyDict_Next(state.get(), &position, &name, &value)) {
    if (!PyUnicode_CheckExact(name)) return damaged("an attribute's name is no str");
    for (const Field& field : kind.fields)
      if (PyUnicode_Compare(field.name, name) == 0 && !accept(field, value))
        return lost([&](Path& path) { path.at_field(field.name); });
    if (PyDict_SetItem(attributes.get(), name, value) != 0) return failed(nullptr);
  }
  return finished(object.release(), kind);
}

PyObject* Reader::fields(const Kind& kind) {
  const std::size_t count = kind.fields.size();
  if (!has_bytes_for(count)) return damaged(TOO_MANY_FOR_ITS_BYTES);
  if (!may_have(count)) return too_many();
  const Held items(PyTuple_New(static_cast<Py_ssize_t>(count)));
  if (!items) return failed(nullptr);
  owed_ += count;
  for (std::size_t i = 0; i < count; ++i) {
    PyObject* const value = item();
    if (value != nullptr) PyTuple_SET_ITEM(items.get(), static_cast<Py_ssize_t>(i), value);
    if (value == nullptr || !accept(kind.fields[i], value))
      return lost([&](Path& path) { path.at_field(kind.fields[i].name); });
  }
  const Held arguments(PyTuple_Pack(1, items.get()));
  PyObject* const made =
      arguments ? PyTuple_Type.tp_new(kind.type, arguments.get(), nullptr) : nullptr;
  return made != nullptr ? finished(made, kind) : failed(nullptr);
}

// The state of an older version; its kind's decode brings it up to date and makes the object.
PyObject* Reader::older(const Kind& kind) {
  if (kind.form != Form::record && kind.form != Form::fields) return function(kind);
  const std::size_t count = kind.fields.size();
  if (!has_bytes_for(count)) return damaged(TOO_MANY_FOR_ITS_BYTES);
  if (!may_have(count)) return too_many();
  const Held state(PyDict_New());
  if (!state) return failed(nullptr);
  owed_ += count;
  for (const Field& field : kind.fields) {
    const Held value(item());
    if (!value) return lost([&](Path& path) { path.at_field(field.name); });
    if (PyDict_SetItem(state.get(), field.name, value.get()) != 0) return failed(nullptr);
  }
  PyObject* const made = PyObject_CallOneArg(kind.decode, state.get());
  return made != nullptr ? made : failed(nullptr);
}

PyObject* Reader::member(const Kind& kind) {
  const Held value(this->value());
  if (!value) return lost([](Path& path) { path.at_part(".value"); });
  // Neither hashing nor comparing these runs code.
  const bool quick = PyLong_CheckExact(value.get()) || PyUnicode_CheckExact(value.get());
  if (quick) {
    static PyObject* const map_name = PyUnicode_InternFromString("_value2member_map_");
    const Held map(PyObject_GetAttr(reinterpret_cast<PyObject*>(kind.type), map_name));
    if (!map) return failed(nullptr);
    PyObject* const found =
        PyDict_CheckExact(map.get()) ? PyDict_GetItemWithError(map.get(), value.get()) : nullptr;
    if (found != nullptr) return Py_NewRef(found);
    PyErr_Clear();
  }
  PyObject* const maker =
      kind.decode != nullptr ? kind.decode : reinterpret_cast<PyObject*>(kind.type);
  PyObject* const made = PyObject_CallOneArg(maker, value.get());
  return made != nullptr ? made : failed("an Enum has no member of this value");
}

PyObject* Reader::function(const Kind& kind) {
  const State inside(rare().states);
  const Held state(value());
  if (!state) return lost([](Path& path) { path.at_part("<state>"); });
  PyObject* const made = PyObject_CallOneArg(kind.decode, state.get());
  return made != nullptr ? made : failed(nullptr);
}

PyObject* Reader::native(const Kind& kind) {
  const State inside(rare().states);
  return InterlockReader(*this).read(kind);
}

// ---- an object of its fields ----------------------------------------------------------------

// What an older version's state was brought up to. nullptr with an error set.
PyObject* build(const Kind& kind, PyObject* state) {
  u64 work = HashGuard::budget(0);
  const bool is_tuple = kind.form == Form::fields;
  Held items(is_tuple ? PyTuple_New(static_cast<Py_ssize_t>(kind.fields.size())) : nullptr);
  Held object(is_tuple ? nullptr : new_of(kind.type));
  if (is_tuple ? !items : !object) return nullptr;
  for (std::size_t i = 0; i < kind.fields.size(); ++i) {
    const Field& field = kind.fields[i];
    PyObject* const value = PyDict_GetItemWithError(state, field.name);   // borrowed
    if (value == nullptr) {
      if (PyErr_Occurred() == nullptr)
        PyErr_Format(PyExc_ValueError, "it has no value for the field %U", field.name);
      return nullptr;
    }
    if (field.check != nullptr && !field.check->fits(value, work)) {
      PyErr_Format(PyExc_ValueError, "the field %U is to be %s, not %s", field.name,
                   field.check->text().c_str(), Py_TYPE(value)->tp_name);
      return nullptr;
    }
    if (is_tuple)
      PyTuple_SET_ITEM(items.get(), static_cast<Py_ssize_t>(i), Py_NewRef(value));
    else if (PyObject_GenericSetAttr(object.get(), field.name, value) != 0)
      return nullptr;
  }
  if (!is_tuple) return object.release();
  const Held arguments(PyTuple_Pack(1, items.get()));
  return arguments ? PyTuple_Type.tp_new(kind.type, arguments.get(), nullptr) : nullptr;
}

// ---- field types -----------------------------------------------------------------------------

bool Reader::accept(const Field& field, PyObject* value) {
  const Check* const check = field.check.get();
  if (check == nullptr) return true;
  if (check->is_deep() && rare().met_open) {
    rare().deferred.push_back({check, Py_NewRef(value), rare().path.text()});
    return true;
  }
  if (check->fits(value, rare().check_work)) [[likely]]
    return true;
  if (rare().check_work == 0) {
    damaged("its values take more work to check than its size allows");
    return false;
  }
  PyObject* found = value;
  const Check* const guilty = check->guilty(value, rare().path, found, rare().check_work);
  misfit(*guilty, found);
  return false;
}

bool Reader::accept_deferred() {
  for (const Rare::Deferred& deferred : rare().deferred) {
    if (deferred.check->fits(deferred.value, rare().check_work)) continue;
    PyObject* found = deferred.value;
    const Check* const guilty =
        deferred.check->guilty(deferred.value, rare().path, found, rare().check_work);
    misfit(*guilty, found);
    return false;
  }
  return true;
}

// ---- buffers -----------------------------------------------------------------------------------

namespace {

bool is_aligned(const std::byte* data) {
  return reinterpret_cast<std::uintptr_t>(data) % BUFFER_ALIGN == 0;
}

// Bytes of a bytes object, without a copy.
PyObject* part_of(PyObject* bytes, const std::byte* data, Py_ssize_t length) {
  const Held whole(PyMemoryView_FromObject(bytes));
  if (!whole) return nullptr;
  const auto* const begin = reinterpret_cast<const std::byte*>(PyBytes_AS_STRING(bytes));
  return PySequence_GetSlice(whole.get(), data - begin, data - begin + length);
}

}  // namespace

PyObject* Reader::buffer(Says says) {
  if (plain_only() || rare().states == 0) return damaged("a buffer outside of an object's state");
  if (says == Says::buffer) {
    if (rare().next_buffer == source_->buffers.size())
      return damaged("it has more buffers than came");
    Held view(PyMemoryView_FromObject(source_->buffers[rare().next_buffer++]));
    if (!view) return failed("one of its buffers is none");
    if (source_->writable || PyMemoryView_GET_BUFFER(view.get())->readonly) return view.release();
    PyObject* const read_only = PyObject_CallMethod(view.get(), "toreadonly", nullptr);
    return read_only != nullptr ? read_only : failed(nullptr);
  }
  u8 writable, padding;
  u64 size;
  if (!in_.number(writable) || !in_.number(padding) || !in_.number(size) ||
      in_.take(padding) == nullptr)
    return cut_short();
  const std::byte* const data = in_.take(size);
  if (data == nullptr) return cut_short();
  const auto* const chars = reinterpret_cast<const char*>(data);
  const auto length = static_cast<Py_ssize_t>(size);
  const bool may_write = writable != 0 && source_->writable;
  if (source_->owner != nullptr && !may_write && size >= BUFFER_MIN && is_aligned(data))
    return part_of(source_->owner, data, length);
  const Held copy(may_write ? PyByteArray_FromStringAndSize(chars, length)
                            : PyBytes_FromStringAndSize(chars, length));
  PyObject* const view = copy ? PyMemoryView_FromObject(copy.get()) : nullptr;
  return view != nullptr ? view : failed(nullptr);
}

std::size_t buffer_size(PyObject* buffer) {
  Py_buffer view;
  if (PyObject_GetBuffer(buffer, &view, PyBUF_SIMPLE) != 0) {
    PyErr_Clear();
    return 0;
  }
  const auto size = static_cast<std::size_t>(view.len);
  PyBuffer_Release(&view);
  return size;
}

// ---- types of the standard library -------------------------------------------------------------

PyObject* Reader::builtin(Says says) {
  if (plain_only()) return damaged(NO_OBJECTS_HERE);
  const Level level(depth_);
  if (level.beyond(bounds_.depth)) return too_deep();
  if (says == Says::decimal) return decimal();
  if (says == Says::uuid) return uuid();
  if (!load_datetime()) return failed(nullptr);
  DatePart date{};
  TimePart time{};
  PyObject* made = nullptr;
  if (says == Says::timezone) return timezone();
  if (says == Says::timedelta) {
    made = read_timedelta(in_);
    if (made == nullptr && PyErr_Occurred() == nullptr) return cut_short();
  } else {
    if (says != Says::time && !take_date(in_, date)) return cut_short();
    if (says != Says::date && !take_time(in_, time)) return cut_short();
    if (says == Says::date) {
      made = make_date(date);
    } else {
      const Held zone(value());
      if (!zone) return lost([](Path& path) { path.at_part(".tzinfo"); });
      made =
          says == Says::time ? make_time(time, zone.get()) : make_datetime(date, time, zone.get());
    }
  }
  return made != nullptr ? made : failed("there is no such date or time");
}

PyObject* Reader::timezone() {
  const Held offset(read_timedelta(in_));
  if (!offset)
    return PyErr_Occurred() != nullptr ? failed("no offset of a time zone") : cut_short();
  const Held name(value());
  if (!name) return nullptr;
  if (name.get() != Py_None && !PyUnicode_CheckExact(name.get()))
    return damaged("the name of a time zone is no str");
  PyObject* const made = make_timezone(offset.get(), name.get());
  return made != nullptr ? made : failed("no offset of a time zone");
}

PyObject* Reader::decimal() {
  static PyObject* type = nullptr;
  const Held digits(value());
  if (!digits) return nullptr;
  if (!PyUnicode_CheckExact(digits.get())) return damaged("a Decimal that is no str");
  if (attribute(type, "decimal", "Decimal") == nullptr) return failed(nullptr);
  PyObject* const made = PyObject_CallOneArg(type, digits.get());
  return made != nullptr ? made : failed("there is no such Decimal");
}

PyObject* Reader::uuid() {
  static PyObject* type = nullptr;
  static PyObject* safety = nullptr;
  const std::byte* const data = in_.take(16);
  u8 code;
  if (data == nullptr || !in_.number(code)) return cut_short();
  if (code > 2) return damaged("a UUID that is neither safe nor unsafe nor unknown");
  std::byte bytes[17]{};   // the last is the sign
  std::copy_n(data, 16, bytes);
  static constexpr const char* SAFETY[] = {"unknown", "safe", "unsafe"};
  if (attribute(type, "uuid", "UUID") == nullptr ||
      attribute(safety, "uuid", "SafeUUID") == nullptr)
    return failed(nullptr);
  const Held number(big_int_from_bytes(bytes, sizeof bytes));
  const Held is_safe(PyObject_GetAttrString(safety, SAFETY[code]));
  Held made(new_of(reinterpret_cast<PyTypeObject*>(type)));
  if (!number || !is_safe || !made) return failed(nullptr);
  static PyObject* const names[] = {PyUnicode_InternFromString("int"),
                                    PyUnicode_InternFromString("is_safe")};
  // Past its __setattr__, which refuses.
  if (PyObject_GenericSetAttr(made.get(), names[0], number.get()) != 0 ||
      PyObject_GenericSetAttr(made.get(), names[1], is_safe.get()) != 0)
    return failed(nullptr);
  return made.release();
}

}  // namespace interlock::codec
