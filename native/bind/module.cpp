// The extension module interlock._native.
#include "bind/bind.hpp"
#include "bind/python.hpp"

namespace {

// What nanobind's own functions throw; those of the hot methods are guarded().
void translate(const std::exception_ptr& error, void*) {
  try {
    std::rethrow_exception(error);
  } catch (const nanobind::builtin_exception&) {
    throw;
  } catch (...) {
    interlock::bind::set_error_from_exception();
  }
}

}  // namespace

NB_MODULE(_native, module) {
  using namespace interlock::bind;
  namespace nb = nanobind;
  module.doc() = "The native core of Interlock; its users are the modules of interlock.";
  module.attr("VERSION") = INTERLOCK_VERSION;
  nb::set_leak_warnings(false);  // queues that live as long as the program are not leaks
  load_python();
  nb::register_exception_translator(translate);
  bind_codec(module);
  bind_dumps(module);
  bind_kinds(module);
  bind_c_api(module);
  bind_probe(module);
  bind_shared_buffer(module);
  bind_fork(module);
  bind_delivery(module);
  bind_queue(module);
  bind_pipe(module);
  bind_lock(module);
  bind_semaphore(module);
  bind_event(module);
  bind_barrier(module);
  bind_read_write_lock(module);
  bind_condition(module);
  bind_atomic(module);
  bind_map(module);
  bind_raise(module);
}
