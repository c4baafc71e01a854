// interlock._native.SharedMap: what interlock.shared_memory.SharedDict builds on.
//
// Values are bytes here; what they mean, Python says.
#include <optional>
#include <vector>

#include "bind/bind.hpp"
#include "bind/map_keys.hpp"
#include "core/hash_map.hpp"

namespace interlock::bind {

namespace {

constexpr u64 LARGE = 1 << 20;  // bytes; to copy so many, the interpreter is let go

struct SharedMap {
  explicit SharedMap(MapSegment its) : segment(std::move(its)), map(segment) {}
  MapSegment segment;
  HashMap map;
};

std::string key_of(nb::handle key) {
  std::string bytes;
  if (!encode_key(key.ptr(), bytes)) throw nb::python_error();
  return bytes;
}
Bytes bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }
Bytes bytes_of(const nb::bytes& value) {
  return {static_cast<const std::byte*>(value.data()), value.size()};
}
nb::object python_bytes(Bytes bytes) { return nb::bytes(bytes.data(), bytes.size()); }
nb::object python_key(Bytes bytes) {
  PyObject* const key = decode_key(bytes);
  if (key == nullptr) throw nb::python_error();
  return nb::steal(key);
}

// (value or None, what was seen).
nb::object find(SharedMap& self, const std::string& key, HashMap::Seen& seen) {
  nb::object value = nb::none();
  seen = self.map.find(bytes_of(key), [&](Bytes found) { value = python_bytes(found); });
  return seen.word == SLOT_EMPTY ? nb::none() : value;
}
nb::object get(SharedMap& self, nb::handle key) {
  HashMap::Seen seen;
  return find(self, key_of(key), seen);
}
nb::object look(SharedMap& self, nb::handle key) {
  HashMap::Seen seen;
  nb::object value = find(self, key_of(key), seen);
  return nb::make_tuple(value, nb::make_tuple(seen.generation, seen.word));
}

struct When {
  HashMap::If when = HashMap::If::always;
  HashMap::Seen seen;
  explicit When(nb::handle what) {
    if (what.is_none()) return;
    when = HashMap::If::unchanged;
    seen = {nb::cast<u64>(what[0]), nb::cast<u64>(what[1])};
  }
};

// Makes a change: with the interpreter's lock if the map's is free, for to have it again may take
// long where other threads of this process run; without it where one has to wait, or where the map
// is so large that to move it takes a while.
template <class Answer, class Change>
Answer at_once_or_waiting(SharedMap& self, Answer busy, Change change) {
  if (self.map.live() < 16 * LARGE)
    if (const Answer answer = change(Patience::none); answer != busy) return answer;
  const WithoutInterpreter released;
  return change(Patience::as_long_as_it_takes);
}

// 0: done. 1: it is not as it was seen. More: so many bytes would have to be allowed.
u64 set(SharedMap& self, nb::handle key, nb::bytes value, u64 allowed, nb::handle seen) {
  const std::string its_key = key_of(key);
  const When when(seen);
  try {
    const auto put = at_once_or_waiting(self, HashMap::Put::busy, [&](Patience patience) {
      return self.map.put(bytes_of(its_key), bytes_of(value), allowed, when.when, when.seen,
                          patience);
    });
    return put == HashMap::Put::done ? 0 : 1;
  } catch (const MapWantsRoom& wish) {
    return wish.bytes;
  }
}

void assign(std::string& text, Bytes bytes) {
  text.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

nb::object pop(SharedMap& self, nb::handle key, nb::handle seen) {
  const std::string its_key = key_of(key);
  const When when(seen);
  std::string value;
  const auto erased = at_once_or_waiting(self, HashMap::Erased::busy, [&](Patience patience) {
    return self.map.erase(
        bytes_of(its_key), [&](Bytes, Bytes its) { assign(value, its); }, when.when, when.seen,
        patience);
  });
  return erased == HashMap::Erased::yes ? python_bytes(bytes_of(value)) : nb::none();
}

nb::object pop_any(SharedMap& self, u64 from) {
  std::string key, value;
  const auto erased = at_once_or_waiting(self, HashMap::Erased::busy, [&](Patience patience) {
    return self.map.erase_any(
        from,
        [&](Bytes its_key, Bytes its) {
          assign(key, its_key);
          assign(value, its);
        },
        patience);
  });
  if (erased != HashMap::Erased::yes) return nb::none();
  return nb::make_tuple(python_key(bytes_of(key)), python_bytes(bytes_of(value)));
}

// (key, value, what was seen) of the key that was put last, or None.
nb::object last(SharedMap& self) {
  std::string key, value;
  const HashMap::Seen seen = self.map.last([&](Bytes its_key, Bytes its) {
    assign(key, its_key);
    assign(value, its);
  });
  if (seen.word == SLOT_EMPTY) return nb::none();
  return nb::make_tuple(python_key(bytes_of(key)), python_bytes(bytes_of(value)),
                        nb::make_tuple(seen.generation, seen.word));
}

// [(key, value), ...], or [key, ...], in the order in which the keys were first put.
nb::list snapshot(SharedMap& self, bool values) {
  std::vector<std::pair<std::string, std::string>> all;
  {
    std::optional<WithoutInterpreter> released;
    if (self.map.live() > LARGE) released.emplace();
    self.map.snapshot(
        [&](u64 count) {
          all.clear();
          all.reserve(count);
        },
        [&](Bytes key, Bytes value) {
          all.emplace_back(
              std::string(reinterpret_cast<const char*>(key.data()), key.size()),
              values ? std::string(reinterpret_cast<const char*>(value.data()), value.size())
                     : std::string());
        });
  }
  nb::list listed;
  for (const auto& [key, value] : all) {
    const nb::object its_key = python_key(bytes_of(key));
    if (values)
      listed.append(nb::make_tuple(its_key, python_bytes(bytes_of(value))));
    else
      listed.append(its_key);
  }
  return listed;
}

}  // namespace

void bind_map(nb::module_& module) {
  nb::class_<SharedMap>(module, "SharedMap", nb::is_weak_referenceable(),
                        "A hash map in shared memory, from keys to bytes.")
      .def(
          "__init__",
          [](SharedMap* self, nb::handle, u64 max_bytes) {
            new (self) SharedMap(MapSegment::create(max_bytes));
            self->map.begin();
          },
          nb::arg("segment").none(), nb::arg("max_bytes"))
      .def(
          "__init__",
          [](SharedMap* self, int segment) {
            new (self) SharedMap(MapSegment::attach(Descriptor(segment)));
          },
          nb::arg("segment"))
      .def("_descriptor", [](const SharedMap& self) { return self.segment.fd(); })
      .def("_segment_id",
           [](const SharedMap& self) {
             return nb::bytes(self.segment.id().data(), sizeof self.segment.id());
           })
      .def("_max_bytes", [](const SharedMap& self) { return self.segment.max_bytes(); })
      .def("_get", get, nb::arg("key").none())
      .def("_look", look, nb::arg("key").none())
      .def("_set", set, nb::arg("key").none(), nb::arg("value"), nb::arg("allowed"),
           nb::arg("seen").none())
      .def("_pop", pop, nb::arg("key").none(), nb::arg("seen").none())
      .def("_pop_any", pop_any, nb::arg("start"))
      .def("_last", last)
      .def("_clear",
           [](SharedMap& self) {
             const WithoutInterpreter released;
             self.map.clear();
           })
      .def("_count", [](SharedMap& self) { return self.map.count(); })
      .def("_snapshot", snapshot, nb::arg("values"));
}

}  // namespace interlock::bind
