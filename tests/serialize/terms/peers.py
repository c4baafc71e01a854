"""Handles under terms, and peers that do not keep to them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from interlock.context import BaseContext
from interlock.errors import DecodeError
from interlock.serialize.limits import Limits
from interlock.serialize.trust import TRUSTING
from tests.serialize.registered.models import Row

KINDS = ("Queue", "JoinableQueue", "SimpleQueue", "Pipe")


@dataclass
class Ends:
    """One interface to a queue and to a pipe; both ends are under the same terms."""

    kind: str
    reading: Any
    writing: Any

    @classmethod
    def of(cls, context: BaseContext, kind: str, **terms: Any) -> Ends:
        """A queue or pipe of that kind."""
        if kind == "Pipe":
            return cls(kind, *context.Pipe(duplex=False, **terms))
        queue = getattr(context, kind)(**terms)
        return cls(kind, queue, queue)

    @property
    def put(self) -> Callable[[Any], None]:
        put: Callable[[Any], None] = self.writing.send if self.kind == "Pipe" else self.writing.put
        return put

    @property
    def take(self) -> Callable[..., Any]:
        return self.reading.recv if self.kind == "Pipe" else self.reading.get  # type: ignore[no-any-return]

    def put_anything(self, message: Any) -> None:
        """As a peer does whose terms are its own: with pickle, and without limits."""
        end = self.writing
        end._set_terms(TRUSTING.bounds, False)
        self.put(message)
        end._set_terms(end._terms.bounds, end._terms.writable)

    def outcome(self) -> Any:
        """The next message, or the name of the error."""
        try:
            return self.take()
        except DecodeError as error:
            return type(error).__name__

    def close(self) -> None:
        for end in {id(end): end for end in (self.reading, self.writing)}.values():
            end.close()


@contextlib.contextmanager
def every_kind(context: BaseContext, **terms: Any) -> Iterator[list[Ends]]:
    """One of each kind, under the same terms."""
    made = [Ends.of(context, kind, **terms) for kind in KINDS]
    yield made
    for ends in made:
        ends.close()


class Canary:
    """Makes a folder where it is loaded."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (self.path,)


NEXT = Row(1, "next")  # registered in each process that imports this module
SMALL = Limits(max_items=10, max_depth=5, max_string=100, max_bytes=10_000)


def take_all(reading: list[Ends], count: int, back: Any) -> None:
    """What a child does: says its handles' terms, and what came of each message."""
    for ends in reading:
        came = [ends.outcome() for _ in range(count)]
        back.put((ends.kind, ends.reading.trust, ends.reading._terms, came))
