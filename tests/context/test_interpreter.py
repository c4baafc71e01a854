"""The interpreter context: with a stand-in here, for real where Python has sub-interpreters."""

from __future__ import annotations

import collections
import importlib
import operator
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import pytest

import interlock
from interlock.context import interpreter
from interlock.errors import UnsupportedPlatform
from interlock.pool import InitializerFailed
from tests.context import standin

LONG_S = 20.0


def is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # not even the package
        return False


HAS_INTERPRETERS = is_there("concurrent.interpreters")
REAL = ["concurrent.interpreters"] if HAS_INTERPRETERS else []
if is_there("test.support.interpreters.queues"):  # Python 3.13
    REAL.append("tests.context.interpreters_313")


@pytest.fixture(params=[standin.__name__, *REAL])
def context(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The context on a module that makes interpreters."""
    monkeypatch.setattr(interpreter, "_found", lambda: importlib.import_module(request.param))
    return interlock.get_context("interpreter")


@pytest.mark.skipif(HAS_INTERPRETERS, reason="this Python has sub-interpreters")
def test_without_sub_interpreters_a_sentence_says_so() -> None:
    """P6: what it needs, and what to use instead."""
    with pytest.raises(UnsupportedPlatform, match=r"Python 3\.14, and this is .*thread"):
        interlock.get_context("interpreter")


def test_a_pool_s_calls_go_there_and_back(context: Any) -> None:
    """P8: values, errors with a traceback of there, what cannot travel."""
    with context.Pool(2) as pool:
        assert pool.map(abs, [-1, 2, -3]) == [1, 2, 3]
        assert pool.apply(collections.Counter, ("aab",)) == {"a": 2, "b": 1}
        with pytest.raises(ValueError, match="invalid literal") as raised:
            pool.apply(int, ("x",))
        assert "sub-interpreter" in "".join(raised.value.__notes__)
        with pytest.raises(TypeError, match="cannot be pickled"):
            pool.apply(memoryview, (b"",))
        assert pool.apply(abs, (-4,)) == 4


def test_an_interpreter_that_cannot_be_made_is_an_error(
    context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P3: nobody waits for a pool that can do nothing; a process says so by its exit code."""

    def no_queue(maxsize: int = 0) -> None:
        raise MemoryError("no room for another")

    monkeypatch.setattr(context._interpreters, "create_queue", no_queue)
    with context.Pool(2) as pool:
        with pytest.raises(InitializerFailed, match=r"no room for another.* Mend what it says"):
            pool.apply_async(abs, (-1,)).get(LONG_S)


def test_a_process_begins_when_the_program_ends() -> None:
    """P3: Python imports no more of ours then, so that it is there by then."""
    program = (
        "import sys, threading; from interlock.context import interpreter;"
        "from tests.context import standin; interpreter._found = lambda: standin;"
        "import interlock; context = interlock.get_context('interpreter');"
        "process = context.Process(target=print, args=('there',));"
        "main = threading.main_thread(); run = process.run;"
        "process.run = lambda: (main.join(), run()); process.start()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert (done.stdout, done.stderr) == ("there\n", "")


def test_its_interpreters_end_with_the_pool(context: Any) -> None:
    """P5: each thread closes its own."""
    standin.made.clear()
    with context.ProcessPoolExecutor(2, initializer=abs, initargs=(-1,)) as executor:
        assert [*executor.map(pow, [2, 3], [3, 2])] == [8, 9]
    assert all(each.is_closed for each in standin.made)


def test_a_process_puts_to_a_queue_under_a_lock(context: Any) -> None:
    """P8: what can be made there goes there."""
    queue, lock = context.Queue(), context.Lock()
    with lock:
        assert not lock.acquire(False)
    process = context.Process(target=operator.methodcaller("put", "there"), args=(queue,))
    process.start()
    assert queue.get(timeout=LONG_S) == "there"
    process.join(LONG_S)
    assert process.exitcode == 0
    with pytest.raises(ValueError, match="nobody has"):
        lock.release()


@pytest.mark.parametrize("how", ["process", "pool"])
def test_what_an_interpreter_put_is_there_when_it_has_ended(context: Any, how: str) -> None:
    """P2: Python forgets the messages of one that is closed; it is closed when they are taken."""
    standin.made.clear()
    queue, put = context.Queue(), operator.methodcaller("put", "there")
    if how == "pool":
        with context.Pool(1) as pool:
            pool.apply(put, (queue,))
    else:
        process = context.Process(target=put, args=(queue,))
        process.start()
        process.join(LONG_S)
    assert not any(each.is_closed for each in standin.made)
    assert queue.get(timeout=LONG_S) == "there"
    context.Queue()
    assert all(each.is_closed for each in standin.made)


def test_a_semaphore_goes_there_and_is_the_same(context: Any) -> None:
    """P8: its tokens are in a queue of all interpreters."""
    semaphore = context.Semaphore(2)
    with context.Pool(1) as pool:
        assert pool.apply(operator.methodcaller("acquire", timeout=LONG_S), (semaphore,))
        assert semaphore.acquire(timeout=LONG_S)
        assert not semaphore.acquire(True, 0.01)
        pool.apply(operator.methodcaller("release"), (semaphore,))
    assert semaphore.acquire(timeout=LONG_S)
    with pytest.raises(ValueError, match="must be >= 0"):
        context.Semaphore(-1)


def test_what_it_has_not_names_the_alternative(context: Any) -> None:
    """P8: no arrays in shared memory, no manager, no conditions."""
    assert {*context.capabilities.offers} == {
        "Process", "Queue", "Lock", "Semaphore", "Pool", "ProcessPoolExecutor",
    }  # fmt: skip
    with pytest.raises(AttributeError, match=r"no RLock\. Use a Lock"):
        context.RLock()
    with pytest.raises(AttributeError, match=r"no Manager\. Use a Queue"):
        context.Manager()
