// A message into a port and out of one: the loops of try, wait, signals and errors.
//
// Tried first under the interpreter's lock, without waiting: the usual case is over in a
// few hundred instructions. Whatever has to wait (the ring's lock, room, a message) does
// so without the interpreter's lock, in slices of Waiters::RECHECK; after each slice
// signals are looked at and the dead are looked for. Who holds the interpreter's lock
// never waits for the ring's, so the two cannot deadlock.
//
// A deadline and a signal end also the wait for a ring's lock whose living holder is stopped.
// Not settle(): a message that was taken has to be settled, so a get() that has its message
// returns when the holder goes on.
//
// `slot` is where the Python object keeps its port: close() empties it, and a waiting
// thread that finds another port there than the one it began with gives up.
#pragma once

#include "bind/message.hpp"
#include "bind/port.hpp"

namespace interlock::bind {

using Slot = std::shared_ptr<Port>;

// What a thread of this process holds until it is settled.
struct Holding {
  std::shared_ptr<Port> port;
  Lease lease;
  std::shared_ptr<BorrowedBlock> loan;
};

// False with an error set: nothing was sent.
bool send(const Slot& slot, const Message& message, const Wait& wait);

// The oldest message, done. nullptr with an error set: nothing was taken, but where the
// message's own code raised while it was restored.
PyObject* receive(const Slot& slot, const Wait& wait, const Reading& reading);
// The same, nullptr without an error where that would mean to wait, or (unless `first`)
// to run code that may fail.
PyObject* receive_at_once(const Slot& slot, const Reading& reading, bool first);

// The oldest message that is ready, or dead, held until settle(). nullptr with an error set.
PyObject* take(const Slot& slot, const Wait& wait, RecordState state, const Reading& reading,
               Holding& holding);
// Does nothing in a forked child, which holds nothing of its parent's.
void settle(Holding& holding, How how);

// What a caller may still do after `port` had nothing: sets Empty, ShutDown or EOFError.
void set_nothing_here(const Port& port, bool over);

}  // namespace interlock::bind
