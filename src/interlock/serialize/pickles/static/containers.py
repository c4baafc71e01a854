"""Opcodes that make containers, and fill them or whatever else is in their place."""

from __future__ import annotations

from collections.abc import Callable

from interlock.serialize.pickles.static.effects import call_method
from interlock.serialize.pickles.static.symbolic import Handler, Machine, Table
from interlock.serialize.pickles.static.values import Imported, Made, Members, Pairs, Unknown, Value

__all__ = ["TABLE"]


def _tuple_of(count: int) -> Handler:
    def gather(machine: Machine) -> None:
        values = [machine.pop() for _ in range(count)]
        machine.push(tuple(reversed(values)))

    return gather


def _dict(machine: Machine) -> None:
    machine.push(Pairs(_in_pairs(machine, machine.pop_mark())))


def _in_pairs(machine: Machine, flat: list[Value]) -> list[Value]:
    if len(flat) % 2:
        raise machine.cursor.damaged("finds a key without a value")
    return flat


def _append(machine: Machine) -> None:
    _extend(machine, [machine.pop()], "append")


def _appends(machine: Machine) -> None:
    _extend(machine, machine.pop_mark(), "extend")


def _extend(machine: Machine, values: list[Value], method: str) -> None:
    target = machine.top()
    if isinstance(target, list):
        target.extend(values)
    elif values:
        arguments: tuple[Value, ...] = (values,) if method == "extend" else (values[0],)
        _other(machine, target, method, arguments, bytearray)


def _setitem(machine: Machine) -> None:
    value, key = machine.pop(), machine.pop()
    _set(machine, [key, value])


def _setitems(machine: Machine) -> None:
    _set(machine, _in_pairs(machine, machine.pop_mark()))


def _set(machine: Machine, flat: list[Value]) -> None:
    target = machine.top()
    if isinstance(target, Pairs):
        target.flat.extend(flat)
    elif flat:
        shown = tuple(flat) if len(flat) == 2 else (Unknown("<key>"), Unknown("<value>"))
        _other(machine, target, "__setitem__", shown, list, bytearray)


def _additems(machine: Machine) -> None:
    values = machine.pop_mark()
    target = machine.top()
    if isinstance(target, Members) and not target.frozen:
        target.items.extend(values)
    elif values:
        _other(machine, target, "add", (values,))


def _other(
    machine: Machine, target: Value, method: str, arguments: tuple[Value, ...], *plain: type
) -> None:
    """Fill what is no list, dict or set: a method of the object is called."""
    if isinstance(target, Made | Imported | Unknown):
        call_method(machine, target, method, arguments)
    elif not isinstance(target, plain):
        machine.refused(f"fills a {type(target).__name__.lower()}, which has no {method}")


def _made(empty: Callable[[], Value]) -> Handler:
    return lambda machine: machine.push(empty())


TABLE: Table = {
    ord(")"): ("EMPTY_TUPLE", _tuple_of(0)),
    0x85: ("TUPLE1", _tuple_of(1)),
    0x86: ("TUPLE2", _tuple_of(2)),
    0x87: ("TUPLE3", _tuple_of(3)),
    ord("t"): ("TUPLE", lambda m: m.push(tuple(m.pop_mark()))),
    ord("]"): ("EMPTY_LIST", _made(list)),
    ord("l"): ("LIST", lambda m: m.push(m.pop_mark())),
    ord("}"): ("EMPTY_DICT", _made(lambda: Pairs([]))),
    ord("d"): ("DICT", _dict),
    0x8F: ("EMPTY_SET", _made(lambda: Members([], frozen=False))),
    0x91: ("FROZENSET", lambda m: m.push(Members(m.pop_mark(), frozen=True))),
    ord("a"): ("APPEND", _append),
    ord("e"): ("APPENDS", _appends),
    ord("s"): ("SETITEM", _setitem),
    ord("u"): ("SETITEMS", _setitems),
    0x90: ("ADDITEMS", _additems),
}
