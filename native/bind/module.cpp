// The extension module interlock._native.
#include "bind/bind.hpp"
#include "bind/python.hpp"

NB_MODULE(_native, module) {
  using namespace interlock::bind;
  namespace nb = nanobind;
  module.doc() = "The native core of Interlock; its users are the modules of interlock.";
  module.attr("VERSION") = INTERLOCK_VERSION;
  nb::set_leak_warnings(false);  // queues that live as long as the program are not leaks
  load_python();
  bind_codec(module);
  bind_probe(module);
  bind_shared_buffer(module);
  bind_fork(module);
  bind_delivery(module);
  bind_queue(module);
  bind_pipe(module);
}
