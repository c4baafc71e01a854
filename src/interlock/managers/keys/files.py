"""The files of a directory of keys: whole or not there, one writer at a time, for our eyes only.

    file              mode   what
    ca.key            0600   the authority's private key, and its certificate
    ca.pem            0644   its certificate
    crl.pem           0644   the revocation list, signed by it
    NAME.key          0600   the private key of NAME, and its certificate
    NAME.pem          0644   its certificate
    issued/SERIAL.pem 0644   every certificate that was ever signed

A file is written beside its place, synced and renamed, so that a death leaves the old one or the
new one. A key and its certificate have to change together, and there is no renaming of two files:
so NAME.key holds both, and is what TLS reads. NAME.pem is a copy for others to look at; whoever
changes the directory next writes it again where a death has left an old one.

Writers hold flock(2) on the directory, which the kernel gives back when they die. Readers need no
lock. What they read, they read by one descriptor, checked by fstat(2): what was checked is what is
used, even if the name leads to another file by then.

Source: rename(2), flock(2), proc(5).
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shlex
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from interlock.errors import KeysBusy, KeysDamaged, KeysExposed, KeysNotFound

__all__ = [
    "CA",
    "CRL",
    "ISSUED",
    "PRIVATE",
    "PUBLIC",
    "for_us_alone",
    "key_file",
    "locked",
    "names_in",
    "not_for_others_to_change",
    "opened",
    "pem_file",
    "read",
    "write",
]

CA, CRL, ISSUED = "ca", "crl", "issued"
PRIVATE, PUBLIC, DIRECTORY = 0o600, 0o644, 0o700
BYTES_MAX = 16 << 20  # of a file; a revocation list of 200,000 certificates is smaller
LOCK_WAIT_S = 30.0
_RECHECK_S = 0.02
_UNFINISHED = ".new"


def key_file(directory: Path, name: str) -> Path:
    """Where the private key of a name lies, with its certificate."""
    return directory / f"{name}.key"


def pem_file(directory: Path, name: str) -> Path:
    """Where the certificate of a name lies; of CRL, the revocation list."""
    return directory / f"{name}.pem"


def names_in(directory: Path) -> list[str]:
    """The names with a key or a certificate, sorted, without the authority's own."""
    files = (*directory.glob("[!.]*.key"), *directory.glob("[!.]*.pem"))
    return sorted({file.stem for file in files} - {CA, CRL})


@contextmanager
def locked(directory: Path, wait_s: float = LOCK_WAIT_S) -> Iterator[None]:
    """Be the only one that changes a directory; what the dead have left unfinished is removed.

    Raises:
        KeysNotFound: There is no such directory.
        KeysBusy: Another has had it all the time.

    If a process dies: its lock is free at once.
    """
    try:
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise KeysNotFound(
            f"there is no directory {str(directory)!r}; give one that has keys, or make it with "
            "`interlock keys init`"
        ) from error
    try:
        _lock(fd, directory, time.monotonic() + wait_s)
        for place in (directory, directory / ISSUED):
            for left in place.glob(f".*{_UNFINISHED}"):
                left.unlink()
        yield
    finally:
        os.close(fd)


def _lock(fd: int, directory: Path, until: float) -> None:
    while True:
        try:
            return fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= until:
                raise KeysBusy(
                    f"another process is changing the keys in {str(directory)!r} and has not "
                    "finished; look for an `interlock keys` that is stopped, and try again"
                ) from error
        time.sleep(_RECHECK_S)


def write(path: Path, data: bytes, mode: int) -> None:
    """Put a file in its place, whole and on the disk; the directory is locked by the caller."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}{_UNFINISHED}")
    try:
        fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE)
        with open(fd, "wb") as file:
            os.fchmod(fd, mode)
            file.write(data)
            file.flush()
            os.fsync(fd)
        os.rename(beside, path)
    except BaseException:
        with suppress(FileNotFoundError):
            beside.unlink()
        raise
    _sync(path.parent)


def _sync(directory: Path) -> None:
    """The names in a directory are on the disk, too."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def opened(path: Path, *, for_its_key: bool = False) -> Iterator[int]:
    """A descriptor to read a file by.

    Raises:
        KeysNotFound: It is not there.
        KeysExposed: It is read for the private key in it, and others than its owner may read it.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise KeysNotFound(
            f"there is no {path.name} in {str(path.parent)!r}; give the directory that has it, or "
            "copy it from there"
        ) from error
    try:
        if for_its_key:
            for_us_alone(path, os.fstat(fd))
        yield fd
    finally:
        os.close(fd)


def read(path: Path, *, for_its_key: bool = False) -> bytes:
    """All of a file, as `opened` opens it.

    Raises:
        KeysNotFound: It is not there.
        KeysExposed: It is read for the private key in it, and others than its owner may read it.
        KeysDamaged: It is larger than any of ours.
    """
    with opened(path, for_its_key=for_its_key) as fd, open(fd, "rb", closefd=False) as file:
        data = file.read(BYTES_MAX + 1)
    if len(data) > BYTES_MAX:
        raise KeysDamaged(
            f"{str(path)!r} is larger than any file of keys; give the directory that "
            "`interlock keys init` made"
        )
    return data


def for_us_alone(path: Path, status: os.stat_result) -> None:
    """Refuse what others than its owner may read.

    Raises:
        KeysExposed: They may.
    """
    if mode := stat.S_IMODE(status.st_mode) & 0o077:
        wanted = DIRECTORY if stat.S_ISDIR(status.st_mode) else PRIVATE
        raise KeysExposed(
            f"{str(path)!r} is open to others than its owner (mode "
            f"{stat.S_IMODE(status.st_mode):04o}, of which {mode:04o} is too much); close it with "
            f"`chmod {wanted:o} {shlex.quote(str(path))}`, and issue new keys if somebody may have "
            "read it"
        )


def not_for_others_to_change(directory: Path) -> None:
    """Refuse a directory in which others could put an authority of theirs.

    Raises:
        KeysNotFound: There is no such directory.
        KeysExposed: They could.
    """
    try:
        mode = stat.S_IMODE(directory.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise KeysNotFound(
            f"there is no directory {str(directory)!r}; give one that has keys"
        ) from error
    if mode & 0o022:
        raise KeysExposed(
            f"others than its owner may change the files in {str(directory)!r} (mode {mode:04o}); "
            f"close it with `chmod 700 {shlex.quote(str(directory))}`"
        )
