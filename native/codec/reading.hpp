// The reader of one message: its state, and what each of the reader_*.cpp gives it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "codec/cursor.hpp"
#include "codec/format.hpp"
#include "codec/hash_guard.hpp"
#include "codec/kinds.hpp"
#include "codec/path.hpp"
#include "codec/slots.hpp"
#include "codec/source.hpp"

namespace interlock::codec {

// One level of nesting, for as long as it lives.
class Level {
 public:
  explicit Level(int& depth) : depth_(++depth) {}
  ~Level() { --depth_; }
  Level(const Level&) = delete;
  Level& operator=(const Level&) = delete;
  bool beyond(int most) const { return depth_ > most; }

 private:
  int& depth_;
};

// What most messages do without.
struct Rare {
  struct Met {
    const Kind* kind;
    PyObject* type;   // kept: by_name kinds do not
  };
  struct Deferred {
    const Check* check;
    PyObject* value;   // kept
    std::string where;
  };
  enum class Fault : u8 { damage, limit, type };

  Rare() = default;
  ~Rare() {
    for (const Met& each : met) Py_DECREF(each.type);
    for (const Deferred& each : deferred) Py_DECREF(each.value);
    Py_XDECREF(raised);
  }
  Rare(const Rare&) = delete;
  Rare& operator=(const Rare&) = delete;
  bool has_fault() const { return !problem.empty() || raised != nullptr; }

  std::optional<HashGuard> guard;
  std::vector<Met> met;              // kinds by number
  std::vector<std::size_t> open;     // numbers of what is not complete
  bool met_open = false;             // one of them has been referred to
  std::vector<Deferred> deferred;    // checks that wait for the end
  u64 check_work = 0;                // what checks may still look at
  int states = 0;                    // states of objects around this place: buffers are allowed
  std::size_t next_buffer = 0;

  std::string problem;               // what damaged() and the like say
  std::size_t problem_offset = 0;
  Fault fault{};
  PyObject* raised = nullptr;        // the exception, kept
  const char* raised_by = nullptr;
  Path path;
};

class Reader {
 public:
  // Without a source: of plain objects only.
  Reader(std::span<const std::byte> data, const Bounds& bounds, const Source* source = nullptr)
      : in_(data), bounds_(bounds), source_(source), items_left_(bounds.items) {
    if (!bounds.trusted) [[unlikely]]
      guard_ = &rare().guard.emplace(data.size());
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  PyObject* message() {
    if (in_.size() > bounds_.bytes) [[unlikely]]
      too_much("max_bytes", bounds_.bytes);
    Held value(has_fault() ? nullptr : this->value());
    if (value && in_.left() != 0) damaged("the message goes on after its end");
    if (rare_ == nullptr || (!rare_->has_fault() && accept_deferred())) [[likely]]
      return value.release();
    raise();
    return nullptr;
  }
  // Bytes before the message, and those of the buffers beside it.
  void begin_with(const Source& source);

 private:
  friend struct ::InterlockReader;

  // Each case of value() only calls on, so that it saves no registers itself.
  PyObject* value();
  // reader_texts.cpp
  [[gnu::noinline]] PyObject* complex();
  [[gnu::noinline]] PyObject* big_int();
  [[gnu::noinline]] PyObject* short_string(std::size_t n);
  PyObject* common_string(std::size_t n);
  [[gnu::noinline]] PyObject* new_common_string(std::size_t n, CommonStrings::Entry& entry);
  [[gnu::noinline]] PyObject* bytes(u64 size);
  [[gnu::noinline]] PyObject* bytearray(u64 size);
  [[gnu::noinline]] PyObject* text(Says says);
  template <class Form>
  [[gnu::noinline]] PyObject* string(u64 length);

  // reader_containers.cpp
  [[gnu::noinline]] PyObject* dict(u64 count, const std::size_t* number = nullptr);
  [[gnu::noinline]] PyObject* list(u64 count, const std::size_t* number = nullptr);
  [[gnu::noinline]] PyObject* tuple(u64 count);
  [[gnu::noinline]] PyObject* set(u64 count, PyObject* (*make)(PyObject*));
  [[gnu::noinline]] PyObject* range();
  [[gnu::noinline]] PyObject* slice();
  [[gnu::noinline]] PyObject* remember();
  PyObject* containing_itself(Says says, u8 tag, const std::size_t* number);
  PyObject* again(u64 number);
  bool may_be_key(PyObject* key, u64 mark, Collisions& collisions);

  // reader_objects.cpp: what is not plain.
  [[gnu::noinline]] PyObject* object(Says says, const std::size_t* number = nullptr);
  const Kind* define();
  PyObject* body(const Kind& kind, const std::size_t* number);
  PyObject* record(const Kind& kind, const std::size_t* number);
  PyObject* open(const Kind& kind, const std::size_t* number);
  PyObject* fields(const Kind& kind);
  PyObject* older(const Kind& kind);
  PyObject* member(const Kind& kind);
  PyObject* function(const Kind& kind);
  PyObject* native(const Kind& kind);
  [[gnu::noinline]] PyObject* buffer(Says says);
  [[gnu::noinline]] PyObject* builtin(Says says);
  PyObject* decimal();
  PyObject* uuid();
  PyObject* timezone();
  PyObject* finished(PyObject* object, const Kind& kind);
  // Whether the value is of the field's type, as far as that can be said yet.
  bool accept(const Field& field, PyObject* value);
  bool accept_deferred();

  // What comes next is a number of this type; `body` takes it.
  template <class Number, class Body>
  PyObject* with(Body&& body) {
    Number number;
    return in_.number(number) ? body(number) : cut_short();
  }

  // reader_faults.cpp: why it cannot be read. Each returns nullptr; message() raises it.
  [[gnu::cold, gnu::noinline]] PyObject* damaged(const char* what);
  [[gnu::cold, gnu::noinline]] PyObject* cut_short();
  [[gnu::cold, gnu::noinline]] PyObject* too_much(const char* limit, u64 most);
  [[gnu::cold, gnu::noinline]] PyObject* misfit(const Check& check, PyObject* value);
  // An error is set by what a key, a class or a function ran.
  [[gnu::cold, gnu::noinline]] PyObject* failed(const char* what);
  [[gnu::cold, gnu::noinline]] void raise();
  template <class Step>
  PyObject* lost(Step&& step) {
    if (has_fault()) step(rare_->path);
    return nullptr;
  }

  bool has_fault() const { return rare_ != nullptr && rare_->has_fault(); }
  bool plain_only() const { return source_ == nullptr; }

  // Room for a container's items is taken before they are read. Each needs a byte at least, and
  // so does each that the containers around it still wait for.
  bool has_bytes_for(u64 items) const { return items <= in_.left() - std::min(owed_, in_.left()); }
  bool may_have(u64 items) {
    if (items > items_left_) [[unlikely]]
      return false;
    items_left_ -= items;
    return true;
  }
  PyObject* too_many() { return too_much("max_items", bounds_.items); }
  PyObject* too_deep() {
    if (bounds_.trusted) return damaged("the values are nested too deeply");
    return too_much("max_depth", static_cast<u64>(bounds_.depth));
  }
  PyObject* too_long() { return too_much("max_string", bounds_.string); }
  PyObject* item() {
    --owed_;
    return value();
  }

  Rare& rare() {
    if (rare_ == nullptr) {
      rare_ = std::make_unique<Rare>();
      rare_->check_work = HashGuard::budget(in_.size());
    }
    return *rare_;
  }

  Cursor in_;
  const Bounds& bounds_;
  const Source* source_;
  u64 items_left_;
  std::size_t owed_ = 0;        // items that open containers wait for
  int depth_ = 0;
  HashGuard* guard_ = nullptr;  // of a source that is not trusted
  std::unique_ptr<Rare> rare_;
  Slots slots_;
};

constexpr const char* TOO_MANY_FOR_ITS_BYTES =
    "a container has more items than the message has bytes";

}  // namespace interlock::codec
