// The docstrings of a connection's methods, and their signatures for inspect.
#pragma once

namespace interlock::bind::docs {

constexpr const char* SEND =
    "send($self, obj, /)\n--\n\n"
    "Send an object. When this returns, it will be received once and whole.\n\n"
    "Any number of threads and processes may send on one end. Waits while max_bytes are on\n"
    "their way.\n\n"
    "Args:\n    obj: The object; a large buffer in it is copied once, into shared memory.\n\n"
    "Raises:\n"
    "    SerializationError: A part of the object cannot be serialized; its path is named.\n"
    "    BrokenPipeError: Nobody is left to receive.\n"
    "    OSError: The connection is closed, or read-only.\n"
    "    OutOfSharedMemory: The kernel has no more memory.\n\n"
    "If a process dies:\n"
    "    This one, before it returns: the message was sent whole or not at all. The last\n"
    "    receiver: BrokenPipeError.\n";

constexpr const char* RECV =
    "recv($self, /, writable=None)\n--\n\n"
    "Receive the oldest object, waiting for it.\n\n"
    "Args:\n"
    "    writable: Whether large buffers in it may be written to; None as the pipe has it.\n\n"
    "Returns:\n    The object. A large buffer in it (an array) is read in place, and read-only\n"
    "    unless it was asked for writable.\n\n"
    "Raises:\n"
    "    EOFError: Nobody is left to send, and nothing is left to receive.\n"
    "    OSError: The connection is closed, or write-only.\n"
    "    DecodeError, SegmentCorrupted: Some process wrote over the message.\n"
    "    Exception: What the object's own code raised while it was restored; it is gone.\n\n"
    "If a process dies:\n"
    "    This one, before it has taken the message: who else has this end gets it. A sender: what\n"
    "    it has sent arrives; after the last one's last message, EOFError.\n";

constexpr const char* SEND_BYTES =
    "_send_bytes($self, buf, offset, size, /)\n--\n\nAs `send`, a part of a buffer.\n\n"
    "Raises:\n    BrokenPipeError, OSError, OutOfSharedMemory: As there.\n\n"
    "If a process dies:\n    As in `send`.\n";

constexpr const char* RECV_BYTES =
    "_recv_bytes($self, /)\n--\n\nAs `recv`, as bytes.\n\n"
    "Raises:\n    EOFError, OSError: As there.\n\n"
    "If a process dies:\n    As in `recv`.\n";

constexpr const char* POLL =
    "poll($self, /, timeout=0.0)\n--\n\n"
    "Whether recv() would not wait: there is a message, or nobody is left to send.\n\n"
    "Args:\n    timeout: How long to wait for that, in seconds; None for as long as it takes.\n\n"
    "Raises:\n    OSError: The connection is closed, or write-only.\n\n"
    "If a process dies:\n    The last sender: this returns True, and recv() raises EOFError.\n";

}  // namespace interlock::bind::docs
