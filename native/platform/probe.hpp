// Named points between the steps of each protocol where a test may kill or stop
// the process. Nothing in a release build; in a systematic build, a point where
// the scheduler may let the thread die.
#pragma once

#include "platform/atomic.hpp"

#ifdef INTERLOCK_PROBES
#include <unistd.h>
#include <csignal>
#include <cstring>
#endif

namespace interlock::probe {

// Every point of every protocol, in the order of its steps.
constexpr const char* NAMES[] = {
    "mutex.locked",       "mutex.consistent",    "mutex.unlocked",      "put.claimed",
    "put.filled",         "put.queued_block",    "put.written",         "put.committed",
    "put.counted",        "chunk.made",          "chunk.linked",        "chunk.carved",
    "block.hint_cleared", "block.described",     "extent.grown",        "get.found",
    "get.taken",          "get.advanced",        "get.decoded",         "get.borrowed",
    "get.done",           "get.settled",         "get.block_freed",     "chunk.unlinked",
    "lease.returned",     "lease.dead_lettered", "wake.before",         "sweep.found",
    "sweep.returned",     "sweep.released",      "repair.producers",    "repair.consumers",
    "borrow.released",    "roster.lined_up",     "roster.left",         "lock.taken",
    "lock.flagged",       "lock.released",       "lock.recovered",      "lock.freed",
    "lock.handing_over",  "lock.handed_over",    "lock.granted",        "semaphore.entered",
    "semaphore.decided",  "semaphore.counted",   "semaphore.swept",     "event.set",
    "condition.granted",  "condition.done",      "condition.passed_on", "barrier.arrived",
    "barrier.decided",    "barrier.turned",      "barrier.told",        "rwlock.admitted",
    "rwlock.released",    "rwlock.noted",        "map.written",         "map.committed",
    "map.prepared",       "map.switched",        "atomic.changed",
};

#if defined(INTERLOCK_PROBES)

enum class Action { off, kill, stop };
inline const char* armed_name = "";
inline Action armed_action = Action::off;
inline u32 passes_left = 0;

inline void hit(const char* name) {
  if (armed_action == Action::off || std::strcmp(name, armed_name) != 0) return;
  if (passes_left > 0) {
    --passes_left;
    return;
  }
  const int signal = armed_action == Action::kill ? SIGKILL : SIGSTOP;
  armed_action = Action::off;
  ::kill(::getpid(), signal);
}

#define INTERLOCK_PROBE(name) ::interlock::probe::hit(name)
#elif defined(INTERLOCK_SYSTEMATIC)
#define INTERLOCK_PROBE(name) ::interlock::systematic::probe(name)
#else
#define INTERLOCK_PROBE(name) static_cast<void>(0)
#endif

}  // namespace interlock::probe
