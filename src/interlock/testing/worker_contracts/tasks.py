"""What workers are given to do: functions that every start method can import."""

from __future__ import annotations

import functools
import mmap
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from interlock.testing.kill import die
from interlock.testing.worker_contracts.board import Post

__all__ = [
    "OddError",
    "Refused",
    "Sealed",
    "Told",
    "add",
    "at",
    "eat",
    "echo",
    "exits",
    "fail_deep",
    "fail_from",
    "fail_odd",
    "fails_until",
    "given",
    "held",
    "hold_first",
    "killed",
    "leaves",
    "prepare",
    "prepared_at",
    "refuse",
    "refuse_at",
    "refuse_plainly",
    "refuse_seven",
    "resident",
    "said",
    "said_or_dies",
    "sealed",
    "square",
    "stubborn",
    "told",
    "who",
]

_mine = threading.local()  # a worker's, be it a process or a thread


class Refused(Exception):
    """One that travels as pickle has it."""


class OddError(Exception):
    """One whose constructor takes other arguments than it passes on: pickle cannot make it."""

    def __init__(self, first: str, second: int) -> None:
        super().__init__(f"{first}-{second}")
        self.second = second


class Sealed:
    """What cannot be sent anywhere."""

    def __reduce__(self) -> Any:
        raise TypeError("sealed")


class Told:
    """What says at a post that it is read, wherever that is."""

    def __init__(self, post: Post, word: str) -> None:
        self.post, self.word = post, word

    def __reduce__(self) -> Any:
        return _read, (self.post, self.word)


def _read(post: Post, word: str) -> Told:
    post.say("read")
    return Told(post, word)


def told(shared: Any) -> str:
    """The word of a shared `Told`."""
    word: str = shared.value.word
    return word


def echo(value: Any) -> Any:
    """What it is given."""
    return value


def square(number: int) -> int:
    """Of a number."""
    return number * number


def add(left: int, right: int = 0) -> int:
    """Of two numbers, or of one and nothing."""
    return left + right


def given(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
    """What it was called with."""
    return args, kwargs


def who(_: object = None) -> int:
    """The process that runs this."""
    return os.getpid()


def said(post: Post, word: object) -> Any:
    """Say it; so it is known how often this ran."""
    post.say(word)
    return word


def held(post: Post, word: Any = None) -> Any:
    """Say who runs this, and wait."""
    post.say(os.getpid())
    post.stay()
    return word


def hold_first(post: Post, number: int) -> int:
    """Wait if it is the first of many."""
    if number == 0:
        post.stay()
    return number


def at(post: Post) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """`said` and `held` at that post, for those who pass on one argument."""
    return functools.partial(said, post), functools.partial(held, post)


# ---- what fails --------------------------------------------------------------


def refuse(why: str, number: int) -> None:
    """Raise, with these arguments."""
    raise Refused(why, number)


def refuse_plainly() -> None:
    """Raise."""
    raise Refused("plainly")


def refuse_at(post: Post) -> None:
    """Say when this is, and raise."""
    post.say(time.monotonic())
    raise Refused("again")


def refuse_seven(number: int) -> int:
    """The number, but for 7."""
    if number == 7:
        raise Refused(number)
    return number


def fail_deep() -> None:
    """Raise, by a function that is called here."""
    _well_inside()


def _well_inside() -> None:
    raise Refused("inside")


def fail_odd() -> None:
    """Raise what pickle cannot make."""
    raise OddError("one", 2)


def fail_from() -> None:
    """Raise with a note and a cause."""
    try:
        raise KeyError("inner")
    except KeyError as inner:
        error = Refused("outer")
        error.add_note("a note")
        raise error from inner


def fails_until(post: Post, folder: str, times: int, how: Callable[[], None]) -> int:
    """The number of this attempt, of which the first ones fail; counted by files in a folder."""
    attempt = len(list(Path(folder).iterdir())) + 1
    Path(folder, str(attempt)).touch()
    post.say(attempt)
    if attempt <= times:
        how()
    return attempt


def sealed(_: object = None) -> Sealed:
    """What cannot be sent."""
    return Sealed()


# ---- what ends its worker, or has to be ended ----------------------------------


def killed(_: object = None) -> None:
    """Die by SIGKILL."""
    die()


def said_or_dies(post: Post, doomed: int, number: int) -> int:
    """Say the number, but die at one."""
    if number == doomed:
        die()
    post.say(number)
    return number


def leaves(_: object = None) -> None:
    """End the process, without a word."""
    os._exit(3)


def exits(_: object = None) -> None:
    """Raise SystemExit."""
    sys.exit(3)


def stubborn(post: Post) -> None:
    """Heeds no exception and no signal but SIGKILL."""
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    post.say(os.getpid())
    post.stay()


def resident() -> int:
    """Bytes that this process has in RAM; proc_pid_statm(5)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE


def eat(step: int, times: int) -> int:
    """Have more and more memory, and use it."""
    kept = [bytearray(b"x" * step) for _ in range(times)]
    return len(kept)


# ---- initializers --------------------------------------------------------------


def prepare(post: Post, *values: Any) -> None:
    """An initializer; what it is given is this worker's."""
    post.say("prepared")
    _mine.values = values


def prepared_at(post: Post) -> Any:
    """What the initializer was given here; waits, so that each worker is asked."""
    post.say("asked")
    post.stay()
    return getattr(_mine, "values", None)
