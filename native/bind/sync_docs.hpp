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

constexpr const char* LOAD = "load($self, /)\n--\n\nThe value.";
constexpr const char* STORE =
    "store($self, value, /)\n--\n\n"
    "Give it another value, and wake all that wait for it to change.";
constexpr const char* EXCHANGE =
    "exchange($self, value, /)\n--\n\n"
    "Give it another value.\n\n"
    "Returns:\n    The value that it had.";
constexpr const char* ADD =
    "_add($self, /, more=1)\n--\n\n"
    "Add to it. Beyond the largest int comes the smallest.\n\n"
    "Args:\n    more: How much; less than nothing to subtract.\n\n"
    "Returns:\n    What it is then.\n\n"
    "Raises:\n    OverflowError: `more` does not fit into 64 bits.\n";
constexpr const char* COMPARE_EXCHANGE =
    "compare_exchange($self, /, expected, value)\n--\n\n"
    "Give it another value if it has the one that is expected, bit for bit.\n\n"
    "Args:\n    expected: What it must have.\n    value: What it gets then.\n\n"
    "Returns:\n    Whether it had it.";
constexpr const char* WAIT_ATOMIC =
    "wait($self, /, value, timeout=None)\n--\n\n"
    "Wait as long as it has this value, as C++'s std::atomic does.\n\n"
    "A change that is taken back at once may be missed.\n\n"
    "Args:\n    value: What it has, as far as the caller knows.\n"
    "    timeout: How long to wait, in seconds; None for as long as it takes.\n\n"
    "Returns:\n    Whether it has another one. False when the time is over.\n\n"
    "If a process dies:\n"
    "    One that was changing it: it has changed, or not; if it has, who waits returns within "
    "50 ms.\n";

}  // namespace interlock::bind::docs
