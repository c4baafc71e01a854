"""Handles: the referents that this process has, and how it comes to have them.

All proxies of one referent in a process share a handle: the object in shared memory, and the hold
that makes the process a holder (hold.py). Proxies are pickled in one of three ways:

    into a container          the reference alone: the container keeps the referent (values.py)
    into a managed queue      the reference and the queue's name: its server keeps the referent
                              until the message was received (keeper.py)
    in an answer of a server  the reference alone: the server keeps it until it is asked for
    anywhere else             the reference, the object, and a passage for its descriptors: the
                              sender holds it until the receiver does (_handover.py)
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from interlock._handover import Passage, pack
from interlock.errors import SenderGone
from interlock.managers.lending import reference
from interlock.managers.lending.hold import Hold
from interlock.managers.lending.keeper import keeper_of
from interlock.managers.lending.reference import Packed, Reference, ask, pack_object, unpack_object
from interlock.managers.memory.values import embedding

__all__ = ["Gone", "Handle", "Parcel", "answering", "borrow", "parcel", "tell", "unpack"]


class _Answering(threading.local):
    on_its_way: Callable[[str], bool] | None = None


answering = _Answering()  # set in a server's thread while it serves a client

# What goes with a reference: object and passage, or the name of a queue of the same server.
Parcel = tuple[bytes, Passage] | str | None

_handles: weakref.WeakValueDictionary[str, Handle] = weakref.WeakValueDictionary()


class Gone(LookupError):
    """A referent that nobody had any more."""


class Handle:
    """A referent that this process holds.

    Attributes:
        reference: Its name.
        what: The object in shared memory.
    """

    def __init__(self, of: Reference, what: Any, hold: int) -> None:
        self.reference, self.what = of, what
        self._hold = Hold(hold)
        if values := getattr(what, "_values", None):
            # Not a method of the handle's: a cycle would keep it.
            values.told = partial(_tell_to_search, of)
        _handles[of.name] = self

    def packed(self) -> tuple[bytes, Passage]:
        """For a message: its receiver has the hold too."""
        data, descriptors = pack_object(self.what)
        return data, pack([self._hold.fd, *descriptors])


def tell(lender: str, request: bytes, what: str) -> Packed | None:
    """Ask a keeper, which may be in this process; None if it cannot be reached."""
    keeper = keeper_of(lender)
    return ask(lender, request + what.encode()) if keeper is None else keeper.reply(request, what)


def _tell_to_search(container: Reference) -> None:
    tell(container.lender, reference.SEARCH, container.name)


def parcel(handle: Handle) -> Parcel:
    """What goes with a reference in what this thread pickles."""
    name = handle.reference.name
    if embedding.names is not None:
        embedding.names.append(name)
        return None
    if embedding.parking is not None:
        queue = embedding.parking(handle.reference.lender, name)
        if queue is not None:
            return queue
    if answering.on_its_way is not None and answering.on_its_way(name):
        return None
    return handle.packed()


def unpack(of: Reference, given: Parcel) -> Handle | None:
    """The handle for a reference that came; None where its server's memory cannot be reached.

    Raises:
        Gone: Nobody had it any more.
    """
    if isinstance(given, str):
        try:
            return borrow(of)
        finally:
            tell(of.lender, reference.TAKE, f"{given} {of.name}")
    if given is not None:
        with suppress(SenderGone):  # its keeper may have it still
            return _made(of, (given[0], given[1].redeem()))
    return borrow(of)


def borrow(of: Reference) -> Handle | None:
    """The handle for a referent, of its keeper if this process has it not; None: unreachable.

    Raises:
        Gone: Nobody had it any more.
    """
    known = _handles.get(of.name)
    if known is not None:
        return known
    lent = tell(of.lender, reference.LEND, of.name)
    if lent is None:
        return None
    if not lent[1]:
        raise Gone(
            f"The managed {of.typeid} of {of.address!r} is gone: no process had a proxy of it, and "
            "no container did. Keep one as long as its references are under way."
        )
    return _made(of, lent)


def _made(of: Reference, lent: Packed) -> Handle:
    known = _handles.get(of.name)
    data, (hold, *descriptors) = lent
    if known is not None:
        for fd in (hold, *descriptors):
            os.close(fd)
        return known
    try:
        what = unpack_object(data, descriptors)
    except BaseException:
        os.close(hold)
        raise
    return Handle(of, what, hold)
