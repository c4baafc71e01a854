"""What a registered type is tried with: samples, and how they are compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from interlock.testing.contract import must

__all__ = ["Subject"]


@dataclass(frozen=True)
class Subject:
    """A type under trial; it goes to the processes, so its functions must be importable.

    Attributes:
        sample: Makes an object of the type.
        equal: Whether two of them are equal.
        older: Messages of older versions, each with the object that it must become.
        allocated: How much the type holds now, in a unit of its own; None if it does not count.
    """

    sample: Callable[[], Any]
    equal: Callable[[Any, Any], object]
    older: Sequence[tuple[bytes, Any]] = ()
    allocated: Callable[[], int] | None = None

    def __call__(self) -> Any:
        return self.sample()

    def must_equal(self, got: Any, sent: Any, where: str) -> None:
        """Raise unless an object arrived as it was sent.

        Raises:
            AssertionError: It is of another type, or differs.
        """
        must(
            type(got) is type(sent),
            f"{where}, a {type(sent).__qualname__} arrived as a {type(got).__qualname__}.",
        )
        must(self.equal(got, sent), f"{where}, {sent!r:.300} arrived as {got!r:.300}.")
