"""Manager of the thread context: plain objects, which threads share as they are."""

from __future__ import annotations

import array
import builtins
from multiprocessing.dummy import Namespace
from multiprocessing.dummy import Value as _Value
from typing import TYPE_CHECKING, Any

from interlock.errors import NotInContext

if TYPE_CHECKING:
    from interlock.context.thread import ThreadContext

__all__ = ["ThreadManager"]


class _ManagedValue(_Value):
    """As `multiprocessing`'s managers have it."""

    def get(self) -> Any:
        """The value.

        Raises:
            Nothing.

        If a process dies: this one's threads are gone with it.
        """
        return self.value

    def set(self, value: Any) -> None:
        """Change it."""
        self.value = value


class ThreadManager:
    """What `interlock.managers.SyncManager` makes, as plain objects; there is no server.

    A dict or list is a `dict` or `list`: each step of one is atomic, several together are not.
    """

    Namespace = Namespace

    def __init__(self, context: ThreadContext) -> None:
        self._context = context
        for name in (
            "Lock RLock Semaphore BoundedSemaphore Condition Event Barrier Queue JoinableQueue Pool"
        ).split():
            setattr(self, name, getattr(context, name))

    def __getattr__(self, name: str) -> Any:
        if name in ("address", "connect", "get_server", "register"):
            raise NotInContext(
                f"The manager of the context 'thread' has no {name}: there is no server. Use "
                "interlock.managers.BaseManager.",
                "thread", f"Manager.{name}", "interlock.managers.BaseManager",
            )  # fmt: skip
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def dict(self, *args: Any, **kwargs: Any) -> builtins.dict[Any, Any]:
        """A dict."""
        return builtins.dict(*args, **kwargs)

    def list(self, *args: Any) -> builtins.list[Any]:
        """A list."""
        return builtins.list(*args)

    def Value(self, typecode: Any, value: Any, lock: Any = True) -> Any:
        """Something with a ``value``."""
        return _ManagedValue(typecode, value, lock)

    def Array(self, typecode: Any, sequence: Any, lock: Any = True) -> Any:
        """An array of numbers."""
        return array.array(typecode, sequence)

    def start(self, *_: object, **__: object) -> None:
        """Does nothing: there is no server."""

    def shutdown(self) -> None:
        """Does nothing: the objects live as long as somebody has them."""

    def join(self, timeout: float | None = None) -> None:
        """Does nothing.

        Raises:
            Nothing.

        If a process dies: this one's threads are gone with it.
        """

    def __enter__(self) -> ThreadManager:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
