// Why a message cannot be read: kept where it is noticed, raised when the path is known.
#include "codec/reader.hpp"
#include "codec/reading.hpp"

namespace interlock::codec {

namespace {
PyObject* damage_class = nullptr;
}

void raise_damage_as(PyObject* exception_class) {
  Py_XSETREF(damage_class, Py_NewRef(exception_class));
}

PyObject* Reader::damaged(const char* what) {
  if (rare().has_fault()) return nullptr;   // the first is the cause
  rare().problem = what;
  rare().problem_offset = in_.offset();
  rare().fault = Rare::Fault::damage;
  return nullptr;
}

PyObject* Reader::cut_short() { return damaged("the message ends within a value"); }

PyObject* Reader::too_much(const char* limit, u64 most) {
  if (rare().has_fault()) return nullptr;
  damaged(limit);
  rare().problem += "=" + std::to_string(most);
  rare().fault = Rare::Fault::limit;
  return nullptr;
}

PyObject* Reader::misfit(const Check& check, PyObject* value) {
  damaged(("expected " + check.text() + ", got " + Py_TYPE(value)->tp_name).c_str());
  rare().fault = Rare::Fault::type;
  return nullptr;
}

PyObject* Reader::failed(const char* what) {
  if (rare().has_fault()) {
    PyErr_Clear();
    return nullptr;
  }
  PyObject *type, *value, *trace;
  PyErr_Fetch(&type, &value, &trace);
  if (type == nullptr) return damaged(what);
  PyErr_NormalizeException(&type, &value, &trace);
  if (trace != nullptr) PyException_SetTraceback(value, trace);
  Py_DECREF(type);
  Py_XDECREF(trace);
  rare().raised = value;
  rare().raised_by = what;
  rare().problem_offset = in_.offset();
  return nullptr;
}

namespace {

constexpr const char* ANOTHER_S =
    ". It cannot be read; some process wrote over it, or it never was a message of interlock. "
    "Send it again.";

// DecodeError(text, offset=, path=), set, with what caused it.
void set_damage(const std::string& text, std::size_t offset, const std::string& path,
                PyObject* cause) {
  const Held arguments(Py_BuildValue("(s#)", text.data(), static_cast<Py_ssize_t>(text.size())));
  const Held named(Py_BuildValue("{s:n,s:s#}", "offset", static_cast<Py_ssize_t>(offset), "path",
                                 path.data(), static_cast<Py_ssize_t>(path.size())));
  if (!arguments || !named) return;
  PyObject* const error = PyObject_Call(damage_class, arguments.get(), named.get());
  if (error == nullptr) return;
  if (cause != nullptr) PyException_SetCause(error, Py_NewRef(cause));
  PyErr_SetObject(damage_class, error);
  Py_DECREF(error);
}

// Where a DecodeError of a type's own came up: its path goes on from the object's.
void note_place(PyObject* error, std::size_t offset, const std::string& path) {
  const Held present(PyObject_GetAttrString(error, "path"));
  const bool goes_on = present && PyUnicode_Check(present.get());
  const char* const rest = goes_on ? PyUnicode_AsUTF8(present.get()) : nullptr;
  const std::string whole = path + (rest != nullptr && rest[0] == '$' ? rest + 1 : "");
  const Held place(PyLong_FromSize_t(offset));
  const Held way(PyUnicode_FromStringAndSize(whole.data(), static_cast<Py_ssize_t>(whole.size())));
  if (!place || PyObject_SetAttrString(error, "offset", place.get()) != 0) PyErr_Clear();
  if (!way || PyObject_SetAttrString(error, "path", way.get()) != 0) PyErr_Clear();
}

}  // namespace

void Reader::raise() {
  const std::string path = rare().path.text();
  const std::string size = std::to_string(in_.size());
  const std::string place = "byte " + std::to_string(rare().problem_offset);
  if (rare().raised != nullptr) {
    const bool is_damage = PyObject_IsInstance(rare().raised, damage_class) == 1;
    const bool from_outside = PyErr_GivenExceptionMatches(rare().raised, PyExc_MemoryError) != 0 ||
                              PyErr_GivenExceptionMatches(rare().raised, PyExc_Exception) == 0;
    if (is_damage) note_place(rare().raised, rare().problem_offset, path);
    if (is_damage || from_outside || (bounds_.trusted && rare().raised_by == nullptr)) {
      PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(rare().raised)), rare().raised);
      return;
    }
    const Held shown(PyObject_Str(rare().raised));
    const char* const said = shown ? PyUnicode_AsUTF8(shown.get()) : nullptr;
    const std::string reason = std::string(Py_TYPE(rare().raised)->tp_name) + ": " +
                               std::string(said != nullptr ? said : "?").substr(0, 200);
    PyErr_Clear();
    if (rare().raised_by != nullptr)
      set_damage("A message of " + size + " bytes is damaged at " + place + ", " + path + ": " +
                     rare().raised_by + " (" + reason + ")" + ANOTHER_S,
                 rare().problem_offset, path, rare().raised);
    else
      set_damage("A message of " + size + " bytes was not made: at " + place + ", " + path +
                     ", the type that was registered refused what it holds (" + reason + ").",
                 rare().problem_offset, path, rare().raised);
    return;
  }
  switch (rare().fault) {
    case Rare::Fault::damage:
      set_damage("A message of " + size + " bytes is damaged at " + place + ": " + rare().problem +
                     ANOTHER_S,
                 rare().problem_offset, path, nullptr);
      break;
    case Rare::Fault::limit:
      set_damage("A message of " + size + " bytes goes beyond the limit " + rare().problem +
                     " at " + place + ", " + path +
                     "; nothing was made of it. If the sender may send so much, read it with "
                     "limits=interlock.serialize.Limits(...) that allow it.",
                 rare().problem_offset, path, nullptr);
      break;
    case Rare::Fault::type:
      set_damage(path + ": " + rare().problem + " (at " + place + " of a message of " + size +
                     " bytes). The field has another type here; the sender's class may be another "
                     "version, which then needs another version number.",
                 rare().problem_offset, path, nullptr);
      break;
  }
}

}  // namespace interlock::codec
