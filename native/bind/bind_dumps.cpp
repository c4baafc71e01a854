// interlock.serialize.dumps and loads, where no Python code is needed for them.
//
// What they are is said by two functions in Python (serialize/encoding.py), which do all that is
// seldom asked for. For a small object a call of one takes longer than its encoding, so what users
// call is made here: it does the usual itself, and hands everything else to them.
#include <cstring>
#include <string>

#include "bind/bind.hpp"
#include "bind/python.hpp"
#include "bind/terms.hpp"
#include "codec/reader.hpp"
#include "codec/writers.hpp"

namespace interlock::bind {

namespace {

constexpr std::string_view NATIVE = "\x01";

struct Ways {
  PyObject* dumps = nullptr;
  PyObject* loads = nullptr;
  PyObject* pickled = nullptr;
  codec::Bounds registered;   // where no limits are given
};
Ways ways;

// A word of the source, of which there is one object: what a call says is mostly that very one.
PyObject* word(const char* text) { return PyUnicode_InternFromString(text); }
PyObject *TRUST, *LIMITS, *BUFFERS, *WRITABLE, *PROCESS, *REGISTERED;

bool is(PyObject* text, PyObject* word) {
  return text == word || (PyUnicode_Check(text) && PyUnicode_Compare(text, word) == 0);
}

// What a call says beside its object, if it says nothing unusual.
struct Call {
  const codec::Bounds* bounds = &ways.registered;
  PyObject* buffers = nullptr;
  bool writable = false;

  // False without an error: it is for the function in Python.
  bool parse(PyObject* const* values, PyObject* names) {
    const Py_ssize_t count = names != nullptr ? PyTuple_GET_SIZE(names) : 0;
    for (Py_ssize_t i = 0; i < count; ++i) {
      PyObject* const name = PyTuple_GET_ITEM(names, i);
      if (is(name, TRUST) && is(values[i], PROCESS))
        bounds = &codec::TRUSTING;
      else if (is(name, BUFFERS) && (values[i] == Py_None || PyList_CheckExact(values[i])))
        buffers = values[i] == Py_None ? nullptr : values[i];
      else if (is(name, WRITABLE) && PyBool_Check(values[i]))
        writable = values[i] == Py_True;
      else if (!(is(name, TRUST) && is(values[i], REGISTERED)) &&
               !(is(name, LIMITS) && values[i] == Py_None))
        return false;
    }
    return true;
  }
};

PyObject* dumps(PyObject*, PyObject* const* given, Py_ssize_t count, PyObject* names) {
  Call call;
  if (count != 1 || !call.parse(given + 1, names) || call.buffers != nullptr || call.writable)
    return PyObject_Vectorcall(ways.dumps, given, static_cast<std::size_t>(count), names);
  return guarded([&]() -> PyObject* {
    std::unique_ptr<codec::Writer> writer = codec::take_writer();
    PyObject* made = nullptr;
    codec::Bounds bounds = *call.bounds;
    bounds.bytes -= NATIVE.size();   // the reader counts it
    if (writer->write(given[0], bounds, codec::Writer::Buffers::within))
      made = codec::bytes_of(*writer, NATIVE);
    else if (PyErr_Occurred() == nullptr)
      made = PyObject_CallOneArg(ways.pickled, given[0]);
    codec::give_back_writer(std::move(writer));
    return made;
  });
}

PyObject* loads(PyObject*, PyObject* const* given, Py_ssize_t count, PyObject* names) {
  Call call;
  if (count != 1 || !PyBytes_CheckExact(given[0]) || PyBytes_GET_SIZE(given[0]) == 0 ||
      *PyBytes_AS_STRING(given[0]) != NATIVE.front() || !call.parse(given + 1, names) ||
      call.buffers != nullptr)
    return PyObject_Vectorcall(ways.loads, given, static_cast<std::size_t>(count), names);
  return guarded([&]() -> PyObject* {
    const nb::object kept = nb::borrow(given[0]);   // its caller may let go of it meanwhile
    const std::span data(reinterpret_cast<const std::byte*>(PyBytes_AS_STRING(kept.ptr())),
                         static_cast<std::size_t>(PyBytes_GET_SIZE(kept.ptr())));
    return codec::read(data, {call.bounds, {}, call.writable, kept.ptr(), NATIVE.size()});
  });
}

// A function with the name, the signature and the docstring of one in Python.
PyObject* like(PyObject* function, const char* name, const char* signature,
               _PyCFunctionFastWithKeywords way) {
  const nb::object of(nb::borrow(function));
  const nb::object text = of.attr("__doc__");   // None under python -OO
  // Never freed: the function may live as long as the process.
  auto* const doc = new std::string(std::string(name) + signature + "\n--\n\n" +
                                    (text.is_none() ? "" : nb::str(text).c_str()));
  auto* const method =
      new PyMethodDef{name, reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(way)),
                      METH_FASTCALL | METH_KEYWORDS, doc->c_str()};
  return PyCFunction_NewEx(method, nullptr, of.attr("__module__").ptr());
}

}  // namespace

void bind_dumps(nb::module_& module) {
  TRUST = word("trust"), LIMITS = word("limits"), BUFFERS = word("buffers");
  WRITABLE = word("writable"), PROCESS = word("process"), REGISTERED = word("registered");
  module.def(
      "hasten",
      [](nb::object dumps_way, nb::object loads_way, nb::object pickled, nb::object limits) {
        if (!parse_bounds(limits.ptr(), ways.registered)) throw nb::python_error();
        ways.dumps = dumps_way.inc_ref().ptr();
        ways.loads = loads_way.inc_ref().ptr();
        ways.pickled = pickled.inc_ref().ptr();
        return nb::make_tuple(
            nb::steal(like(ways.dumps, "dumps",
                           "(obj, *, trust='registered', limits=None, buffers=None)", dumps)),
            nb::steal(like(ways.loads, "loads",
                           "(data, *, trust='registered', limits=None, buffers=(), "
                           "writable=False)",
                           loads)));
      },
      nb::arg("dumps"), nb::arg("loads"), nb::arg("pickled"), nb::arg("limits"),
      "Quicker ones of the two functions of interlock.serialize.encoding.");
}

}  // namespace interlock::bind
