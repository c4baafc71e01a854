// interlock._native.encode and decode: the native encoding alone.
#include "bind/bind.hpp"
#include "bind/python.hpp"
#include "bind/terms.hpp"
#include "codec/reader.hpp"
#include "codec/writers.hpp"

namespace interlock::bind {

namespace {

// A buffer that an encoded message refers to: it keeps what lends it.
struct LentBuffer {
  Py_buffer view{};
  explicit LentBuffer(const Py_buffer& lent) : view(lent) { Py_XINCREF(lent.obj); }
  LentBuffer(const LentBuffer&) = delete;
  LentBuffer& operator=(const LentBuffer&) = delete;
  LentBuffer(LentBuffer&& other) noexcept : view(std::exchange(other.view, Py_buffer{})) {}
  ~LentBuffer() { Py_XDECREF(view.obj); }
};

int get_lent(PyObject* self, Py_buffer* view, int flags) {
  const LentBuffer* lent = self_of<LentBuffer>(self);
  if (lent == nullptr) return -1;
  return PyBuffer_FillInfo(view, self, lent->view.buf, lent->view.len, lent->view.readonly, flags);
}

PyType_Slot lent_slots[] = {
    {Py_bf_getbuffer, reinterpret_cast<void*>(get_lent)},
    {0, nullptr},
};

PyObject* encode(PyObject*, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  PyObject* arguments[4];
  if (!parse_arguments("encode", given, count, keywords, {"obj", "limits", "buffers", "prefix"}, 1,
                       arguments))
    return nullptr;
  return guarded([&]() -> PyObject* {
    codec::Bounds bounds;
    if (arguments[1] != nullptr && !parse_bounds(arguments[1], bounds)) return nullptr;
    PyObject* const buffers = arguments[2] == Py_None ? nullptr : arguments[2];
    std::string_view prefix;
    if (arguments[3] != nullptr) {
      if (!PyBytes_CheckExact(arguments[3])) {
        PyErr_SetString(PyExc_TypeError, "prefix is bytes");
        return nullptr;
      }
      prefix = {PyBytes_AS_STRING(arguments[3]),
                static_cast<std::size_t>(PyBytes_GET_SIZE(arguments[3]))};
    }
    std::unique_ptr<codec::Writer> writer = codec::take_writer();
    PyObject* made = nullptr;
    if (writer->write(
            arguments[0], bounds,
            buffers != nullptr ? codec::Writer::Buffers::beside : codec::Writer::Buffers::within)) {
      made = codec::bytes_of(*writer, prefix);
      for (const Py_buffer& buffer : writer->beside()) {
        const nb::object lent = nb::cast(LentBuffer(buffer));
        if (made != nullptr && PyList_Append(buffers, lent.ptr()) != 0) Py_CLEAR(made);
      }
    } else if (PyErr_Occurred() == nullptr) {
      made = none();
    }
    codec::give_back_writer(std::move(writer));
    return made;
  });
}

PyObject* decode(PyObject*, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  PyObject* arguments[5];
  if (!parse_arguments("decode", given, count, keywords,
                       {"data", "limits", "buffers", "writable", "skip"}, 1, arguments))
    return nullptr;
  return guarded([&]() -> PyObject* {
    codec::Bounds bounds;
    if (arguments[1] != nullptr && !parse_bounds(arguments[1], bounds)) return nullptr;
    const int writable = arguments[3] != nullptr ? PyObject_IsTrue(arguments[3]) : 0;
    const Py_ssize_t skip = arguments[4] != nullptr ? PyLong_AsSsize_t(arguments[4]) : 0;
    if (writable < 0 || skip < 0) return nullptr;
    const nb::object kept =
        nb::steal(arguments[2] != nullptr ? PySequence_Fast(arguments[2], "buffers is no sequence")
                                          : PyTuple_New(0));
    if (!kept.is_valid()) return nullptr;
    const std::vector<PyObject*> buffers(
        PySequence_Fast_ITEMS(kept.ptr()),
        PySequence_Fast_ITEMS(kept.ptr()) + PySequence_Fast_GET_SIZE(kept.ptr()));
    Py_buffer view;
    if (PyObject_GetBuffer(arguments[0], &view, PyBUF_SIMPLE) != 0) return nullptr;
    PyObject* const object =
        codec::read({static_cast<const std::byte*>(view.buf), static_cast<std::size_t>(view.len)},
                    {&bounds, buffers, writable != 0, nullptr, static_cast<std::size_t>(skip)});
    PyBuffer_Release(&view);
    return object;
  });
}

PyMethodDef methods[] = {
    {"encode", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(encode)),
     METH_FASTCALL | METH_KEYWORDS,
     "encode($module, /, obj, limits=None, buffers=None, prefix=b'')\n--\n\n"
     "The native encoding of an object of plain types and of kinds that are known.\n\n"
     "Args:\n    obj: Any object.\n"
     "    limits: None for a trusted reader; otherwise (bytes, depth, items, bytes of a string).\n"
     "    buffers: A list for the large buffers; None to have them among the bytes.\n"
     "    prefix: What the bytes begin with.\n\n"
     "Returns:\n    bytes; None when for a trusted reader pickle must do it.\n\n"
     "Raises:\n    SerializationError: Some part may not travel, or is beyond a limit.\n"
     "    MemoryError: There is no memory for the bytes.\n"
     "    Exception: What an object's own code raised."},
    {"decode", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(decode)),
     METH_FASTCALL | METH_KEYWORDS,
     "decode($module, /, data, limits=None, buffers=(), writable=False, skip=0)\n--\n\n"
     "The object in bytes made by `encode`.\n\n"
     "Args:\n    data: Anything with the buffer protocol, contiguous.\n"
     "    limits: As there.\n    buffers: The large buffers, in order.\n"
     "    writable: Whether buffers among the bytes may be written to.\n"
     "    skip: Bytes before the message.\n\n"
     "Raises:\n    DecodeError: The bytes are no message, or one beyond a limit."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void bind_codec(nb::module_& module) {
  codec::raise_damage_as(python().decode_error);
  module.def(
      "leave_all_to_pickle", [](bool all) { codec::Writer::leaves_all_to_pickle = all; },
      nb::arg("all"), "Whether messages between processes that trust each other are pickles.");
  nb::class_<LentBuffer>(module, "LentBuffer", nb::type_slots(lent_slots),
                         "A buffer of an encoded message; it keeps the object that lends it.");
  if (PyModule_AddFunctions(module.ptr(), methods) != 0) throw nb::python_error();
}

}  // namespace interlock::bind
