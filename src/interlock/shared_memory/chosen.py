"""Names that users chose: files in /dev/shm, never taken from under a living user.

The memory is a file as shm_open(3) makes it, so that other programs find it. Beside it lies a
second file, in which every process that made or opened the memory holds a shared lock (flock(2))
until it unlinks the name or ends; the kernel lets go of it at any death. Who gets that lock
alone knows that nobody is left, and sweeps both files away:

- a process that ends, for the names it used;
- whoever makes or opens memory by a chosen name, for all that the dead of his user have left.

The second file says which file it belongs to (device and inode), so what another program made
under that name is never swept. The memory gets its name by link(2) when the second file has been
written: a process that is killed in between leaves nothing under the name.

Source: shm_overview(7), flock(2), open(2) O_TMPFILE, linkat(2).
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Iterator
from multiprocessing import util

from interlock.errors import SegmentExists, SegmentNotFound
from interlock.shared_memory import segment

__all__ = ["create", "find", "join", "unlink"]

FOLDER = "/dev/shm"
_SIGNS = "interlock-holders-"
NAME_BYTES = 200
PATIENCE_S = 1.0  # for another one that is about to give the same name

# What this process holds: name -> descriptor of the file beside the memory.
_held: dict[str, int] = {}
_guard = threading.Lock()
os.register_at_fork(after_in_child=lambda: _guard._at_fork_reinit())  # type: ignore[attr-defined]


def create(name: str, size: int, mode: int) -> int:
    """New memory, filled with zeros.

    Args:
        name: A file name, at most 200 bytes.
        size: In bytes.
        mode: Its permissions.

    Returns:
        Its descriptor.

    Raises:
        SegmentExists: There is memory of this name.
        OutOfSharedMemory: The kernel has not got so many pages.

    If a process dies: this one, at any point: nothing is left under the name, or memory that is
        swept as that of any dead process is.
    """
    _check(name)
    fd = os.open(FOLDER, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, mode)
    try:
        segment.reserve(fd, size)
        sign = _put_up_sign(name, fd)
        try:
            _link(fd, f"{FOLDER}/{name}")
        except FileExistsError:  # of another program's making
            os.unlink(_sign_of(name))
            os.close(sign)
            raise _exists(name) from None
    except BaseException:
        os.close(fd)
        raise
    _hold(name, sign)
    return fd


def find(name: str) -> int:
    """Open memory by its name; of another program's making too.

    Args:
        name: A file name.

    Returns:
        A descriptor of the caller's own.

    Raises:
        SegmentNotFound: There is none, or all that used it have ended.
        PermissionError: It is another user's.
    """
    _check(name)
    sweep()
    while True:
        try:
            fd = os.open(f"{FOLDER}/{name}", os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            raise SegmentNotFound(
                f"No shared memory {name!r}: it was not made, it was unlinked, or all that used "
                "it have ended."
            ) from None
        if join(name, fd):
            return fd
        os.close(fd)  # swept meanwhile


def unlink(name: str) -> None:
    """Take the name away; the memory stays for all that have it.

    Raises:
        SegmentNotFound: There is none.
    """
    try:
        os.unlink(f"{FOLDER}/{name}")
    except FileNotFoundError:
        raise SegmentNotFound(f"No shared memory {name!r}: it was unlinked before.") from None
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(_sign_of(name))
        held = _held.pop(name, None)
        if held is not None:
            os.close(held)


def sweep() -> None:
    """Take away what processes of this user have left that have all ended."""
    for entry in os.scandir(FOLDER):
        if entry.name.startswith(_SIGNS):
            _sweep(entry.name.removeprefix(_SIGNS))


# ---- the second file ------------------------------------------------------------------------


def _sign_of(name: str) -> str:
    return f"{FOLDER}/{_SIGNS}{name}"


def _put_up_sign(name: str, fd: int) -> int:
    """The second file of new memory, with this process's lock on it; its descriptor."""
    sign = os.open(FOLDER, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        os.write(sign, _identity(fd))
        fcntl.flock(sign, fcntl.LOCK_SH)
        ends = time.monotonic() + PATIENCE_S
        while True:
            sweep()
            try:
                _link(sign, _sign_of(name))
            except FileExistsError:
                # Somebody lives who has that name, or is about to give or take it.
                if os.path.exists(f"{FOLDER}/{name}") or time.monotonic() > ends:
                    raise _exists(name) from None
                os.sched_yield()
            else:
                return sign
    except BaseException:
        os.close(sign)
        raise


def join(name: str, fd: int) -> bool:
    """Be one of those that hold the memory.

    Args:
        name: Its name.
        fd: Its descriptor.

    Returns:
        False when it is being taken away: nobody had it.

    Raises:
        OSError: The second file cannot be opened or locked.

    If a process dies: one that sweeps lets go of the lock that this waits for.
    """
    if _holds(name):
        return True
    try:
        sign = os.open(_sign_of(name), os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        # Another program's, which is none of ours to hold; or ours, and gone by now.
        return _is_at(f"{FOLDER}/{name}", fd)
    fcntl.flock(sign, fcntl.LOCK_SH)
    if _is_at(_sign_of(name), sign) and os.pread(sign, 100, 0) == _identity(fd):
        _hold(name, sign)
        return True
    os.close(sign)
    return _is_at(f"{FOLDER}/{name}", fd)


def _sweep(name: str) -> None:
    """Take the memory away if nobody has it."""
    with contextlib.suppress(OSError), _opened(_sign_of(name)) as sign:
        fcntl.flock(sign, fcntl.LOCK_EX | fcntl.LOCK_NB)  # BlockingIOError: somebody has it
        if not _is_at(_sign_of(name), sign):
            return
        with contextlib.suppress(FileNotFoundError), _opened(f"{FOLDER}/{name}") as fd:
            if _identity(fd) == os.pread(sign, 100, 0):
                os.unlink(f"{FOLDER}/{name}")
        os.unlink(_sign_of(name))


def _hold(name: str, sign: int) -> None:
    with _guard:
        if not _held:
            _let_go_at_the_end()
        if _holds(name):  # another thread was faster
            os.close(sign)
            return
        # What was unlinked by another process, and made anew, is other memory.
        stale = _held.get(name)
        _held[name] = sign
    if stale is not None:
        os.close(stale)


def _holds(name: str) -> bool:
    """Whether this process holds what has the name now."""
    held = _held.get(name)
    return held is not None and _is_at(_sign_of(name), held)


def _let_go() -> None:
    """At the end of a process: it holds nothing any more, and sweeps where it was the last."""
    names = list(_held)
    while _held:
        os.close(_held.popitem()[1])
    for name in names:
        _sweep(name)


def _let_go_at_the_end() -> None:
    # The standard library's children end by os._exit(), after its own finalizers.
    util.Finalize(None, _let_go, exitpriority=-100)
    atexit.register(_let_go)


def _after_fork(_: object = None) -> None:
    if _held:
        util.Finalize(None, _let_go, exitpriority=-100)


util.register_after_fork(_after_fork, _after_fork)


# ---- files ----------------------------------------------------------------------------------


def _check(name: str) -> None:
    if not name or "/" in name or len(os.fsencode(name)) > NAME_BYTES:
        raise ValueError(
            f"{name!r} is no name for shared memory: give 1 to {NAME_BYTES} bytes without a slash."
        )


def _exists(name: str) -> SegmentExists:
    return SegmentExists(
        f"There is shared memory {name!r} already: choose another name, open it without "
        "create=True, or unlink it."
    )


def _identity(fd: int) -> bytes:
    """Which file it is, for as long as it exists."""
    status = os.fstat(fd)
    return b"%d %d" % (status.st_dev, status.st_ino)


def _is_at(path: str, fd: int) -> bool:
    """Whether the path leads to that very file."""
    try:
        return os.path.samestat(os.lstat(path), os.fstat(fd))
    except FileNotFoundError:
        return False


def _link(fd: int, path: str) -> None:
    with _opened(FOLDER, os.O_PATH | os.O_DIRECTORY) as folder:  # os.link() follows with one only
        os.link(f"/proc/self/fd/{fd}", os.path.basename(path), dst_dir_fd=folder)


@contextlib.contextmanager
def _opened(path: str, flags: int = os.O_RDWR | os.O_NOFOLLOW) -> Iterator[int]:
    fd = os.open(path, flags | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)
