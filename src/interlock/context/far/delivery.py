"""A message under a lease."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from interlock.context.far.line import Settled, limit_s
from interlock.errors import Empty, LeaseLost

if TYPE_CHECKING:
    from interlock.context.far.queues import FarQueue

__all__ = ["FarDelivery", "nothing_came"]


def nothing_came() -> NoReturn:
    """Raise that."""
    raise Empty("No message came in time.")


class FarDelivery:
    """A message under a lease; entered and left by ``with``.

    Attributes:
        message: It.
        attempt: The how manieth delivery this is.
    """

    def __init__(self, queue: FarQueue, timeout: float | None) -> None:
        self._queue = queue
        self._timeout = timeout
        self._taken: Any = None
        self.message: Any = None
        self.attempt = 0

    @property
    def is_held(self) -> bool:
        """Whether the message is the caller's."""
        return self._taken is not None

    def acknowledge(self) -> None:
        """The work on it is done.

        Raises:
            LeaseLost: This process was thought dead, and another has the message now.
        """
        if self._taken is not None:
            taken, self._taken = self._taken, None
            if not self._queue._ask("done", [ticket for ticket, *_ in taken], True):
                raise LeaseLost(
                    "The message is leased to this process no more: it was thought dead, as after "
                    "a cut of the network, and the message is delivered to another."
                )

    def give_back(self) -> None:
        """Let it be delivered again, here or elsewhere."""
        if self._taken is not None:
            taken, self._taken = self._taken, None
            self._queue._ask("give_back", [ticket for ticket, *_ in taken])

    def _begin(self, taken: Any) -> FarDelivery:
        self._taken = taken
        (_, payload, self.attempt) = taken[0]
        try:
            self.message = self._queue._line.unpack(payload)
        except Exception as error:
            self.give_back()
            raise Settled(error) from None
        return self

    def __enter__(self) -> FarDelivery:
        queue, wait_s = self._queue, limit_s(True, self._timeout)
        taking = queue._taking(1, wait_s, True)
        try:
            return queue._line.run(taking, self._begin, nothing_came)  # type: ignore[no-any-return]
        except Settled as settled:
            raise settled.why from None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> Literal[False]:
        if kind is None:
            self.acknowledge()
        else:
            self.give_back()
        return False
