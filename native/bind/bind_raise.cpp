// interlock._native.raise_in_thread: an exception in another thread, at its next step in Python.
//
// PyThreadState_SetAsyncExc takes the newest state that has the thread's identifier. In CPython
// 3.11 a thread that is about to run has its starter's: its state is made by the starter
// (thread_PyThread_start_new_thread), and gets an identifier of its own as the new thread's first
// act, for which it needs no GIL. An exception sent meanwhile ends the new thread before it has said
// that it runs, and the starter, in Thread.start, waits for that for ever. From 3.12 on such a state
// has no identifier.
//
// Nothing is taken back (by NULL): up to CPython 3.11 the interpreter would then go on asking each
// thread for what there is no more.
#include "bind/bind.hpp"
#include "bind/python.hpp"

namespace interlock::bind {

namespace {

bool starts_another(unsigned long thread) {
#if PY_VERSION_HEX < 0x030C0000
  int states = 0;
  PyThreadState* state = PyInterpreterState_ThreadHead(PyInterpreterState_Get());
  for (; state != nullptr; state = PyThreadState_Next(state)) states += state->thread_id == thread;
  return states > 1;
#else
  (void)thread;
  return false;
#endif
}

bool raise_in_thread(unsigned long thread, nb::handle kind) {
  if (starts_another(thread)) return false;
  PyThreadState_SetAsyncExc(thread, kind.ptr());
  return true;
}

}  // namespace

void bind_raise(nb::module_& module) {
  module.def("raise_in_thread", raise_in_thread, nb::arg("thread"), nb::arg("kind"),
             "Raise it there; False, and nothing is done, while that thread starts another one.");
}

}  // namespace interlock::bind
