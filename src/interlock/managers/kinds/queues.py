"""`queue.Queue` for clients: whoever waits for room or for an item costs the server no thread.

The queue is the standard library's, so that the program that serves it uses it as ever, from any
thread. Where such a queue would notify a thread that waits, it tells the server's loop as well: the
`notify` of its three conditions is looked up on the object, and stands for both from then on.

Whoever waits enters its place first, and then looks at the queue once more: what comes after that
look wakes it.

A client that has taken an item, and is gone before it has said that it has the answer, has taken
nothing: the item is the first of the queue again.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import time
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from interlock.managers.kinds.turns import Turns
from interlock.managers.serving.desk import caller

__all__ = ["METHODS", "is_standard", "methods_of_ours", "waits_of"]

Queue = queue.Queue[Any]


def is_standard(target: object) -> bool:
    """Whether it is a queue whose conditions are as they are here."""
    return type(target) in (queue.Queue, queue.LifoQueue, queue.PriorityQueue)


def waits_of(cls: type) -> dict[str, Callable[..., Any]]:
    """Of a program's own kind of queue, what waits as a standard one does, but without a thread."""
    if not issubclass(cls, queue.Queue):
        return {}
    own: dict[str, Callable[..., Any]] = {"get": _get, "put": _put, "join": _join}
    return {name: call for name, call in own.items() if _is_same(cls, name)}


def _is_same(cls: type, name: str) -> bool:
    return getattr(cls, name) is getattr(queue.Queue, name)


class _Doors:
    """What of a queue is waited for."""

    def __init__(self, of: Queue) -> None:
        self._loop = asyncio.get_running_loop()
        self.items = self._watched(of.not_empty)
        self.room = self._watched(of.not_full)
        self.done = self._watched(of.all_tasks_done)

    def _watched(self, condition: Any) -> Turns:
        turns = Turns()
        notify, notify_all = condition.notify, condition.notify_all

        def told(n: int = 1) -> None:
            notify(n)
            self._soon(turns.wake, n)

        def told_all() -> None:
            notify_all()
            self._soon(lambda: turns.wake(len(turns)))

        condition.notify, condition.notify_all = told, told_all
        return turns

    def _soon(self, wake: Callable[..., object], *args: int) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(wake, *args)


_doors: WeakKeyDictionary[Queue, _Doors] = WeakKeyDictionary()


def _doors_of(of: Queue) -> _Doors:
    found = _doors.get(of)
    if found is None or found._loop is not asyncio.get_running_loop():
        found = _doors[of] = _Doors(of)
    return found


async def _until(
    turns: Turns,
    attempt: Callable[[], Any],
    block: bool,
    timeout: float | None,
    fails: type[Exception],
) -> Any:
    """What `attempt` returns, as soon as it does not fail."""
    if not block:
        return attempt()
    if timeout is not None and timeout < 0:
        raise ValueError("'timeout' must be a non-negative number")
    ends_s = None if timeout is None else time.monotonic() + timeout
    is_back = False
    while True:
        waiter = turns.enter(first=is_back)
        try:
            if turns.is_first(waiter):
                with contextlib.suppress(fails):
                    return attempt()
            left_s = None if ends_s is None else max(0.0, ends_s - time.monotonic())
            if not await turns.wait(waiter, left_s):
                return attempt()
        except asyncio.CancelledError:
            if Turns.was_woken(waiter):
                turns.wake()
            raise
        finally:
            turns.leave(waiter)
        is_back = True


async def _get(of: Queue, block: bool = True, timeout: float | None = None) -> Any:
    item = await _until(_doors_of(of).items, of.get_nowait, block, timeout, queue.Empty)
    caller().unless_known(lambda: _put_back(of, item))
    return item


def _get_nowait(of: Queue) -> Any:
    item = of.get_nowait()
    caller().unless_known(lambda: _put_back(of, item))
    return item


def _put_back(of: Queue, item: Any) -> None:
    """As the first; over `maxsize` if another came meanwhile. It is not one more to be done."""
    with of.mutex:
        if type(of) is queue.Queue:
            of.queue.appendleft(item)
        else:
            of._put(item)
        of.not_empty.notify()


async def _put(of: Queue, item: Any, block: bool = True, timeout: float | None = None) -> None:
    await _until(_doors_of(of).room, lambda: of.put_nowait(item), block, timeout, queue.Full)


async def _join(of: Queue) -> None:
    await _until(_doors_of(of).done, lambda: _check_done(of), True, None, _NotDone)


class _NotDone(Exception):
    """There are tasks that have not been done."""


def _check_done(of: Queue) -> None:
    if of.unfinished_tasks:
        raise _NotDone


async def _get_ours(of: Any, block: bool = True, timeout: float | None = None) -> Any:
    if hasattr(of, "task_done"):  # the end of a lease would say that the task is done
        return await of.aio.get(block, timeout)
    delivery = of.lease(0.0)
    await of.aio._taken(delivery.__enter__, timeout if block else 0.0)
    return _leased(delivery)


def _get_nowait_ours(of: Any) -> Any:
    if hasattr(of, "task_done"):
        return of.get_nowait()
    return _leased(of.lease(0.0).__enter__())


def _leased(delivery: Any) -> Any:
    """Its message, which is done when the client has it."""
    caller().unless_known(delivery.give_back, delivery.acknowledge)
    return delivery.message


async def _put_ours(of: Any, item: Any, block: bool = True, timeout: float | None = None) -> None:
    await of.aio.put(item, block, timeout)


async def _join_ours(of: Any) -> None:
    await of.aio.join()


def methods_of_ours(of: Any) -> dict[str, Callable[..., Any]]:
    """The same for a queue of Interlock's, which shared memory has."""
    waits: dict[str, Callable[..., Any]] = {
        "get": _get_ours,
        "get_nowait": _get_nowait_ours,
        "put": _put_ours,
        "join": _join_ours,
    }
    cls = type(of)
    names = (name for name in METHODS if name not in waits and name != "__repr__")
    own = {name: getattr(cls, name) for name in names if hasattr(cls, name)}
    return {**own, **{name: call for name, call in waits.items() if hasattr(cls, name)}}


METHODS: dict[str, Callable[..., Any]] = {
    "__repr__": repr,
    "empty": queue.Queue.empty,
    "full": queue.Queue.full,
    "get": _get,
    "get_nowait": _get_nowait,
    "join": _join,
    "put": _put,
    "put_nowait": queue.Queue.put_nowait,
    "qsize": queue.Queue.qsize,
    "task_done": queue.Queue.task_done,
}
if hasattr(queue.Queue, "shutdown"):  # Python 3.13
    METHODS["shutdown"] = queue.Queue.shutdown
