"""The journal of a server: every change is on disk before it is acknowledged (P2).

    the loop     runs calls, and enters what they change in `_entered`; their answers wait
    the thread   writes all that was entered meanwhile in one transaction, and syncs it
    the loop     lets the answers go that waited for it, and gives the thread the next

J1. What one call changes, and its answer, are in one transaction: `ran` follows `enter` with
    nothing of another call between them. So after a restart a call has been run and its answer
    is there, or it has not been run.
J2. An answer leaves when all that was entered before it is on disk, whoever entered it: nobody is
    told of what a crash takes back.
J3. Transactions are written in the order in which they were entered.

An answer is forgotten when its client has it. Answers of calls that are repeatable (which find what
they were given by the client's ticket) are not kept at all.

Protocol: docs/protocols/journal.md.
"""

from __future__ import annotations

import asyncio
import queue
import secrets
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from interlock.errors import JournalDamaged, JournalFailed
from interlock.managers.auth import Peer
from interlock.managers.bounds import Bounds
from interlock.managers.served.schema import opened
from interlock.managers.served.thing import Item
from interlock.managers.serving.request import Kept, Request
from interlock.managers.serving.session import Session
from interlock.managers.wire.bodies import Answer

__all__ = ["Journal"]

_META = "SELECT name, value, sum_of(name, value) = sound FROM meta"
_SET_META = "INSERT OR REPLACE INTO meta VALUES (?1, ?2, sum_of(?1, ?2))"
_BEGAN = "INSERT OR REPLACE INTO sessions VALUES (?1, ?2, ?3, sum_of(?1, ?2, ?3))"
_ENDED = "DELETE FROM sessions WHERE identity = ?"
_NO_ANSWERS = "DELETE FROM answers WHERE session = ?"
_NO_ANSWER = "DELETE FROM answers WHERE session = ? AND call = ?"
_ANSWER = "INSERT INTO answers VALUES (?1, ?2, ?3, ?4, ?5, sum_of(?1, ?2, ?3, ?4, ?5))"

_SESSIONS = "SELECT identity, secret, peer, sum_of(identity, secret, peer) = sound FROM sessions"
_ANSWERS = (
    "SELECT session, call, count, answer, sum_of(session, call, place, count, answer) = sound"
    " FROM answers ORDER BY session, call, place"
)
_THINGS = (
    "SELECT id, kind, name, options, token, holder, ticket,"
    " sum_of(id, kind, name, options, token, holder, ticket) = sound FROM things ORDER BY id"
)
_ITEMS = (
    "SELECT place, value, key, number, holder, ticket, sum_of(thing, place, key, value) = sound"
    " AND sum_of(thing, place, number, holder, ticket) = holding"
    " FROM items WHERE thing = ? ORDER BY place"
)

_Change = tuple[str, tuple[Any, ...]]


class Journal:
    """A journal that is open, as a Ledger and as a Recorder.

    Args:
        path: Of the file, which is made if there is none.

    Attributes:
        identity: Of the server; the same at each start.
        epoch: How often it was started, this time included.
        tokens: The highest of a lock that was removed.
        commits: How many transactions were written.
        changes: How many changes were in them.

    Raises:
        JournalInUse, JournalDamaged, OSError: As `schema.opened`.
        JournalFailed: It cannot be written.

    If a process dies: what was acknowledged is in the file, and can be opened again at once.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._connection = opened(path)
        self.commits = self.changes = 0
        self._batch: list[_Change] = []
        self._step_is_kept = False  # whether the answer of the present call must be kept
        self._recorded: set[tuple[bytes, int]] = set()  # which requests have answers in the file
        self._position = self._durable = 0  # of changes
        self._answers: deque[tuple[int, Callable[[], None]]] = deque()
        self._is_writing = self._is_due = False
        self._work: queue.SimpleQueue[list[_Change] | None] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._idle: asyncio.Event | None = None
        self.failed: asyncio.Future[None] | None = None
        self._thread: threading.Thread | None = None
        try:
            self.identity, self.epoch = self._started_again()
        except BaseException:
            self._connection.close()
            raise

    def _started_again(self) -> tuple[bytes, int]:
        meta = dict(self._rows(_META))
        self.tokens: int = meta.get("tokens", 0)
        identity, epoch = meta.get("identity", secrets.token_bytes(16)), meta.get("epoch", 0) + 1
        try:
            self._connection.execute("BEGIN")
            self._connection.execute(_SET_META, ("identity", identity))
            self._connection.execute(_SET_META, ("epoch", epoch))
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise JournalFailed(
                f"The journal {self.path!r} cannot be written ({error}). Make room, and start the "
                "server again."
            ) from error
        return identity, epoch

    # ---- what is in it, before it is used --------------------------------------------------------

    def sessions(self, bounds: Bounds) -> dict[bytes, Session]:
        """The clients that may come back, with the answers that they may not have.

        Raises:
            JournalDamaged: There is something in it that is none.
        """
        found: dict[bytes, Session] = {}
        for identity, secret, peer in self._rows(_SESSIONS):
            name, by, where = msgspec.json.decode(peer, type=tuple[str, str, str])
            session = Session(identity, secret, Peer(name, by, where), bounds)  # type: ignore[arg-type]
            found[identity] = session
            self._watch(session)
        kept: dict[tuple[bytes, int], tuple[int, list[Kept]]] = {}
        for identity, call, count, answer in self._rows(_ANSWERS):
            if identity in found:
                failed, data, buffers = msgspec.msgpack.decode(
                    answer, type=tuple[bool, bytes, list[bytes]]
                )
                entry = kept.setdefault((identity, call), (count, []))
                entry[1].append(
                    (Answer(failed, data, len(buffers)), [memoryview(each) for each in buffers])
                )
        for (identity, call), (count, answers) in kept.items():
            found[identity].restore(call, count, answers)
            self._recorded.add((identity, call))
        return found

    def things(self) -> list[tuple[int, str, str, str, Item]]:
        """Number, kind, name, options and state of each object.

        Raises:
            JournalDamaged: It cannot be read.
        """
        return [
            (number, kind, name, options, Item(0, b"", number=token, holder=holder, ticket=ticket))
            for number, kind, name, options, token, holder, ticket in self._rows(_THINGS)
        ]

    def items_of(self, number: int) -> list[Item]:
        """What is in an object, in order.

        Raises:
            JournalDamaged: It cannot be read.
        """
        return [
            Item(place, value, key=key, number=version, holder=holder, ticket=ticket)
            for place, value, key, version, holder, ticket in self._rows(_ITEMS, (number,))
        ]

    def _rows(self, statement: str, values: tuple[Any, ...] = ()) -> list[Any]:
        try:
            rows = self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise self._damaged(str(error)) from error
        if not all(is_sound for *_, is_sound in rows):
            raise self._damaged("what is in a row is not what was written")
        return [row[:-1] for row in rows]

    def _damaged(self, said: str) -> JournalDamaged:
        return JournalDamaged(
            f"The journal {self.path!r} is damaged ({said}). Nothing of it was served. Put a "
            "copy in its place, or give another path to begin anew."
        )

    # ---- writing ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to write; in the server's loop."""
        self._loop = asyncio.get_running_loop()
        self.failed = self._loop.create_future()
        self._idle = asyncio.Event()
        self._thread = threading.Thread(target=self._write, name="interlock-journal", daemon=True)
        self._thread.start()
        self._flush_soon()

    async def settled(self) -> None:
        """Return when all that was entered is on disk, or cannot be written."""
        assert self._idle is not None and self.failed is not None
        while (self._batch or self._is_writing) and not self.failed.done():
            self._idle.clear()
            await self._idle.wait()

    async def stop(self) -> None:
        """Write what was entered, and close the file."""
        if self._thread is not None and self.failed is not None:
            await self.settled()
            self._work.put(None)
            await asyncio.to_thread(self._thread.join)
            if self.failed.done():
                self.failed.exception()  # it was told
        self._connection.close()

    def _flush_soon(self) -> None:
        if self._batch and not self._is_due and not self._is_writing and self._loop is not None:
            self._is_due = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        """Give the thread what was entered; between two calls (J1)."""
        self._is_due = False
        if self._is_writing or not self._batch:
            return
        batch, self._batch = self._batch, []
        self._is_writing = True
        self._work.put(batch)

    def _write(self) -> None:
        """What the thread does."""
        assert self._loop is not None
        while (batch := self._work.get()) is not None:
            try:
                self._connection.execute("BEGIN")
                for statement, values in batch:
                    self._connection.execute(statement, values)
                self._connection.execute("COMMIT")
            except Exception as error:
                self._loop.call_soon_threadsafe(self._broken, error)
                return
            self._loop.call_soon_threadsafe(self._written, len(batch))

    def _written(self, count: int) -> None:
        self._is_writing = False
        self._durable += count
        self.commits += 1
        self.changes += count
        while self._answers and self._answers[0][0] <= self._durable:
            self._answers.popleft()[1]()
        self._flush()
        if self._idle is not None:
            self._idle.set()

    def _broken(self, error: Exception) -> None:
        assert self.failed is not None and self._idle is not None
        if not self.failed.done():
            self.failed.set_exception(
                JournalFailed(
                    f"The journal {self.path!r} cannot be written ({error}). The server ends: what "
                    "was acknowledged is in it. Make room, and start the server again."
                )
            )
        self._idle.set()

    # ---- as a Ledger -----------------------------------------------------------------------------

    def enter(self, statement: str, values: tuple[Any, ...], *, repeatable: bool = False) -> None:
        """As `Ledger.enter`."""
        self._step_is_kept = self._step_is_kept or not repeatable
        self._add(statement, values)

    def _add(self, statement: str, values: tuple[Any, ...]) -> None:
        self._batch.append((statement, values))
        self._position += 1
        self._flush_soon()

    # ---- as a Recorder ---------------------------------------------------------------------------

    def began(self, session: Session) -> None:
        """As `Recorder.began`."""
        peer = session.peer
        told = msgspec.json.encode((peer.name, peer.by, peer.where)).decode()
        self._add(_BEGAN, (session.identity, session.secret, told))
        self._watch(session)

    def ended(self, session: Session) -> None:
        """As `Recorder.ended`."""
        self._step_is_kept = False
        self._add(_ENDED, (session.identity,))
        self._add(_NO_ANSWERS, (session.identity,))
        self._recorded = {each for each in self._recorded if each[0] != session.identity}

    def ran(self, session: Session, request: Request) -> None:
        """As `Recorder.ran`."""
        if not self._step_is_kept:
            return
        self._step_is_kept = False
        if session.is_over:
            return
        at = sum(answer.buffers for answer in request.answers[: request.recorded])
        for place in range(request.recorded, request.at):
            answer = request.answers[place]
            buffers = request.answer_buffers[at : at + answer.buffers]
            at += answer.buffers
            told = msgspec.msgpack.encode((answer.failed, answer.data, [*map(bytes, buffers)]))
            key = (session.identity, request.call)
            self._recorded.add(key)
            self._add(_ANSWER, (*key, place, len(request.calls), told))
        request.recorded = request.at

    def answer(self, send: Callable[[], None]) -> None:
        """As `Recorder.answer` (J2)."""
        if self._durable == self._position:
            send()
        else:
            self._answers.append((self._position, send))

    def acknowledged(self, session: Session, number: int) -> None:
        """As `Recorder.acknowledged`."""
        key = (session.identity, number)
        if key in self._recorded:
            self._recorded.remove(key)
            self._add(_NO_ANSWER, key)

    def _watch(self, session: Session) -> None:
        session.on_acknowledged = lambda number: self.acknowledged(session, number)
