// What a fork does to the blocks that this process reads in place: its child reads them too.
//
// Only a fork of the interpreter's (os.fork and what is built on it). Who forks to run
// another program leaves no views to its child, and that program would hold the blocks. So
// the interpreter's hooks say that a fork is coming, and the C library's do the work: no other
// thread can borrow a block between those and the fork, as one can between two of the interpreter's.
#include <pthread.h>

#include "bind/bind.hpp"
#include "bind/loans.hpp"
#include "bind/python.hpp"

namespace interlock::bind {

namespace {

thread_local bool forking = false;

void before() noexcept {
  if (!forking) return;
  try {
    Loans::of_this_process().before_fork();
  } catch (...) {
    set_error_from_exception();
    PyErr_WriteUnraisable(nullptr);
  }
}
void in_parent() noexcept {
  if (forking) Loans::of_this_process().after_fork_in_parent();
}
void in_child() noexcept {
  if (forking) Loans::of_this_process().after_fork_in_child();
}

}  // namespace

void bind_fork(nb::module_& module) {
  module.def("fork_begins", [] { forking = true; }, "A child will go on reading what we read.");
  module.def("fork_has_ended", [] { forking = false; });
  pthread_atfork(before, in_parent, in_child);
  nb::module_::import_("os").attr("register_at_fork")(
      nb::arg("before") = module.attr("fork_begins"),
      nb::arg("after_in_parent") = module.attr("fork_has_ended"),
      nb::arg("after_in_child") = module.attr("fork_has_ended"));
}

}  // namespace interlock::bind
