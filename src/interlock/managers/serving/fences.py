"""Fences: a way to an object that is closed when a lock has been given to another.

A client that was cut off does not know yet that its lock is another's. Each time that a lock is
given out its token is one higher. An object that was used under a token refuses what comes under a
lower one of the same lock, so nothing of the old holder's arrives behind the new holder's.

Source: M. Kleppmann, "How to do distributed locking" (2016).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from interlock.errors import LimitReached, StaleToken
from interlock.managers.objects import Exposed, Method
from interlock.managers.references import Shared
from interlock.serialize import serializable

__all__ = ["FencingToken", "fenced", "original"]

LOCKS_MAX = 1000  # whose tokens one object keeps
_comparing = threading.Lock()


@serializable(name="interlock.FencingToken")
@dataclass(frozen=True, order=True)
class FencingToken:
    """Which time a managed lock was given out.

    Attributes:
        lock: Which lock; tokens of different ones say nothing of each other.
        number: Higher each time; what a store that is none of Interlock's compares.
    """

    lock: int
    number: int

    def __int__(self) -> int:
        return self.number


def fenced(shared: Shared, lock: int, number: int) -> Shared:
    """Another way to the target of an object, while no higher token has come for that.

    Raises:
        StaleToken: One has come already.
        LimitReached: It was called under tokens of too many locks.
    """
    whole = original(shared)

    def check() -> None:
        with _comparing:  # methods run in threads, too
            if len(whole.fences) >= LOCKS_MAX and lock not in whole.fences:
                raise LimitReached(
                    f"A {whole.exposed.typeid} was called under tokens of {LOCKS_MAX} locks; it "
                    "keeps no more. Use one lock for it."
                )
            highest = whole.fences[lock] = max(number, whole.fences.get(lock, 0))
        if number < highest:
            raise StaleToken(
                f"A {whole.exposed.typeid} was called under token {number} of a lock, and has been "
                f"called under token {highest}: the lock is another's by now. Nothing was run. "
                "Acquire it again, and look at what has changed."
            )

    check()
    methods = {name: _behind(check, method) for name, method in shared.exposed.methods.items()}
    exposed = Exposed(shared.exposed.typeid, None, methods)
    return _Behind(shared, exposed)


class _Behind(Shared):
    """What `fenced` makes; it keeps the object itself."""

    __slots__ = ("whole",)

    def __init__(self, shared: Shared, exposed: Exposed) -> None:
        super().__init__(0, shared.target, exposed)
        self.whole = shared


def original(shared: Shared) -> Shared:
    """The object itself, whichever way to it this is."""
    while isinstance(shared, _Behind):
        shared = shared.whole
    return shared


def _behind(check: Callable[[], None], method: Method) -> Method:
    function = method.function
    if method.runs == "async":

        async def awaited(*args: Any, **kwargs: Any) -> Any:
            check()
            return await function(*args, **kwargs)

        return replace(method, function=awaited)

    def called(*args: Any, **kwargs: Any) -> Any:
        check()
        return function(*args, **kwargs)

    return replace(method, function=called)
