// interlock._native.SharedCondition: what interlock.synchronize.Condition builds on.
//
// The lock that goes with it is Python's business: who waits lines up (PlaceInCondition), gives
// the lock up, sleeps, has the lock again, and then says that the notification is used up.
#include "bind/bind.hpp"
#include "bind/lock_handle.hpp"
#include "core/condition.hpp"

namespace interlock::bind {

namespace {

class ConditionHandle : public SyncHandle {
 public:
  explicit ConditionHandle(SyncSegment segment)
      : SyncHandle(std::move(segment)), condition_(segment_) {}
  Condition& condition() { return condition_; }
  // Ask to be rung; whoever asks looks again in any case.
  bool arm() {
    ask_to_ring();
    return false;
  }

 private:
  Condition condition_;
};

struct SharedCondition {
  std::unique_ptr<ConditionHandle> handle;
};

u32 notify(const SharedCondition& one, u32 count) {
  const WithoutInterpreter released;
  const u32 told = one.handle->condition().notify(Stamp::mine(), count);
  one.handle->segment().ring_bells();
  return told;
}

class PlaceInCondition {
 public:
  // Without a lock of ours there is none whose owner could be looked for.
  PlaceInCondition(nb::object condition, nb::object lock)
      : handle_(*nb::cast<const SharedCondition&>(condition).handle),
        kept_(nb::make_tuple(condition, lock)) {
    handle_.introduce();
    const SharedLock* ours = nullptr;
    const DeathWatch watch = nb::try_cast(lock, ours) && ours != nullptr
                                 ? DeathWatch(ours->handle->segment())
                                 : DeathWatch();
    waiting_.emplace(handle_.condition(), Stamp::mine(), watch);
  }
  bool wait(nb::object timeout) {
    Wait wait;
    if (!parse_wait(nullptr, timeout.ptr(), wait)) throw nb::python_error();
    bool told = false;
    const auto sleep = [&] { return waiting_->wait(wait.deadline); };
    if (!wait_by_turns(wait.deadline, told, sleep, [](bool yes) { return yes; }))
      throw nb::python_error();
    return told;
  }
  bool look() {
    const WithoutInterpreter released;
    return waiting_->poll();
  }
  bool ask_to_ring() {
    handle_.ask_to_ring();
    return waiting_->is_granted();
  }
  void done() { waiting_->done(); }
  void leave() {
    {
      const WithoutInterpreter released;
      waiting_->leave();
    }
    handle_.segment().ring_bells();  // it may have gone on to one that is awaited
  }

 private:
  ConditionHandle& handle_;
  nb::object kept_;
  std::optional<Condition::Waiting> waiting_;
};

}  // namespace

void bind_condition(nb::module_& module) {
  auto type = nb::class_<SharedCondition>(module, "SharedCondition", nb::is_weak_referenceable(),
                                          "The waiters of a condition, in shared memory.");
  def_views(type);
  type.def("__init__",
           [](SharedCondition* self) {
             new (self) SharedCondition{
                 std::make_unique<ConditionHandle>(SyncSegment::create(SyncKind::condition, 0))};
           })
      .def(
          "__init__",
          [](SharedCondition* self, int segment) {
            new (self) SharedCondition{
                std::make_unique<ConditionHandle>(SyncSegment::attach(Descriptor(segment)))};
          },
          nb::arg("segment"))
      .def("_notify", notify, nb::arg("count"))
      .def("_waiting",
           [](const SharedCondition& one) { return one.handle->condition().waiting(); });
  nb::class_<PlaceInCondition>(module, "PlaceInCondition", "One that waits for a condition.")
      .def(nb::init<nb::object, nb::object>(), nb::arg("condition"), nb::arg("lock"))
      .def("wait", &PlaceInCondition::wait, nb::arg("timeout").none())
      .def("look", &PlaceInCondition::look)
      .def("arm", &PlaceInCondition::ask_to_ring)
      .def("done", &PlaceInCondition::done)
      .def("leave", &PlaceInCondition::leave);
}

}  // namespace interlock::bind
