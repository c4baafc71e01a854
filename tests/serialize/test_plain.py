"""Plain objects: what arrives is what pickle would have brought, to the last bit."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings

from interlock import _native
from tests.serialize.graphs import ODD_FLOATS, SHARED_MIN, graphs, outline
from tests.serialize.journey import Carrier

# The same graphs in every run: a failure is repeated by running the test again. Fixtures
# are made once for all examples, which these have nothing to do with.
FOREVER = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
CODEC = settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=FOREVER)
JOURNEY = settings(CODEC, max_examples=80)


def by_pickle(sent: Any) -> Any:
    return pickle.loads(pickle.dumps(sent, 5))


@CODEC
@given(graphs())
@example(ODD_FLOATS)
def test_the_native_codec_restores_what_pickle_restores(sent: Any) -> None:
    """P1: types, values, order, and which part is the same object as which."""
    data = _native.encode(sent)
    if data is None:  # some part is left to pickle, and with it the whole
        assert has_cyclic_tuple(sent)
        return
    assert outline(_native.decode(data)) == outline(by_pickle(sent)) == outline(sent)


@JOURNEY
@given(graphs())
def test_a_message_is_what_pickle_would_have_brought(carrier: Carrier, sent: Any) -> None:
    """P1: through every kind of queue and pipe."""
    assert outline(carrier.carry(sent)) == outline(by_pickle(sent))
    assert carrier.is_empty()


@JOURNEY
@given(graphs())
def test_another_process_gets_the_same_graph(
    there_and_back: Callable[[Any], Any], sent: Any
) -> None:
    """P1: fork, spawn, forkserver; what comes back was read and written there."""
    assert outline(there_and_back(sent)) == outline(by_pickle(sent))


def has_cyclic_tuple(root: Any) -> bool:
    """Whether a tuple is reached from itself."""
    done: set[int] = set()
    found = False

    def visit(part: Any, above: list[Any]) -> None:
        nonlocal found
        found = found or any(part is other and type(part) is tuple for other in above)
        if id(part) in done or any(part is other for other in above):
            return
        inner = list(part) if isinstance(part, list | tuple) else []
        if isinstance(part, dict):
            inner = [*part.values()]  # no key is part of a cycle
        for child in inner:
            visit(child, [*above, part])
        done.add(id(part))

    visit(root, [])
    return found


def test_ints_are_whole_at_the_ends_of_every_width(carrier: Carrier) -> None:
    """P2: one less, that very number, one more; and below zero."""
    powers = (7, 8, 15, 16, 30, 31, 32, 60, 62, 63, 64, 65, 1024, 100_000)
    numbers = [s * (1 << power) + off for power in powers for s in (1, -1) for off in (-1, 0, 1)]
    assert carrier.carry(numbers) == numbers


@pytest.mark.parametrize("character", ["a", "\xff", "\u20ac", "\ud800", "\U0001f512"])
def test_texts_of_every_width_and_length(character: str, carrier: Carrier) -> None:
    """P2: a character's width is kept, and half a surrogate pair is a character."""
    for length in (1, 31, 32, 33, 255, 256, 257, 16_383, 16_385, 100_000):
        sent = character * length
        got, again = carrier.carry([sent, sent])
        assert got == again == sent
        assert type(got) is str
        assert (got is again) >= (length >= SHARED_MIN)


@pytest.mark.parametrize("kind", [list, tuple, set, frozenset, dict.fromkeys, bytes, bytearray])
def test_containers_of_every_length(kind: Any, carrier: Carrier) -> None:
    """P2: where the width of a count changes, and in blocks of their own."""
    for count in (0, 1, 15, 16, 17, 255, 256, 257, 70_000):
        numbers = range(count)
        sent = kind([number % 256 for number in numbers] if kind in (bytes, bytearray) else numbers)
        got = carrier.carry(sent)
        assert got == sent
        assert type(got) is type(sent)


@pytest.mark.parametrize("depth", [199, 200, 201, 300])
@pytest.mark.parametrize("wrap", [lambda x: [x], lambda x: (x,), lambda x: {0: x}])
def test_nesting_is_kept_beyond_what_the_native_codec_does_itself(
    wrap: Callable[[Any], Any], depth: int, carrier: Carrier
) -> None:
    """P1: what is deeper than it goes is left to pickle, and nobody sees the difference."""
    sent: Any = "core"
    for _ in range(depth):
        sent = wrap(sent)
    got = carrier.carry(sent)
    for _ in range(depth):
        assert type(got) is type(sent)
        assert len(got) == 1
        got = got[0]
    assert got == "core"


def test_what_is_too_deep_for_python_raises_and_puts_nothing(carrier: Carrier) -> None:
    """P6: RecursionError, as pickle raises it, in the caller."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(RecursionError):
        carrier.put(deep)
    assert carrier.is_empty()
    assert carrier.carry("after") == "after"


def test_a_cycle_through_every_kind_of_container_is_closed_again(carrier: Carrier) -> None:
    """P1: a list in a tuple in a dict that is in the list; the tuple first and the list first."""
    cycle: list[Any] = []
    mapping = {"tuple": (cycle, cycle)}
    cycle.append(mapping)
    for sent in (cycle, mapping, mapping["tuple"]):
        assert outline(carrier.carry(sent)) == outline(sent)


@pytest.mark.parametrize("size", [20, 40, 20_000, 2 << 20])
def test_what_is_sent_twice_in_one_message_travels_once(size: int, carrier: Carrier) -> None:
    """P1: one object stays one object, however large, and a change of it shows at both places."""
    shared = bytearray(size)
    first, second = carrier.carry([shared, {"again": shared}])
    assert first is second["again"]
    first[0] = 7
    assert second["again"][0] == 7
    assert shared[0] == 0


def test_messages_share_nothing_with_each_other(carrier: Carrier) -> None:
    """P1: the same object put twice is two objects."""
    shared: list[int] = [1]
    carrier.put(shared)
    carrier.put(shared)
    first, second = carrier.take(), carrier.take()
    assert first == second == [1]
    assert first is not second


def test_the_codec_takes_any_contiguous_buffer() -> None:
    """What was encoded is read from bytes, bytearray and memoryview; other things are refused."""
    data = _native.encode({"key": [1, 2]})
    assert data is not None
    for buffer in (data, bytearray(data), memoryview(b"xx" + data)[2:]):
        assert _native.decode(buffer) == {"key": [1, 2]}
    with pytest.raises(TypeError):
        _native.decode("text")  # type: ignore[arg-type]
    with pytest.raises(BufferError):
        _native.decode(memoryview(data * 2)[::2])
