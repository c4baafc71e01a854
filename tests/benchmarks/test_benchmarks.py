"""The benchmarks run, measure what they say, and notice a wrong message."""

from __future__ import annotations

import json
import multiprocessing
import os
import queue
import signal
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from benchmarks import harness, placement, pools, roles, run, serializing
from benchmarks.peers import encoders
from benchmarks.report import Result, Sample, rows, rows_below, table

KEYS = [workload.key for workload in run.WORKLOADS]
MESSAGE_PEERS = {"multiprocessing", "interlock"}
REMOTE_PEERS = {
    f"{library}, {way}"
    for library, ways in {
        "multiprocessing": ("Unix", "TCP"),
        "interlock": ("shared memory", "TCP", "TLS"),
    }.items()
    for way in ways
}


@pytest.mark.parametrize("key", KEYS)
def test_each_workload_runs_and_its_messages_arrive_right(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """P2, P7: tiny counts, one round; the figures mean nothing, the checks inside do."""
    monkeypatch.setattr(roles, "WARM_UP_LEAST", 1)
    monkeypatch.setattr(roles, "WARM_UP_BYTES", 0)
    monkeypatch.setattr(pools, "ARRAYS", 3)
    monkeypatch.setattr(pools, "ARRAY_BYTES", roles.PAGE * 16)
    monkeypatch.setattr(pools, "SHARED_BYTES", 1 << 16)
    file = tmp_path / "figures.json"
    (workload,) = run.selected([key])
    count = "1" if "64mib" in key or workload.fixed else "40"
    status = run.main(["--only", key, "--rounds", "1", "--count", count, "--json", str(file)])
    output = capsys.readouterr()
    assert status == 0, output.err
    if "skipped" in output.err:
        pytest.skip(output.err.strip())
    found = json.loads(file.read_text())
    assert {row["key"] for row in found["rows"]} == {key}
    who = MESSAGE_PEERS
    if key.startswith("serialize"):
        who = {"pickle", encoders.PROCESS, encoders.REGISTERED}
    elif key.startswith("remote"):
        who = REMOTE_PEERS
    assert who <= set(found["samples"][key])


def _sequence(*results: object) -> Any:
    """A queue that gives these, whatever is put."""
    filled: queue.Queue[object] = queue.Queue()
    for result in results:
        filled.put(result)
    return filled


class _NoClock:
    """A clock for a role that runs in this process."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


def test_a_lost_repeated_or_damaged_message_is_noticed() -> None:
    """A benchmark that does not look proves nothing."""
    clock: Any = _NoClock()
    with pytest.raises(harness.WrongResult, match="integer 1 "):
        roles.get_ints_in_order(clock, _sequence(0, 2), 2)
    with pytest.raises(harness.WrongResult, match="producer 0"):
        roles.get_ints_of_two(clock, _sequence(0, 1, 0), 3)
    with pytest.raises(harness.WrongResult, match="dict 0"):
        roles.get_dicts(clock, _sequence(roles.record(0) | {"name": "other"}), 1)
    damaged = roles.array(8 * roles.PAGE * 2, 0)
    damaged[roles.PAGE] += 1
    with pytest.raises(harness.WrongResult, match="array 0"):
        roles.get_arrays(clock, _sequence(damaged), damaged.nbytes, 1, 0)
    damaged = roles.array(8 * roles.PAGE * 2, 0)
    damaged[3] += 1
    with pytest.raises(harness.WrongResult, match="the last array"):
        roles.get_arrays(clock, _sequence(damaged), damaged.nbytes, 1, 0)
    with pytest.raises(harness.WrongResult, match="number 0"):
        roles.ping_queue(clock, _sequence(), _sequence(1), 1)


def test_an_object_that_comes_back_as_another_is_noticed() -> None:
    """Equal is not enough: a tuple is no list, a dict no dataclass, True not 1."""
    clock: Any = _NoClock()
    readings = serializing._readings()[:2]
    words = roles.array(8 * roles.PAGE, 1)
    wrong: list[tuple[Any, Any]] = [
        ([1, 2], [1, 3]),
        ([1], [True]),
        (readings, [asdict(reading) for reading in readings]),
        (words, words.astype("float64")),
        (words, words + 1),
        (words, words.tolist()),
    ]
    for value, other in wrong:
        encoder = encoders.plain(lambda _: b"", {b"": other}.__getitem__)
        with pytest.raises(harness.WrongResult, match="came back as"):
            roles.round_trips(clock, encoder, value, value, 1)


def test_an_object_damaged_only_in_the_last_round_trip_is_noticed() -> None:
    """The check after the clock looks at what the timed part made."""
    clock: Any = _NoClock()
    results = iter([[1], [1], [2]])
    encoder = encoders.plain(lambda _: b"", lambda _: next(results))
    with pytest.raises(harness.WrongResult, match=r"\[1\] came back as \[2\]"):
        roles.round_trips(clock, encoder, [1], [1], 2)


def _fails(clock: harness.Clock) -> None:
    clock.start()
    raise harness.WrongResult("this one was wrong")


def _dies(clock: harness.Clock) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(("role", "words"), [(_fails, "this one was wrong"), (_dies, "ended")])
def test_a_role_that_fails_or_dies_fails_the_round(role: Any, words: str) -> None:
    """No figure comes out of a round that went wrong, and nobody waits for ever."""
    context = multiprocessing.get_context("fork")
    with pytest.raises(harness.WrongResult, match=words):
        harness.play(context, [harness.Role(role, ())])


def _result(key: str, **samples: Sample) -> Result:
    (workload,) = (work for work in run.WORKLOADS if work.key == key)
    names = {"mp": "multiprocessing", "c": "C pipe(2)", "own": "interlock"}
    return Result(
        workload, {names.get(name, name): [sample] * 3 for name, sample in samples.items()}
    )


def test_the_table_marks_the_goal_its_half_and_what_is_below() -> None:
    """Ratios are of speeds, so that more is better for times as well."""
    for own, mark, ratio in ((4000, "goal", 40), (2000, "least", 20), (1999, "BELOW", 19.99)):
        result = _result("ints", mp=Sample(100, 1.0), own=Sample(own, 1.0))
        (row,) = rows([result], "interlock")
        assert row.mark == mark
        assert row.ratio == pytest.approx(ratio)
        assert mark in table([result], "interlock")
        assert bool(rows_below([result], "interlock", "least")) == (mark == "BELOW")
        assert bool(rows_below([result], "interlock", "goal")) == (mark != "goal")


def test_a_time_is_better_when_it_is_less() -> None:
    """Ping-pong: 20 us against the C pipe's 10 us is half its speed, the least for now."""
    samples = {"mp": Sample(1000, 0.05), "c": Sample(1000, 0.01), "own": Sample(1000, 0.02)}
    first, second = rows([_result("ping-pong-queue-free", **samples)], "interlock")
    assert (first.against, first.figure, first.ratio) == ("C pipe(2)", 20.0, 0.5)
    assert first.mark == "least"
    assert (second.against, second.ratio) == ("multiprocessing", 2.5)


def test_encoders_are_measured_against_pickle_and_have_no_half_goal() -> None:
    """Each has its row; dataclasses a little slower than pickle miss even the least."""
    samples = {
        "pickle": Sample(100, 1.0),
        "msgspec": Sample(300, 1.0),
        encoders.PROCESS: Sample(99, 1.0),
        encoders.REGISTERED: Sample(100, 1.0),
    }
    result = _result("serialize-dataclasses", **samples)
    found = [(row.measured, row.against, row.mark) for row in rows([result], "interlock")]
    assert found == [
        (encoders.PROCESS, "pickle", "BELOW"),
        (encoders.REGISTERED, "pickle", "goal"),
        ("msgspec", "pickle", ""),
    ]
    assert [row.ratio for row in rows([result], "interlock")] == pytest.approx([0.99, 1, 3])
    assert len(rows_below([result], "interlock", "least")) == 1
    assert table([result], "interlock").count(" pickle ") == 3


def test_a_trial_finds_the_count_for_a_round() -> None:
    """Half a second of work for each, whatever its speed."""
    assert run._calibrate(lambda count: count * 1e-6, 0.5) == pytest.approx(500_000, rel=0.01)
    assert run._calibrate(lambda count: count * 3.0, 0.5) == 1


def test_a_placement_without_enough_cores_is_an_error_that_says_so() -> None:
    """The run tells what it skipped."""
    with pytest.raises(LookupError, match="needs 4097 CPUs"):
        placement.Placement("far", (0, 4096)).cpus()
