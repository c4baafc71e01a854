"""The standard library's interface of a connection, held beside the standard library's own."""

from __future__ import annotations

import array
import multiprocessing
import multiprocessing.connection
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import numpy
import pytest

import interlock
from interlock.errors import MessageTooLarge, SerializationError


@pytest.fixture(params=["interlock", "multiprocessing"])
def pipe(request: pytest.FixtureRequest) -> Iterator[Callable[..., tuple[Any, Any]]]:
    """Makes pipes of one library and of the other: what holds of both is the interface."""
    made: list[Any] = []
    libraries: dict[str, Any] = {"interlock": interlock, "multiprocessing": multiprocessing}

    def make(duplex: bool = True) -> tuple[Any, Any]:
        ends: tuple[Any, Any] = libraries[request.param].Pipe(duplex)
        made.extend(ends)
        return ends

    yield make
    for end in made:
        end.close()


def test_both_ends_are_connections(pipe: Any) -> None:
    """isinstance holds, and the ends say what they can do."""
    first, second = pipe()
    reading, writing = pipe(duplex=False)
    for end in (first, second, reading, writing):
        assert isinstance(end, multiprocessing.connection.Connection)
    ends = (first, second, reading, writing)
    assert [end.readable for end in ends] == [True, True, True, False]
    assert [end.writable for end in ends] == [True, True, False, True]
    assert not first.closed
    assert isinstance(first.fileno(), int)


def test_objects_go_both_ways(pipe: Any) -> None:
    """In their order."""
    first, second = pipe()
    sent: object
    for sent in ({"a": (1, 2.5)}, None, [], "ü" * 1000, frozenset({1})):
        first.send(sent)
        second.send([sent])
        assert second.recv() == sent
        assert first.recv() == [sent]


def test_bytes_in_parts(pipe: Any) -> None:
    """send_bytes(buf, offset, size) sends that part as one message."""
    first, second = pipe()
    body = b"0123456789"
    for arguments in ((), (3,), (3, 4), (10,), (0, 0), (10, 0), (2, None)):
        first.send_bytes(body, *arguments)
        offset = arguments[0] if arguments else 0
        size = arguments[1] if len(arguments) > 1 and arguments[1] is not None else 10 - offset
        assert second.recv_bytes() == body[offset : offset + size]
    first.send_bytes(array.array("i", [1, 2]))
    assert second.recv_bytes() == array.array("i", [1, 2]).tobytes()


@pytest.mark.parametrize("arguments", [(-1,), (11,), (0, 11), (5, 6), (0, -1), (10, 1)])
def test_a_part_outside_of_the_buffer_is_refused(pipe: Any, arguments: tuple[int, ...]) -> None:
    """ValueError, and nothing was sent."""
    first, second = pipe()
    with pytest.raises(ValueError, match=r"negative|length"):
        first.send_bytes(b"0123456789", *arguments)
    assert not second.poll()


@pytest.mark.parametrize("sent", ["text", 5, None, [1]])
def test_what_is_no_buffer_is_refused(pipe: Any, sent: object) -> None:
    """TypeError."""
    first, second = pipe()
    with pytest.raises(TypeError):
        first.send_bytes(sent)
    assert not second.poll()


def test_receiving_into_a_buffer(pipe: Any) -> None:
    """recv_bytes_into(buf, offset) fills a part and says how much; the rest stays."""
    first, second = pipe()
    into = bytearray(b"." * 8)
    first.send_bytes(b"abc")
    assert second.recv_bytes_into(into, 2) == 3
    assert into == b"..abc..."
    numbers = array.array("i", [0] * 4)
    first.send_bytes(array.array("i", [7, 8]))
    assert second.recv_bytes_into(numbers, numbers.itemsize) == 2 * numbers.itemsize
    assert list(numbers) == [0, 7, 8, 0]
    first.send_bytes(b"")
    assert second.recv_bytes_into(into) == 0


def test_a_buffer_too_short_costs_nothing(pipe: Any) -> None:
    """BufferTooShort has the whole message; the next one is received."""
    first, second = pipe()
    into = bytearray(4)
    for offset, size in ((0, 5), (2, 3), (4, 1)):
        body = bytes(range(size))
        first.send_bytes(body)
        with pytest.raises(multiprocessing.BufferTooShort) as caught:
            second.recv_bytes_into(into, offset)
        assert caught.value.args == (body,)
    first.send_bytes(b"next")
    for offset in (-1, 5):
        with pytest.raises(ValueError, match="offset"):
            second.recv_bytes_into(into, offset)
    assert second.recv_bytes_into(into) == 4
    assert into == b"next"


def test_a_message_over_maxlength_ends_what_can_be_received(pipe: Any) -> None:
    """OSError; a duplex end can still send, one that only receives is closed."""
    first, second = pipe()
    first.send_bytes(b"abc")
    assert second.recv_bytes(3) == b"abc"
    with pytest.raises(ValueError, match="negative"):
        second.recv_bytes(-1)
    first.send_bytes(b"abcd")
    with pytest.raises(OSError, match="bad message length"):
        second.recv_bytes(3)
    assert not second.readable
    second.send("still")
    assert first.recv() == "still"
    reading, writing = pipe(duplex=False)
    writing.send_bytes(b"abcd")
    with pytest.raises(OSError, match="bad message length"):
        reading.recv_bytes(3)
    assert reading.closed


def test_a_way_that_an_end_does_not_have(pipe: Any) -> None:
    """OSError, by what it is."""
    reading, writing = pipe(duplex=False)
    for call in (
        lambda: reading.send(1),
        lambda: reading.send_bytes(b"1"),
        writing.recv,
        writing.recv_bytes,
        lambda: writing.recv_bytes_into(bytearray(1)),
        writing.poll,
    ):
        with pytest.raises(OSError, match=r"read-only|write-only"):
            call()


def test_a_closed_end_refuses(pipe: Any) -> None:
    """OSError, from every method; close() may be repeated."""
    first, second = pipe()
    first.close()
    first.close()
    assert first.closed
    for call in (
        lambda: first.send(1),
        lambda: first.send_bytes(b"1"),
        first.recv,
        first.recv_bytes,
        lambda: first.recv_bytes_into(bytearray(1)),
        first.poll,
        first.fileno,
    ):
        with pytest.raises(OSError, match="closed"):
            call()
    with second as entered:
        assert entered is second
    assert second.closed


def test_the_other_end_s_end(pipe: Any) -> None:
    """What was sent is received, then EOFError; who sends gets BrokenPipeError."""
    first, second = pipe()
    first.send("last")
    first.close()
    assert second.poll()
    assert second.recv() == "last"
    assert second.poll()
    for _ in range(2):
        with pytest.raises(EOFError):
            second.recv()
    with pytest.raises(EOFError):
        second.recv_bytes()
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        second.send(1)
    reading, writing = pipe(duplex=False)
    reading.close()
    with pytest.raises(BrokenPipeError):
        writing.send(1)


def test_polling_takes_nothing_and_waits_as_told(pipe: Any) -> None:
    """poll() tells of a message that stays."""
    first, second = pipe()
    assert second.poll() is False
    assert second.poll(0.01) is False
    first.send(1)
    assert second.poll() is True
    assert second.poll(3600) is True
    assert second.poll(None) is True
    assert second.recv() == 1


def test_objects_are_bytes_too(pipe: Any) -> None:
    """What send() sent may be received as the bytes of a pickle, and the reverse."""
    first, second = pipe()
    first.send({"a": 1})
    assert pickle.loads(second.recv_bytes()) == {"a": 1}
    first.send_bytes(pickle.dumps([1, 2]))
    assert second.recv() == [1, 2]


def test_a_large_message_in_one_piece(pipe: Any) -> None:
    """Larger than any buffer of the kernel's; the reader need not be there yet (ours)."""
    first, second = pipe()
    body = bytes(range(256)) * 200
    first.send_bytes(body)
    assert second.recv_bytes() == body


def test_ours_sends_all_of_a_buffer_of_several_dimensions() -> None:
    """The standard library takes its first dimension for its length."""
    first, second = interlock.Pipe()
    first.send_bytes(numpy.arange(4, dtype="u1").reshape(2, 2))
    assert second.recv_bytes() == bytes(range(4))
    first.close()
    second.close()


def test_ours_serializes_before_anything_is_sent() -> None:
    """P6: the path to the guilty part is named, and the line goes on."""
    first, second = interlock.Pipe()
    with pytest.raises(SerializationError, match=r"\$\[1\]\['f'\]"):
        first.send([0, {"f": lambda: None}])
    assert not second.poll()
    first.send("next")
    assert second.recv() == "next"
    first.close()
    second.close()


def test_ours_lets_sixteen_mebibytes_lie_and_any_message_pass() -> None:
    """A message over max_bytes goes alone; the bound that cannot be is refused."""
    first, second = interlock.Pipe()
    for _ in range(15):
        first.send_bytes(bytes(1 << 20))
    for _ in range(15):
        assert len(second.recv_bytes()) == 1 << 20
    first.send_bytes(bytes(40 << 20))
    assert len(second.recv_bytes()) == 40 << 20
    first.close()
    second.close()
    with pytest.raises(ValueError, match="max_bytes"):
        interlock.Pipe(max_bytes=0)
    assert issubclass(MessageTooLarge, ValueError)
