"""A program with a pickler of its own: `python -m tests.serialize.own_pickler METHOD`.

Every `Table` is one object by its name in every process, as a database's handle would be: it
travels as a persistent id. Prints what arrived where.
"""

from __future__ import annotations

import io
import pickle
import sys
import threading
from multiprocessing.reduction import AbstractReducer, ForkingPickler
from typing import Any

import interlock
from interlock.errors import SerializationError


class Table:
    """No pickle can hold it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lock = threading.Lock()


TABLES = {name: Table(name) for name in ("users", "orders")}


class Pickler(ForkingPickler):
    def persistent_id(self, obj: Any) -> Any:
        if isinstance(obj, Table):
            return obj.name
        return "forty-two" if type(obj) is int and obj == 42 else None

    @classmethod
    def dumps(cls, obj: Any, protocol: Any = None) -> Any:
        file = io.BytesIO()
        cls(file, protocol).dump(obj)
        return file.getbuffer()

    @classmethod
    def loads(cls, data: Any, /, **options: Any) -> Any:  # type: ignore[override]
        return Unpickler(io.BytesIO(data), **options).load()


class Unpickler(pickle.Unpickler):
    def persistent_load(self, name: Any) -> Any:
        return "not 42" if name == "forty-two" else TABLES[name]


class Reducer(AbstractReducer):
    ForkingPickler = Pickler
    HAVE_SEND_HANDLE = True  # the standard library looks for it, and its base lacks it


def answer(queue: Any, pipe: Any) -> None:
    interlock.get_context().reducer = Reducer
    table = queue.get()
    pipe.send((table is TABLES["users"], queue.get(), queue.get() is TABLES["orders"]))


def main(method: str) -> None:
    context = interlock.get_context(method)
    context.reducer = Reducer
    queue = context.Queue()
    ours, theirs = context.Pipe()
    process = context.Process(target=answer, args=(queue, theirs))
    process.start()
    for sent in (TABLES["users"], {"plain": [1, 42, "x"]}, TABLES["orders"]):
        queue.put(sent)
    print(*ours.recv())
    process.join()
    try:
        queue.put([threading.Lock()])
    except SerializationError as error:
        print(error.path)
    try:
        queue.put(TABLES)
        interlock.get_context().reducer = interlock.reduction
        queue.get()
    except pickle.UnpicklingError as error:
        print(str(error).replace("\n", " "))  # the standard one knows no persistent id


if __name__ == "__main__":
    main(sys.argv[1])
