"""The results file: a JSON line for each finished input, and what `--resume` reads from it.

    {"input": ...}\\n{"input": ...}\\n ... {"input": ...}\\n{"inp
    finished inputs: these, and no others              torn: its writer was killed

R1. An input is finished when its line, with its newline, is in the file. Only this process writes.
R2. A death at any instruction leaves whole lines and at most one torn one, the last. `--resume`
    cuts it off, and its input runs again; if only the newline is missing, it gets that and counts.
R3. An input that is given n times has n lines: the first n of its kind are skipped.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from typing import IO

from interlock.cli.map.work.outcome import to_json
from interlock.cli.usage import Unusable
from interlock.errors import InterlockError

__all__ = ["Held", "Results", "Unwritten", "check_place", "held_of"]

STDOUT = "-"


class Unwritten(InterlockError):
    """The results file takes no more."""


class Held:
    """The inputs that a results file holds already, as digests: 16 bytes for each.

    Attributes:
        total: How many lines there are.
        failed: How many of those that were taken have an error.
    """

    def __init__(self) -> None:
        self.total = self.failed = 0
        self._left: dict[bytes, int] = {}
        self._failed: dict[bytes, int] = {}

    def add(self, given: object, is_failed: bool) -> None:
        """A line of the file.

        Raises:
            TypeError: The input has no JSON form.
        """
        digest = _digest(given)
        self._left[digest] = self._left.get(digest, 0) + 1
        self.total += 1
        if is_failed:
            self._failed[digest] = self._failed.get(digest, 0) + 1

    def take(self, given: object) -> bool:
        """Whether there is a line for this input that stands for no earlier one (R3)."""
        if not self._left:
            return False
        digest = _digest(given)
        left = self._left.get(digest, 0)
        if left == 1:
            del self._left[digest]
        elif left:
            self._left[digest] = left - 1
        if left and self._failed.get(digest, 0):
            self._failed[digest] -= 1
            self.failed += 1
        return left > 0


def _digest(given: object) -> bytes:
    return hashlib.blake2b(to_json(given).encode(), digest_size=16).digest()


def check_place(path: str, resume: bool, inputs: Iterable[str]) -> None:
    """See that results can go there, without touching it.

    Args:
        path: The file, or `-`.
        resume: Whether what it holds is to stay.
        inputs: Files that are read.

    Raises:
        Unusable: They cannot.
    """
    if path == STDOUT:
        if resume:
            raise Unusable(
                "--resume --out -: standard output holds nothing to go on from; give a file, such "
                "as --out results.jsonl"
            )
        return
    folder = os.path.dirname(path) or "."
    if os.path.isdir(path):
        raise Unusable(
            f"--out {path}: that is a folder; give a file in it, such as "
            f"{path.rstrip('/')}/results.jsonl"
        )
    if not os.path.isdir(folder):
        raise Unusable(
            f"--out {path}: there is no folder {folder}; create it with `mkdir -p {folder}`"
        )
    for name in inputs:
        with suppress(OSError):  # it is not there yet
            if os.path.samefile(name, path):
                raise Unusable(
                    f"--out {path}: the inputs are read from that file; give another one"
                )


class Results:
    """The open file.

    Args:
        path: The file, which `check_place` found fit; `-` for standard output.
        resume: Whether to go on behind what it holds; else it is emptied.

    Attributes:
        path: The same.
        held: What it holds already.

    Raises:
        Unusable: It cannot be written, holds something else, or another run is writing it.
    """

    def __init__(self, path: str, resume: bool = False) -> None:
        self.path = path
        self.held = Held()
        if path == STDOUT:
            self._fd = _taken_stdout()
            return
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise Unusable(
                f"--out {path}: it cannot be written ({error.strerror}); give a file in a folder "
                "that you may write"
            ) from error
        try:
            self._claim()
            if resume:
                with open(self._fd, "rb", closefd=False) as file:
                    self.held, end, is_whole = read_held(path, file)
                self._mend(end, is_whole)
            else:
                with suppress(OSError):  # a device or a pipe is never emptied
                    os.ftruncate(self._fd, 0)
        except BaseException:
            os.close(self._fd)
            raise

    def _claim(self) -> None:
        """A lock of this process that goes with it; a forked worker does not have it."""
        try:
            fcntl.lockf(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:
            raise Unusable(
                f"--out {self.path}: another run is writing that file; wait for its end, or give "
                "another file"
            ) from error
        except OSError:
            return  # not a file: nobody resumes it

    def _mend(self, end: int, is_whole: bool) -> None:
        """R2."""
        if os.fstat(self._fd).st_size > end:
            os.ftruncate(self._fd, end)
        if not is_whole:
            self.write(b"\n")

    def write(self, lines: bytes | bytearray) -> None:
        """Write whole lines; they are with the kernel when this returns: our death loses none.

        Raises:
            Unwritten: There is no room, or nobody reads any more.
        """
        unwritten = memoryview(lines)
        try:
            while unwritten:
                unwritten = unwritten[os.write(self._fd, unwritten) :]
        except BrokenPipeError as error:
            raise Unwritten("nobody reads the results any more, so the run was stopped") from error
        except OSError as error:
            raise Unwritten(
                f"the results cannot be written ({error.strerror}), so the run was stopped; "
                "make room, or give another file by --out"
            ) from error

    def close(self) -> None:
        """Close the file; another run may write it."""
        os.close(self._fd)

    def __str__(self) -> str:
        return "standard output" if self.path == STDOUT else self.path


def _taken_stdout() -> int:
    """Standard output for results alone: what a function prints goes to standard error."""
    try:
        own = os.dup(1)
        os.dup2(2, 1)
    except OSError as error:
        raise Unusable(
            "--out -: standard output or standard error is closed; give a file, such as "
            "--out results.jsonl"
        ) from error
    return own


def read_held(path: str, file: IO[bytes]) -> tuple[Held, int, bool]:
    """What a results file holds, where its whole lines end, and whether the last has its newline.

    Raises:
        Unusable: A line is not one of ours.
    """
    held = Held()
    end = 0
    for number, line in enumerate(file, 1):
        try:
            found = json.loads(line)
            given = found["input"]
            is_failed = "error" in found
            if not is_failed and "result" not in found:
                raise KeyError("result")
            held.add(given, is_failed)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            if not line.endswith(b"\n"):
                break  # the torn last line
            raise Unusable(
                f"--resume: line {number} of {path} is no result of interlock map; give the file "
                "of the run to go on with by --out, or leave --resume out to begin anew"
            ) from error
        end += len(line)
        if not line.endswith(b"\n"):
            return held, end, False
    return held, end, True


def held_of(path: str) -> Held:
    """What a results file holds, without touching it; nothing if it is not there.

    Raises:
        Unusable: A line is not one of ours, or it cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return read_held(path, file)[0]
    except FileNotFoundError:
        return Held()
    except OSError as error:
        raise Unusable(
            f"--out {path}: it cannot be read ({error.strerror}); give a file that you may read"
        ) from error
