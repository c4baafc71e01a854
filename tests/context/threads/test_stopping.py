"""What threads share stays whole when they are stopped, and nothing is lost (P2)."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import interlock
from interlock.context.threads.stopping import Ended, Work, raise_owed, shielded

LONG_S = 20.0
STOPS = 60
AT_ONCE = 60  # messages that a thread takes before it is stopped
context: Any = interlock.get_context("thread")


@pytest.fixture(autouse=True)
def often() -> Iterator[None]:
    """Threads take turns all the time."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def stopped_again_and_again(target: Any, is_over: Any, seed: int) -> int:
    """Run it in a process after the other, each stopped at some moment; how many it took."""
    print(f"seed {seed}")
    chance, stops = random.Random(seed), 0
    ends = time.monotonic() + LONG_S
    while not is_over():
        assert time.monotonic() < ends, f"not over after {stops} stops, seed {seed}"
        process = context.Process(target=target)
        process.start()
        if stops < STOPS:
            process.join(chance.random() * 0.002)
            process.kill()
        process.join(LONG_S)
        assert not process.is_alive()
        stops += 1
    return stops


def test_no_message_is_lost_when_its_consumers_are_stopped() -> None:
    """P2: each is done at least once; none is anybody's at the end."""
    queue, done = context.JoinableQueue(), []
    queue.put_many(range(3000))
    queue.shutdown()

    def consume() -> None:
        try:
            while True:
                with queue.lease() as delivery:
                    done.append(delivery.message)
        except interlock.ShutDown:
            return

    stopped_again_and_again(consume, lambda: queue.statistics().ready == 0, seed=1)
    assert {*done} == {*range(3000)}
    statistics = queue.statistics()
    assert (statistics.leased, statistics.dead) == (0, 0)
    queue.join()


TAKERS: dict[str, Callable[[Any], list[int]]] = {
    "get": lambda queue: [queue.get()],
    "get_many": lambda queue: queue.get_many(2),
    "dead_letters": lambda queue: [queue.dead_letters.get()],
}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("how", TAKERS)
def test_what_a_stopped_taker_had_not_returned_is_there(how: str) -> None:
    """P2: however often it is stopped, and wherever that comes."""
    queue = context.Queue(max_deliveries=1)
    queue.put_many(range(AT_ONCE * 40))
    if how == "dead_letters":
        for _ in range(AT_ONCE * 40):
            queue.lease().__enter__().give_back()
    got: list[int] = []
    chance = random.Random(4)
    for _ in range(60):
        begun = threading.Event()

        def take(begun: threading.Event = begun) -> None:
            begun.set()
            for _ in range(AT_ONCE):
                got.extend(TAKERS[how](queue))

        process = context.Process(target=take)
        process.start()
        begun.wait(LONG_S)
        for _ in range(chance.randrange(300)):
            pass
        process.terminate()
        process.kill()
        process.join(LONG_S)
    queue.shutdown()
    rest = [*(queue.dead_letters if how == "dead_letters" else queue)]
    assert sorted(got + rest) == [*range(AT_ONCE * 40)]


def stop_me() -> int:
    """What a message does while it is received."""
    context.current_process().kill()
    return 0


class StopsMe:
    def __reduce__(self) -> Any:
        return stop_me, (), stop_me()


@pytest.mark.parametrize("how", ["recv", "recv_bytes", "recv_bytes_into"])
def test_a_message_that_is_being_received_goes_back(how: str) -> None:
    """P2: a stop while it is decoded or encoded leaves it in the pipe."""
    ours, theirs = context.Pipe()
    if how == "recv":
        ours.send_bytes(b"c" + f"{__name__}\nstop_me\n(tR.".encode())
    else:
        ours.send(StopsMe())
    process = context.Process(
        target=getattr(theirs, how), args=(bytearray(100),) if how.endswith("into") else ()
    )
    process.start()
    process.join(LONG_S)
    assert process.exitcode == -signal.SIGKILL
    assert theirs.poll()


def test_a_second_stop_while_a_message_is_put_back_does_not_lose_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """P2: terminate() and then kill()."""
    queue = context.Queue()
    queue.put("there")
    put_back = queue._store._return
    work = Work()
    stops = iter(["second"])

    def put_back_late(*args: Any, **kwargs: Any) -> None:
        for why in stops:
            work.stop(why)
        put_back(*args, **kwargs)

    def stopped(_: Any) -> None:
        work.stop("first")

    monkeypatch.setattr(queue._store, "_return", put_back_late)
    with pytest.raises(Ended):
        work.run(lambda: queue._store.take(stopped, None, lambda: None))
    assert work.reason == "second"
    assert queue.get_nowait() == "there"


def test_a_stopped_put_is_there_or_is_not() -> None:
    """P2: in order, none twice; others go on."""
    queue = context.Queue(maxsize=3)
    numbers = iter(range(3000))
    got: list[int] = []
    is_done = threading.Event()

    def produce() -> None:
        for number in numbers:
            queue.put(number)
        is_done.set()

    taker = threading.Thread(target=lambda: [got.append(m) for m in queue])  # type: ignore[func-returns-value]
    taker.start()
    stopped_again_and_again(produce, is_done.is_set, seed=2)
    queue.shutdown()
    taker.join(LONG_S)
    assert got == sorted({*got})
    assert len(got) >= 3000 - STOPS


def test_a_shared_dict_stays_whole() -> None:
    """P2: each change was made or was not."""
    shared = context.SharedDict({"count": 0})
    made: list[int] = []

    def count() -> None:
        for _ in range(200):
            made.append(shared.update_with("count", lambda n: n + 1))

    stopped_again_and_again(count, lambda: len(made) > 2000, seed=3)
    assert made == sorted({*made})
    assert len(made) <= shared["count"] <= len(made) + STOPS


def test_no_change_of_a_shared_dict_comes_between() -> None:
    """P8: update_with() is atomic; its function is called again where another was faster."""
    shared = context.SharedDict({"count": 0})
    seen: list[int] = []

    def add(number: int) -> int:
        if not seen:
            shared["count"] = 10  # another is faster
        seen.append(number)
        return number + 1

    assert shared.update_with("count", add) == shared["count"] == 11
    assert seen == [0, 10]


def test_a_shield_holds_a_stop_back_until_its_end() -> None:
    """S3: within it nothing is raised; at its end, or where it is asked for, it is."""
    begun, go = threading.Event(), threading.Event()
    steps: list[str] = []

    def work() -> None:
        with shielded():
            begun.set()
            go.wait(LONG_S)
            with shielded():
                steps.append("inner")
            steps.append("outer")
        steps.append("after")

    ended, thing = run_in_thread(work)
    begun.wait(LONG_S)
    assert thing.stop("now")
    go.set()
    assert ended() == (Ended, None)
    assert steps == ["inner", "outer"]


def test_what_is_owed_is_raised_where_it_is_asked_for() -> None:
    """S3: once."""
    begun, go = threading.Event(), threading.Event()

    def work() -> str:
        with shielded():
            begun.set()
            go.wait(LONG_S)
            try:
                raise_owed()
            except Ended:
                raise_owed()
                return "once"
        return "never"

    ended, thing = run_in_thread(work)
    begun.wait(LONG_S)
    thing.stop("now")
    go.set()
    assert ended() == (None, "once")
    assert not thing.stop("too late")


def run_in_thread(function: Any) -> tuple[Any, Work]:
    work = Work()
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append((None, work.run(function)))
        except BaseException as error:
            outcome.append((type(error), None))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def ended() -> Any:
        thread.join(LONG_S)
        return outcome[0]

    return ended, work


PROFILED = """
import sys
from interlock.context.threads.stopping import Ended, Work

work = Work()

def goes_on():
    try:
        work.stop("asked for by itself")
        str.upper("a step")
    except Ended:
        print("stopped")

work.run(goes_on)
sys.setprofile(lambda *_: None)
Work().run(int)
sys.setprofile(None)
print("goes on")
"""


def test_a_program_may_be_profiled_after_a_stop() -> None:
    """P5: CPython 3.11 begins no function under a profiler while an exception is asked for."""
    command = [sys.executable, "-c", PROFILED]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONG_S, check=False)
    assert (done.returncode, done.stdout) == (0, "stopped\ngoes on\n"), done.stderr
