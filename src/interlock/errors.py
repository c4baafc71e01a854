"""Every exception Interlock raises, by whose fault it is.

The tree::

    InterlockError
    ├── caller's use     SerializationError, MessageTooLarge, QueueClosed, LockNotHeld,
    │                    LockNotOwned, WouldDeadlock, SegmentNotFound, SegmentExists,
    │                    NoSuchContext, NoSuchOption, NotInContext
    ├── the other side   Empty, Full, ShutDown (an answer, not a fault), SenderGone,
    │                    AbandonedLockError (and AbandonedLockWarning, a warning), BrokenBarrier
    ├── peer's bytes     DecodeError, ForbiddenGlobal, SegmentCorrupted, WireError
    ├── the system's     UnsupportedPlatform, OutOfSharedMemory, TooManyProcesses,
    │   lack             TooManyWaiters, MissingDependency
    ├── keys and TLS     KeysRefused, KeysNotFound, KeysExist, KeysExposed, KeysDamaged, KeysBusy,
    │                    PeerUnknown
    ├── a pool's task    WorkerDied, MemoryLimitExceeded, TaskTimeout, TaskCancelled, ResultNotSent,
    │   (interlock.pool) PoolClosed, PoolTerminated, InitializerFailed
    ├── an object        ServerGone, ConnectionRefusedByServer, AccessDenied, NotExposed,
    │   server's         NoSuchObject, BadArgument, LimitReached, StaleToken, InsecureAddress,
    │                    AuthenticationFailed (interlock.managers.auth), LeaseLost, WrongKind,
    │                    TlsFailed (interlock.managers.tls)
    ├── a journal's      JournalInUse, JournalDamaged, JournalFailed
    └── a test's         NoProbePoints, NotStopped, NotAbandoned, SequenceBroken

Each class is also the standard library's class for the same case, so that a
program written for `multiprocessing` catches it where it always did.
"""

from __future__ import annotations

import pickle
import queue
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from interlock.synchronize.owner import Abandonment, Holder

__all__ = [
    "AbandonedLockError", "AbandonedLockWarning", "AccessDenied", "AttributeSerializationError",
    "BadArgument", "BrokenBarrier", "ConnectionRefusedByServer", "DecodeError", "Empty",
    "ForbiddenGlobal", "Full", "InsecureAddress", "InterlockError", "JournalDamaged",
    "JournalFailed", "JournalInUse", "KeysBusy", "KeysDamaged", "KeysExist", "KeysExposed",
    "KeysNotFound", "KeysRefused", "LeaseLost", "LimitReached", "LockNotHeld", "LockNotOwned",
    "MessageTooLarge", "MissingDependency", "NoProbePoints", "NoSuchContext", "NoSuchObject",
    "NoSuchOption", "NotAbandoned", "NotExposed", "NotInContext", "NotStopped", "OutOfSharedMemory",
    "PeerUnknown", "QueueClosed", "SegmentCorrupted", "SegmentExists", "SegmentNotFound",
    "SenderGone", "SequenceBroken", "SerializationError", "ServerGone", "ShutDown", "StaleToken",
    "TooManyProcesses", "TooManyWaiters", "TypeSerializationError", "UnsupportedPlatform",
    "WireError", "WouldDeadlock", "WrongKind",
]  # fmt: skip


class InterlockError(Exception):
    """The base of all errors of this library."""


class SerializationError(InterlockError, pickle.PicklingError):
    """An object cannot be turned into bytes; nothing was sent.

    Attributes:
        path: Where the guilty part is, from the object given (``$``), such as
            ``$.handlers[2].lock``; None where it could not be found.
    """

    path: str | None = None

    def __init__(self, *args: object, path: str | None = None) -> None:
        super().__init__(*args)
        self.path = path


class TypeSerializationError(SerializationError, TypeError):
    """As SerializationError, where `pickle` raises TypeError."""


class AttributeSerializationError(SerializationError, AttributeError):
    """As SerializationError, where `pickle` raises AttributeError."""


class MessageTooLarge(InterlockError, ValueError):
    """A message is larger than its queue or pipe may ever hold; it was not sent."""


class QueueClosed(InterlockError, ValueError):
    """This process has closed its handle; other processes' handles go on."""


class Empty(InterlockError, queue.Empty):
    """No message arrived within the time given; none was taken."""


class Full(InterlockError, queue.Full):
    """There was no room within the time given.

    Attributes:
        accepted: How many messages of a `put_many` were put before the room ran
            out; these will be delivered.
    """

    accepted: int = 0


# queue.ShutDown came with Python 3.13; before it, our own class stands alone.
_StandardShutDown: type[Exception] = getattr(queue, "ShutDown", Exception)


class ShutDown(InterlockError, _StandardShutDown):  # type: ignore[misc, valid-type]
    """The queue was shut down: nothing more can be put, or nothing is left to get."""


class SenderGone(InterlockError, ConnectionError):
    """A queue or pipe end came in a message, and who sent it ended before it was received.

    Attributes:
        pid: The process that sent it.
    """

    def __init__(self, message: str, pid: int) -> None:
        super().__init__(message)
        self.pid = pid

    def __reduce__(self) -> tuple[type[SenderGone], tuple[str, int]]:
        return type(self), (str(self), self.pid)


class LockNotHeld(InterlockError, ValueError):
    """A lock or semaphore was released more often than it was acquired."""


class LockNotOwned(InterlockError, AssertionError):
    """A recursive lock was released by a thread that has not got it."""


class WouldDeadlock(InterlockError, RuntimeError):
    """A thread would wait for itself; it was not let in."""


class NoSuchContext(InterlockError, ValueError):
    """There is no context of that name."""


class NoSuchOption(InterlockError, ValueError, TypeError):
    """A context was asked for with an option that it does not know; nothing was made."""


class NotInContext(InterlockError, AttributeError):
    """A context has no such thing, as what its work runs in cannot do it.

    Attributes:
        context: The context's name.
        name: What was asked for.
        instead: What to use instead.
    """

    def __init__(self, message: str, context: str, name: str | None, instead: str) -> None:
        super().__init__(message, name=name)
        self.context = context
        self.instead = instead

    def __reduce__(self) -> tuple[type[NotInContext], tuple[str, str, str | None, str]]:
        return type(self), (str(self), self.context, self.name, self.instead)


class AbandonedLockError(InterlockError, RuntimeError):
    """A lock's owner died while it had it; whose acquire() raised this has not got the lock.

    What the lock guards may be half changed. Look at it, put it right, and acquire the lock again.
    Raised by a condition's wait(), the caller has the lock, as after any wait().

    Attributes:
        abandoned: Who died, and when.
    """

    def __init__(self, message: str, abandoned: Abandonment) -> None:
        super().__init__(message)
        self.abandoned = abandoned

    def __reduce__(self) -> tuple[type[AbandonedLockError], tuple[str, Abandonment]]:
        return type(self), (str(self), self.abandoned)


class BrokenBarrier(InterlockError, threading.BrokenBarrierError):
    """A barrier is broken: nobody passes until it is reset.

    Attributes:
        missing: Who died and is missing; None where it is broken for another reason.
        awaited: Those that were in the last round and had not come to this one, as far as is known.
    """

    def __init__(
        self,
        message: str,
        missing: Abandonment | None = None,
        awaited: tuple[Holder, ...] = (),
    ) -> None:
        super().__init__(message)
        self.missing = missing
        self.awaited = awaited

    def __reduce__(self) -> tuple[type[BrokenBarrier], tuple[Any, ...]]:
        return type(self), (str(self), self.missing, self.awaited)


class AbandonedLockWarning(RuntimeWarning):
    """A lock's owner died while it had it; who is warned has the lock now."""


class DecodeError(InterlockError, pickle.UnpicklingError):
    """Bytes that arrived are not what they should be; nothing was made of them.

    Attributes:
        offset: The byte at which it was noticed; None where that cannot be said.
        path: Where the bad value would be, from the object (``$``), such as
            ``$.rows[3].id``; None where the bytes are no value at all.
    """

    offset: int | None = None
    path: str | None = None

    def __init__(self, *args: object, offset: int | None = None, path: str | None = None) -> None:
        super().__init__(*args)
        self.offset = offset
        self.path = path


class ForbiddenGlobal(DecodeError):
    """A pickle names something that its reader did not allow; it was not looked for.

    Attributes:
        module: The module that the pickle names.
        name: What it wants of that module.
    """

    def __init__(self, message: str, module: str, name: str, *, offset: int | None = None) -> None:
        super().__init__(message, offset=offset)
        self.module = module
        self.name = name

    def __reduce__(self) -> tuple[type[ForbiddenGlobal], tuple[str, str, str], dict[str, object]]:
        return type(self), (str(self), self.module, self.name), self.__dict__


class SegmentCorrupted(InterlockError, RuntimeError):
    """A word in shared memory is outside its bounds: some process wrote over it."""


class WireError(DecodeError):
    """What came over a connection is not what the protocol has there; the connection was cut."""


class ServerGone(InterlockError, ConnectionError):
    """The server ended, or forgot this client after the time of grace.

    Whether the calls that waited were run cannot be known.
    """


class ConnectionRefusedByServer(InterlockError, ConnectionError):
    """The other side speaks no common version, is full, or wants other terms."""


class AccessDenied(InterlockError, PermissionError):
    """This client may not use that object, or not by that method; nothing was run."""


class NotExposed(InterlockError, AttributeError):
    """The object has no method of that name for clients; nothing was run."""


class NoSuchObject(InterlockError, LookupError):
    """The server has no such object for this client: it was released, or never given to it."""


class StaleToken(InterlockError, RuntimeError):
    """A lock was given to another meanwhile, who has used this object already; nothing was run."""


class BadArgument(InterlockError, TypeError):
    """An argument is not of the type that the method declares; nothing was run.

    Attributes:
        path: Where the bad value is, from the arguments (``$``), such as ``$.rows[3]``.
    """

    def __init__(self, message: str, path: str | None = None) -> None:
        super().__init__(message)
        self.path = path

    def __reduce__(self) -> tuple[type[BadArgument], tuple[str, str | None]]:
        return type(self), (str(self), self.path)


class LimitReached(InterlockError, RuntimeError):
    """A client has as much of something as its server allows; nothing was done."""


class LeaseLost(InterlockError, RuntimeError):
    """A message is leased to this client no more; it is delivered to another, or was."""


class WrongKind(InterlockError, TypeError):
    """A server has something else by that name; nothing was made."""


class JournalInUse(InterlockError, RuntimeError):
    """Another process has this journal open."""


class JournalDamaged(InterlockError, ValueError):
    """A file is no journal, of a newer release, or not as it was written; it was not touched."""


class JournalFailed(InterlockError, OSError):
    """A journal could not be written; what was not acknowledged may be lost."""


class InsecureAddress(InterlockError, ValueError):
    """Plain TCP beyond this machine, which anybody on the way can read and change."""


class UnsupportedPlatform(InterlockError, ImportError):
    """This system lacks something that the core needs."""


class SegmentNotFound(InterlockError, FileNotFoundError):
    """No process has shared memory of this name, or it was unlinked."""


class SegmentExists(InterlockError, FileExistsError):
    """Shared memory of this name is there already, and a new one was asked for."""


class OutOfSharedMemory(InterlockError, MemoryError):
    """The kernel has no more pages to give; what was asked for was not done."""


class TooManyProcesses(InterlockError, OSError):
    """More processes use one queue or pipe at once than its table has places for."""


class TooManyWaiters(InterlockError, OSError):
    """More threads wait for one lock than its table has places for."""


class MissingDependency(InterlockError, ImportError):
    """A part of the library was asked for whose extra is not installed."""


class KeysRefused(InterlockError, ValueError):
    """A name, host or time with which no certificate is made; nothing was written."""


class KeysNotFound(InterlockError, FileNotFoundError):
    """A directory has no authority, or no key of that name."""


class KeysExist(InterlockError, FileExistsError):
    """A directory has an authority already; it was not touched."""


class KeysExposed(InterlockError, PermissionError):
    """Others may read a private key, or replace it; it was not used."""


class KeysDamaged(InterlockError, ValueError):
    """A file of keys is not what it should be, or does not belong to the others."""


class KeysBusy(InterlockError, TimeoutError):
    """Another process has been changing the same directory of keys for too long."""


class PeerUnknown(InterlockError, ConnectionError):
    """Who is at the other end of a connection has not shown, or no longer has, a valid name."""


class NoProbePoints(InterlockError, RuntimeError):
    """A test asked for a probe point, and this build of the core has none of that name."""


class NotStopped(InterlockError, TimeoutError):
    """A process that was to stop, sleep or end did not do so in time, or ended first."""


class NotAbandoned(InterlockError, RuntimeError):
    """A process that was to die at a certain moment failed before it, or outlived it."""


class SequenceBroken(InterlockError, RuntimeError):
    """A step of a `interlock.testing.Sequencer` cannot be made: one before it will not be."""
