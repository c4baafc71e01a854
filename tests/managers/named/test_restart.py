"""A server that is started again with its journal goes on where it ended; a bad file is told."""

from __future__ import annotations

import asyncio
import os
import random
import re
import resource
import signal
import sqlite3
import threading
from pathlib import Path

import pytest

from interlock.errors import (
    AccessDenied,
    JournalDamaged,
    JournalInUse,
    NoSuchObject,
    ServerGone,
)
from interlock.managers.named import Connection
from interlock.managers.named.queue import QueueCounts
from interlock.managers.served.journal import Journal
from interlock.managers.served.thing import Item
from tests.managers.named.hosted import Hosted
from tests.managers.named.processes import BOUND_S, ServerProcess
from tests.managers.waiting import until

SEED = int(os.environ.get("INTERLOCK_SEED", "20261128"))


def filled(connection: Connection) -> None:
    connection.dict("d").update({"a": [1], (1, b"x"): None})
    connection.list("l").extend([3, 1, 2])
    connection.list("l").insert(1, 9)
    queue = connection.queue("q", maxsize=9, max_deliveries=3)
    queue.put_many(["x", "y", "z"])
    with pytest.raises(KeyError):
        with queue.lease():
            raise KeyError
    with connection.lock("k"):
        pass


def check_filled(connection: Connection) -> None:
    assert connection.dict("d").copy() == {"a": [1], (1, b"x"): None}
    assert connection.list("l").copy() == [3, 9, 1, 2]
    queue = connection.queue("q", maxsize=9, max_deliveries=3)
    with queue.lease() as delivery:
        assert (delivery.message, delivery.attempt) == ("x", 2)
    assert queue.get_many(5) == ["y", "z"]
    with connection.lock("k") as token:
        assert token == 2


def test_all_is_there_again(tmp_path: Path) -> None:
    """In order, with attempts, options and tokens; after it was stopped."""
    journal = str(tmp_path / "journal")
    with Hosted(journal=journal) as hosted, hosted.connect() as connection:
        filled(connection)
    with Hosted(journal=journal) as hosted, hosted.connect() as connection:
        check_filled(connection)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_clients_go_on(tmp_path: Path, how: signal.Signals) -> None:
    """What they have (a lock, a lease) is theirs still, and what waits goes on waiting."""
    with ServerProcess(tmp_path) as server, server.connect() as connection:
        filled(connection)
        lock, queue = connection.lock("x"), connection.queue("own")
        guarded = connection.dict("d").under(lock)
        lock.acquire()
        queue.put("leased")
        delivery = queue.lease().__enter__()
        got: list[object] = []
        thread = threading.Thread(target=lambda: got.append(queue.get()))
        thread.start()
        with server.connect() as other:
            until(lambda: other.queue("own").counts() == QueueCounts(0, 1, 0))
            status = server.stop(how)
            assert status == (-how if how == signal.SIGKILL else 0)
            server.start()
            assert not other.lock("x").acquire(block=False)
            guarded["b"] = 2
            delivery.acknowledge()
            other.queue("own").put("waited for")
        thread.join(BOUND_S)
        assert got == ["waited for"]
        lock.release()
        del guarded, connection.dict("d")["b"]
        check_filled(connection)


def test_what_was_cancelled_while_the_server_was_down_stays_cancelled(tmp_path: Path) -> None:
    """The next one is told so: a get that nobody waits for takes nothing, however often it dies."""

    async def work(server: ServerProcess) -> None:
        async with asyncio.timeout(BOUND_S), server.connect().aio as there:
            queue = there.queue("q")
            getting = asyncio.create_task(queue.get())
            await queue.counts()
            assert there._there is not None
            client = there._there[0]
            server.stop(signal.SIGKILL)
            while client._line is not None:
                await asyncio.sleep(0.01)
            getting.cancel()
            await asyncio.gather(getting, return_exceptions=True)
            await asyncio.to_thread(server.start)
            while client._state._pending:
                await asyncio.sleep(0.01)
            server.stop(signal.SIGKILL)
            await asyncio.to_thread(server.start)
            await queue.put("x")
            assert await queue.get() == "x"

    with ServerProcess(tmp_path) as server:
        asyncio.run(work(server))


def test_what_a_dead_client_had_comes_back_after_a_restart(tmp_path: Path) -> None:
    """When the grace has ended: the lock with a higher token, the message once more."""
    with ServerProcess(tmp_path, "--grace", "1") as server:
        gone = server.connect()
        gone.lock("x").acquire()
        gone.queue("q").put("job")
        gone.queue("q").lease().__enter__()
        server.stop(signal.SIGKILL)
        gone.client._board._stop.set()  # it is dead: it does not come back
        server.start()
        with server.connect() as other:
            assert other.lock("x").acquire(timeout=BOUND_S)
            with other.queue("q").lease(timeout=BOUND_S) as delivery:
                assert (delivery.message, delivery.attempt) == ("job", 2)
        gone.close()


def test_without_a_journal_clients_are_told(tmp_path: Path) -> None:
    """By a server that ends, and by the next one, which does not know them."""
    server = ServerProcess(tmp_path)
    server.start(journal=False)
    with server, server.connect(absent_timeout=BOUND_S) as connection:
        shared = connection.dict("d")
        shared["a"] = 1
        server.stop(signal.SIGKILL)
        server.start(journal=False)
        with pytest.raises(ServerGone, match="no such session"):
            shared["a"]


def test_who_stays_away_is_forgotten(tmp_path: Path) -> None:
    """Its rows as well: a journal does not grow with its clients."""
    journal = str(tmp_path / "journal")
    with Hosted(journal=journal) as hosted:
        for number in range(5):
            with hosted.connect() as connection:
                connection.dict("d")[number] = number
        assert hosted.service is not None
        until(lambda: hosted.service and hosted.service.server.statistics()["sessions"] == 0)
    rows = sqlite3.connect(journal)
    for table, count in (("sessions", 0), ("answers", 0), ("items", 5), ("things", 1)):
        assert rows.execute(f"SELECT count(*) FROM {table}").fetchone() == (count,)
    rows.close()


def test_removed_objects_stay_removed(tmp_path: Path) -> None:
    """With what was in them."""
    journal = str(tmp_path / "journal")
    with Hosted(journal=journal) as hosted, hosted.connect() as connection:
        old = connection.dict("d")
        old["a"] = 1
        connection.remove("d")
        with pytest.raises(NoSuchObject):
            old["a"] = 2
    with Hosted(journal=journal) as hosted, hosted.connect() as connection:
        assert connection.names() == {}
        assert connection.dict("d").copy() == {}


def test_tokens_go_on_from_those_of_a_lock_that_was_removed(tmp_path: Path) -> None:
    """A store elsewhere compares them by the lock's name, and has seen the old ones."""
    journal = str(tmp_path / "journal")
    seen = []
    for _ in range(2):
        with Hosted(journal=journal) as hosted, hosted.connect() as connection:
            for _ in range(2):
                with connection.lock("x") as token:
                    seen.append(token)
            connection.remove("x")
            with connection.lock("x") as token:
                seen.append(token)
        with Hosted(journal=journal) as hosted, hosted.connect() as connection:
            with connection.lock("x") as token:
                seen.append(token)
            connection.remove("x")
    assert seen == sorted(set(seen))


def test_another_client_cannot_come_back_in_its_place(tmp_path: Path) -> None:
    """The name of a session's client is in the journal, and so are permissions looked at."""
    journal = str(tmp_path / "journal")
    with Hosted(journal=journal) as hosted, hosted.connect() as connection:
        connection.dict("d")["a"] = 1
    with Hosted(journal=journal, permissions={"somebody": {"*": "*"}}) as hosted:
        with pytest.raises(AccessDenied):
            hosted.connect()


# ---- the file ------------------------------------------------------------------------------------


def test_one_process_has_a_journal(tmp_path: Path) -> None:
    """Another is told, and changes nothing."""
    path = str(tmp_path / "journal")
    journal = Journal(path)
    with pytest.raises(JournalInUse, match="open in another process"):
        Journal(path)
    journal._connection.close()


def test_a_file_that_is_no_journal(tmp_path: Path) -> None:
    """Of another program, of a newer release, or no file of SQLite at all: it is left as it is."""
    other = tmp_path / "other"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    newer = tmp_path / "newer"
    Journal(str(newer))._connection.close()
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 2")
    connection.close()
    text = tmp_path / "text"
    text.write_text("not a journal\n" * 500)
    for path, said in ((other, "no journal"), (newer, "version 2"), (text, "damaged")):
        before = path.read_bytes()
        with pytest.raises(JournalDamaged, match=said):
            Journal(str(path))
        assert path.read_bytes() == before


def test_a_damaged_journal_is_told(tmp_path: Path) -> None:
    """Pages that were written over, and a file that was cut."""
    path = tmp_path / "journal"
    with Hosted(journal=str(path)) as hosted, hosted.connect() as connection:
        connection.dict("d").update(dict.fromkeys(range(2000), "x" * 100))
    whole = path.read_bytes()
    for damaged in (
        whole[: len(whole) // 2],
        whole[:8192] + b"\xff" * 20_000 + whole[28_192:],
    ):
        path.write_bytes(damaged)
        with pytest.raises(JournalDamaged, match=re.escape(str(path))):
            Journal(str(path))
    path.write_bytes(whole)
    with Hosted(journal=str(path)) as hosted, hosted.connect() as connection:
        assert len(connection.dict("d")) == 2000


def test_a_byte_that_was_changed_is_noticed(tmp_path: Path) -> None:
    """Wherever it is, and where a file ends too early: refused, or nothing of it was in use."""
    path, trial = tmp_path / "journal", tmp_path / "trial"
    with Hosted(journal=str(path)) as hosted, hosted.connect() as connection:
        filled(connection)
        connection.dict("d").update(dict.fromkeys(range(50), "x" * 100))
    whole = path.read_bytes()
    chance = random.Random(SEED)
    print(f"seed {SEED}")
    refused = 0

    def there(data: bytes) -> list[object]:
        trial.write_bytes(data)
        journal = Journal(str(trial))
        try:
            things = journal.things()
            items = [vars_of(item) for thing in things for item in journal.items_of(thing[0])]
            return [journal.identity, journal.epoch, *(vars_of(each[-1]) for each in things), items]
        finally:
            journal._connection.close()

    expected = there(whole)
    for _ in range(150):
        changed = bytearray(whole)
        changed[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        try:
            assert there(bytes(changed)) == expected
        except JournalDamaged:
            refused += 1
        with pytest.raises(JournalDamaged):
            there(whole[: chance.randrange(1, len(whole))])
    assert refused > 0


def vars_of(item: Item) -> list[object]:
    return [getattr(item, name) for name in Item.__slots__]


def test_who_makes_a_journal_may_be_killed(tmp_path: Path) -> None:
    """Before there is anything in it: the next start makes it."""
    path = tmp_path / "journal"
    unfinished = sqlite3.connect(path)
    unfinished.execute("PRAGMA journal_mode = WAL")
    unfinished.close()
    assert path.stat().st_size > 0
    with Hosted(journal=str(path)) as hosted, hosted.connect() as connection:
        filled(connection)
    with Hosted(journal=str(path)) as hosted, hosted.connect() as connection:
        check_filled(connection)


def test_a_value_may_be_large(tmp_path: Path) -> None:
    """More than what one string is bound to elsewhere: it is one to the server."""
    path, large = str(tmp_path / "journal"), bytes(65 << 20)
    with Hosted(journal=path) as hosted, hosted.connect() as connection:
        connection.queue("q").put(large)
    with Hosted(journal=path) as hosted, hosted.connect() as connection:
        assert connection.queue("q").get() == large


def test_a_journal_does_not_grow_for_ever(tmp_path: Path) -> None:
    """What went through is gone: the log is bounded, and a start gives back what is free."""
    path = tmp_path / "journal"
    log = tmp_path / "journal-wal"
    with Hosted(journal=str(path)) as hosted, hosted.connect() as connection:
        queue = connection.queue("q")
        sizes = []
        for _ in range(4):
            queue.put_many(["x" * 100_000] * 200)
            assert len(queue.get_many(200)) == 200
            until(lambda: queue.counts() == QueueCounts(0, 0, 0))
            sizes.append(path.stat().st_size + log.stat().st_size)
        assert sizes[-1] <= 1.5 * sizes[0], sizes
    grown = path.stat().st_size
    with Hosted(journal=str(path)):
        pass
    assert path.stat().st_size < grown / 10


def test_a_commit_that_was_cut_is_not_there(tmp_path: Path) -> None:
    """The log ends anywhere: what was synced before that is there, and no half of anything."""
    with ServerProcess(tmp_path) as server:
        with server.connect() as connection:
            items = connection.list("l")
            for number in range(50):
                items.append(number)
            server.stop(signal.SIGKILL)
            connection.client._board._stop.set()
        log = tmp_path / "journal-wal"
        whole = log.read_bytes()
        log.write_bytes(whole[: len(whole) * 3 // 4])
        server.start()
        with server.connect() as connection:
            seen = connection.list("l").copy()
        assert 0 < len(seen) < 50 and seen == list(range(len(seen)))


def test_a_disk_that_is_full_ends_the_server(tmp_path: Path) -> None:
    """It says why; nobody is told of what is not kept."""
    with ServerProcess(tmp_path) as server:
        with server.connect(absent_timeout=0.5) as connection:
            shared = connection.dict("d")
            shared["a"] = 1
            resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (200_000, 200_000))
            with pytest.raises(ServerGone):
                for number in range(100):
                    shared[number] = b"x" * 50_000
        assert server.wait() == 1
        assert "cannot be written" in server.log.read_text("utf-8")
        server.start()
        with server.connect() as connection:
            there = connection.dict("d").copy()
            assert there.pop("a") == 1 and set(range(number)) <= there.keys()
