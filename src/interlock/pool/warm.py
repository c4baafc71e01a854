"""Warm start: under forkserver, workers come from a process that has imported what they need.

What they need is what the program's pools were given to run: the modules that are named in the
bytes of a function. A pool that is made before it has a function cannot know; its first workers
import by themselves, those that come later, in it or in any other pool, do not.

A template that has imported numpy has threads of BLAS, unless `OPENBLAS_NUM_THREADS` and its like
say 1; OpenBLAS and MKL stop them before a fork, by pthread_atfork(3).
"""

from __future__ import annotations

import os
import re
import sys
import threading
import weakref
from multiprocessing import context as standard
from multiprocessing import forkserver
from typing import Any

from interlock.process.zygote import Gone, Unfit, Zygote

__all__ = ["make_warm", "note", "prepare"]

_OWN = "interlock.pool.worker"
_NAME = re.compile(rb"[A-Za-z_][A-Za-z_0-9.]*")
_LOOKED_AT = 1 << 16  # bytes of a function; names of modules come first
GENERATIONS_MAX = 16  # zygotes, each forked by the one before it


class _Line:
    """The zygotes of this process, the youngest last."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.zygotes: list[Zygote] = []
        self.needed = {_OWN}
        self.unfit: set[str] = set()  # what a zygote cannot have imported
        self._seen: weakref.WeakKeyDictionary[Zygote, dict[str, Any]] = weakref.WeakKeyDictionary()

    def youngest(self, context: Any) -> Zygote | None:
        """With the lock: one that has all that is needed; None if there can be none."""
        self.zygotes = [zygote for zygote in self.zygotes if not zygote.has_ended()]
        for zygote in self.zygotes[:-1]:
            if not zygote.is_needed():
                zygote.close()
        last = self.zygotes[-1] if self.zygotes else None
        if last is not None and (last.is_dead or self._is_stale(last)):
            last = None
        wanted = self.needed - self.unfit
        if last is not None:
            if wanted <= last.modules:
                return last
            if len(self.zygotes) < GENERATIONS_MAX:
                return self._next(context, last, wanted - last.modules) or last
        if not wanted:
            return None
        return self._next(context, None, wanted) or self.youngest(context)

    def _is_stale(self, zygote: Zygote) -> bool:
        """Whether the program has loaded anew a module that the zygote has as it was."""
        seen = self._seen.setdefault(zygote, {})
        for name in zygote.modules:
            spec = getattr(sys.modules.get(name), "__dict__", {}).get("__spec__")
            if spec is not None and seen.setdefault(name, spec) is not spec:
                return True
        return False

    def _next(self, context: Any, last: Zygote | None, wanted: set[str]) -> Zygote | None:
        process = context.Process()
        if last is not None:
            process._Popen = last
        try:
            zygote = Zygote(process, sorted(wanted))
        except Unfit:
            # Not knowing which is guilty, we do without all; without ours, the script is.
            self.unfit |= wanted if wanted == {_OWN} else wanted - {_OWN}
            return None
        except Gone:  # it forked none, or one that ends, as nobody asks it
            return self._next(context, None, self.needed - self.unfit)
        self.unfit |= wanted - zygote.modules  # those that cannot be imported
        self.zygotes.append(zygote)
        self._is_stale(zygote)  # no: what it has now is noted
        return zygote

    def forget(self) -> None:
        """In a forked child, whose zygotes are its own."""
        self.__init__()  # type: ignore[misc]


_line = _Line()
os.register_at_fork(after_in_child=_line.forget)


def note(names: str | bytes) -> None:
    """What workers are to have imported: a module's name, or a function's bytes with such in it."""
    text = names.encode() if isinstance(names, str) else names[:_LOOKED_AT]
    found = {name.decode() for name in _NAME.findall(text)}
    _line.needed |= {name for name in found if name in sys.modules and name[:2] != "__"}


def prepare(context: Any) -> None:
    """Make a template, if the start method is forkserver and there is none.

    A worker has one made as well; but who calls this may be interrupted while it imports.

    Raises:
        KeyboardInterrupt: Ctrl-C.
        OSError: The system starts no process.

    If a process dies: a template that is gone is replaced by the next worker's.
    """
    if getattr(context.Process, "_Popen", None) is standard.ForkServerProcess._Popen:
        _template(context)


def make_warm(process: Any, context: Any) -> None:
    """Let a worker come from a template, if its start method is forkserver.

    Args:
        process: The worker's, not started.
        context: That made it.

    If a process dies: a template that is gone is replaced by the next worker's.
    """
    if getattr(type(process), "_Popen", None) is not standard.ForkServerProcess._Popen:
        return
    zygote = _template(context)
    if zygote is not None:
        process._Popen = zygote


def _template(context: Any) -> Zygote | None:
    server: Any = forkserver._forkserver
    if server._forkserver_pid is None and _OWN not in server._preload_modules:
        forkserver.set_forkserver_preload([*server._preload_modules, _OWN])
    with _line.lock:
        return _line.youngest(context)
