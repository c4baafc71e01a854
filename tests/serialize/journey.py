"""What carries messages: each kind of queue, and a pipe. And a process that sends all back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import interlock

ANSWER_WITHIN_S = 30.0  # what has not come by then never comes

Operation = Callable[[Any], None]


class Carrier:
    """One interface to them all: put a message, take it, ask whether one is there."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.ends: tuple[Any, ...]
        if kind == "Pipe":
            self.ends = interlock.Pipe(duplex=False)
            self.put: Operation = self.ends[1].send
            self.take: Callable[..., Any] = self.ends[0].recv
        else:
            self.ends = (getattr(interlock, kind)(),)
            self.put, self.take = self.ends[0].put, self.ends[0].get

    def is_empty(self) -> bool:
        """Whether `take` would wait."""
        end = self.ends[0]
        return bool(not end.poll() if self.kind == "Pipe" else end.empty())

    def carry(self, sent: Any, **options: Any) -> Any:
        """Put it, and take what arrives."""
        self.put(sent)
        return self.take(**options)

    def close(self) -> None:
        """Give up this process's ends."""
        for end in self.ends:
            end.close()


def echo(there: Any, back: Any) -> None:
    """What the other process does with all it gets, until the queue is shut down."""
    for message in there:
        back.put(message)
