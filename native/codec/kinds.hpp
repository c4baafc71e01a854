// Kinds of objects beyond the plain ones: what the codec knows of a type that was registered.
//
// A kind is a type, the name and version by which messages call it, and a form: what stands
// in the message, and who makes an object of it.
//
//   record     the values of the fields, in the order in which the definition names them;
//              the object is made first, so it may contain itself
//   fields     the same for a NamedTuple, which is made of them
//   open       a dict of the attributes of a class that declares none
//   member     the value of a member of an Enum
//   function   what the Python function `encode` returned, for `decode` to take
//   native     what a C function wrote (include/interlock.h), closed by Tag::end
//   builtin    types of the standard library that have a tag of their own
//
// Kinds are found by type when an object is written and by definition when one is read;
// what is not found is asked for in Python (serialize/resolving.py), once. A kind is never
// freed: messages under way point to it. The table is guarded by the interpreter's lock.
//
// A kind by name (`by_name`) is an Enum that nobody registered: a trusted message may name it
// by module and qualified name, as a pickle would. It does not keep its class alive.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "codec/checks.hpp"
#include "codec/cpython.hpp"

struct InterlockWriter;
struct InterlockReader;

namespace interlock::codec {

enum class Form : u8 { record, fields, open, member, function, native, builtin };

// The types behind Form::builtin, in the order of serialize/standard.py.
enum class Builtin : u8 {
  none,
  date,
  time,
  datetime,
  timedelta,
  timezone,
  decimal,
  uuid,
};

using NativeEncode = int (*)(PyObject*, InterlockWriter*);
using NativeDecode = PyObject* (*)(InterlockReader*, std::uint32_t);

struct Field {
  PyObject* name;                // interned
  std::unique_ptr<Check> check;  // nullptr: anything
};

struct Kind {
  u32 id = 0;
  Form form{};
  Builtin builtin{};
  PyTypeObject* type = nullptr;   // borrowed if by_name, otherwise kept
  bool by_name = false;
  bool older = false;             // a version before the present one: it is read, never written
  bool trusted_too = true;        // also where pickle could do it
  bool yields = false;            // to a reducer that the program registered for the type
  bool runs_python = false;       // writing it may run Python code
  u32 version = 0;
  std::string name;
  std::vector<Field> fields;
  std::string trusted_definition; // the same with the module that registers it
  std::string definition;         // how a message introduces it
  PyObject* encode = nullptr;     // function
  // function, and whatever is older: makes the object of its state. record, open, fields: looks
  // at the finished object, or nullptr. member: makes it of its value, or nullptr.
  PyObject* decode = nullptr;
  NativeEncode native_encode = nullptr;
  NativeDecode native_decode = nullptr;
};

class Kinds {
 public:
  // Borrowed. nullptr without an error: there is none for this type at this level of trust.
  // Asks Python when it has not met the type; so not where no Python may run: see known().
  static const Kind* find(PyTypeObject* type, bool trusted);
  // The same of what was met already.
  static const Kind* known(PyTypeObject* type);
  // Whether find() could find what known() does not.
  static bool worth_asking(PyTypeObject* type, bool trusted);

  // By definition. nullptr with an error set: no such kind here.
  static const Kind* resolve(std::string_view definition, bool trusted);

  static const Kind* at(u32 id);
  static u32 add(std::unique_ptr<Kind> kind);   // Throws std::bad_alloc.
  static void forget(u32 id);
  // A class that was known by name is gone, and another may take its address.
  static void forget_type(PyTypeObject* type);
  // Whether the program has said how this type is reduced, which then decides (copyreg,
  // ForkingPickler.register). The standard library's own registrations do not count.
  static bool has_reducer(PyTypeObject* type);
  // find_type(type, trusted), find_name(definition, trusted), and a tuple of dicts: reducers by
  // type.
  static void ask(PyObject* find_type, PyObject* find_name, PyObject* reducers);
};

// Whether it is a type that the standard library's Enum made.
bool is_enum(PyTypeObject* type);

}  // namespace interlock::codec
