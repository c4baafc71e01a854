"""pyarrow's tables, batches, arrays and schemas at the registered level: Arrow's own IPC format.

The receiver reads the stream in place, unless its sender could still write where it lies: what was
checked must stay as it was, because Arrow follows the offsets in it unchecked.
"""

from __future__ import annotations

import struct
from pickle import PickleBuffer
from typing import Any

import pyarrow

from interlock import _native
from interlock.serialize import registry
from interlock.serialize.registry import Registration

__all__ = ["register_types"]


def register_types() -> None:
    """Enter the types; each class of arrays is one registration."""
    _register(pyarrow.Schema, "pyarrow.Schema", _encode_schema, _decode_schema)
    _register(pyarrow.RecordBatch, "pyarrow.RecordBatch", _encode_batch, _decode_batch)
    _register(pyarrow.Table, "pyarrow.Table", _encode_table, _decode_table)
    _register(pyarrow.ChunkedArray, "pyarrow.ChunkedArray", _encode_chunks, _decode_chunks)
    for kind in _array_types():
        _register(kind, f"pyarrow.{kind.__name__}", _encode_array, _decode_array)


def _register(cls: Any, name: str, encode: Any, decode: Any) -> None:
    registry.add(
        Registration(
            cls,
            "function",
            name,
            encode=encode,
            decode=decode,
            trusted_too=False,
            in_pickles=False,
        )
    )


def _array_types() -> list[type]:
    found = (getattr(pyarrow, name) for name in dir(pyarrow) if name.endswith("Array"))
    return [
        each
        for each in found
        if isinstance(each, type)
        and issubclass(each, pyarrow.Array)
        and not issubclass(each, pyarrow.ExtensionArray)
        and each not in (pyarrow.Array, pyarrow.ChunkedArray)
    ]


def _memory(state: Any) -> Any:
    if type(state) is not memoryview:
        raise ValueError("its state is no memory")
    is_shared = isinstance(state.obj, _native.SharedBuffer)
    return pyarrow.py_buffer(bytes(state) if is_shared else state)


# Where Arrow's flatbuffers have what is looked for (format/Message.fbs): the number of a field.
_HEADER, _DATA_OF_DICTIONARY, _COMPRESSION = 2, 1, 3


def _refuse_compressed(memory: Any) -> None:
    """Let pass what takes no more memory than it has bytes.

    Raises:
        ValueError: A part is compressed, which `_encode_table` never does: a few bytes may claim
            to be any number of them, and Arrow would take the memory before anybody can look.
    """
    for message in pyarrow.ipc.MessageReader.open_stream(memory):
        if message.type not in ("record batch", "dictionary"):
            continue
        metadata = memoryview(message.metadata)
        batch = _table_of(metadata, struct.unpack_from("<I", metadata)[0], _HEADER)
        if message.type == "dictionary" and batch is not None:
            batch = _table_of(metadata, batch, _DATA_OF_DICTIONARY)
        if batch is None or _field_of(metadata, batch, _COMPRESSION) is not None:
            raise ValueError("an Arrow stream that is compressed")


def _table_of(metadata: memoryview, table: int, number: int) -> int | None:
    place = _field_of(metadata, table, number)
    return None if place is None else place + int(struct.unpack_from("<I", metadata, place)[0])


def _field_of(metadata: memoryview, table: int, number: int) -> int | None:
    names = table - struct.unpack_from("<i", metadata, table)[0]
    size, entry = struct.unpack_from("<H", metadata, names)[0], 4 + 2 * number
    offset = struct.unpack_from("<H", metadata, names + entry)[0] if entry < size else 0
    return table + offset if offset else None


def _encode_schema(schema: Any) -> PickleBuffer:
    return PickleBuffer(schema.serialize())


def _decode_schema(state: Any) -> Any:
    return pyarrow.ipc.read_schema(_memory(state))


def _encode_table(table: Any) -> PickleBuffer:
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return PickleBuffer(sink.getvalue())


def _decode_table(state: Any) -> Any:
    memory = _memory(state)
    _refuse_compressed(memory)
    with pyarrow.ipc.open_stream(memory) as reader:
        table = reader.read_all()
    table.validate(full=True)  # a stranger's offsets lead nowhere else
    return table


def _encode_batch(batch: Any) -> PickleBuffer:
    return _encode_table(pyarrow.Table.from_batches([batch]))


def _decode_batch(state: Any) -> Any:
    table = _decode_table(state)
    batches = table.to_batches()
    if len(batches) > 1:
        raise ValueError("more than one batch")
    return batches[0] if batches else pyarrow.RecordBatch.from_pylist([], schema=table.schema)


def _encode_chunks(array: Any) -> PickleBuffer:
    return _encode_table(pyarrow.table([array], names=["values"]))


def _decode_chunks(state: Any) -> Any:
    return _decode_table(state).column(0)


def _encode_array(array: Any) -> PickleBuffer:
    return _encode_batch(pyarrow.record_batch([array], names=["values"]))


def _decode_array(state: Any) -> Any:
    return _decode_batch(state).column(0)
