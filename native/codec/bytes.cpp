// The codec on its own: what tests, tools and benchmarks call.
#include "codec/bytes.hpp"

#include "codec/reader.hpp"
#include "codec/writer.hpp"

namespace interlock::codec {

PyObject* dumps(PyObject* object) {
  static thread_local Writer writer;   // no other dumps() can begin before this one ends
  PyObject* made = nullptr;
  if (writer.write(object)) {
    made = PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(writer.size()));
    if (made != nullptr) writer.copy_to(reinterpret_cast<std::byte*>(PyBytes_AS_STRING(made)));
  } else if (PyErr_Occurred() == nullptr) {
    made = Py_NewRef(Py_None);
  }
  writer.reset();
  return made;
}

PyObject* loads(PyObject* buffer) {
  Py_buffer view;
  if (PyObject_GetBuffer(buffer, &view, PyBUF_SIMPLE) != 0) return nullptr;
  PyObject* const object =
      read({static_cast<const std::byte*>(view.buf), static_cast<std::size_t>(view.len)});
  PyBuffer_Release(&view);
  return object;
}

}  // namespace interlock::codec
