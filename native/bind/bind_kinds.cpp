// interlock._native: kinds of objects, as serialize/registry.py makes them.
#include <nanobind/stl/string.h>

#include "bind/bind.hpp"
#include "bind/python.hpp"
#include "codec/kinds.hpp"
#include "codec/moments.hpp"
#include "codec/native_functions.hpp"
#include "codec/reader.hpp"
#include "codec/writer.hpp"

namespace interlock::bind {

namespace {

using codec::Form;
using codec::Kind;

PyObject* kept(const nb::object& object) {
  return object.is_none() ? nullptr : nb::object(object).release().ptr();
}

codec::Form form_of(const std::string& name) {
  static constexpr const char* NAMES[] = {"record",   "fields", "open",   "member",
                                          "function", "native", "builtin"};
  for (u8 i = 0; i < std::size(NAMES); ++i)
    if (name == NAMES[i]) return static_cast<codec::Form>(i);
  throw nb::value_error("there is no form of this name");
}

codec::Builtin builtin_of(const std::string& name) {
  static constexpr const char* NAMES[] = {"date",     "time",    "datetime", "timedelta",
                                          "timezone", "decimal", "uuid"};
  for (u8 i = 0; i < std::size(NAMES); ++i)
    if (name == NAMES[i]) return static_cast<codec::Builtin>(i + 1);
  throw nb::value_error("there is no builtin kind of this name");
}

// For each field (name, description of its check or None).
void add_fields(Kind& kind, const nb::tuple& fields) {
  for (const nb::handle item : fields) {
    const nb::tuple field = nb::cast<nb::tuple>(item);
    PyObject* name = nb::object(field[0]).release().ptr();
    PyUnicode_InternInPlace(&name);
    std::unique_ptr<codec::Check> check;
    if (!field[1].is_none()) {
      check = codec::Check::from(nb::object(field[1]).ptr());
      if (check == nullptr) throw nb::python_error();
    }
    kind.fields.push_back({name, std::move(check)});
  }
}

u32 add_kind(nb::handle type, const std::string& form, const std::string& name, u32 version,
             const nb::bytes& definition, const nb::bytes& with_module, const nb::tuple& fields,
             nb::object encode, nb::object decode, bool by_name, bool older, bool trusted_too,
             bool yields, bool runs_python) {
  if (!PyType_Check(type.ptr())) throw nb::type_error("not a type");
  auto kind = std::make_unique<Kind>();
  kind->form = form_of(form);
  kind->type = reinterpret_cast<PyTypeObject*>(type.ptr());
  kind->name = name;
  kind->version = version;
  kind->definition.assign(definition.c_str(), definition.size());
  kind->trusted_definition = kind->definition;
  if (with_module.size() != 0)
    kind->trusted_definition.assign(with_module.c_str(), with_module.size());
  kind->by_name = by_name;
  kind->older = older;
  kind->trusted_too = trusted_too;
  kind->yields = yields;
  kind->runs_python = runs_python;
  add_fields(*kind, fields);
  if (kind->form == Form::builtin) {
    kind->builtin = builtin_of(name);
    if (!codec::load_datetime()) throw nb::python_error();
  } else if (kind->form == Form::native) {
    const codec::NativeFunctions* functions = codec::native_functions(encode.ptr());
    if (functions == nullptr) throw nb::python_error();
    kind->native_encode = functions->encode;
    kind->native_decode = functions->decode;
  } else {
    kind->encode = kept(encode);
    kind->decode = kept(decode);
  }
  if (!by_name) Py_INCREF(type.ptr());
  return codec::Kinds::add(std::move(kind));
}

nb::object build(u32 id, const nb::dict& state) {
  const Kind* const kind = codec::Kinds::at(id);
  if (kind == nullptr) throw nb::value_error("there is no such kind");
  return nb::steal(codec::build(*kind, state.ptr()));
}

}  // namespace

void bind_kinds(nb::module_& module) {
  module.def("add_kind", add_kind, nb::arg("type"), nb::arg("form"), nb::arg("name"),
             nb::arg("version"), nb::arg("definition"), nb::arg("definition_with_module"),
             nb::arg("fields"), nb::arg("encode").none(), nb::arg("decode").none(),
             nb::arg("by_name"), nb::arg("older"), nb::arg("trusted_too"), nb::arg("yields"),
             nb::arg("runs_python"),
             "Make a kind known to the codec (native/codec/kinds.hpp); its number.");
  module.def("forget_kind", codec::Kinds::forget, nb::arg("number"));
  module.def(
      "forget_type",
      [](u64 address) { codec::Kinds::forget_type(reinterpret_cast<PyTypeObject*>(address)); },
      nb::arg("address"));
  module.def(
      "build_kind",
      [](u32 id, const nb::dict& state) {
        nb::object made = build(id, state);
        if (!made.is_valid()) throw nb::python_error();
        return made;
      },
      nb::arg("number"), nb::arg("state"), "An object from a dict of its fields, checked.");
  module.def(
      "ask_for_kinds",
      [](nb::object find_type, nb::object find_name, nb::tuple reducers, nb::object refusal) {
        codec::Kinds::ask(find_type.ptr(), find_name.ptr(), reducers.ptr());
        codec::explain_refusals_by(refusal.ptr());
      },
      nb::arg("find_type"), nb::arg("find_name"), nb::arg("reducers"), nb::arg("refusal"));
}

}  // namespace interlock::bind
