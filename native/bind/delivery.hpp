// A message taken under a lease, as Python sees it: `with queue.lease() as delivery`.
#pragma once

#include "bind/transfer.hpp"

namespace interlock::bind {

// A new Delivery that will take from `slot`, which `owner` (a Python object) keeps, as `terms`.
nb::object make_delivery(nb::object owner, const Slot& slot, const Terms& terms, PyObject* timeout);

}  // namespace interlock::bind
