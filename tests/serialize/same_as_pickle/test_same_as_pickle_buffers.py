"""Buffers that an object hands over, and persistent ids, as pickle does it."""

from __future__ import annotations

import io
import pickle
from pickle import PickleBuffer
from typing import Any, SupportsIndex

import pytest

from interlock.errors import SerializationError
from interlock.serialize.codec import BUFFER_MIN, encode
from tests.serialize.journey import Carrier

SIZES = (0, 1, BUFFER_MIN - 1, BUFFER_MIN, BUFFER_MIN + 1, 40 * BUFFER_MIN)


class Holder:
    """Hands its memory over as a PickleBuffer, as arrays do."""

    def __init__(self, *memories: Any) -> None:
        self.memories = memories

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        assert protocol == 5
        return Holder, tuple(map(PickleBuffer, self.memories))


def filled(size: int, kind: Any) -> Any:
    return kind(bytes(range(256)) * (size // 256 + 1))[:size]


@pytest.mark.parametrize("kind", [bytes, bytearray])
@pytest.mark.parametrize("size", SIZES)
def test_a_buffer_of_any_size_arrives_whole(carrier: Carrier, size: int, kind: Any) -> None:
    """P1: small ones are bytes or a bytearray, as in any pickle; large ones are read in place."""
    memory = filled(size, kind)
    [got] = carrier.carry(Holder(memory)).memories
    assert bytes(got) == bytes(memory)
    if size < BUFFER_MIN:
        assert type(got) is kind
    else:
        assert memoryview(got).nbytes == size


@pytest.mark.parametrize("size", SIZES)
def test_a_buffer_leaves_the_pickle_from_the_stated_size_on(size: int) -> None:
    """P7: not a byte earlier; the pickle that is left does not grow with it."""
    data, buffers = encode(Holder(filled(size, bytearray)))
    assert [memoryview(each).nbytes for each in buffers] == [size] * (size >= BUFFER_MIN)
    assert (len(data) < 200) == (size < 2 or size >= BUFFER_MIN)


def test_buffers_of_all_sizes_come_in_one_message_in_their_order(carrier: Carrier) -> None:
    """P1: nested in objects and in plain containers, inside and outside the pickle."""
    memories = [filled(size, bytearray) for size in SIZES]
    sent = {"deep": [Holder(*memories), (Holder(*reversed(memories)),)]}
    got = carrier.carry(sent)
    first, (second,) = got["deep"]
    assert [bytes(each) for each in first.memories] == memories
    assert [bytes(each) for each in second.memories] == memories[::-1]


@pytest.mark.parametrize("size", [100, 2 * BUFFER_MIN])
def test_an_object_that_is_met_twice_hands_its_memory_over_once(
    carrier: Carrier, size: int
) -> None:
    """P1: one object and one buffer on the other side too."""
    holder = Holder(filled(size, bytearray))
    one, other = carrier.carry([holder, holder])
    assert one is other
    memory = filled(size, bytearray)
    one, other = (each.memories[0] for each in carrier.carry([Holder(memory), Holder(memory)]))
    assert bytes(one) == bytes(other) == memory


@pytest.mark.parametrize("size", [64, 4 * BUFFER_MIN])
def test_memory_that_is_not_contiguous_is_refused_as_by_pickle(carrier: Carrier, size: int) -> None:
    """P6: pickle has no form for it; the error is pickle's and names the path to it."""
    sent = [Holder(memoryview(filled(size, bytearray))[::2])]
    with pytest.raises(pickle.PicklingError, match="non-contiguous"):
        pickle.dumps(sent, 5, buffer_callback=lambda buffer: True)
    with pytest.raises(SerializationError, match="non-contiguous"):
        carrier.put(sent)
    assert carrier.carry("the next one") == "the next one"


class _ByIdentity(pickle.Pickler):
    def persistent_id(self, obj: Any) -> str | None:
        return "the resource" if obj is RESOURCE else None


class _Found(pickle.Unpickler):
    def persistent_load(self, name: Any) -> Any:
        assert name == "the resource"
        return RESOURCE


RESOURCE = ["one in each process, which never travels"]


class Catalogue:
    """Uses persistent ids of its own, as libraries do: in a pickle within its state."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    def __getstate__(self) -> bytes:
        file = io.BytesIO()
        _ByIdentity(file, 5).dump(self.parts)
        return file.getvalue()

    def __setstate__(self, state: bytes) -> None:
        self.parts = _Found(io.BytesIO(state)).load()


def test_persistent_ids_of_an_object_s_own_pickle_are_followed(carrier: Carrier) -> None:
    """P1: what has a persistent id is the receiver's own; its neighbour is a copy."""
    neighbour = ["travels"]
    got = carrier.carry([Catalogue(RESOURCE, neighbour)])[0]
    assert got.parts[0] is RESOURCE
    assert got.parts[1] == neighbour
    assert got.parts[1] is not neighbour
