// interlock._native.SharedEvent: what interlock.synchronize.Event builds on.
#include "bind/bind.hpp"
#include "bind/sync_docs.hpp"
#include "bind/sync_handle.hpp"
#include "core/event.hpp"

namespace interlock::bind {

namespace {

class EventHandle : public SyncHandle {
 public:
  explicit EventHandle(SyncSegment segment) : SyncHandle(std::move(segment)), event_(segment_) {}
  Event& event() { return event_; }
  // Ask to be rung. True: it has happened.
  bool arm() {
    ask_to_ring();
    return event_.is_set();
  }

 private:
  Event event_;
};

struct SharedEvent {
  std::unique_ptr<EventHandle> handle;
};

PyObject* wait_for_event(PyObject* self, PyObject* const* given, Py_ssize_t count,
                         PyObject* keywords) {
  return guarded([&]() -> PyObject* {
    SharedEvent* const one = self_of<SharedEvent>(self);
    if (one == nullptr) return nullptr;
    Wait wait;
    PyObject* arguments[1];
    if (!parse_arguments("wait", given, count, keywords, {"timeout"}, 0, arguments) ||
        !parse_wait(nullptr, arguments[0], wait))
      return nullptr;
    EventHandle& handle = *one->handle;
    if (handle.event().is_set()) return boolean(true);
    if (wait.deadline.passed()) return boolean(false);
    handle.introduce();
    const Event::Waiting waiting(handle.event(), Stamp::mine());
    bool happened = false;
    const auto sleep = [&] { return waiting.wait(wait.deadline); };
    if (!wait_by_turns(wait.deadline, happened, sleep, [](bool yes) { return yes; }))
      return nullptr;
    return boolean(happened);
  });
}

PyMethodDef methods[] = {
    fast<wait_for_event>("wait", docs::WAIT_EVENT),
    {nullptr, nullptr, 0, nullptr},
};
PyType_Slot slots[] = {{Py_tp_methods, methods}, {0, nullptr}};

// For a task that awaits it: from when on a moment is enough.
class Moment {
 public:
  Moment(const SharedEvent& one, nb::object kept) : kept_(std::move(kept)) {
    waiting_.emplace(one.handle->event(), Stamp::mine());
  }
  bool has_happened() const { return waiting_->has_happened(); }
  void leave() { waiting_.reset(); }

 private:
  nb::object kept_;
  std::optional<Event::Waiting> waiting_;
};

}  // namespace

void bind_event(nb::module_& module) {
  auto type = nb::class_<SharedEvent>(module, "SharedEvent", nb::is_weak_referenceable(),
                                      nb::type_slots(slots), "An event in shared memory.");
  def_views(type);
  type.def("__init__",
           [](SharedEvent* self) {
             new (self) SharedEvent{
                 std::make_unique<EventHandle>(SyncSegment::create(SyncKind::event, 0))};
           })
      .def(
          "__init__",
          [](SharedEvent* self, int segment) {
            new (self) SharedEvent{
                std::make_unique<EventHandle>(SyncSegment::attach(Descriptor(segment)))};
          },
          nb::arg("segment"))
      .def(
          "is_set", [](const SharedEvent& one) { return one.handle->event().is_set(); },
          docs::IS_SET)
      .def(
          "set",
          [](const SharedEvent& one) {
            one.handle->event().set();
            one.handle->segment().ring_bells();
          },
          docs::SET_EVENT)
      .def("clear", [](const SharedEvent& one) { one.handle->event().clear(); }, docs::CLEAR_EVENT);
  nb::class_<Moment>(module, "MomentOfEvent", "From when on who awaits an event sees it happen.")
      .def(
          "__init__",
          [](Moment* self, nb::object event) {
            new (self) Moment(nb::cast<const SharedEvent&>(event), event);
          },
          nb::arg("event"))
      .def("has_happened", &Moment::has_happened)
      .def("leave", &Moment::leave);
}

}  // namespace interlock::bind
