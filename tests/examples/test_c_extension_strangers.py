"""What strangers send in a C type's name, and what callers hand it: refused, and no crash."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest

from interlock.errors import DecodeError
from interlock.serialize import dumps, loads
from tests.examples.forger import Message, Part, forge
from tests.examples.test_c_extension import make

NAME = "matrices.SharedMatrix"
NUMBERS = struct.pack("<15d", *(place + 0.5 for place in range(15)))  # those of make()
BUFFER: Part = ("buffer", NUMBERS)
PAGES: Part = ("buffer", bytes(8192))  # goes beside the message


def shape(rows: int, columns: int) -> tuple[Part, Part]:
    """The first two parts."""
    return ("uint64", rows), ("uint64", columns)


SOUND: dict[str, Message] = {
    "as it is": (2, [*shape(3, 5), BUFFER]),
    "of version 1": (1, [*shape(3, 5), ("bytes", NUMBERS)]),
    "with parts that it does not know": (2, [*shape(3, 5), BUFFER, ("object", None), BUFFER]),
}
FORGED: dict[str, Message] = {
    "nothing": (2, []),
    "no columns": (2, [("uint64", 3)]),
    "no numbers": (2, [*shape(3, 5)]),
    "too few numbers": (2, [*shape(3, 6), BUFFER]),
    "too many numbers": (2, [*shape(3, 4), BUFFER]),
    "half a number": (2, [*shape(3, 5), ("buffer", NUMBERS[:-4])]),
    "no rows, but numbers": (2, [*shape(0, 5), BUFFER]),
    "too few pages": (2, [*shape(1024, 2), PAGES]),
    "a shape that overflows to 120 bytes": (2, [*shape(2**60 + 3, 5 + 2**62), BUFFER]),
    "a shape that overflows to 0 bytes": (2, [*shape(2**61, 2**3), ("buffer", b"")]),
    "a size that overflows in signed numbers": (2, [*shape(2**30, 2**30), BUFFER]),
    "rows beyond a signed number": (2, [*shape(2**63, 1), BUFFER]),
    "rows that are -1": (2, [*shape(2**64 - 1, 15), BUFFER]),
    "columns that are -1": (2, [*shape(15, 2**64 - 1), BUFFER]),
    "no rows of columns without bound": (2, [*shape(0, 2**62), ("buffer", b"")]),
    "signed rows": (2, [("int64", 3), ("uint64", 5), BUFFER]),
    "real rows": (2, [("double", 3.0), ("uint64", 5), BUFFER]),
    "rows as an object": (2, [("object", "three"), ("uint64", 5), BUFFER]),
    "numbers as bytes": (2, [*shape(3, 5), ("bytes", NUMBERS)]),
    "numbers as an object": (2, [*shape(3, 5), ("object", [0.5] * 15)]),
    "the parts turned round": (2, [BUFFER, *shape(3, 5)]),
    "a buffer where version 1 has bytes": (1, [*shape(3, 5), BUFFER]),
    "too few bytes of version 1": (1, [*shape(3, 5), ("bytes", NUMBERS[:-1])]),
    "a version to come": (3, [*shape(3, 5), BUFFER]),
}


@pytest.fixture(scope="module")
def messages() -> dict[str, bytes]:
    """All of them, as bytes."""
    both = {**SOUND, **FORGED}
    return dict(zip(both, forge(NAME, list(both.values())), strict=True))


@pytest.mark.parametrize("case", SOUND)
def test_what_the_type_may_have_written_is_read(
    matrices: Any, messages: dict[str, bytes], case: str
) -> None:
    """An older version reaches decode, and what a later one appends is skipped."""
    got = loads(messages[case])
    assert (type(got), got) == (matrices.SharedMatrix, make())
    assert memoryview(got).readonly


def test_the_forger_writes_what_the_type_writes(matrices: Any, messages: dict[str, bytes]) -> None:
    """The other cases would prove nothing if the forger's bytes were wrong in another way."""
    sent = make()
    assert messages["as it is"] == dumps(sent)


@pytest.mark.parametrize("trust", ("registered", "process"))
@pytest.mark.parametrize("case", FORGED)
def test_what_makes_no_matrix_is_refused(
    matrices: Any, messages: dict[str, bytes], case: str, trust: Any
) -> None:
    """P4: DecodeError, with nothing allocated, and the next message is read."""
    before = matrices.allocated()
    with pytest.raises(DecodeError):
        loads(messages[case], trust=trust)
    assert matrices.allocated() == before
    assert loads(messages["as it is"]) == make()


def test_a_refusal_names_the_type_and_the_version(
    matrices: Any, messages: dict[str, bytes]
) -> None:
    """P6: whoever reads the error knows which side is to be updated."""
    with pytest.raises(DecodeError, match=f"{NAME}.* of version 3.* up to version 2"):
        loads(messages["a version to come"])


@pytest.mark.parametrize("at", range(17))
@pytest.mark.parametrize("shape_sent", ((3, 5), (40, 50)))
def test_numbers_are_read_where_a_double_may_lie(
    matrices: Any, shape_sent: tuple[int, int], at: int
) -> None:
    """Buffers beside a message may be passed at any address: then they are copied."""
    sent, buffers = make("SharedMatrix", *shape_sent), list[Any]()
    data = dumps(["x" * at, sent], buffers=buffers)
    moved = [memoryview(bytes(at) + bytes(buffer))[at:] for buffer in buffers]
    assert len(moved) == (shape_sent == (40, 50))
    got = loads(data, buffers=moved)[1]
    assert got == sent
    assert np.frombuffer(got).ctypes.data % 8 == 0
    assert memoryview(got).readonly


def make_rows() -> list[list[float]]:
    """The numbers of make(), by rows."""
    return [[5 * row + column + 0.5 for column in range(5)] for row in range(3)]


@pytest.mark.parametrize(
    "arguments",
    (
        (-1, 5),
        (3, -5),
        (2**61, 2**3),
        (2**62, 1),
        (0, 2**62),
        (3, 5, b""),
        (3, 5, NUMBERS[:-1]),
        (3, 4, NUMBERS),
    ),
)
def test_a_caller_cannot_make_what_is_not_there(matrices: Any, arguments: tuple[Any, ...]) -> None:
    """The constructor, and with it __reduce__, and __setstate__ check the same, and free all."""
    before = matrices.allocated()
    for make_one in (matrices.ReduceMatrix, matrices.StateMatrix):
        with pytest.raises(ValueError):
            make_one(*arguments)
    state = arguments if len(arguments) == 3 else (*arguments, NUMBERS)
    filled = make("StateMatrix")
    with pytest.raises(ValueError):
        filled.__setstate__(state)
    assert filled == make()
    del filled
    assert matrices.allocated() == before


@pytest.mark.parametrize("state", (None, [], (), (3, 5), (3, 5, "text"), ("3", 5, b""), {}))
def test_a_state_of_another_form_changes_nothing(matrices: Any, state: Any) -> None:
    """__setstate__ can be called by anybody, with anything."""
    matrix = make("StateMatrix")
    with pytest.raises(TypeError):
        matrix.__setstate__(state)
    assert matrix == make()


def test_memory_in_use_is_not_replaced(matrices: Any) -> None:
    """A buffer that is out keeps its address: __setstate__ waits until it is released."""
    matrix = make("StateMatrix")
    with memoryview(matrix) as view:
        with pytest.raises(BufferError):
            matrix.__setstate__((1, 1, bytes(8)))
        assert view.tolist() == make_rows()
    matrix.__setstate__((1, 1, bytes(8)))
    assert (matrix.rows, matrix.columns) == (1, 1)
