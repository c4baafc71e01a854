"""P3: Ctrl-C at whatever step of a wait; the thread that brings what is waited for goes on."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

LONG_S = 60

HEAD = """
    import random, signal, sys, threading
    from contextlib import suppress
    from types import SimpleNamespace
    from interlock._interruptible import Event
    from interlock.pool import ProcessPoolExecutor, ThreadPool
    from interlock.pool.calls import LazyCalls
    from interlock.pool.futures import Future
    from interlock.pool.jobs import Options
    from interlock.pool.lazy import IMapJob
    from interlock.pool.results import ApplyResult

    chance, may_raise = random.Random(int(sys.argv[1])), [False]

    def raises(*_):
        if may_raise[0]:
            may_raise[0] = False
            raise KeyboardInterrupt

    signal.signal(signal.SIGALRM, raises)

    def interrupted(call, within_s, *given):
        with suppress(KeyboardInterrupt):
            may_raise[0] = True
            signal.setitimer(signal.ITIMER_REAL, chance.uniform(1e-6, within_s))
            with suppress(TimeoutError):
                call(*given)
            may_raise[0] = False
        may_raise[0] = False

    def ends(call, message):
        thread = threading.Thread(target=call, daemon=True)
        thread.start()
        thread.join(20)
        assert not thread.is_alive(), message
"""

WAITS = """
    class A(SimpleNamespace):
        def __init__(self, **named):
            super().__init__(**named)

        def __getattr__(self, name):
            return lambda *_: None

    supervisor = A(size=1)
    engine = A(supervisor=supervisor, lock=threading.RLock(), feeders=set())

    def a_result():
        result = ApplyResult(None)
        return result.wait, lambda: result._set(True, 1), lambda: result.get(0) == 1

    def an_iterator():
        job = IMapJob(engine, A(cost_s=None), Options(), iter(()))
        return job.next_result, lambda: job.succeed(0, 1), lambda: job.next_result(0) == (True, 1)

    def an_iterator_of_threads():
        calls = LazyCalls(A(_processes=1, _cache={}), abs, iter(()), 1, True)
        slot = []
        calls._open = 1
        calls._slots.append(slot)
        put = lambda: calls._put(slot, True, 1)
        return calls.next_result, put, lambda: calls.next_result(0) == (True, 1)

    def a_future():
        future = Future()
        return future.result, lambda: future.set_result(1), lambda: future.result(0) == 1

    def an_event():
        event = Event()
        return event.wait, event.set, event.is_set

    for number in range(10_000):
        wait, bring, is_there = globals()[sys.argv[2]]()
        interrupted(wait, 4e-5, 0.0005)
        ends(bring, f"who brings number {number} stands still")
        assert is_there()
"""


@pytest.mark.parametrize(
    "what", ["an_event", "a_result", "an_iterator", "an_iterator_of_threads", "a_future"]
)
def test_a_wait_that_is_interrupted_holds_up_nobody(what: str) -> None:
    """P3: Ctrl-C at whatever step of it; the thread that brings the result is not left standing."""
    assert storm(WAITS, what) == (0, "")


BEGINS = """
    def a_map():
        executor = ProcessPoolExecutor(1)
        executor.submit(abs, 1).result()
        return lambda: executor.map(abs, range(3)), executor.shutdown

    def an_imap_of_threads():
        pool = ThreadPool(1)

        def end():
            pool.close()
            pool.join()

        return lambda: pool.imap(abs, range(3)), end

    def begin():
        with suppress(RuntimeError):  # of the standard library's Thread.start
            make()

    make, end = globals()[sys.argv[2]]()
    sys.unraisablehook = lambda _: None  # what hits a finalizer
    for number in range(2_000):
        interrupted(begin, 3e-4)
    ends(end, "the end of the pool waits for an input that nobody reads")
"""


@pytest.mark.parametrize("what", ["a_map", "an_imap_of_threads"])
def test_a_begin_that_is_interrupted_does_not_hold_up_the_end(what: str) -> None:
    """P3: Ctrl-C while an iterator is made, whose input would have had a thread of its own."""
    code, said = storm(BEGINS, what)
    assert code == 0, said


def storm(program: str, what: str) -> tuple[int, str]:
    """Run it; its status, and what it has said of errors."""
    seed = int.from_bytes(os.urandom(4), sys.byteorder)
    print("seed", seed)
    text = textwrap.dedent(HEAD) + textwrap.dedent(program)
    command = [sys.executable, "-c", text, str(seed), what]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=LONG_S, check=False)
    return ended.returncode, ended.stderr
