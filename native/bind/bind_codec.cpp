// interlock._native.encode and decode: the native encoding alone.
#include "bind/bind.hpp"
#include "bind/python.hpp"
#include "codec/bytes.hpp"
#include "codec/reader.hpp"

namespace interlock::bind {

namespace {

PyObject* encode(PyObject*, PyObject* object) { return codec::dumps(object); }
PyObject* decode(PyObject*, PyObject* data) { return codec::loads(data); }

PyMethodDef methods[] = {
    {"encode", encode, METH_O,
     "encode($module, obj, /)\n--\n\n"
     "The native encoding of an object of plain types.\n\n"
     "Args:\n    obj: Any object.\n\n"
     "Returns:\n    bytes; None when some part of the object is not plain, and pickle must do "
     "it.\n\n"
     "Raises:\n    MemoryError: There is no memory for the bytes."},
    {"decode", decode, METH_O,
     "decode($module, data, /)\n--\n\n"
     "The object in bytes made by `encode`.\n\n"
     "Args:\n    data: Anything with the buffer protocol, contiguous.\n\n"
     "Raises:\n    DecodeError: The bytes are no message."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void bind_codec(nb::module_& module) {
  codec::raise_damage_as(python().decode_error);
  if (PyModule_AddFunctions(module.ptr(), methods) != 0) throw nb::python_error();
}

}  // namespace interlock::bind
