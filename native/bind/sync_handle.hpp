// One process's hold on a lock, semaphore, condition or event: the segment, the name it was told,
// the bell of who awaits it; and what can be seen of it from outside.
#pragma once

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "bind/python.hpp"
#include "core/roster.hpp"

namespace interlock::bind {

class SyncHandle {
 public:
  explicit SyncHandle(SyncSegment segment) : segment_(std::move(segment)) {}
  SyncHandle(const SyncHandle&) = delete;
  SyncHandle& operator=(const SyncHandle&) = delete;

  const SyncSegment& segment() const { return segment_; }

  // To be called before the first turn in this process: others see its name.
  void introduce() {
    if (generation_ != process_generation()) [[unlikely]]
      introduce_anew();
  }

  // This process's bell for it; made at the first call.
  int bell();
  // Ask to be rung; then look again.
  void ask_to_ring() {
    bell_silence(bell());
    segment_.enter_bell(Stamp::mine());
    segment_.shared().polled.store(1);
  }

 protected:
  SyncSegment segment_;

 private:
  void introduce_anew();
  Descriptor bell_;
  u64 generation_ = 0;
};

// pid, name (empty: not known), thread id, moment on the monotonic clock in ns.
using Seen = std::tuple<u32, std::string, u32, Nanoseconds>;
Seen seen(const SyncSegment& segment, Stamp who, Nanoseconds since);

std::vector<Seen> waiters_of(const SyncSegment& segment);
// The last dead owner, and when its death was noticed.
std::optional<std::tuple<Seen, Nanoseconds>> abandoned_of(const SyncSegment& segment);
nb::bytes id_of(const SyncSegment& segment);

// Waits by turns: without the interpreter's lock until there is an answer, a signal or a reason
// to look around. `Yes(answer)` says whether it is one. False with an error set at a signal that raises.
template <class Answer, class Wait, class Yes>
bool wait_by_turns(const Deadline& deadline, Answer& answer, Wait&& wait, Yes&& yes) {
  for (;;) {
    {
      const WithoutInterpreter released;
      answer = wait();
    }
    if (yes(answer)) return true;
    if (!signals_are_quiet()) return false;
    if (deadline.passed()) return true;
  }
}

// What all of them show.
template <class Shared>
void def_views(nb::class_<Shared>& type) {
  type.def("_descriptor", [](const Shared& one) { return one.handle->segment().fd(); })
      .def("_segment_id", [](const Shared& one) { return id_of(one.handle->segment()); })
      .def("_waiters", [](const Shared& one) { return waiters_of(one.handle->segment()); })
      .def("_abandoned", [](const Shared& one) { return abandoned_of(one.handle->segment()); })
      .def("_bell_fd", [](const Shared& one) { return one.handle->bell(); })
      .def("_arm", [](const Shared& one) { return one.handle->arm(); });
}

}  // namespace interlock::bind
