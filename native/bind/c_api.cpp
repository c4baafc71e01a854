// interlock._native.C_API: the capsule behind include/interlock.h.
#include "interlock.h"

#include "bind/bind.hpp"
#include "bind/python.hpp"
#include "codec/native_body.hpp"
#include "codec/native_functions.hpp"
#include "codec/native_reading.hpp"

namespace interlock::bind {

namespace {

// No C++ exception passes through a C function: out of memory is the only one there can be.
template <class Body>
int status(Body&& body) noexcept {
  try {
    return body();
  } catch (...) {
    set_error_from_exception();
    return -1;
  }
}

void drop_functions(PyObject* capsule) {
  delete static_cast<codec::NativeFunctions*>(
      PyCapsule_GetPointer(capsule, codec::NATIVE_FUNCTIONS));
}

int register_type(PyTypeObject* type, const char* name, uint32_t version, InterlockEncode encode,
                  InterlockDecode decode) {
  return status([=] {
    auto functions =
        std::make_unique<codec::NativeFunctions>(codec::NativeFunctions{encode, decode});
    const nb::object capsule =
        nb::steal(PyCapsule_New(functions.get(), codec::NATIVE_FUNCTIONS, drop_functions));
    if (!capsule.is_valid()) return -1;
    functions.release();
    nb::module_::import_("interlock.serialize.registry")
        .attr("register_native")(nb::handle(reinterpret_cast<PyObject*>(type)), name, version,
                                 capsule);
    return 0;
  });
}

const InterlockAPI API = {
    INTERLOCK_API_VERSION,
    sizeof(InterlockAPI),
    register_type,
    [](InterlockWriter* writer, const void* data, size_t size) {
      return status([=] { return writer->bytes(data, size); });
    },
    [](InterlockWriter* writer, int64_t value) {
      return status([=] { return writer->int64(value); });
    },
    [](InterlockWriter* writer, uint64_t value) {
      return status([=] { return writer->uint64(value); });
    },
    [](InterlockWriter* writer, double value) {
      return status([=] { return writer->real(value); });
    },
    [](InterlockWriter* writer, PyObject* object) {
      return status([=] { return writer->object(object); });
    },
    [](InterlockWriter* writer, PyObject* owner, const void* data, size_t size, int writable) {
      return status([=] { return writer->buffer(owner, data, size, writable != 0); });
    },
    [](InterlockReader* reader, const void** data, size_t* size) {
      return status([=] { return reader->bytes(data, size); });
    },
    [](InterlockReader* reader, int64_t* value) {
      return status([=] { return reader->int64(value); });
    },
    [](InterlockReader* reader, uint64_t* value) {
      return status([=] { return reader->uint64(value); });
    },
    [](InterlockReader* reader, double* value) {
      return status([=] { return reader->real(value); });
    },
    [](InterlockReader* reader) -> PyObject* { return guarded([=] { return reader->object(); }); },
    [](InterlockReader* reader, void** data, size_t* size, int* writable) -> PyObject* {
      return guarded([=] { return reader->buffer(data, size, writable); });
    },
    [](InterlockReader* reader) { return reader->has_more() ? 1 : 0; },
    [](InterlockReader* reader, const char* reason) -> PyObject* {
      return guarded([=] { return reader->refuse(reason); });
    },
};

}  // namespace

void bind_c_api(nb::module_& module) {
  module.attr("C_API") =
      nb::steal(PyCapsule_New(const_cast<InterlockAPI*>(&API), INTERLOCK_API_CAPSULE, nullptr));
}

}  // namespace interlock::bind
