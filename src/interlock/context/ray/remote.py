"""A value that stays in Ray's object store, and what stands for it elsewhere."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from ray.exceptions import GetTimeoutError, RayError, RaySystemError, RayTaskError

from interlock.context.ray.cluster import check_connected, value_of
from interlock.errors import SerializationError, ServerGone
from interlock.pool.results import NotYet

__all__ = ["Remote"]

T = TypeVar("T")


class Remote(Generic[T]):
    """A value in the object store of the machine that made it; it may be given to any task.

    It is there as long as anybody has a handle. Where it is had, its arrays are read in place, and
    read-only.

    Attributes:
        ref: Ray's own ref of it, for programs that use Ray themselves.
    """

    def __init__(self, ref: Any) -> None:
        self.ref = ref

    def get(self, timeout: float | None = None) -> T:
        """The value; from this machine's store it is not copied.

        Args:
            timeout: Seconds to wait for it; None for as long as it takes.

        Raises:
            multiprocessing.TimeoutError: It did not come in time.
            SerializationError: It cannot be sent from one process to another.
            ServerGone: It is lost: its machine, or the process that asked for it, is gone.

        If a process dies: see ServerGone; one that only made it is not missed.
        """
        check_connected()
        try:
            value: T = value_of(self.ref, timeout)
        except GetTimeoutError:
            raise NotYet(f"The value did not come within {timeout} s.") from None
        except (RayTaskError, RaySystemError) as error:  # of Ray's packing, there or here
            why = str(getattr(error, "cause", None) or error).partition("\n")[0]
            raise SerializationError(f"A value was kept that cannot be sent: {why}") from error
        except RayError as error:
            raise ServerGone(
                f"A value that was kept in the object store is lost: {str(error).splitlines()[0]} "
                "Have it made again."
            ) from error
        return value

    @property
    def value(self) -> T:
        """The same, waiting as long as it takes.

        Raises:
            ServerGone: As in `get`.

        If a process dies: As in `get`.
        """
        return self.get()

    def __reduce__(self) -> tuple[Any, ...]:
        return Remote, (self.ref,)

    def __repr__(self) -> str:
        return f"<Remote {self.ref.hex()[:12]}>"
