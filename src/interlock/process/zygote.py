"""A template process: it has imported some modules, and forks children that have them at once.

    this process ── Process (forkserver) ──> zygote: imports, then forks what it is asked for
         │                                      ├─> child      has all that its zygote has
         │                                      └─> zygote     imports more
         └── asks the youngest, by a socket without a name

The standard library's server imports what it is told to when it starts, and never again; before
Python 3.12.8 it finds no module that lies beside the script, nor does it import the script
(python/cpython#126631). A zygote is started as any process is, so it has the program's sys.path
and its script; its loop is that of the server.

What a death leaves: a zygote ends when nobody has the other end of its pipe any more: this process
and the children it forked. If it is killed its children live on, nobody can tell how they end (255
is said), and the next child comes from the standard library's server. If it is killed while it
forks, a child may be there or not (`Gone`): another one with the same arguments is made by none.

A zygote that has threads after its imports is unfit, as a forked child has only one of them; so is
one with files, sockets or generators of random numbers that its children would share
(`apart.py`), and one that did not live through its imports, or not in time.

Source: multiprocessing/forkserver.py; unix(7); open(2) O_PATH.
"""

from __future__ import annotations

import contextlib
import inspect
import marshal
import os
import secrets
import select
import signal
import socket
import sys
import threading
import weakref
from collections.abc import Iterable
from multiprocessing import connection, forkserver, popen_forkserver, process, resource_tracker
from types import FunctionType
from typing import Any

from interlock._handover import Passage, pack
from interlock.errors import InterlockError
from interlock.process.apart import has_generators, has_open
from interlock.process.interrupts import interrupted_later

__all__ = ["Gone", "Unfit", "Zygote"]

IMPORTS_S = 30.0  # for all that a zygote is to import
_KEY_BYTES = 32  # as the standard library's server reads it, since Python 3.14


class Unfit(InterlockError):
    """A zygote that cannot fork children; they are started in another way."""


class Gone(InterlockError):
    """A zygote was killed while it forked: perhaps the child is there, and nobody knows its pid."""


class Zygote:
    """A process that forks others; `process._Popen = zygote` lets it fork that one.

    Args:
        process_obj: Starts it: a process of a forkserver context, not started, without a target.
        modules: Names of what it imports; what cannot be imported is left out.

    Attributes:
        modules: Names of all that it has imported.
        is_dead: Whether it was found dead.

    Raises:
        Unfit: It has what its children cannot have, or did not live through its imports.
        OSError: The system starts no process.
        KeyboardInterrupt: Ctrl-C while it imports; it is ended.

    If a process dies: see the head of this file.
    """

    def __init__(self, process_obj: Any, modules: Iterable[str]) -> None:
        self.is_dead = False
        self._using = threading.Lock()
        self._process = process_obj
        self._server = _Server()
        self._children: weakref.WeakSet[Any] = weakref.WeakSet()
        heard, tell = os.pipe2(os.O_CLOEXEC)
        with open(heard, "rb") as report:
            try:
                self._start([tell, *self._server.ends], modules)
            finally:
                os.close(tell)
                self._server.close_ends()
            said = self._heard(report)
        if not said:
            self.close()
            raise Unfit("A template process has what none may share, or has ended, by its imports.")
        self.modules = frozenset(marshal.loads(said))

    def _start(self, ends: list[int], modules: Iterable[str]) -> None:
        child = self._process
        child._target, child._args = _serve, (_Ends(ends), list(modules))
        child.name = "interlock-zygote"
        child.daemon = False
        try:
            with interrupted_later():  # its pid is known then
                child.start()
        except BaseException:
            if child._popen is not None:
                child.kill()
            self._server.close()
            raise
        for known in (process._children, process._dangling):  # type: ignore[attr-defined]
            known.discard(child)  # no child of the program's own

    def _heard(self, report: Any) -> bytes:
        """What it says when its imports are through, which may hang."""
        try:
            ready = select.poll()
            ready.register(report, select.POLLIN)
            if ready.poll(IMPORTS_S * 1000):
                said: bytes = report.read()
                return said
        except BaseException:
            self._process.kill()
            self.close()
            raise
        self._process.kill()
        return b""

    def __call__(self, process_obj: Any) -> Any:
        """Start a process; by the standard library's server where the zygote is not there.

        Raises:
            Gone: It was killed while it forked, perhaps after it had.
        """
        with self._using:  # another thread may find that it has no children, and close it
            if self._server.is_open:
                try:
                    popen = _Popen(process_obj, self._server)
                    self._children.add(popen)
                    return popen
                except ConnectionError:
                    self.is_dead = True
                except EOFError as error:
                    self.is_dead = True
                    raise Gone("A template process was killed as it forked.") from error
        return popen_forkserver.Popen(process_obj)

    def is_needed(self) -> bool:
        """Whether a child of it lives, whose end only it can tell."""
        return any(child.returncode is None for child in self._children)

    def has_ended(self) -> bool:
        """Whether it is gone, or who started it is, so that nobody can tell."""
        if self._process.is_alive():
            return False
        self.close()
        return True

    def close(self) -> None:
        """Fork no more: it ends with the last of its children."""
        with self._using:
            self._server.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(None), ()  # a process that was started has no use for it


class _Server(forkserver.ForkServer):
    """The standard library's side of asking a server, for another one than its own."""

    read_signed = staticmethod(forkserver.read_signed)

    def __init__(self) -> None:
        super().__init__()
        path = connection.arbitrary_address("AF_UNIX")  # type: ignore[attr-defined]
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        os.chmod(path, 0o600)
        self._listener.listen()
        self._place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        os.unlink(path)
        self._forkserver_alive_fd: int | None
        self._alive, self._forkserver_alive_fd = os.pipe2(os.O_CLOEXEC)
        self._forkserver_address = f"/proc/self/fd/{self._place}"
        self._forkserver_authkey = secrets.token_bytes(_KEY_BYTES)
        self._key, key = os.pipe2(os.O_CLOEXEC)
        os.write(key, self._forkserver_authkey)
        os.close(key)
        launch: Any = popen_forkserver.Popen._launch  # type: ignore[attr-defined]
        names = {**vars(popen_forkserver), "forkserver": self}
        self.launch = FunctionType(launch.__code__, names)
        _servers.add(self)

    @property
    def ends(self) -> list[int]:
        """What the zygote needs of it."""
        return [self._listener.fileno(), self._alive, self._key]

    def close_ends(self) -> None:
        """The zygote has them."""
        self._listener.close()
        os.close(self._alive)
        os.close(self._key)

    @property
    def is_open(self) -> bool:
        """Whether it was not let go of."""
        return self._forkserver_alive_fd is not None

    def ensure_running(self) -> None:
        """It was started elsewhere, or is dead."""

    def close(self) -> None:
        """Let go of it."""
        if self._forkserver_alive_fd is not None:
            os.close(self._forkserver_alive_fd)
            os.close(self._place)
            self._forkserver_alive_fd = None


_servers: weakref.WeakSet[_Server] = weakref.WeakSet()


def _let_go() -> None:
    """In a forked child, which must not keep its parent's zygotes alive."""
    for server in _servers:
        server.close()


os.register_at_fork(after_in_child=_let_go)


class _Popen(popen_forkserver.Popen):
    def __init__(self, process_obj: Any, server: _Server) -> None:
        self._server = server
        super().__init__(process_obj)

    def _launch(self, process_obj: Any) -> None:
        self._server.launch(self, process_obj)


class _Ends:
    """Descriptors, as an argument of a process."""

    def __init__(self, descriptors: list[int]) -> None:
        self._descriptors = descriptors

    def __reduce__(self) -> tuple[Any, ...]:
        return _received, (pack(self._descriptors),)


def _received(passage: Passage) -> list[int]:
    return passage.redeem()


def _serve(ends: list[int], modules: list[str]) -> None:
    """In the zygote: import, say what there is, and fork."""
    tell, listener, alive, key = ends
    # Who stops the server or the tracker waits until nobody has these; children get their own.
    server: Any = forkserver._forkserver
    tracker: Any = resource_tracker._resource_tracker
    for fd in (server._forkserver_alive_fd, tracker._fd):
        os.close(fd)
    server._forkserver_alive_fd = tracker._fd = None
    for name in modules:
        with contextlib.suppress(Exception, SystemExit):  # a child that needs it will say why
            __import__(name)
    with contextlib.suppress(BrokenPipeError), open(tell, "wb") as report:
        if threading.active_count() > 1 or has_open([listener]) or has_generators():
            return
        report.write(marshal.dumps(list(sys.modules)))
    # Children begin with Ctrl-C held back, and let it in when they can be quiet.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    os.register_at_fork(after_in_child=_reseed)
    main: Any = forkserver.main
    if "authkey_r" in inspect.signature(main).parameters:
        main(listener, alive, None, authkey_r=key)
    else:
        os.close(key)
        main(listener, alive, None)


def _reseed() -> None:
    """Children of one zygote would draw the same numbers; `random` sees to itself."""
    numbers = sys.modules.get("numpy.random")
    if numbers is not None:
        numbers.seed()
