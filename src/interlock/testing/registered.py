"""check_registered_type: what holds of every type that is registered to travel."""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar

from interlock.testing.contract import Suite
from interlock.testing.registered_contracts import arriving, strangers
from interlock.testing.registered_contracts.subject import Subject
from interlock.testing.trial import Starter

__all__ = ["check_registered_type"]

T = TypeVar("T")

TIMEOUT_S = 60.0

_suite = Suite("registered type", (*arriving.CONTRACTS, *strangers.CONTRACTS))


def check_registered_type(
    sample: Callable[[], T],
    *,
    context: Starter,
    equal: Callable[[T, T], object] = operator.eq,
    older: Sequence[tuple[bytes, T]] = (),
    allocated: Callable[[], int] | None = None,
    without: Collection[str] = (),
    timeout: float = TIMEOUT_S,
) -> None:
    """Try every contract of a type that was registered, with objects and processes.

    An object arrives equal and of the same type, under both levels of trust, by bytes, queue and
    pipe; is one object where it was one; comes of damaged bytes as an object or as a
    `DecodeError`, and never otherwise; and leaves no memory behind.

    Args:
        sample: Makes an object of the type, each time an equal one. A function that a process of
            the context can import, as all of these are.
        context: What starts the processes: one of `interlock.get_context`, or of
            `multiprocessing`'s.
        equal: Whether two objects are equal.
        older: Messages of older versions, as `interlock.serialize.dumps` made them, each with the
            object that it must become.
        allocated: How much the type holds at present, in a unit of its own, such as the bytes that
            a C type has allocated.
        without: Contracts that the type does not keep. They are: ``damage``, ``leaks``,
            ``processes``, ``sharing``.
        timeout: How long one contract may take, in seconds; a type that hangs breaks it.

    Raises:
        AssertionError: A contract does not hold; the message says which, and how it broke.
        ValueError: without names a part that there is not.

    If a process dies: a damaged message that ends the process breaks its contract.

    Example:
        >>> import interlock, fractions
        >>> context = interlock.get_context("fork")
        >>> check_registered_type(lambda: fractions.Fraction(1, 3), context=context)
    """
    subject: Any = Subject(sample, equal, tuple(older), allocated)
    _suite.run(subject, context, without, timeout)
