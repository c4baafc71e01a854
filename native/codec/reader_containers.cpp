// Containers of a message, and what is shared between them.
#include "codec/reading.hpp"

namespace interlock::codec {

namespace {
constexpr const char* UNFIT_KEY = "a key or set member cannot be hashed";
}

PyObject* Reader::dict(u64 count, const std::size_t* number) {
  const Level level(depth_);
  if (level.beyond(bounds_.depth)) return too_deep();
  if (count > in_.left() / 2 || !has_bytes_for(2 * count)) return damaged(TOO_MANY_FOR_ITS_BYTES);
  if (!may_have(2 * count)) return too_many();
  Held dict(PyDict_New());
  if (!dict) return nullptr;
  if (number != nullptr) slots_.fill(*number, dict.get());
  Collisions collisions(guard_ ? count : 0);
  for (owed_ += 2 * count; count != 0; --count) {
    const u64 mark = guard_ ? guard_->mark(in_.offset()) : 0;
    const Held key(item());
    if (!key) return lost([](Path& path) { path.at_key(); });
    if (guard_ && !may_be_key(key.get(), mark, collisions)) return nullptr;
    const Held value(item());
    if (!value) return lost([&](Path& path) { path.at_item(key.get()); });
    if (PyDict_SetItem(dict.get(), key.get(), value.get()) != 0) return failed(UNFIT_KEY);
  }
  return dict.release();
}

PyObject* Reader::list(u64 count, const std::size_t* number) {
  const Level level(depth_);
  if (level.beyond(bounds_.depth)) return too_deep();
  if (!has_bytes_for(count)) return damaged(TOO_MANY_FOR_ITS_BYTES);
  if (!may_have(count)) return too_many();
  Held list(PyList_New(static_cast<Py_ssize_t>(count)));
  if (!list) return nullptr;
  if (number != nullptr) slots_.fill(*number, list.get());
  owed_ += count;
  for (u64 i = 0; i < count; ++i) {
    PyObject* const item = this->item();
    if (item == nullptr) return lost([i](Path& path) { path.at_index(i); });
    PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), item);
  }
  return list.release();
}

PyObject* Reader::tuple(u64 count) {
  const Level level(depth_);
  if (level.beyond(bounds_.depth)) return too_deep();
  if (!has_bytes_for(count)) return damaged(TOO_MANY_FOR_ITS_BYTES);
  if (!may_have(count)) return too_many();
  Held tuple(PyTuple_New(static_cast<Py_ssize_t>(count)));
  if (!tuple) return nullptr;
  owed_ += count;
  for (u64 i = 0; i < count; ++i) {
    PyObject* const item = this->item();
    if (item == nullptr) return lost([i](Path& path) { path.at_index(i); });
    PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), item);
  }
  return tuple.release();
}

PyObject* Reader::set(u64 count, PyObject* (*make)(PyObject*)) {
  const Level level(depth_);
  if (level.beyond(bounds_.depth)) return too_deep();
  if (!has_bytes_for(count)) return damaged(TOO_MANY_FOR_ITS_BYTES);
  if (!may_have(count)) return too_many();
  Held set(make(nullptr));
  if (!set) return nullptr;
  Collisions collisions(guard_ ? count : 0);
  for (owed_ += count; count != 0; --count) {
    const u64 mark = guard_ ? guard_->mark(in_.offset()) : 0;
    const Held member(item());
    if (!member) return lost([](Path& path) { path.at_member(); });
    if (guard_ && !may_be_key(member.get(), mark, collisions)) return nullptr;
    if (PySet_Add(set.get(), member.get()) != 0) return failed(UNFIT_KEY);
  }
  return set.release();
}

PyObject* Reader::range() {
  const Level level(depth_);
  if (level.beyond(bounds_.depth)) return too_deep();
  const Held start(value());
  const Held stop(start ? value() : nullptr);
  const Held step(stop ? value() : nullptr);
  if (!step) return nullptr;
  for (const Held* number : {&start, &stop, &step})
    if (!PyLong_CheckExact(number->get())) return damaged("a range of what are no integers");
  PyObject* const range = PyObject_CallFunctionObjArgs(
      reinterpret_cast<PyObject*>(&PyRange_Type), start.get(), stop.get(), step.get(), nullptr);
  return range != nullptr ? range : failed("a range whose step is 0");
}

PyObject* Reader::slice() {
  const Level level(depth_);
  if (level.beyond(bounds_.depth)) return too_deep();
  const Held start(value());
  const Held stop(start ? value() : nullptr);
  const Held step(stop ? value() : nullptr);
  return step ? PySlice_New(start.get(), stop.get(), step.get()) : nullptr;
}

// ---- keys of a stranger

bool Reader::may_be_key(PyObject* key, u64 mark, Collisions& collisions) {
  if (!guard_->may_hash(guard_->mark(in_.offset()) - mark)) {
    damaged("its keys take more work to hash than its size allows");
    return false;
  }
  const Py_hash_t hash = PyObject_Hash(key);
  if (hash == -1 && PyErr_Occurred() != nullptr) {
    failed(UNFIT_KEY);
    return false;
  }
  if (collisions.admit(hash)) return true;
  damaged("too many keys of a container have one hash");
  return false;
}

// ---- sharing

// What has its number before its items are read.
PyObject* Reader::containing_itself(Says says, u8 tag, const std::size_t* number) {
  switch (says) {
    case Says::small_list:
      return list(tag % SMALL_COUNT_END, number);
    case Says::small_dict:
      return dict(tag % SMALL_COUNT_END, number);
    case Says::list:
      return with<u64>([&](u64 n) { return list(n, number); });
    case Says::dict:
      return with<u64>([&](u64 n) { return dict(n, number); });
    default:
      return object(says, number);
  }
}

PyObject* Reader::remember() {
  std::size_t number;
  if (!slots_.reserve(number)) return PyErr_NoMemory();
  if (in_.left() == 0) return cut_short();
  const u64 mark = guard_ ? guard_->mark(in_.offset()) : 0;
  const u8 tag = in_.peek();
  const Says says = MEANINGS[tag];
  switch (says) {
    case Says::small_list:
    case Says::small_dict:
    case Says::list:
    case Says::dict:
    case Says::define:
    case Says::object8:
    case Says::object: {
      in_.next();
      if (plain_only()) return containing_itself(says, tag, &number);
      rare().open.push_back(number);
      PyObject* const made = containing_itself(says, tag, &number);
      rare().open.pop_back();
      return made;
    }
    case Says::remember:
      return damaged("a value with two numbers");
    default:
      break;
  }
  PyObject* const remembered = value();
  if (remembered == nullptr) return nullptr;
  slots_.fill(number, remembered);
  if (guard_) {
    // A text keeps its hash, so that it is hashed once.
    const bool keeps_hash = PyUnicode_CheckExact(remembered) || PyBytes_CheckExact(remembered);
    guard_->remembered(number, keeps_hash ? 1 : guard_->mark(in_.offset()) - mark);
  }
  return remembered;
}

PyObject* Reader::again(u64 number) {
  PyObject* const value = slots_.get(number);
  if (value == nullptr) return damaged("it refers to a value that is not there yet");
  if (guard_) guard_->refers_to(number);
  // A list that holds 3 of its 5 items so far: a check has to wait for the rest.
  if (rare_ != nullptr && std::ranges::count(rare_->open, number) != 0) rare_->met_open = true;
  return Py_NewRef(value);
}

}  // namespace interlock::codec
