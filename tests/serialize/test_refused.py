"""What cannot be serialized raises in the caller, names the guilty part, and leaves no trace."""

from __future__ import annotations

import contextlib
import gc
import io
import pickle
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest

import interlock
from interlock.errors import AttributeSerializationError, SerializationError, TypeSerializationError
from interlock.serialize import find_guilty
from tests.serialize import things
from tests.serialize.journey import Carrier

LOCK = threading.Lock()


class Hashable:
    """Can be in a set, and has something in it that cannot travel."""

    def __init__(self, guilty: Any) -> None:
        self.guilty = guilty

    def __repr__(self) -> str:
        return "Hashable()"


class GivesState(Hashable):
    def __getstate__(self) -> Any:
        return [self.guilty]


class GivesArgument(Hashable):
    def __reduce__(self) -> Any:
        return GivesArgument, (self.guilty,)


class InSlots:
    __slots__ = ("inner",)

    def __init__(self, inner: Any) -> None:
        self.inner = inner


def cyclic() -> list[Any]:
    """The guilty part behind a part that contains itself."""
    loop: list[Any] = []
    loop.extend([loop, {"lock": LOCK}])
    return loop


# What is sent, and the path to the guilty part.
GUILTY: tuple[tuple[Any, str], ...] = (
    (LOCK, "$"),
    ([1, (2, LOCK)], "$[1][1]"),
    ({"by name": {7: LOCK}}, "$['by name'][7]"),
    (things.Record("r", [LOCK]), "$.parts[0]"),
    ([InSlots({"x": LOCK})], "$[0].inner['x']"),
    (things.Point(1, LOCK), "$.y"),  # type: ignore[arg-type]
    ({Hashable(LOCK)}, "$<member>.guilty"),
    ({Hashable(LOCK): 1}, "$<key Hashable()>.guilty"),
    (GivesState(LOCK), "$<state>[0]"),
    (GivesArgument(LOCK), "$<argument 1>"),
    (ValueError("text", LOCK), "$.args[1]"),
    (Hashable(LOCK).__repr__, "$.__self__.guilty"),
    (things.List([0, LOCK]), "$[1]"),
    (things.Dict(key=LOCK), "$['key']"),
    (cyclic(), "$[1]['lock']"),
    ([b"x" * 10_000, [LOCK] * 2], "$[1][0]"),
)
# Others that cannot travel, and a word of the advice that the error gives.
ADVICE: tuple[tuple[Callable[[], Any], str], ...] = (
    (threading.Lock, "Lock()"),
    (threading.RLock, "RLock()"),
    (threading.Condition, "Condition()"),
    (threading.Event, "Event()"),
    (threading.Thread, "lives in one process"),
    (lambda: lambda: None, "top level of a module"),
    (lambda: type("Local", (), {}), "top level of a module"),
    (lambda: (number for number in range(3)), "list(...)"),
    (lambda: sys, "import it"),
    (lambda: open("/dev/null"), "file's name"),  # noqa: SIM115
    (lambda: sys._getframe(), "format_stack"),
)


@pytest.mark.parametrize(("sent", "path"), GUILTY, ids=[path for _, path in GUILTY])
def test_the_error_has_the_path_to_the_guilty_part(sent: Any, path: str, carrier: Carrier) -> None:
    """P6: as a field and in the text; nothing arrives, and what comes next does."""
    with pytest.raises(SerializationError) as caught:
        carrier.put(sent)
    assert caught.value.path == path
    assert f"Cannot serialize {path} (_thread.lock)" in str(caught.value)
    assert "Nothing was sent" in str(caught.value)
    assert carrier.is_empty()
    assert carrier.carry("after") == "after"


@pytest.mark.parametrize(("make", "advice"), ADVICE, ids=[advice for _, advice in ADVICE])
def test_the_error_says_what_to_do(make: Callable[[], Any], advice: str, carrier: Carrier) -> None:
    """P6: for each kind of thing that is often sent by mistake; and it is pickle's error too."""
    guilty = make()
    with pytest.raises((pickle.PicklingError, TypeError, AttributeError)) as by_pickle:
        pickle.dumps(guilty)
    with pytest.raises(SerializationError) as caught:
        carrier.put({"guilty": guilty})
    assert str(caught.value.path).startswith("$['guilty']")
    assert advice in str(caught.value).partition("What to do: ")[2]
    assert isinstance(caught.value, by_pickle.type)
    assert isinstance(caught.value, pickle.PicklingError)
    assert carrier.is_empty()
    if isinstance(guilty, io.IOBase):
        guilty.close()


def test_nothing_is_left_of_a_large_message_that_fails_at_its_end() -> None:
    """P2: neither a message nor its bytes: the queue has all its room, however often."""
    queue = interlock.Queue(max_bytes=3 << 20)
    for _ in range(20):
        with pytest.raises(TypeSerializationError):
            queue.put([bytes(2 << 20), bytearray(2 << 20), LOCK])
    assert queue.empty()
    assert queue.statistics().put == 0
    queue.put(bytes(2 << 20), timeout=0)
    assert queue.get() == bytes(2 << 20)


class Refused:
    """Can be watched, and cannot travel for one reason or another."""

    def __init__(self, reason: Any) -> None:
        self.reason = reason


@pytest.mark.parametrize("make", [threading.Lock, lambda: Divides()])
def test_what_was_refused_is_let_go_with_its_error(
    make: Callable[[], Any], carrier: Carrier
) -> None:
    """P6: no cycle keeps the message, which may be large, until the collector comes by."""
    gc.collect()
    gc.disable()
    try:
        message = Refused(make())
        watch = weakref.ref(message)
        with contextlib.suppress(SerializationError, ZeroDivisionError):
            carrier.put([message])
        del message
        assert watch() is None
    finally:
        gc.enable()


def test_a_batch_stops_where_it_cannot_go_on() -> None:
    """P6: what came before is there, in order; the error counts it and has its own path."""
    queue = interlock.Queue()
    with pytest.raises(SerializationError) as caught:
        queue.put_many([1, "two", {"lock": LOCK}, 4])
    assert caught.value.path == "$['lock']"
    assert caught.value.accepted == 2  # type: ignore[attr-defined]
    assert queue.get_many(10) == [1, "two"]
    assert queue.empty()


def test_the_error_itself_travels(carrier: Carrier) -> None:
    """P6: with its type, its text and its path, so that a worker can report it."""
    for guilty, kind in ((LOCK, TypeSerializationError), (local(), AttributeSerializationError)):
        with pytest.raises(kind) as caught:
            carrier.put([guilty])
        got = carrier.carry(caught.value)
        assert type(got) is kind
        assert (str(got), got.path) == (str(caught.value), "$[0]")


def local() -> Callable[[], None]:
    def within() -> None:
        """Nobody finds it by its name."""

    return within


def test_an_error_of_an_object_s_own_code_stays_what_it_is(carrier: Carrier) -> None:
    """P6: its type and text, a note with the path, and nothing is put."""
    with pytest.raises(ZeroDivisionError, match="division") as caught:
        carrier.put({"deep": [Divides()]})
    assert ["$['deep'][0]" in note for note in caught.value.__notes__] == [True]
    assert carrier.is_empty()
    assert carrier.carry("after") == "after"


class Divides:
    def __reduce__(self) -> Any:
        return str, (1 // 0,)


class Liar:
    """Its __reduce__ returns what pickle cannot use."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def __reduce__(self) -> Any:
        return self.answer


@pytest.mark.parametrize("answer", [7, (), (str,), (str, "no tuple"), (7, ()), "no_such_name"])
def test_a_reduce_that_pickle_cannot_use_is_refused(answer: Any, carrier: Carrier) -> None:
    """P6: as an object that cannot be serialized."""
    with pytest.raises(SerializationError):
        carrier.put([Liar(answer)])
    assert carrier.is_empty()


def test_the_search_finds_nothing_where_nothing_is_wrong() -> None:
    """P6: in plain things, in objects, in what contains itself."""
    loop: list[Any] = []
    loop.append(loop)
    for innocent in (1, loop, things.Record("r", [things.Frozen(1)]), *things.SUBCLASSES):
        assert find_guilty(innocent) is None


def test_the_search_goes_deeper_than_python_can() -> None:
    """P6: a guilty part under 20,000 lists is found, without recursion."""
    deep: list[Any] = [LOCK]
    for _ in range(20_000):
        deep = [deep]
    guilty = find_guilty(deep)
    assert guilty is not None
    assert guilty.part is LOCK
    assert guilty.path == "$" + "[0]" * 20_001


def test_the_search_has_an_end() -> None:
    """P6: it gives up after so many parts, or so long; the error then has no path."""
    many = [[number] for number in range(1000)]
    assert find_guilty([*many, LOCK], parts_max=2000) is not None
    assert find_guilty([*many, LOCK], parts_max=500) is None
    assert find_guilty([*many, LOCK], time_max_s=-1.0) is None


def test_an_error_without_a_path_says_so_in_words() -> None:
    """P6: where more parts come before the guilty one than are looked at."""
    queue = interlock.Queue()
    with pytest.raises(TypeSerializationError, match=r"\$ \(list\) or a part of it") as caught:
        queue.put([[[number] for number in range(200_001)], LOCK])
    assert caught.value.path is None
    assert queue.empty()
