"""Runs calls in an interpreter that cannot load our core; loaded there by itself, by its path.

A sub-interpreter has its own copies of all modules, and an extension module has to be made for
that; ours is not. So this file imports the standard library alone, and is not a part of the package
there: both interpreters have it as the module ``interlock_apart``, by which pickles find it.
It reads pickles of this very process only, which may run anything already.
"""

from __future__ import annotations

import pickle
import queue
import sys
import traceback
from typing import Any

__all__ = ["NAME", "SETUP", "Lock", "Semaphore", "called", "outcome"]

NAME = "interlock_apart"

# Executed in a new interpreter, which was given `place` and `path`.
SETUP = f"""
import importlib.util, sys
sys.path[:] = path.split("\\0")
_spec = importlib.util.spec_from_file_location({NAME!r}, place)
_apart = importlib.util.module_from_spec(_spec)
sys.modules[{NAME!r}] = _apart
_spec.loader.exec_module(_apart)
"""


def called(data: bytes) -> bytes:
    """Run a pickled call; whether it returned, and what, as a pickle."""
    try:
        function, args, kwargs = pickle.loads(data)
        answer = True, function(*args, **kwargs)
    except BaseException as error:
        answer = False, error
        error.add_note("In a sub-interpreter:\n" + "".join(traceback.format_exception(error)))
    try:
        return pickle.dumps(answer)
    except Exception as error:
        what = "result" if answer[0] else "error"
        told = TypeError(f"The {what} {answer[1]!r:.200} cannot be pickled: {error}")
        return pickle.dumps((False, told))


def outcome(data: bytes) -> tuple[bool, Any]:
    """What `called` made, read again."""
    success, value = pickle.loads(data)
    return bool(success), value


class Semaphore:
    """So many at a time, of any interpreter: a queue with so many tokens in it."""

    def __init__(self, tokens: Any) -> None:
        self._tokens = tokens

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """Take a place; False where there was none in time.

        Args:
            block: Whether to wait for it.
            timeout: How long, in seconds; None for as long as it takes.

        Raises:
            KeyboardInterrupt: Ctrl-C.

        If a process dies: this one's interpreters are gone with it.
        """
        try:
            if block:
                self._tokens.get(timeout=timeout)
            else:
                self._tokens.get_nowait()
        except queue.Empty:
            return False
        return True

    def release(self) -> None:
        """Give a place back."""
        self._tokens.put(None)

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr(sys.modules[NAME], type(self).__name__), (self._tokens,)


class Lock(Semaphore):
    """One at a time; anybody may release it."""

    def release(self) -> None:
        """Let the next one in.

        Raises:
            ValueError: Nobody has it.
        """
        try:
            self._tokens.put_nowait(None)
        except queue.Full:
            raise ValueError("a lock was released that nobody has") from None
