"""A program's own classes, so that a type checker knows what their proxies do.

`multiprocessing` makes the methods of a manager while the program runs, and nobody knows what they
return. Here a manager says of each that it returns what its class makes: a proxy has the same
methods, with the same arguments and results.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, overload
from weakref import WeakSet

if TYPE_CHECKING:
    from interlock.managers.client import Pipeline
    from interlock.managers.local.manager import BaseManager
    from interlock.managers.serving.fences import FencingToken

__all__ = ["SERVED", "Served", "awaited", "pipeline", "serve", "under"]

P = ParamSpec("P")
T = TypeVar("T")

SERVED: WeakSet[Any] = WeakSet()
"""Classes and functions whose arguments are checked by what they declare, or are refused."""


class Served(Generic[P, T]):
    """A method of a manager that makes an object in the server; see `serve`."""

    def __init__(self, make: Callable[P, T]) -> None:
        self._make = make
        self._typeid = ""

    def __set_name__(self, owner: type[BaseManager], name: str) -> None:
        self._typeid = name
        SERVED.add(self._make)
        owner.register(name, self._make)  # has put a method of its own in the place of this
        setattr(owner, f"_make_{name}", getattr(owner, name))
        setattr(owner, name, self)

    @overload
    def __get__(self, manager: None, owner: type) -> Served[P, T]: ...
    @overload
    def __get__(self, manager: BaseManager, owner: type) -> Callable[P, T]: ...
    def __get__(self, manager: BaseManager | None, owner: type) -> Any:
        return self if manager is None else getattr(manager, f"_make_{self._typeid}")


def serve(make: Callable[P, T]) -> Served[P, T]:
    """Let a manager's server make objects of a class; for the body of a manager's class.

    Args:
        make: The class, or a function that makes one. What it and its methods declare is checked
            at the server, before anything is called.

    Example:
        >>> from interlock.managers import BaseManager, serve
        >>> class Counter:
        ...     def __init__(self, start: int = 0) -> None: self.value = start
        ...     def add(self, amount: int) -> int:
        ...         self.value += amount
        ...         return self.value
        >>> class Hub(BaseManager):
        ...     counter = serve(Counter)
        >>> with Hub(("127.0.0.1", 0)) as hub:
        ...     hub.counter(5).add(2)
        7
    """
    return Served(make)


@overload
def awaited(  # of an async method too: its value
    method: Callable[P, Coroutine[Any, Any, T]], /, *args: P.args, **kwargs: P.kwargs
) -> Coroutine[Any, Any, T]: ...
@overload
def awaited(
    method: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
) -> Coroutine[Any, Any, T]: ...
def awaited(method: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Call a proxy's method from asyncio: ``await awaited(counter.add, 2)``.

    The same as ``counter.aio.add(2)``, which a type checker cannot know.

    Raises:
        TypeError: It is no method of a proxy by TCP.
        Exception: When awaited, as the method.

    If a process dies: the server: `ServerGone`.
    """
    proxy: Any = getattr(method, "__self__", None)
    if not hasattr(type(proxy), "_aio"):
        raise TypeError(f"{method!r} is no method of a proxy of what is in a server by TCP")
    return getattr(proxy._aio(), method.__name__)(*args, **kwargs)


def pipeline(proxy: object) -> AbstractContextManager[Pipeline]:
    """Gather the calls of this thread to the proxy's server into few frames, within a block.

    There each call returns a `Later`, whose ``result()`` is the value.

    Raises:
        TypeError: It is no proxy by TCP.

    If a process dies: the server: `ServerGone`, at the end of the block.
    """
    gathered: AbstractContextManager[Pipeline] = _by_tcp(proxy)._pipeline()
    return gathered


def under(token: FencingToken | AbstractContextManager[Any], proxy: T) -> T:
    """A proxy of the same object that is refused when a lock has been given out again.

    Args:
        token: The ``token`` of a managed lock, or the lock itself, while the caller has it.
        proxy: Of any object of the same server.

    Raises:
        StaleToken: Now, or at a call: the object was used under a higher token of that lock.
        RuntimeError: The caller has not got the lock.
        TypeError: It is no proxy by TCP.

    If a process dies: the server: `ServerGone`.
    """
    held: Any = token
    fenced: T = _by_tcp(proxy)._under(_by_tcp(held).token if hasattr(held, "acquire") else held)
    return fenced


def _by_tcp(proxy: Any) -> Any:
    if not hasattr(type(proxy), "_under"):
        raise TypeError(f"{proxy!r:.200} is no proxy of what is in a server by TCP")
    return proxy
