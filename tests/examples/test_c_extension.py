"""The C extension: what each of the three ways carries, where to, and under which trust."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import interlock
from interlock.context import BaseContext
from interlock.errors import SerializationError
from interlock.serialize import dumps, loads
from interlock.testing import check_registered_type
from interlock.testing.trial import Trial
from tests.examples.conftest import EXAMPLE

WAYS = ("StateMatrix", "ReduceMatrix", "SharedMatrix")
METHODS = ("fork", "spawn", "forkserver")
SHAPES = ((0, 0), (0, 7), (3, 5), (40, 50))  # the last one's numbers go beside the message
BOUND_S = 60.0


def make(way: str = "SharedMatrix", rows: int = 3, columns: int = 5) -> Any:
    """A matrix whose numbers all differ."""
    import matrices  # it is built by a fixture, after this module was imported

    numbers = memoryview(bytearray(8 * rows * columns)).cast("d")
    for place in range(len(numbers)):
        numbers[place] = place + 0.5
    return getattr(matrices, way)(rows, columns, numbers)


def small() -> Any:
    """One that travels within its message."""
    return make()


def large() -> Any:
    """One that travels beside its message."""
    return make(rows=40, columns=50)


@pytest.mark.parametrize("sample", (small, large))
def test_a_registered_c_type_keeps_every_contract(
    matrices: Any, context: BaseContext, sample: Any
) -> None:
    """P4: the public suite, with the type's own count: equal, shared, damaged, leaking."""
    check_registered_type(sample, context=context, allocated=matrices.allocated, timeout=BOUND_S)


@pytest.mark.parametrize("way", WAYS)
def test_a_matrix_goes_to_a_process_by_queue_and_comes_back_by_pipe(
    matrices: Any, context: BaseContext, trial: Trial, way: str
) -> None:
    """P1: between trusting processes all three ways carry every shape."""
    queue, (receiver, sender) = trial.make(), context.Pipe(duplex=False)
    child = trial.child(send_back, queue, sender, way)
    for shape in SHAPES:
        queue.put(make(way, *shape))
    for shape in SHAPES:
        assert receiver.poll(trial.rest_s())
        got = receiver.recv()
        assert (type(got), got) == (getattr(matrices, way), make(way, *shape))
    child.result()
    receiver.close()
    sender.close()


def send_back(queue: Any, sender: Any, way: str) -> None:
    """In the other process: what arrives is whole there, and goes on."""
    for shape in SHAPES:
        got = queue.get()
        assert got == make(way, *shape), got
        sender.send(got)


@pytest.mark.parametrize("way", WAYS)
def test_a_pool_takes_and_returns_matrices(matrices: Any, context: BaseContext, way: str) -> None:
    """P1: the pool's own pickles hold all three; the third by the __reduce__ that it inherits."""
    sent = [make(way, *shape) for shape in SHAPES]
    with context.Pool(1) as pool:
        assert pool.map_async(itself, sent).get(BOUND_S) == sent


def itself(matrix: Any) -> Any:
    """What a pool's worker is given."""
    return matrix


@pytest.mark.parametrize("way", ("Matrix", "StateMatrix", "ReduceMatrix"))
def test_what_needs_a_pickle_is_refused_where_nothing_is_trusted(matrices: Any, way: str) -> None:
    """P6: at the call, with the path, by queue, pipe and bytes; what follows is not harmed."""
    refused, passes = {"first": [1, make(way)]}, {"first": [1, make()]}
    queue: Any = interlock.Queue(trust="registered")
    receiver, sender = interlock.Pipe(duplex=False, trust="registered")
    for send in (queue.put, sender.send, dumps):
        with pytest.raises(SerializationError) as caught:
            send(refused)
        assert caught.value.path == "$['first'][1]"
        assert f"(matrices.{way})" in str(caught.value)
    queue.put(passes)
    sender.send(passes)
    assert queue.get(timeout=BOUND_S) == receiver.recv() == loads(dumps(passes)) == passes
    for each in (queue, receiver, sender):
        each.close()


def test_memory_of_c_is_refused_by_every_pickle(matrices: Any) -> None:
    """P6: a type with none of the three ways does not arrive with its pointer copied."""
    with pytest.raises(SerializationError, match=r"\$\.m|\$\['m'\]") as caught:
        dumps({"m": make("Matrix")}, trust="process")
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize("protocol", range(2, 6))
@pytest.mark.parametrize("way", WAYS)
def test_ordinary_pickles_hold_them_too(matrices: Any, way: str, protocol: int) -> None:
    """P1: as the README says, without Interlock's hand in it."""
    sent = make(way)
    got = pickle.loads(pickle.dumps(sent, protocol))
    assert (type(got), got) == (type(sent), sent)
    assert not memoryview(got).readonly


@pytest.mark.parametrize("method", METHODS)
def test_the_comparison_says_what_the_readme_shows(matrices_folder: Path, method: str) -> None:
    """P7: no copy on the heap of either side, and none by malloc, but for those pickled."""
    path = os.pathsep.join([str(matrices_folder), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, EXAMPLE / "compare.py", method],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    readme = (EXAMPLE / "README.md").read_text()
    lines = done.stdout.splitlines()
    assert len(lines) == 7
    for line in lines[:5]:
        assert f"    {line}\n" in readme


@pytest.mark.packaging
def test_pip_builds_it(tmp_path: Path) -> None:
    """By CMake, which finds the header where the installed package says that it is."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    offline = ["--no-build-isolation", "--no-deps", "--no-index", "--target", str(tmp_path)]
    done = subprocess.run(
        [*pip, *offline, str(EXAMPLE)], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(tmp_path.glob("matrices.*.so"))
