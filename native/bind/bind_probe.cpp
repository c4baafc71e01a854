// interlock._native.arm_probe: kill or stop this process at a named point of a protocol.
//
// In a release the points are not there (PROBES is False), and so neither is this.
#include "bind/bind.hpp"
#include "bind/python.hpp"
#include "platform/probe.hpp"

namespace interlock::bind {

#ifdef INTERLOCK_PROBES

namespace {

nb::list probe_names() {
  nb::list names;
  for (const char* name : probe::NAMES) names.append(name);
  return names;
}

void arm_probe(const char* name, const char* action, unsigned passes) {
  for (const char* known : probe::NAMES) {
    if (std::strcmp(known, name) != 0) continue;
    probe::armed_name = known;
    probe::passes_left = passes;
    if (std::strcmp(action, "kill") == 0)
      probe::armed_action = probe::Action::kill;
    else if (std::strcmp(action, "stop") == 0)
      probe::armed_action = probe::Action::stop;
    else
      throw nb::value_error("action is 'kill' or 'stop'");
    return;
  }
  throw nb::value_error("no probe point has this name; see probe_names()");
}

void disarm_probe() { probe::armed_action = probe::Action::off; }

}  // namespace

void bind_probe(nb::module_& module) {
  module.attr("PROBES") = true;
  module.def("probe_names", probe_names, "The named points, in the order of the protocols' steps.");
  module.def("arm_probe", arm_probe, nb::arg("name"), nb::arg("action"), nb::arg("passes") = 0,
             "Kill or stop this process when it comes to a point, after so many passes of it.");
  module.def("disarm_probe", disarm_probe, "Go on at every point.");
}

#else

void bind_probe(nb::module_& module) { module.attr("PROBES") = false; }

#endif

}  // namespace interlock::bind
