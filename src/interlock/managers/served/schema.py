"""The file of a journal: its tables, its version, how it is opened and looked at.

    meta       identity, the server's; epoch, how often it was started
    things     what is served by name, with the state of locks
    items      what is in dicts, lists and queues
    sessions   clients that may come back
    answers    what came of their calls that changed something, until they have it

SQLite writes to the log beside the file (PATH-wal) and syncs it at each commit; a commit that a
crash has cut is not there when it is opened again.

SQLite notices damage of its own structure, and of the log. That of what is in the rows is noticed
by their checks. A file grows with what is in it, and a start gives back what is free in it.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path

from interlock.errors import JournalDamaged, JournalInUse

__all__ = ["APPLICATION", "VERSION", "opened"]

APPLICATION = 0x496C4A31
"""By which SQLite files of ours are known: IlJ1."""

VERSION = 1
"""Of the tables; a file of a newer one is refused."""

_TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value NOT NULL, sound INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE things (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL UNIQUE, options TEXT NOT NULL,
    token INTEGER NOT NULL, holder BLOB, ticket INTEGER NOT NULL, sound INTEGER NOT NULL
);
CREATE TABLE items (
    thing INTEGER NOT NULL, place INTEGER NOT NULL, key BLOB, value BLOB NOT NULL,
    number INTEGER NOT NULL, holder BLOB, ticket INTEGER NOT NULL, sound INTEGER NOT NULL,
    holding INTEGER NOT NULL, PRIMARY KEY (thing, place)
) WITHOUT ROWID;
CREATE TABLE sessions (
    identity BLOB PRIMARY KEY, secret BLOB NOT NULL, peer TEXT NOT NULL, sound INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE answers (
    session BLOB NOT NULL, call INTEGER NOT NULL, place INTEGER NOT NULL, count INTEGER NOT NULL,
    answer BLOB NOT NULL, sound INTEGER NOT NULL,
    PRIMARY KEY (session, call, place)
) WITHOUT ROWID;
"""
_LOG_MAX = 64 << 20  # bytes of the log that are kept for the next commits
_WHAT_TO_DO = "Nothing was changed. Put a copy in its place, or give another path to begin anew."


def opened(path: str | os.PathLike[str]) -> sqlite3.Connection:
    """Open a journal, or make one; nobody else can, until it is closed or this process is gone.

    Raises:
        JournalInUse: Another process has it.
        JournalDamaged: It is none of ours, of a newer release, or damaged.
        OSError: It cannot be opened or made.

    If a process dies: the journal can be opened again at once.
    """
    place = Path(path)
    is_new = not place.exists() or place.stat().st_size == 0
    if is_new:
        os.close(os.open(place, os.O_CREAT | os.O_RDWR, 0o600))
    elif not os.access(place, os.R_OK | os.W_OK):
        raise PermissionError(13, "it may not be read and written", str(place))
    with _explained(place):
        connection = sqlite3.connect(
            place, timeout=0.0, isolation_level=None, check_same_thread=False
        )
    try:
        with _explained(place):
            _prepare(connection, place, is_new=is_new)
    except BaseException:
        connection.close()
        raise
    _sync(place.parent)
    return connection


def _prepare(connection: sqlite3.Connection, place: Path, *, is_new: bool) -> None:
    def pragma(text: str) -> object:
        row = connection.execute(f"PRAGMA {text}").fetchone()
        return None if row is None else row[0]

    # Before it is read: then no other process can have it, and no memory is shared for it.
    pragma("locking_mode = EXCLUSIVE")
    if not is_new:  # before anything of it is changed
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        told = pragma("application_id"), pragma("user_version")
        is_new = (*told, tables) == (0, 0, 0)  # who made it was killed before there was anything
        if not is_new:
            _check_ours(*told, place)
    connection.create_function("sum_of", -1, _sum_of, deterministic=True)
    if is_new:
        pragma("auto_vacuum = INCREMENTAL")
    if pragma("journal_mode = WAL") != "wal":
        raise sqlite3.DatabaseError("it cannot be in WAL mode")
    pragma("synchronous = FULL")
    pragma(f"journal_size_limit = {_LOG_MAX}")
    connection.execute("BEGIN IMMEDIATE")
    if is_new and pragma("user_version") == 0:
        for statement in _TABLES.split(";"):
            connection.execute(statement)
        pragma(f"application_id = {APPLICATION}")
        pragma(f"user_version = {VERSION}")
    connection.execute("COMMIT")
    said = pragma("quick_check(1)")
    if said != "ok":
        raise sqlite3.DatabaseError(str(said))
    connection.executescript("PRAGMA incremental_vacuum")  # to its end, as execute would not


def _sum_of(*values: object) -> int:
    """Of a row that is written; another one when something of it has changed."""
    found = 0
    for value in values:
        data = value if isinstance(value, bytes) else repr(value).encode()
        found = zlib.crc32(data, found)
    return found


def _check_ours(application: object, version: object, place: Path) -> None:
    if application != APPLICATION:
        raise JournalDamaged(
            f"{str(place)!r} is an SQLite file, but no journal of `interlock serve`. {_WHAT_TO_DO}"
        )
    if version != VERSION:
        raise JournalDamaged(
            f"{str(place)!r} is a journal of version {version}, and this release reads {VERSION}. "
            "Nothing was changed. Use the release that wrote it."
        )


@contextlib.contextmanager
def _explained(place: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise JournalInUse(
                f"The journal {str(place)!r} is open in another process. Stop that one, or give "
                "another path."
            ) from error
        raise OSError(f"{str(place)!r} cannot be used as a journal: {error}") from error
    except sqlite3.DatabaseError as error:
        raise JournalDamaged(
            f"The journal {str(place)!r} is damaged ({error}). {_WHAT_TO_DO}"
        ) from error


def _sync(folder: Path) -> None:
    """That the file is there is on disk too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
