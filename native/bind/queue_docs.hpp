// The docstrings of a queue's methods, and their signatures for inspect.
#pragma once

namespace interlock::bind::docs {

constexpr const char* PUT =
    "put($self, /, obj, block=True, timeout=None)\n--\n\n"
    "Put a message. When this returns, it will be delivered once and whole.\n\n"
    "The object is serialized here, in the calling thread.\n\n"
    "Args:\n"
    "    obj: The message.\n"
    "    block: Whether to wait for room.\n"
    "    timeout: How long to wait for it, in seconds; None for as long as it takes.\n\n"
    "Raises:\n"
    "    SerializationError: A part of the object cannot be serialized; its path is named.\n"
    "    MessageTooLarge: The message is larger than max_bytes.\n"
    "    Full: There was no room in time.\n"
    "    ShutDown: The queue was shut down.\n"
    "    QueueClosed: This handle was closed.\n"
    "    OutOfSharedMemory: The kernel has no more memory.\n\n"
    "If a process dies:\n"
    "    This one, before it returns: the message was put whole or not at all. A consumer:\n"
    "    its room comes back within a moment.\n";

constexpr const char* PUT_NOWAIT =
    "put_nowait($self, obj, /)\n--\n\nAs `put` with block=False.\n\n"
    "Raises:\n    Full: There is no room now.\n\n"
    "If a process dies:\n    As in `put`.\n";

constexpr const char* GET =
    "get($self, /, block=True, timeout=None, writable=None)\n--\n\n"
    "Take the oldest message. A get that has not returned has taken nothing.\n\n"
    "Args:\n"
    "    block: Whether to wait for a message.\n"
    "    timeout: How long to wait for it, in seconds; None for as long as it takes.\n"
    "    writable: Whether large buffers in it may be written to; None as the queue has it.\n\n"
    "Returns:\n"
    "    The message. A large buffer in it (an array) is read in place, and read-only unless\n"
    "    it was asked for writable.\n\n"
    "Raises:\n"
    "    Empty: No message came in time.\n"
    "    ShutDown: The queue was shut down and nothing is left.\n"
    "    QueueClosed: This handle was closed.\n"
    "    DecodeError, SegmentCorrupted: Some process wrote over the message.\n"
    "    Exception: What the message's own code raised while it was restored; it is gone.\n\n"
    "If a process dies:\n"
    "    This one, before it has taken the message: another consumer gets it. In the moment\n"
    "    between that and the return it goes with this process; with lease() it never does.\n"
    "    Another consumer:\n"
    "    the message that it was about to get comes here.\n";

constexpr const char* GET_NOWAIT =
    "get_nowait($self, /, writable=None)\n--\n\nAs `get` with block=False.\n\n"
    "Raises:\n    Empty: There is no message now.\n\n"
    "If a process dies:\n    As in `get`.\n";

constexpr const char* PUT_MANY =
    "put_many($self, /, objs, block=True, timeout=None)\n--\n\n"
    "Put each of several messages, in their order.\n\n"
    "Args:\n"
    "    objs: An iterable of messages.\n"
    "    block: Whether to wait for room.\n"
    "    timeout: How long to wait in all, in seconds; None for as long as it takes.\n\n"
    "Raises:\n"
    "    Full: There was no room in time.\n"
    "    Exception: As `put`, or what the iterable raised. Whatever is raised has an attribute\n"
    "        `accepted`: how many messages were put; these will be delivered.\n\n"
    "If a process dies:\n"
    "    This one: some first messages were put, each of them whole.\n";

constexpr const char* GET_MANY =
    "get_many($self, /, max_messages, timeout=None, writable=None)\n--\n\n"
    "Wait for a message, and take it with those that are there already.\n\n"
    "Args:\n"
    "    max_messages: How many to take at the most, 1 or more.\n"
    "    timeout: How long to wait for the first, in seconds; None for as long as it takes.\n"
    "    writable: As in `get`.\n\n"
    "Returns:\n"
    "    A list of 1 to max_messages messages. Those whose restoring may run code end it: the\n"
    "    next call begins with them.\n\n"
    "Raises:\n"
    "    ValueError: max_messages is less than 1.\n"
    "    Empty, ShutDown, QueueClosed, Exception: As `get`, with nothing taken.\n\n"
    "If a process dies:\n"
    "    This one: messages of a call that had not returned may have been taken.\n";

constexpr const char* LEASE =
    "lease($self, /, timeout=None)\n--\n\n"
    "Take a message for as long as the work on it takes.\n\n"
    "    with queue.lease() as delivery:\n"
    "        work_on(delivery.message)\n\n"
    "The message is done when the block ends. It is given back when an exception ends the\n"
    "block, and then `delivery.attempt` is one more the next time. A large buffer in it is\n"
    "read-only.\n\n"
    "Args:\n"
    "    timeout: How long to wait for a message, in seconds; None for as long as it takes.\n\n"
    "Raises:\n"
    "    Empty, ShutDown: On entry, as `get`.\n"
    "    QueueClosed: This handle was closed.\n\n"
    "If a process dies:\n"
    "    This one: the message is delivered to another consumer, or is a dead letter once it\n"
    "    has been delivered max_deliveries times.\n";

constexpr const char* GET_DEAD =
    "_get_dead($self, /, block=True, timeout=None)\n--\n\n"
    "As `get`, of the dead letters.\n\n"
    "Raises:\n    Empty: There is none.\n\n"
    "If a process dies:\n    This one: the dead letter stays.\n";

constexpr const char* TASK_DONE =
    "task_done($self, /)\n--\n\n"
    "Say that the work on a message that get() gave is done. (A lease says it by its end.)\n\n"
    "Raises:\n    ValueError: Called more often than there were messages.\n";

constexpr const char* JOIN =
    "join($self, /)\n--\n\n"
    "Wait until every message that was put has been worked on.\n\n"
    "Raises:\n    QueueClosed: This handle was closed.\n\n"
    "If a process dies:\n"
    "    A consumer that has a message by get() and dies before task_done(): its task is never\n"
    "    done. Take messages by lease() where that may happen: they are delivered again.\n";

constexpr const char* QSIZE =
    "qsize($self, /)\n--\n\nHow many messages are ready to be taken; exact at that moment.\n";
constexpr const char* EMPTY = "empty($self, /)\n--\n\nWhether no message is ready to be taken.\n";
constexpr const char* FULL =
    "full($self, /)\n--\n\nWhether put() would have to wait: maxsize or max_bytes is reached.\n";

constexpr const char* SIMPLE_PUT =
    "put($self, obj, /)\n--\n\nAs `Queue.put`, waiting as long as it takes.\n\n"
    "Raises:\n    SerializationError, MessageTooLarge, QueueClosed, OutOfSharedMemory: As "
    "there.\n\n"
    "If a process dies:\n    As in `Queue.put`.\n";
constexpr const char* SIMPLE_GET =
    "get($self, /, writable=None)\n--\n\nAs `Queue.get`, waiting as long as it takes.\n\n"
    "Raises:\n    QueueClosed, DecodeError, SegmentCorrupted, Exception: As there.\n\n"
    "If a process dies:\n    As in `Queue.get`.\n";

}  // namespace interlock::bind::docs
