// interlock._native.before_fork and what follows: a child keeps what its parent reads in place.
#include "bind/bind.hpp"
#include "bind/loans.hpp"

namespace interlock::bind {

void bind_fork(nb::module_& module) {
  module.def(
      "before_fork", [] { Loans::of_this_process().before_fork(); },
      "Reserve for a child what it will go on reading.");
  module.def("after_fork_in_parent", [] { Loans::of_this_process().after_fork_in_parent(); });
  module.def("after_fork_in_child", [] { Loans::of_this_process().after_fork_in_child(); });
  nb::module_::import_("os").attr("register_at_fork")(
      nb::arg("before") = module.attr("before_fork"),
      nb::arg("after_in_parent") = module.attr("after_fork_in_parent"),
      nb::arg("after_in_child") = module.attr("after_fork_in_child"));
}

}  // namespace interlock::bind
