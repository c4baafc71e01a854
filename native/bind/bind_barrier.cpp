// interlock._native.SharedBarrier: what interlock.synchronize.Barrier builds on.
//
// The action is Python's business: the last one to come runs it, and then lets all pass.
#include "bind/bind.hpp"
#include "bind/sync_handle.hpp"
#include "core/barrier.hpp"

namespace interlock::bind {

namespace {

class BarrierHandle : public SyncHandle {
 public:
  explicit BarrierHandle(SyncSegment segment)
      : SyncHandle(std::move(segment)), barrier_(segment_) {}
  Barrier& barrier() { return barrier_; }
  // Ask to be rung; whoever asks looks again in any case.
  bool arm() {
    ask_to_ring();
    return false;
  }

 private:
  Barrier barrier_;
};

struct SharedBarrier {
  std::unique_ptr<BarrierHandle> handle;
};

// Runs a change of the barrier without the interpreter's lock, and tells who awaits it.
template <class Change>
auto change(BarrierHandle& handle, Change&& what) {
  const WithoutInterpreter released;
  if constexpr (std::is_void_v<decltype(what())>) {
    what();
    handle.segment().ring_bells();
  } else {
    const auto result = what();
    handle.segment().ring_bells();
    return result;
  }
}

std::vector<Seen> awaited(const SharedBarrier& one) {
  std::vector<Seen> all;
  one.handle->barrier().each_awaited([&](Stamp who, Nanoseconds since) {
    all.push_back(seen(one.handle->segment(), who, since));
  });
  return all;
}

class PlaceInBarrier {
 public:
  using Outcome = Barrier::Outcome;
  explicit PlaceInBarrier(nb::object barrier)
      : handle_(*nb::cast<const SharedBarrier&>(barrier).handle), kept_(std::move(barrier)) {
    handle_.introduce();
    waiting_.emplace(handle_.barrier(), Stamp::mine());
  }
  Barrier::Arrival arrive() {
    return change(handle_, [&] { return waiting_->arrive(); });
  }
  Outcome wait(nb::object timeout) {
    Wait wait;
    if (!parse_wait(nullptr, timeout.ptr(), wait)) throw nb::python_error();
    Outcome outcome = Outcome::none;
    const auto sleep = [&] {
      outcome = waiting_->wait(wait.deadline);
      handle_.segment().ring_bells();  // it may have found that one is missing
      return outcome;
    };
    const auto is_over = [&](Outcome one) {
      return one != Outcome::none || waiting_->may_arrive();
    };
    if (!wait_by_turns(wait.deadline, outcome, sleep, is_over)) throw nb::python_error();
    return outcome;
  }
  Outcome look() {
    return change(handle_, [&] { return waiting_->poll(); });
  }
  bool ask_to_ring() {
    handle_.ask_to_ring();
    return waiting_->outcome() != Outcome::none || waiting_->may_arrive();
  }
  Outcome pass() {
    return change(handle_, [&] { return waiting_->pass(); });
  }
  Outcome give_up(Broken why) {
    return change(handle_, [&] { return waiting_->give_up(why); });
  }
  void leave() {
    change(handle_, [&] { waiting_->leave(); });
  }
  bool may_arrive() const { return waiting_->may_arrive(); }
  u32 number() const { return waiting_->number(); }
  Broken why() const { return waiting_->why(); }

 private:
  BarrierHandle& handle_;
  nb::object kept_;
  std::optional<Barrier::Waiting> waiting_;
};

}  // namespace

void bind_barrier(nb::module_& module) {
  nb::enum_<Broken>(module, "BarrierBroken", "Why a barrier is broken.")
      .value("NO", Broken::no)
      .value("ABORTED", Broken::aborted)
      .value("TIMED_OUT", Broken::timed_out)
      .value("MISSING", Broken::missing)
      .value("RESET", Broken::reset)
      .value("FAILED", Broken::failed);
  nb::enum_<Barrier::Arrival>(module, "ArrivalAtBarrier", "What one that comes finds.")
      .value("WAITS", Barrier::Arrival::waits)
      .value("LAST", Barrier::Arrival::last)
      .value("FULL", Barrier::Arrival::full)
      .value("BROKEN", Barrier::Arrival::broken);
  nb::enum_<Barrier::Outcome>(module, "OutcomeOfRound", "How a round has ended.")
      .value("NONE", Barrier::Outcome::none)
      .value("PASSED", Barrier::Outcome::passed)
      .value("BROKEN", Barrier::Outcome::broken);
  auto type = nb::class_<SharedBarrier>(module, "SharedBarrier", nb::is_weak_referenceable(),
                                        "A barrier in shared memory.");
  def_views(type);
  type.def(
          "__init__",
          [](SharedBarrier* self, u32 parties) {
            new (self) SharedBarrier{std::make_unique<BarrierHandle>(
                SyncSegment::create(SyncKind::barrier, 0, parties))};
          },
          nb::kw_only(), nb::arg("parties"))
      .def(
          "__init__",
          [](SharedBarrier* self, int segment) {
            new (self) SharedBarrier{
                std::make_unique<BarrierHandle>(SyncSegment::attach(Descriptor(segment)))};
          },
          nb::arg("segment"))
      .def("_parties", [](const SharedBarrier& one) { return one.handle->barrier().parties(); })
      .def("_waiting", [](const SharedBarrier& one) { return one.handle->barrier().waiting(); })
      .def("_broken", [](const SharedBarrier& one) { return one.handle->barrier().broken(); })
      .def("_awaited", awaited)
      .def("_abort",
           [](const SharedBarrier& one) {
             change(*one.handle, [&] { one.handle->barrier().abort(Broken::aborted); });
           })
      .def("_reset",
           [](const SharedBarrier& one) {
             change(*one.handle, [&] { one.handle->barrier().reset(); });
           })
      .def("_leave", [](const SharedBarrier& one) {
        change(*one.handle, [&] { one.handle->barrier().leave(Stamp::mine()); });
      });
  nb::class_<PlaceInBarrier>(module, "PlaceInBarrier", "One that takes part in a round.")
      .def(nb::init<nb::object>(), nb::arg("barrier"))
      .def("arrive", &PlaceInBarrier::arrive)
      .def("may_arrive", &PlaceInBarrier::may_arrive)
      .def("wait", &PlaceInBarrier::wait, nb::arg("timeout").none())
      .def("look", &PlaceInBarrier::look)
      .def("arm", &PlaceInBarrier::ask_to_ring)
      .def("pass_on", &PlaceInBarrier::pass)
      .def("give_up", &PlaceInBarrier::give_up, nb::arg("why"))
      .def("leave", &PlaceInBarrier::leave)
      .def("number", &PlaceInBarrier::number)
      .def("why", &PlaceInBarrier::why);
}

}  // namespace interlock::bind
