// What module.cpp calls: one function a concept, each in its own bind_x.cpp.
#pragma once

#include <nanobind/nanobind.h>

namespace interlock::bind {

namespace nb = nanobind;

void bind_codec(nb::module_& module);
void bind_dumps(nb::module_& module);
void bind_kinds(nb::module_& module);
void bind_c_api(nb::module_& module);
void bind_probe(nb::module_& module);
void bind_shared_buffer(nb::module_& module);
void bind_fork(nb::module_& module);
void bind_delivery(nb::module_& module);
void bind_queue(nb::module_& module);
void bind_pipe(nb::module_& module);
void bind_lock(nb::module_& module);
void bind_semaphore(nb::module_& module);
void bind_event(nb::module_& module);
void bind_barrier(nb::module_& module);
void bind_read_write_lock(nb::module_& module);
void bind_condition(nb::module_& module);
void bind_atomic(nb::module_& module);
void bind_map(nb::module_& module);
void bind_raise(nb::module_& module);

}  // namespace interlock::bind
