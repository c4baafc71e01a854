"""The measurements by themselves, where a clock can be trusted: shares, and wide apart."""

from __future__ import annotations

import array
import asyncio
import concurrent.futures
import hashlib
import resource
import subprocess
import sys
import threading
import types
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import interlock
from interlock.advice.facts import INTERPRETER
from interlock.advice.measure import clocks, gil, places
from interlock.advice.measure.crowd import apart_s
from interlock.advice.measure.gil import held_s
from interlock.advice.measure.probe import is_async, probe
from interlock.advice.measure.travel import travel
from interlock.pool.limits import cpu_count
from tests.advice import kinds
from tests.advice.kernel import tells_waits


def times(function: Callable[[Any], object], given: object, number: int) -> Callable[[], int]:
    """Calls it so often."""

    def run() -> int:
        for _ in range(number):
            function(given)
        return number

    return run


def test_python_code_holds_the_gil() -> None:
    """For most of the time that it is on the CPU."""
    call = probe(kinds.counts, [50_000], 2.0).call
    assert held_s(times(kinds.counts, 50_000, 20)) > 0.5 * call.cpu_s


def test_threads_of_python_code_sleep_while_another_runs() -> None:
    """However busy the machine is; threads without the GIL never do."""
    python = probe(kinds.counts, [50_000], 2.0).call
    apart, calls = apart_s(python, kinds.counts, [50_000], 4)
    assert apart > 0.6 * python.wall_s
    assert calls >= 4
    block = bytes(1 << 22)
    free = probe(hash_of, [block], 2.0).call
    assert apart_s(free, hash_of, [block], 4)[0] < 0.4 * free.wall_s


def test_threads_that_wait_hold_the_gil_no_longer_than_they_are_on_the_cpu() -> None:
    """However few of them are looked at: that is no reason to have no more."""
    call = probe(kinds.waits, [None], 0.5).call
    assert apart_s(call, kinds.waits, [None], 2)[0] <= call.cpu_s
    needs_more = replace(call, cpu_s=0.3 * call.wall_s)  # when one was looked at, for some reason
    assert apart_s(needs_more, kinds.waits, [None], 2)[0] <= needs_more.cpu_s


def test_threads_that_wait_one_after_the_other_are_told() -> None:
    """As a lock lets them, or the GIL where C code sleeps with it."""
    one_at_a_time = threading.Lock()

    def waits_alone(given: object) -> None:
        with one_at_a_time:
            kinds.waits(given)

    call = probe(waits_alone, [None], 0.5).call
    assert apart_s(call, waits_alone, [None], 4)[0] > 0.6 * call.wall_s


def hash_of(block: bytes) -> str:
    """Works without the GIL."""
    return hashlib.sha256(block).hexdigest()


def test_what_a_thread_raises_is_raised_here() -> None:
    """And the switch interval is put back."""
    before = sys.getswitchinterval()
    call = probe(kinds.counts, [1000], 1.0).call
    with pytest.raises(ValueError, match="no 1"):
        apart_s(call, kinds.raises, [1])
    assert sys.getswitchinterval() == before


def test_a_wait_holds_no_gil() -> None:
    """Though the thread beside it spins all the while."""
    assert held_s(times(kinds.waits, None, 2)) < 0.2 * kinds.CALM_S


def test_the_switch_interval_is_put_back() -> None:
    """Also when the function raises."""
    before = sys.getswitchinterval()
    with pytest.raises(ZeroDivisionError):
        held_s(lambda: 1 // 0)
    assert sys.getswitchinterval() == before
    assert not [each for each in threading.enumerate() if "spinner" in each.name]


def test_without_a_gil_none_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """A free-threaded Python says so; nothing is called."""
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: False, raising=False)
    assert not gil.has_gil()
    assert held_s(lambda: 1 // 0) == 0.0


def test_a_child_s_time_is_not_a_wait() -> None:
    """It is time on the CPU, elsewhere."""

    def runs(_: object) -> None:
        code = "import time\nwhile time.process_time() < 0.3: pass"
        subprocess.run([sys.executable, "-S", "-c", code], check=True)

    call = probe(runs, [1], 0.1).call
    assert call.elsewhere_s > 0.25
    assert call.cpu_s < 0.1


def test_a_coroutine_function_is_seen_in_each_of_its_forms() -> None:
    """Plain, partly given, an object's, and wrapped by one that says so."""

    class Called:
        async def __call__(self, given: object) -> None:
            """Nothing."""

    said = types.SimpleNamespace(is_async=True)
    assert is_async(kinds.waits_awaited)
    assert is_async(Called())
    assert is_async(said)  # type: ignore[arg-type]
    assert not is_async(kinds.waits)
    assert not is_async(len)


def test_the_first_call_is_told_by_itself() -> None:
    """What it loads is not what a call costs."""
    seen: list[int] = []

    def first_is_slow(given: int) -> int:
        seen.append(given)
        return kinds.counts(400_000 if len(seen) == 1 else 1000)

    call = probe(first_is_slow, [1, 2], 5.0).call
    assert call.first_s > 10 * call.cpu_s


def test_what_raises_for_some_takes_the_time_of_the_others() -> None:
    """Which is measured as long as that of a function that never raises."""

    def waits_and_raises_for_two(number: int) -> int:
        if number == 2:
            kinds.waits(number)
            kinds.waits(number)
            raise ValueError(number)
        return kinds.counts(5000)

    found = probe(waits_and_raises_for_two, [1, 2, 3], 2.0)
    assert found.call.waiting_s < 0.3 * found.call.wall_s
    assert found.call.failed == 1
    assert found.calls > found.call.calls > 10


def test_what_can_be_done_once_only_is_taken_from_that() -> None:
    """It raises when it is called again with the same."""
    given = [[1], [2]]
    found = probe(lambda each: each.pop(), given, 2.0)
    assert (found.call.calls, found.call.failed) == (2, 1)


def test_a_probe_ends_in_time() -> None:
    """A call that has begun is waited for, and no other begins."""
    assert probe(kinds.waits, range(1000), kinds.CALM_S / 10).calls == 1


def test_what_a_call_has_and_gives_back_is_seen() -> None:
    """Where it is more than the process ever had; what is kept is no part of it."""
    with clocks.Peak() as small:
        bytes(1000)
    assert small.given_back < 1 << 20
    size = _most_ever() + (64 << 20)
    with clocks.Peak() as large:
        memory = bytearray(size)
        memory[::4096] = b"x" * len(memory[::4096])
        del memory
    assert large.given_back > 32 << 20


def _most_ever() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def test_other_threads_of_the_program_are_not_the_function_s() -> None:
    """What they have of the CPU anyhow is taken off; alone there is nothing to take."""
    over = threading.Event()

    def spin() -> None:
        while not over.is_set():
            hashlib.sha256(bytes(1 << 16))

    thread = threading.Thread(target=spin)
    thread.start()
    try:
        assert clocks.others_share() > 0.05
    finally:
        over.set()
        thread.join()


def test_a_loop_in_a_running_loop_is_refused() -> None:
    """With what to write instead; the function is not called."""

    async def program() -> None:
        with pytest.raises(RuntimeError, match=r"asyncio.to_thread\(interlock.advise"):
            interlock.advise(kinds.waits_awaited, [1])

    asyncio.run(program())


def test_a_sample_is_not_gone_through_for_nothing() -> None:
    """Calls that are all alike are soon known; what is waited for is looked at as well."""
    found = probe(kinds.waits, range(500), 30.0)
    assert found.calls < 500
    assert bool(found.call.waits_for) == tells_waits()


def test_what_travels_is_weighed_by_what_carries_it() -> None:
    """A list is a message; a large buffer is shared memory."""
    numbers = array.array("d", [0.5]) * (1 << 17)
    found = travel(kinds.measures, [["word"] * 1000], [numbers], 5.0)
    assert found.shared_in == 0
    assert found.bytes_in > 1000
    assert found.shared_out >= 1 << 20
    assert found.bytes_out >= found.shared_out
    assert found.function_bytes > 0
    assert not found.refused


@pytest.mark.parametrize(
    ("function", "given", "result", "said"),
    [
        (kinds.measures, threading.Lock(), 1, "an input cannot be sent: Cannot serialize $ "),
        (kinds.measures, [1], {"a": threading.Lock()}, "a result cannot be sent: Cannot seria"),
        (threading.Lock().acquire, 1, 1, "the function cannot be sent"),
    ],
)
def test_what_does_not_travel_is_named(
    function: Callable[..., Any], given: object, result: object, said: str
) -> None:
    """The function, an input or a result; and the path within it."""
    assert said in travel(function, [given], [result], 5.0).refused


def test_a_process_has_memory_of_its_own() -> None:
    """And a process that is gone has none."""
    with places.opened("fork", 2) as place:
        assert 100_000 < place.memory_bytes() < 1 << 30
    assert clocks.private_bytes(2**22 + 1) == 0
    assert clocks.free_memory() > 1 << 20
    assert clocks.scheduled("nobody") == (0.0, 0.0)


def test_a_python_without_sub_interpreters_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a sentence that names the version that has them."""
    monkeypatch.delattr(concurrent.futures, "InterpreterPoolExecutor", raising=False)
    home = places.home_of(INTERPRETER, kinds.counts)
    assert "3.14 has" in home.refused


class StandIn(concurrent.futures.ThreadPoolExecutor):
    """Has the interface of the executor of sub-interpreters, and a thread in place of each."""


def test_sub_interpreters_are_tried_where_there_are_any(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a stand-in: what is ours is above the executor of the standard library."""
    monkeypatch.setattr(concurrent.futures, "InterpreterPoolExecutor", StandIn, raising=False)
    advice = interlock.advise(
        kinds.waits, range(4), contexts=["interpreter"], workers_max=4, budget_s=4.0
    )
    assert (advice.context, advice.workers) == ("interpreter", 4)
    assert "InterpreterPoolExecutor(4)" in advice.how


def test_a_program_without_a_guard_is_not_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spawn imports the main module, which would ask for advice again."""
    program = tmp_path / "program.py"
    program.write_text("print('work')\n")
    monkeypatch.setitem(sys.modules, "__main__", types.SimpleNamespace(__file__=str(program)))
    assert "would run the program again" in places.home_of("spawn", kinds.counts).refused
    program.write_text("if __name__ == '__main__':\n    print('work')\n")
    assert places.unfit_main() == ""
    monkeypatch.setitem(sys.modules, "__main__", types.SimpleNamespace(__file__="<stdin>"))
    assert "<stdin> cannot be read" in places.home_of("forkserver", kinds.counts).refused


def test_workers_that_cannot_begin_are_refused() -> None:
    """With what was raised; nothing of them is left."""

    class Unfit:
        def __call__(self, given: object) -> None:
            """Never gets there."""

        def __reduce__(self) -> Any:
            return _fail, ()

    home = places.home_of("fork", Unfit())
    assert "no worker can begin" in home.refused
    assert "not here" in home.refused


def _fail() -> None:
    raise RuntimeError("not here")


def test_a_place_knows_what_it_was_kept_from() -> None:
    """Never less than nothing, and it grows."""
    for context in ("thread", "fork", "asyncio"):
        with places.opened(context, cpu_count()) as place:
            before = place.scheduled()
            assert all(b >= a >= 0.0 for a, b in zip(before, place.scheduled(), strict=True))
