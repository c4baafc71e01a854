"""A program in place of a function: run once for each input, without a shell.

The program is in a process group of its own: Ctrl-C on the terminal is for the run, and must not
make failures of the inputs under way. It ends with its worker: by our hand when an exception ends
the attempt, and by the kernel's (PR_SET_PDEATHSIG) when the worker is killed.

Source: prctl(2), PR_SET_PDEATHSIG.
"""

from __future__ import annotations

import ctypes
import json
import os
import selectors
import shlex
import shutil
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress

from interlock.cli.usage import Unusable
from interlock.errors import InterlockError
from interlock.pool.answers import told

__all__ = ["CommandFailed", "Program", "program"]

HOLE = "{}"
OUTPUT_MAX = 64 << 20  # bytes of standard output: it is the result
STDERR_KEPT = 4096  # bytes: its end says what was wrong
READ_BYTES = 1 << 16
PR_SET_PDEATHSIG = 1


class CommandFailed(InterlockError):
    """A program ended with another status than 0.

    Attributes:
        status: Its exit status; minus the number of the signal that killed it.
        stderr: The end of what it wrote to standard error.
    """

    def __init__(self, name: str, status: int, stderr: str) -> None:
        said = f": {stderr.strip()}" if stderr.strip() else ", and wrote nothing to standard error"
        super().__init__(f"{name} {told(status)}{said}")
        self.status = status
        self.stderr = stderr


class Program:
    """A program with its arguments, in which {} stands for the input.

    Args:
        words: The program's name and its arguments.
    """

    def __init__(self, words: tuple[str, ...]) -> None:
        self.words = words
        self.name = words[0]

    def __str__(self) -> str:
        return f"program {shlex.join(self.words)}"

    def words_for(self, given: object) -> list[str]:
        """The command for one input; what is no text goes as JSON."""
        text = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
        return [word.replace(HOLE, text) for word in self.words]

    def __call__(self, given: object) -> str:
        """Run it on one input.

        Returns:
            What it wrote to standard output.

        Raises:
            CommandFailed: Its exit status is not 0.
            OSError: It cannot be started.

        If a process dies: the program ends with the worker that runs it.
        """
        words = self.words_for(given)
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
            preexec_fn=_follower(os.getpid()),
        )
        with process:
            try:
                out, err = _gathered(process)
                process.wait()
            finally:
                if process.poll() is None:
                    with suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
        if process.returncode:
            raise CommandFailed(words[0], process.returncode, err.decode("utf-8", "replace"))
        return out.decode("utf-8", "surrogateescape")


def program(text: str) -> Program:
    """The program that --command names.

    Raises:
        Unusable: It is empty, its quotes are not closed, it has no {}, or it is not there.
    """
    example = "such as --command 'gzip -k {}'"
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise Unusable(
            f"--command {text!r}: a quote is not closed ({error}); close it, or write \\ before it"
        ) from error
    if not words:
        raise Unusable(f"--command {text!r}: there is no program; name one, {example}")
    if not any(HOLE in word for word in words):
        raise Unusable(
            f"--command {text!r}: there is no {{}} in it; write {{}} where the input goes, "
            f"{example}"
        )
    if HOLE not in words[0] and shutil.which(words[0]) is None:
        raise Unusable(
            f"--command {text!r}: there is no program {words[0]}; install it, or give its path "
            "(for what only a shell knows, write sh -c '... \"$1\"' sh {})"
        )
    return Program(tuple(words))


def _follower(parent: int) -> Callable[[], None]:
    """What the new process does before it becomes the program: from then on it ends with us."""
    prctl = ctypes.CDLL(None).prctl  # found before the fork, so that the child only calls it

    def follow() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)

    return follow


def _gathered(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """Standard output, and the end of standard error, until both are closed."""
    out, err = bytearray(), bytearray()
    with selectors.DefaultSelector() as open_ends:
        for end, kept in ((process.stdout, out), (process.stderr, err)):
            if end is not None:
                open_ends.register(end, selectors.EVENT_READ, kept)
        while open_ends.get_map():
            for key, _ in open_ends.select():
                data = os.read(key.fd, READ_BYTES)
                if not data:
                    open_ends.unregister(key.fileobj)
                key.data.extend(data)
            del err[:-STDERR_KEPT]
            if len(out) > OUTPUT_MAX:
                raise ValueError(
                    f"the program wrote more than {OUTPUT_MAX >> 20} MiB to standard output; let "
                    "it write into a file that is named after the input"
                )
    return bytes(out), bytes(err)
