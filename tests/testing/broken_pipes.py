"""Pipes that each break one promise, and nothing else."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from typing import Any

import interlock


class End:
    """Passes everything on to an end of ours; those below differ from it in one respect."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def send(self, obj: Any) -> None:
        self.inner.send(obj)

    def recv(self) -> Any:
        return self.inner.recv()

    def poll(self, timeout: float | None = 0.0) -> bool:
        return bool(self.inner.poll(timeout))

    def fileno(self) -> int:
        return int(self.inner.fileno())

    def close(self) -> None:
        self.inner.close()

    def __enter__(self) -> Any:
        self.inner.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        if name == "inner":  # while it is unpickled
            raise AttributeError(name)
        return getattr(self.inner, name)


class TearsMessages(End):
    def recv(self) -> Any:
        got = super().recv()
        return got[: 1 << 20] if isinstance(got, bytes) else got


class LosesMessages(End):
    count = 0

    def send(self, obj: Any) -> None:
        self.count += 1
        if self.count % 10:
            super().send(obj)


class DeliversTwice(End):
    def send(self, obj: Any) -> None:
        super().send(obj)
        if obj == 40:
            super().send(obj)


class Reorders(End):
    held: Any = None

    def send(self, obj: Any) -> None:
        """Sends 40 behind 41."""
        if obj == 40:
            self.held = obj
            return
        super().send(obj)
        if self.held is not None:
            super().send(self.held)
            self.held = None


class SwallowsWhatCannotTravel(End):
    def send(self, obj: Any) -> None:
        with contextlib.suppress(interlock.SerializationError):
            super().send(obj)


class PollSaysYes(End):
    def poll(self, timeout: float | None = 0.0) -> bool:
        return super().poll(timeout) or timeout is not None


class PollSaysNo(End):
    def poll(self, timeout: float | None = 0.0) -> bool:
        return super().poll(timeout) and timeout is None


class PollTakes(End):
    def poll(self, timeout: float | None = 0.0) -> bool:
        there = super().poll(timeout)
        if there:
            super().recv()
        return there


class PollDoesNotWait(End):
    def poll(self, timeout: float | None = 0.0) -> bool:
        return super().poll(timeout if timeout is None else 0.0)


class IsAlwaysReadable(End):
    """Its descriptor is that of an end at which nobody is left."""

    def fileno(self) -> int:
        if "other" not in vars(self):
            self.other, gone = interlock.Pipe(duplex=False)
            gone.close()
        return self.other.fileno()


class SendsToNobody(End):
    def send(self, obj: Any) -> None:
        with contextlib.suppress(BrokenPipeError):
            super().send(obj)


class EndsInSilence(End):
    def recv(self) -> Any:
        with contextlib.suppress(EOFError):
            return super().recv()


class StaysOpen(End):
    def close(self) -> None:
        """Does nothing."""


class KnowsNoMaxlength(End):
    def recv_bytes(self, maxlength: int | None = None) -> bytes:
        if maxlength is not None and maxlength < 0:
            raise ValueError("negative maxlength")
        return bytes(self.inner.recv_bytes())


class CutsWhatIsTooLong(End):
    def recv_bytes_into(self, buf: Any, offset: int = 0) -> int:
        try:
            return int(self.inner.recv_bytes_into(buf, offset))
        except interlock.BufferTooShort as short:
            view = memoryview(buf).cast("B")[offset:]
            view[:] = short.args[0][: len(view)]
            return len(view)


def pipe(kind: type[End], duplex: bool = True) -> tuple[Any, Any]:
    """Both ends of the kind."""
    first, second = interlock.Pipe(duplex)
    return kind(first), kind(second)


def factory(kind: type[End]) -> Callable[..., tuple[Any, Any]]:
    """Makes pipes with ends of the kind, as `interlock.Pipe` makes ours."""
    return partial(pipe, kind)


# What is broken; the contract that tells, the part it is of; what else the message must say.
BROKEN: tuple[tuple[type[End], str, str, str], ...] = (
    (DeliversTwice, "first_sent_is_first_received", "", r"They came as \.\.\., 39, 40, 40, 41, "),
    (Reorders, "first_sent_is_first_received", "", r"They came as \.\.\., 39, 41, 40, 42, "),
    (TearsMessages, "large_messages_are_whole", "", "of 9437185 bytes arrived as 1048576 bytes"),
    (SwallowsWhatCannotTravel, "what_cannot_travel_fails_at_send", "", "nothing for a lambda"),
    (KnowsNoMaxlength, "a_message_over_maxlength_is_refused", "bytes", "did not raise OSError"),
    (CutsWhatIsTooLong, "a_buffer_that_is_too_short_loses_nothing", "bytes", "went into eight"),
    (PollSaysYes, "poll_tells_and_takes_nothing", "", "not False for an empty end"),
    (PollSaysNo, "poll_tells_and_takes_nothing", "", "not True while there is a message"),
    (PollTakes, "poll_tells_and_takes_nothing", "", "not True while there is a message"),
    (PollDoesNotWait, "poll_gives_up_in_time", "", r"poll\(0\.05\) took 0\.0\d+ s"),
    (IsAlwaysReadable, "the_kernel_tells_while_there_is_a_message", "fileno", "with nothing to"),
    (StaysOpen, "a_closed_end_refuses", "", "does not say so"),
    (EndsInSilence, "the_rest_comes_before_the_end", "", "did not raise EOFError"),
    (SendsToNobody, "sending_to_nobody_raises", "", "did not raise BrokenPipeError"),
)
