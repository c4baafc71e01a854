// The table of kinds, and asking Python for those that are not in it.
#include "codec/kinds.hpp"

#include <cstring>
#include <unordered_map>

namespace interlock::codec {

namespace {

struct Hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
};
using Definitions = std::unordered_map<std::string, const Kind*, Hash, std::equal_to<>>;

// Definitions that a stranger made up are not kept, but those of known kinds come in as many
// spellings as it has peers with other fields: enough for a cluster that is being updated.
constexpr std::size_t DEFINITIONS_MAX = 4096;

struct Table {
  std::vector<std::unique_ptr<Kind>> kinds;
  std::unordered_map<PyTypeObject*, const Kind*> by_type;
  Definitions definitions[2];   // of sources that are not trusted, and that are
  PyObject* find_type = nullptr;
  PyObject* find_name = nullptr;
  PyObject* reducers = nullptr;   // a tuple of dicts by type
};

Table& table() {
  static Table* const made = new Table;   // never destroyed: threads outlive main()
  return *made;
}

const char* const LAZY_MODULES[] = {"datetime.", "decimal.", "uuid.",
                                    "zoneinfo.", "pathlib.", "array."};

// Types of the standard library whose kinds are made when they are first met.
bool has_lazy_kind(const char* name) {
  for (const char* module : LAZY_MODULES)
    if (std::strncmp(name, module, std::strlen(module)) == 0) return true;
  return std::strcmp(name, "memoryview") == 0;
}

// The registry enters itself (Kinds::ask) when it is imported; here for the first time it is needed.
bool registry_is_there() {
  if (table().find_type != nullptr) return true;
  const Held registry(PyImport_ImportModule("interlock.serialize.resolving"));
  return registry && table().find_type != nullptr;
}

// multiprocessing.managers registers array.array for its own sake when it is imported: a copy, in
// the pickle. That is no wish of the program, which only wanted a manager.
bool is_of_managers(PyObject* reducer) {
  if (!PyFunction_Check(reducer)) return false;
  PyObject* const module = PyFunction_GetModule(reducer);
  return module != nullptr && PyUnicode_Check(module) &&
         PyUnicode_CompareWithASCIIString(module, "multiprocessing.managers") == 0;
}

PyTypeObject* enum_type() {
  static PyTypeObject* found = nullptr;
  if (found != nullptr) return found;
  // The type of an Enum exists only when the module does.
  PyObject* const modules = PyImport_GetModuleDict();
  PyObject* const module = PyDict_GetItemString(modules, "enum");
  if (module == nullptr) return nullptr;
  PyObject* const type = PyObject_GetAttrString(module, "EnumType");
  if (type == nullptr) PyErr_Clear();
  return found = reinterpret_cast<PyTypeObject*>(type);
}

}  // namespace

bool is_enum(PyTypeObject* type) {
  PyTypeObject* const meta = Py_TYPE(type);
  return meta != &PyType_Type && meta == enum_type();
}

const Kind* Kinds::known(PyTypeObject* type) {
  const auto found = table().by_type.find(type);
  return found != table().by_type.end() ? found->second : nullptr;
}

bool Kinds::worth_asking(PyTypeObject* type, bool trusted) {
  if (!trusted || is_enum(type)) return true;
  // The name of a class written in Python has no module in it; of those, pathlib's and uuid's.
  if (type->tp_flags & Py_TPFLAGS_HEAPTYPE)
    return std::strcmp(type->tp_name, "UUID") == 0 ||
           std::strstr(type->tp_name, "Path") != nullptr || has_lazy_kind(type->tp_name);
  return has_lazy_kind(type->tp_name);
}

const Kind* Kinds::find(PyTypeObject* type, bool trusted) {
  if (const Kind* const kind = known(type); kind != nullptr) return kind;
  if (!worth_asking(type, trusted) || !registry_is_there()) return nullptr;
  if (const Kind* const kind = known(type); kind != nullptr) return kind;  // it entered that too
  const Held asked(PyObject_CallFunctionObjArgs(
      table().find_type, reinterpret_cast<PyObject*>(type), trusted ? Py_True : Py_False, nullptr));
  return asked ? known(type) : nullptr;
}

const Kind* Kinds::resolve(std::string_view definition, bool trusted) {
  Definitions& definitions = table().definitions[trusted];
  const auto found = definitions.find(definition);
  if (found != definitions.end()) return found->second;
  const std::string kept(definition);  // Python code may run, and the message may change
  const Held bytes(PyBytes_FromStringAndSize(kept.data(), static_cast<Py_ssize_t>(kept.size())));
  if (!bytes || !registry_is_there()) return nullptr;
  const Held id(PyObject_CallFunctionObjArgs(table().find_name, bytes.get(),
                                             trusted ? Py_True : Py_False, nullptr));
  if (!id) return nullptr;
  const unsigned long number = PyLong_AsUnsignedLong(id.get());
  if (number == static_cast<unsigned long>(-1) && PyErr_Occurred() != nullptr) return nullptr;
  const Kind* const kind = at(static_cast<u32>(number));
  if (kind == nullptr) {
    PyErr_Format(PyExc_SystemError, "there is no kind %lu", number);
    return nullptr;
  }
  if (definitions.size() >= DEFINITIONS_MAX) definitions.clear();
  definitions.emplace(kept, kind);
  return kind;
}

const Kind* Kinds::at(u32 id) {
  return id < table().kinds.size() ? table().kinds[id].get() : nullptr;
}

u32 Kinds::add(std::unique_ptr<Kind> kind) {
  Table& kinds = table();
  kind->id = static_cast<u32>(kinds.kinds.size());
  const Kind* const added = kind.get();
  kinds.kinds.push_back(std::move(kind));
  if (!added->older) kinds.by_type[added->type] = added;
  return added->id;
}

void Kinds::forget(u32 id) {
  Table& kinds = table();
  const Kind* const kind = at(id);
  if (kind == nullptr) return;
  const auto found = kinds.by_type.find(kind->type);
  if (found != kinds.by_type.end() && found->second == kind) kinds.by_type.erase(found);
  for (Definitions& definitions : kinds.definitions) definitions.clear();
}

void Kinds::forget_type(PyTypeObject* type) {
  table().by_type.erase(type);
  for (Definitions& definitions : table().definitions) definitions.clear();
}

bool Kinds::has_reducer(PyTypeObject* type) {
  PyObject* const reducers = table().reducers;
  if (reducers == nullptr) return false;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(reducers); ++i) {
    PyObject* const reducer =
        PyDict_GetItemWithError(PyTuple_GET_ITEM(reducers, i), reinterpret_cast<PyObject*>(type));
    if (reducer != nullptr && !is_of_managers(reducer)) return true;
  }
  return false;
}

void Kinds::ask(PyObject* find_type, PyObject* find_name, PyObject* reducers) {
  Py_XSETREF(table().find_type, Py_NewRef(find_type));
  Py_XSETREF(table().find_name, Py_NewRef(find_name));
  Py_XSETREF(table().reducers, Py_NewRef(reducers));
}

}  // namespace interlock::codec
