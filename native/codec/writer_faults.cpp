// Why an object cannot be written: kept where it is noticed, raised when the path is known.
#include "codec/writer.hpp"

namespace interlock::codec {

namespace {
PyObject* explain_refusal = nullptr;
}

void explain_refusals_by(PyObject* function) { Py_XSETREF(explain_refusal, Py_NewRef(function)); }

std::byte* Writer::refuse(PyObject* object, const char* reason) {
  if (bounds_->trusted) return nullptr;   // pickle knows what to say
  refused_ = Py_NewRef(object);
  reason_ = reason;
  has_objects_ = true;   // there is something to reset
  return nullptr;
}

std::byte* Writer::begin_again() {
  wants_care_ = true;
  return nullptr;
}

std::byte* Writer::failed() {
  has_objects_ = true;
  PyObject *type, *value, *trace;
  PyErr_Fetch(&type, &value, &trace);
  PyErr_NormalizeException(&type, &value, &trace);
  if (trace != nullptr) PyException_SetTraceback(value, trace);
  Py_XDECREF(type);
  Py_XDECREF(trace);
  raised_ = value;
  return nullptr;
}

bool Writer::too_large() {
  refused_ = Py_NewRef(Py_None);
  reason_ = nullptr;
  has_objects_ = true;
  return false;
}

// Raises what refuse() and failed() kept.
bool Writer::explain() {
  if (raised_ != nullptr) {
    PyObject* const error = std::exchange(raised_, nullptr);
    const std::string path = path_.text();
    const Held known(PyObject_GetAttrString(error, "path"));
    const Held place(
        PyUnicode_FromStringAndSize(path.data(), static_cast<Py_ssize_t>(path.size())));
    if (known.get() == Py_None && place && !bounds_->trusted)
      PyObject_SetAttrString(error, "path", place.get());
    PyErr_Clear();
    if (path != "$") {
      const Held noted(
          PyObject_CallMethod(error, "add_note", "s", ("while interlock encoded " + path).c_str()));
      PyErr_Clear();
    }
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error)), error);
    Py_DECREF(error);
  } else if (refused_ != nullptr) {
    raise_refusal();
  }
  return false;
}

// The exception is Python's to make (serialize/refusal.py): from the object, the reason (None: the
// message is too large), the path and the message's size.
void Writer::raise_refusal() {
  const std::string path = path_.text();
  const auto size = static_cast<Py_ssize_t>(scratch_.size() + beside_bytes_);
  const Held registry(PyImport_ImportModule("interlock.serialize.resolving"));
  if (!registry) return;
  const Held error(PyObject_CallFunction(explain_refusal, "Ozs#n", refused_, reason_, path.data(),
                                         static_cast<Py_ssize_t>(path.size()), size));
  if (error) PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.get())), error.get());
}

void Writer::reset_objects() {
  for (Py_buffer& view : beside_) PyBuffer_Release(&view);
  beside_.clear();
  beside_bytes_ = 0;
  kinds_.clear();
  path_.clear();
  Py_CLEAR(refused_);
  Py_CLEAR(raised_);
  has_objects_ = false;
}

}  // namespace interlock::codec
