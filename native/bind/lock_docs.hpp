// The docstrings of a lock's methods, and their signatures for inspect.
#pragma once

namespace interlock::bind::docs {

constexpr const char* ACQUIRE =
    "acquire($self, /, block=True, timeout=None)\n--\n\n"
    "Take the lock.\n\n"
    "Args:\n"
    "    block: Whether to wait while another thread has it.\n"
    "    timeout: How long to wait, in seconds; None for as long as it takes. Less than 0 is 0.\n\n"
    "Returns:\n    True if this thread has it now; False if another one has.\n\n"
    "Raises:\n"
    "    AbandonedLockError: Its owner died while it had the lock, and the lock was made with\n"
    "        on_abandon=\"raise\". This thread has not got it; the next call takes it.\n"
    "    TooManyWaiters: A fair lock has no place in its order left.\n"
    "    OutOfSharedMemory: The kernel has no memory for the table of who waits.\n\n"
    "If a process dies:\n"
    "    The owner, or the owner's thread alone: who waits has the lock within 50 ms, and\n"
    "    AbandonedLockWarning tells it once. One that waits: nothing.\n";

constexpr const char* RELEASE =
    "release($self, /)\n--\n\n"
    "Give the lock up. A Lock may be released by any thread of any process, an RLock by its\n"
    "owner alone, once for each acquire.\n\n"
    "Raises:\n"
    "    LockNotHeld: Nobody has it (a ValueError, as in multiprocessing).\n"
    "    LockNotOwned: An RLock that this thread has not got (an AssertionError).\n\n"
    "If a process dies:\n"
    "    This one, before it returns: the lock is free, or abandoned.\n";

constexpr const char* FAIR = "Whether it is first come, first served.";
constexpr const char* LOCKED =
    "Whether anybody has it.\n\n"
    "If a process dies: its lock counts as held until somebody wants it.";

}  // namespace interlock::bind::docs
