"""SharedMemory: who finds it by its name, and until when (P5)."""

from __future__ import annotations

import random
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import interlock
from interlock.shared_memory import SharedMemory
from interlock.shared_memory.chosen import sweep
from interlock.testing.trial import Trial

SHM = Path("/dev/shm")
SEED = 20_261_127
BOUND_S = 20.0


@pytest.fixture
def name() -> Iterator[str]:
    """A chosen name, of which nothing may be left."""
    chosen = f"interlock-test-{secrets.token_hex(6)}"
    yield chosen
    sweep()
    assert [path.name for path in SHM.iterdir() if chosen in path.name] == []


def is_found(name: str) -> bool:
    """Whether somebody who has only the name would find it: another process."""
    code = "import sys; from interlock.shared_memory import SharedMemory; SharedMemory(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", code, name], capture_output=True, check=False)
    assert done.returncode == 0 or b"SegmentNotFound" in done.stderr, done.stderr
    return done.returncode == 0


def make(wire: Any, name: str | None, close: bool) -> None:
    """The child's part: make it, write into it, say its name, live."""
    shm = SharedMemory(name, create=True, size=100)
    shm.buf[:5] = b"hello"
    if close:
        shm.close()
    wire.send(shm.name)
    wire.recv()


def attach(wire: Any, name: str) -> None:
    shm = SharedMemory(name)
    wire.send(bytes(shm.buf[:5]))
    wire.recv()


@pytest.mark.parametrize("chosen", [False, True])
def test_a_name_is_found_as_long_as_one_lives_who_had_it(
    trial: Trial, name: str, chosen: bool
) -> None:
    """The maker is killed, then the second one: in between it is found, and then no more."""
    ours, theirs = interlock.Pipe()
    maker = trial.doomed(make, theirs, name if chosen else None, False)
    given = ours.recv()
    second_ours, second_theirs = interlock.Pipe()
    second = trial.doomed(attach, second_theirs, given)
    assert second_ours.recv() == b"hello"
    maker.kill()
    maker.wait_dead()
    assert is_found(given)
    second.kill()
    second.wait_dead()
    assert not is_found(given)


@pytest.mark.parametrize("chosen", [False, True])
def test_closed_is_not_unlinked(trial: Trial, name: str, chosen: bool) -> None:
    """A worker makes it, closes it, and sends its name: as programs do."""
    ours, theirs = interlock.Pipe()
    trial.child(make, theirs, name if chosen else None, True)
    with_name = SharedMemory(ours.recv())
    assert bytes(with_name.buf[:5]) == b"hello"
    with_name.close()
    again = SharedMemory(with_name.name)
    again.close()
    again.unlink()
    with pytest.raises(FileNotFoundError):
        SharedMemory(again.name)
    ours.send("done")


@pytest.mark.parametrize("chosen", [False, True])
def test_unlinked_memory_stays_for_who_has_it(trial: Trial, name: str, chosen: bool) -> None:
    """The other one unlinks it: the name is gone for all, the memory is not."""
    ours, theirs = interlock.Pipe()
    trial.child(make, theirs, name if chosen else None, False)
    mine = SharedMemory(ours.recv())
    mine.unlink()
    assert not is_found(mine.name)
    with pytest.raises(interlock.errors.SegmentNotFound, match="unlinked before"):
        mine.unlink()
    assert bytes(mine.buf[:5]) == b"hello"
    ours.send("done")
    if chosen:  # and the name is free for new memory
        SharedMemory(mine.name, create=True, size=10).unlink()


def test_the_exit_of_one_that_used_it_unlinks_nothing(name: str) -> None:
    """python/cpython#82300: another program opens it, and ends in every way."""
    mine = SharedMemory(name, create=True, size=100)
    use = "import sys, os; from interlock.shared_memory import SharedMemory\n"
    use += "shm = SharedMemory(sys.argv[1]); shm.buf[0] += 1\n"
    for end in ("pass", "shm.close()", "sys.exit(3)", "os._exit(0)", "os.kill(os.getpid(), 9)"):
        subprocess.run([sys.executable, "-c", use + end, name], check=False)
        assert (SHM / name).exists()
    assert mine.buf[0] == 5
    mine.close()
    mine.unlink()


def test_another_program_s_memory_is_never_swept(name: str) -> None:
    """A file that shm_open(3) made is opened, and left where it is."""
    (SHM / name).write_bytes(b"theirs")
    try:
        code = "import sys; from interlock.shared_memory import SharedMemory as S; S(sys.argv[1])"
        subprocess.run([sys.executable, "-c", code, name], check=True)
        with pytest.raises(interlock.errors.SegmentExists):
            SharedMemory(name, create=True, size=10)
        sweep()
        shm = SharedMemory(name)
        assert bytes(shm.buf) == b"theirs"
        shm.close()
    finally:
        (SHM / name).unlink()


def race(wire: Any, name: str) -> None:
    wire.recv()
    try:
        shm = SharedMemory(name, create=True, size=10)
    except FileExistsError:
        wire.send(False)
    else:
        wire.send(True)
        wire.recv()
        shm.unlink()


def test_one_of_many_that_want_the_same_name_has_it(trial: Trial, name: str) -> None:
    """Ten rounds of four processes at once."""
    for _ in range(10):
        wires = []
        for _ in range(4):
            ours, theirs = interlock.Pipe()
            wires.append((ours, trial.child(race, theirs, name)))
        for ours, _ in wires:
            ours.send("go")
        won = [(ours, child) for ours, child in wires if ours.recv()]
        assert len(won) == 1
        won[0][0].send("unlink it")
        for _, child in wires:
            child.result()


def test_a_name_made_anew_is_held_anew(name: str) -> None:
    """Another process unlinks it, this one makes it again: nobody sweeps the second one."""
    first = SharedMemory(name, create=True, size=10)
    code = "import sys; from interlock.shared_memory import SharedMemory as S\n"
    unlink = code + "S(sys.argv[1]).unlink()"
    subprocess.run([sys.executable, "-c", unlink, name], check=True)
    second = SharedMemory(name, create=True, size=20)
    look = code + "assert S(sys.argv[1]).size == 20"
    for _ in range(2):
        subprocess.run([sys.executable, "-c", look, name], check=True)
    second.unlink()
    first.close()


def test_thousands_may_be_made_and_closed() -> None:
    """In a program whose soft limit of descriptors is small, as it was in the standard library."""
    code = """if 1:
        import resource
        from interlock.shared_memory import SharedMemory
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
        made = []
        for _ in range(300):
            shm = SharedMemory(create=True, size=10)
            shm.close()
            made.append(shm.name)
        for name in made:
            SharedMemory(name).unlink()
    """
    subprocess.run([sys.executable, "-c", code], check=True)


def churn(name: str) -> None:
    """Make, open and unlink, for ever."""
    while True:
        try:
            SharedMemory(name, create=True, size=5000)
        except FileExistsError:
            continue
        SharedMemory(name).unlink()


def test_random_kills_leave_nothing_under_a_name(name: str) -> None:
    """P5: killed at any moment of making, opening and unlinking; then the name can be had."""
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    context: Any = interlock.get_context("fork")
    for _ in range(60):
        child = context.Process(target=churn, args=(name,))
        child.start()
        child.join(chance.uniform(0.002, 0.02))  # it does not end by itself
        child.kill()
        child.join()
        shm = SharedMemory(name, create=True, size=10)
        assert shm.size == 10
        shm.unlink()
        assert [path for path in SHM.iterdir() if name in path.name] == []


def send_and_close(method: str) -> bool:
    """A parent gives its own hold up as soon as the child was started."""
    context: Any = interlock.get_context(method)
    ours, theirs = context.Pipe()
    shm = SharedMemory(create=True, size=10)
    shm.buf[:5] = b"hello"
    child = context.Process(target=attached, args=(theirs, shm))
    child.start()
    shm.close()
    shm.unlink()
    said = ours.recv()
    child.join()
    return bool(said == b"hello")


def attached(wire: Any, shm: SharedMemory) -> None:
    wire.send(bytes(shm.buf[:5]))


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_child_has_what_it_was_given_though_it_was_unlinked(method: str) -> None:
    """It travels by descriptor, not by its name."""
    assert send_and_close(method)


def test_nothing_is_tracked() -> None:
    """No resource tracker is started, for generated and for chosen names."""
    code = """if 1:
        from multiprocessing import resource_tracker
        from interlock.shared_memory import SharedMemory, ShareableList
        SharedMemory(create=True, size=10)
        ShareableList([1, 2])
        SharedMemory("interlock-test-tracked", create=True, size=10).unlink()
        assert resource_tracker._resource_tracker._pid is None
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("bad", ["", "/", "a/b", "../x", "x" * 201, "a\0b"])
def test_what_is_no_name_is_refused(bad: str) -> None:
    """At the call, by a ValueError; and nothing is made."""
    with pytest.raises(ValueError, match=r"name|null"):
        SharedMemory(bad, create=True, size=10)
