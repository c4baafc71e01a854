// The docstrings of semaphores and events, and their signatures for inspect.
#pragma once

namespace interlock::bind::docs {

constexpr const char* ACQUIRE_PLACE =
    "acquire($self, /, block=True, timeout=None)\n--\n\n"
    "Take a place.\n\n"
    "Args:\n"
    "    block: Whether to wait while there is none.\n"
    "    timeout: How long to wait, in seconds; None for as long as it takes. Less than 0 is 0.\n\n"
    "Returns:\n    Whether this thread has one more place now.\n\n"
    "Raises:\n"
    "    OutOfSharedMemory: The kernel has no memory for the table of who waits.\n\n"
    "If a process dies:\n"
    "    One that has places, or its thread alone: who waits has them within 50 ms, as far as\n"
    "    they are missing from the number the semaphore was made with.\n";

constexpr const char* RELEASE_PLACE =
    "release($self, /)\n--\n\n"
    "Give a place back: one of this thread's, or of its process's, or else a new one. Any thread\n"
    "of any process may.\n\n"
    "Raises:\n"
    "    LockNotHeld: It has all its places (a ValueError, as in multiprocessing).\n\n"
    "If a process dies:\n"
    "    This one, before it returns: the place was given back, or comes back.\n";

constexpr const char* GET_VALUE =
    "How many places are free.\n\n"
    "If a process dies: its places count as taken until somebody wants one.";

constexpr const char* WAIT_EVENT =
    "wait($self, /, timeout=None)\n--\n\n"
    "Wait until the event is set; also if it is cleared again at once.\n\n"
    "Args:\n    timeout: How long to wait, in seconds; None for as long as it takes.\n\n"
    "Returns:\n    Whether it was set.\n\n"
    "Raises:\n"
    "    OutOfSharedMemory: The kernel has no memory for the table of who waits.\n\n"
    "If a process dies:\n"
    "    One that was setting it: it is set, or not; if it is, who waits returns within 50 ms.\n";

constexpr const char* IS_SET = "Whether it is set.";
constexpr const char* SET_EVENT = "Set it, and wake all that wait.";
constexpr const char* CLEAR_EVENT = "Clear it: whoever waits from now on waits until it is set.";

}  // namespace interlock::bind::docs
