// interlock._native.SharedReadWriteLock: what interlock.synchronize.RWLock builds on.
#include "bind/bind.hpp"
#include "bind/sync_handle.hpp"
#include "core/read_write_lock.hpp"

namespace interlock::bind {

namespace {

class ReadWriteHandle : public SyncHandle {
 public:
  explicit ReadWriteHandle(SyncSegment segment) : SyncHandle(std::move(segment)), lock_(segment_) {}
  ReadWriteLock& lock() { return lock_; }
  // Ask to be rung; whoever asks looks again in any case.
  bool arm() {
    ask_to_ring();
    return false;
  }
  // Who asks in a loop looks for the dead now and then: that costs some microseconds.
  bool may_look_for_dead() {
    const Nanoseconds moment = now();
    if (moment - looked_ < MILLISECOND) return false;
    looked_ = moment;
    return true;
  }

 private:
  ReadWriteLock lock_;
  Nanoseconds looked_ = 0;
};

struct SharedReadWriteLock {
  std::unique_ptr<ReadWriteHandle> handle;
};

// What became of an attempt. Its names are Python's too (synchronize/rwlock.py).
enum class Entered { busy, yes, abandoned, deadlock, too_often };

Entered entered(Taken taken) {
  return taken == Taken::busy ? Entered::busy
                              : (taken == Taken::yes ? Entered::yes : Entered::abandoned);
}

Mode mode_of(bool write) { return write ? Mode::write : Mode::read; }

Entered acquire(const SharedReadWriteLock& one, bool write, nb::object block, nb::object timeout) {
  using Again = ReadWriteLock::Again;
  Wait wait;
  if (!parse_wait(block.ptr(), timeout.ptr(), wait)) throw nb::python_error();
  ReadWriteHandle& handle = *one.handle;
  handle.introduce();
  const Stamp me = Stamp::mine();
  const Again again = handle.lock().try_again(me, mode_of(write));
  if (again == Again::yes) return Entered::yes;
  if (again != Again::no) return again == Again::deadlock ? Entered::deadlock : Entered::too_often;
  ReadWriteLock::Waiting waiting(handle.lock(), me, mode_of(write));
  Taken taken = waiting.try_enter();
  if (taken == Taken::busy && (!wait.block || wait.deadline.passed())) {
    if (handle.may_look_for_dead()) {
      const WithoutInterpreter released;
      taken = waiting.try_enter(true);
    }
  } else if (taken == Taken::busy) {
    bool is_lined_up = false;
    const auto sleep = [&] {
      if (!std::exchange(is_lined_up, true)) waiting.line_up();
      const Taken so_far = waiting.wait(wait.deadline);
      handle.segment().ring_bells();  // it may have let others in
      return so_far;
    };
    if (!wait_by_turns(wait.deadline, taken, sleep,
                       [](Taken so_far) { return so_far != Taken::busy; }))
      throw nb::python_error();
  }
  if (taken != Taken::busy) {
    waiting.keep();
  } else {
    const WithoutInterpreter released;
    waiting.leave();
    handle.segment().ring_bells();
  }
  return entered(taken);
}

bool release(const SharedReadWriteLock& one, bool write) {
  const ReadWriteLock::Release released = one.handle->lock().release(Stamp::mine(), mode_of(write));
  one.handle->segment().ring_bells();
  return released != ReadWriteLock::Release::not_held;
}

// Who has it, and whether to write.
std::vector<std::tuple<Seen, bool>> holders(const SharedReadWriteLock& one) {
  std::vector<std::tuple<Seen, bool>> all;
  one.handle->lock().each_holder([&](Stamp who, Mode mode, Nanoseconds since) {
    all.emplace_back(seen(one.handle->segment(), who, since), mode == Mode::write);
  });
  return all;
}

// A place among those that want it, for a task that awaits it and has it by this.
class PlaceInReadWriteLock {
 public:
  PlaceInReadWriteLock(nb::object lock, bool write)
      : handle_(*nb::cast<const SharedReadWriteLock&>(lock).handle), kept_(std::move(lock)) {
    handle_.introduce();
    waiting_.emplace(handle_.lock(), Stamp::mine(), mode_of(write));
  }
  Entered enter() { return entered(waiting_->try_enter()); }
  Entered look() {
    const WithoutInterpreter released;
    if (!std::exchange(is_lined_up_, true)) waiting_->line_up();
    const Taken taken = waiting_->poll();
    handle_.segment().ring_bells();
    return entered(taken);
  }
  bool ask_to_ring() {
    handle_.ask_to_ring();
    return waiting_->is_in();
  }
  void leave() {
    const WithoutInterpreter released;
    waiting_->leave();
    handle_.segment().ring_bells();
  }

 private:
  ReadWriteHandle& handle_;
  nb::object kept_;
  std::optional<ReadWriteLock::Waiting> waiting_;
  bool is_lined_up_ = false;
};

}  // namespace

void bind_read_write_lock(nb::module_& module) {
  nb::enum_<Entered>(module, "Entered", "What became of an attempt to enter.")
      .value("BUSY", Entered::busy)
      .value("YES", Entered::yes)
      .value("ABANDONED", Entered::abandoned)
      .value("DEADLOCK", Entered::deadlock)
      .value("TOO_OFTEN", Entered::too_often);
  auto type =
      nb::class_<SharedReadWriteLock>(module, "SharedReadWriteLock", nb::is_weak_referenceable(),
                                      "A lock for readers and writers in shared memory.");
  def_views(type);
  type.def(
          "__init__",
          [](SharedReadWriteLock* self, bool raises) {
            new (self) SharedReadWriteLock{std::make_unique<ReadWriteHandle>(
                SyncSegment::create(SyncKind::read_write_lock, raises ? SYNC_RAISE : 0))};
          },
          nb::kw_only(), nb::arg("raises"))
      .def(
          "__init__",
          [](SharedReadWriteLock* self, int segment) {
            new (self) SharedReadWriteLock{
                std::make_unique<ReadWriteHandle>(SyncSegment::attach(Descriptor(segment)))};
          },
          nb::arg("segment"))
      .def("_acquire", acquire, nb::arg("write"), nb::arg("block"), nb::arg("timeout").none())
      .def("_release", release, nb::arg("write"))
      .def("_holders", holders)
      .def("_raises",
           [](const SharedReadWriteLock& one) { return one.handle->segment().has(SYNC_RAISE); });
  nb::class_<PlaceInReadWriteLock>(module, "PlaceInReadWriteLock",
                                   "One that wants a lock for readers and writers, or has it.")
      .def(nb::init<nb::object, bool>(), nb::arg("lock"), nb::arg("write"))
      .def("enter", &PlaceInReadWriteLock::enter)
      .def("look", &PlaceInReadWriteLock::look)
      .def("arm", &PlaceInReadWriteLock::ask_to_ring)
      .def("leave", &PlaceInReadWriteLock::leave);
}

}  // namespace interlock::bind
