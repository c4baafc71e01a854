"""The stack and the memo: does what the opcodes say, by the rules of the files beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from interlock.errors import DecodeError
from interlock.serialize.limits import Limits
from interlock.serialize.pickles.building import Building
from interlock.serialize.pickles.calls import Calls
from interlock.serialize.pickles.cost import Cost
from interlock.serialize.pickles.names import Helper, Names
from interlock.serialize.pickles.opcodes import read_opcodes
from interlock.serialize.pickles.refused import Refused, damaged

__all__ = ["Machine"]


class Machine:
    """Reads one pickle."""

    def __init__(
        self, data: bytes, names: Names, buffers: Iterable[Any] | None, limits: Limits
    ) -> None:
        self._data = data
        self._names = names
        self._buffers = None if buffers is None else iter(buffers)
        self._limits = limits
        self._cost = Cost(limits, len(data))
        self.building = Building(self._cost, names)
        self._calls = Calls(names, self._cost, self.building, limits.max_depth)
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}
        self._protocol = 0
        self._has_helpers = False

    def run(self) -> Any:
        """The object.

        Raises:
            DecodeError: Whatever is wrong; ``.offset`` is that of the opcode.
        """
        offset, name = 0, ""
        try:
            for opcode in read_opcodes(self._data, self._limits):
                offset, name, argument = opcode
                _HANDLERS[name](self, argument)
            result = self._pop()
        except Refused as refused:
            raise damaged(offset, name, refused) from refused.__cause__
        except DecodeError:
            raise
        except MemoryError as error:
            raise damaged(offset, name, Refused("There is not enough memory for it")) from error
        except Exception as error:
            said = f"An object could not be restored: {type(error).__name__}: {str(error)[:200]}"
            raise damaged(offset, name, Refused(said.rstrip("."))) from error
        return result

    def _push(self, value: Any) -> None:
        self._cost.one_value()
        self._stack.append(value)

    def _made(self, value: Any) -> None:
        self._push(self.building.made(value))

    def _top(self) -> Any:
        if len(self._stack) <= (self._marks[-1] if self._marks else 0):
            raise Refused("A value is needed and there is none")
        return self._stack[-1]

    def _pop_any(self) -> Any:
        self._top()
        return self._stack.pop()

    def _pop(self) -> Any:
        value = self._pop_any()
        if self._has_helpers:
            self._refuse_helpers((value,))
        return value

    def _pop_mark(self) -> list[Any]:
        if not self._marks:
            raise Refused("A mark is needed and there is none")
        at = self._marks.pop()
        items = self._stack[at:]
        del self._stack[at:]
        if self._has_helpers:
            self._refuse_helpers(items)
        return items

    def _refuse_helpers(self, items: Iterable[Any]) -> None:
        """A function that is done by hand can be called, and is no value."""
        for item in items:
            if isinstance(item, Helper):
                raise Refused(f"The function {item.module}.{item.name} is used as a value")

    def _mark(self, _: None) -> None:
        if len(self._marks) >= self._limits.max_depth:
            raise Refused(f"Values are nested more than {self._limits.max_depth} deep (max_depth)")
        self._marks.append(len(self._stack))

    def _discard(self, _: None) -> None:
        if len(self._stack) > (self._marks[-1] if self._marks else 0):
            self._stack.pop()
        else:
            self._discard_mark(None)

    def _discard_mark(self, _: None) -> None:
        if not self._marks:
            raise Refused("A mark is needed and there is none")
        del self._stack[self._marks.pop() :]

    def _stop(self, _: None) -> None:
        if self._marks:
            raise Refused("The pickle stops within a value")

    def _protocol_is(self, protocol: int) -> None:
        self._protocol = protocol

    def _put(self, index: int) -> None:
        self._memo[index] = self._top()
        if len(self._memo) > self._cost.values:
            raise Refused("More values are remembered than there are")

    def _get(self, index: int) -> None:
        if index not in self._memo:
            raise Refused(f"Nothing was remembered as number {index}")
        self._push(self._memo[index])

    def _tuple(self, count: int) -> None:
        items = [self._pop() for _ in range(count)]
        self._push(tuple(reversed(items)))

    def _dict(self, _: None) -> None:
        items = self._pop_mark()
        self._made({})
        self.building.set_items(self._stack[-1], items)

    def _frozenset(self, _: None) -> None:
        items = self._pop_mark()
        self._cost.keys(items, items)
        self.building.made(items)  # alive as long as the count of its hashes
        self._push(frozenset(items))

    def _append(self, _: None) -> None:
        item = self._pop()
        self.building.extend(self._top(), [item])

    def _appends(self, _: None) -> None:
        items = self._pop_mark()
        self.building.extend(self._top(), items)

    def _set_item(self, _: None) -> None:
        value, key = self._pop(), self._pop()
        self.building.set_items(self._top(), [key, value])

    def _set_items(self, _: None) -> None:
        items = self._pop_mark()
        self.building.set_items(self._top(), items)

    def _add_items(self, _: None) -> None:
        items = self._pop_mark()
        self.building.add(self._top(), items)

    def _build(self, _: None) -> None:
        state = self._pop()
        self.building.set_state(self._top(), state)

    def _reduce(self, _: None) -> None:
        args = self._pop()
        callee = self._pop_any()
        self._push(self._calls.call(callee, args))

    def _new(self, _: None) -> None:
        args, cls = self._pop(), self._pop()
        self._push(self._calls.new(cls, args, {}))

    def _new_ex(self, _: None) -> None:
        kwargs, args, cls = self._pop(), self._pop(), self._pop()
        self._push(self._calls.new(cls, args, kwargs))

    def _instance(self, names: tuple[str, str]) -> None:
        args = self._pop_mark()
        self._instantiate(self._names.find(*names, self._protocol), args)

    def _object(self, _: None) -> None:
        cls, *args = self._pop_mark() or [None]
        self._instantiate(cls, args)

    def _instantiate(self, cls: Any, args: list[Any]) -> None:
        """As protocols 0 and 1 do it: without arguments, ``__init__`` is not called."""
        if not isinstance(cls, type):
            raise Refused("An instance of no class is made")
        if args or hasattr(cls, "__getinitargs__"):
            self._push(self._calls.call(cls, tuple(args)))
        else:
            self._push(self._calls.new(cls, (), {}))

    def _global(self, names: tuple[str, str]) -> None:
        found = self._names.find(*names, self._protocol)
        self._has_helpers |= isinstance(found, Helper)
        self._push(found)

    def _stack_global(self, _: None) -> None:
        name, module = self._pop(), self._pop()
        if type(name) is not str or type(module) is not str:
            raise Refused("A name is no text")
        self._global((module, name))

    def _extension(self, code: int) -> None:
        raise Refused(
            f"Extension code {code} is used, which stands for a name only by agreement",
            "Let the sender use a protocol with names: remove its copyreg.add_extension().",
        )

    def _persistent(self, _: object) -> None:
        raise Refused(
            "The pickle refers to an object by a persistent id",
            "Read it with the program that wrote it; only that knows what is meant.",
        )

    def _next_buffer(self, _: None) -> None:
        if self._buffers is None:
            raise Refused("Buffers beside the pickle are needed", "Give them as buffers=.")
        buffer = next(self._buffers, None)
        if buffer is None:
            raise Refused("There are too few buffers beside the pickle", "Give all of them.")
        self._cost.copied(memoryview(buffer).nbytes)
        self._push(buffer)

    def _readonly(self, _: None) -> None:
        view = memoryview(self._pop())
        self._stack.append(view.obj if view.readonly else view.toreadonly())


_Handler = Callable[[Machine, Any], None]


def _constant(value: Any) -> _Handler:
    return lambda machine, _: machine._push(value)


def _of_items(make: Callable[[list[Any]], Any]) -> _Handler:
    return lambda machine, _: machine._push(make(machine._pop_mark()))


def _tuple_of(count: int) -> _Handler:
    return lambda machine, _: machine._tuple(count)


_VALUES = (
    "BINBYTES SHORT_BINBYTES FLOAT BINFLOAT INT BININT BININT1 LONG BININT2 STRING BINSTRING "
    "SHORT_BINSTRING UNICODE BINUNICODE LONG1 LONG4 SHORT_BINUNICODE BINUNICODE8 BINBYTES8"
)
_HANDLERS: dict[str, _Handler] = {
    **dict.fromkeys(_VALUES.split(), Machine._push),
    "BYTEARRAY8": Machine._made,
    "NONE": _constant(None),
    "NEWTRUE": _constant(True),
    "NEWFALSE": _constant(False),
    "EMPTY_TUPLE": _constant(()),
    "EMPTY_LIST": lambda machine, _: machine._made([]),
    "EMPTY_DICT": lambda machine, _: machine._made({}),
    "EMPTY_SET": lambda machine, _: machine._made(set()),
    "LIST": lambda machine, _: machine._made(machine._pop_mark()),
    "TUPLE": _of_items(tuple),
    "TUPLE1": _tuple_of(1),
    "TUPLE2": _tuple_of(2),
    "TUPLE3": _tuple_of(3),
    "DICT": Machine._dict,
    "FROZENSET": Machine._frozenset,
    "MARK": Machine._mark,
    "POP": Machine._discard,
    "POP_MARK": Machine._discard_mark,
    "DUP": lambda machine, _: machine._push(machine._top()),
    "STOP": Machine._stop,
    "PROTO": Machine._protocol_is,
    "FRAME": lambda machine, _: None,
    "MEMOIZE": lambda machine, _: machine._put(len(machine._memo)),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), Machine._put),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), Machine._get),
    "APPEND": Machine._append,
    "APPENDS": Machine._appends,
    "SETITEM": Machine._set_item,
    "SETITEMS": Machine._set_items,
    "ADDITEMS": Machine._add_items,
    "BUILD": Machine._build,
    "REDUCE": Machine._reduce,
    "NEWOBJ": Machine._new,
    "NEWOBJ_EX": Machine._new_ex,
    "INST": Machine._instance,
    "OBJ": Machine._object,
    "GLOBAL": Machine._global,
    "STACK_GLOBAL": Machine._stack_global,
    **dict.fromkeys(("EXT1", "EXT2", "EXT4"), Machine._extension),
    **dict.fromkeys(("PERSID", "BINPERSID"), Machine._persistent),
    "NEXT_BUFFER": Machine._next_buffer,
    "READONLY_BUFFER": Machine._readonly,
}
