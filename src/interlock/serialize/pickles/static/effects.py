"""Opcodes that reach out of the pickle: names are imported, callables called, state restored."""

from __future__ import annotations

import _compat_pickle
from typing import NamedTuple

from interlock.serialize.pickles.static.known import common_name, has_setstate
from interlock.serialize.pickles.static.rendering import argument_text, clipped, dotted, shown
from interlock.serialize.pickles.static.report import Call, GlobalName, PersistentId
from interlock.serialize.pickles.static.symbolic import Handler, Machine, Table
from interlock.serialize.pickles.static.values import (
    Accessor,
    Imported,
    Made,
    Pairs,
    Unknown,
    Value,
)

__all__ = ["TABLE", "call_method"]

NAME_TEXT_MAX = 300
IMPORT_MAX = 1000  # characters of a name
STATE_NAMES_MAX = 10
STATE_NAME_MAX = 100


class _Name(NamedTuple):
    module: str
    name: str


def _import(machine: Machine, module: str, name: str) -> Imported:
    """Note that a name is imported, by the name that a loader of today looks for."""
    found = _Name(module, name)
    if machine.protocol < 3:
        found = _renamed(found)
    text = dotted(*found)
    also = dotted(module, name) if found != (module, name) else common_name(*found)
    _note(machine, GlobalName(*found, machine.cursor.opcode_at, machine.cursor.opcode, text, also))
    key = f"{found.module}:{found.name}"
    if key == "builtins:getattr":
        return Accessor(key, text)
    if key not in machine.known:
        machine.concern(f"imports {text}, which is not registered")
    return Imported(key, text)


def _renamed(written: _Name) -> _Name:
    """As `pickle` does for protocols 0 to 2: Python 3's name for one of Python 2."""
    if written in _compat_pickle.NAME_MAPPING:
        return _Name(*_compat_pickle.NAME_MAPPING[written])
    module = _compat_pickle.IMPORT_MAPPING.get(written.module, written.module)
    return written._replace(module=module)


def _import_unknown(machine: Machine, text: str) -> Imported:
    opcode = machine.cursor.opcode
    _note(machine, GlobalName(None, None, machine.cursor.opcode_at, opcode, text))
    machine.concern(f"imports {text}")
    return Imported("", text)


def _note(machine: Machine, found: GlobalName) -> None:
    machine.findings.note_global(found)


def _import_of_lines(machine: Machine) -> Imported:
    raw = machine.cursor.line(), machine.cursor.line()
    try:
        module, name = (part.decode("utf-8") for part in raw)
    except UnicodeDecodeError:
        raise machine.cursor.damaged("has a name that is no UTF-8") from None
    return _import(machine, module, name)


def _global(machine: Machine) -> None:
    machine.push(_import_of_lines(machine))


def _stack_global(machine: Machine) -> None:
    name, module = machine.pop(), machine.pop()
    if type(module) is str and type(name) is str and len(module) + len(name) <= IMPORT_MAX:
        machine.push(_import(machine, module, name))
    else:
        # Of a longer name the copies would cost more than the pickle. What is no str is
        # told of too: a loader may be lenient, and bytes may be a str to it.
        text = clipped(f"<a name known at run time: {shown(module)}, {shown(name)}>", NAME_TEXT_MAX)
        machine.push(_import_unknown(machine, text))


def _extension(width: int) -> Handler:
    def look_up(machine: Machine) -> None:
        code = machine.cursor.unsigned(width)
        machine.push(_import_unknown(machine, f"<extension {code} of copyreg>"))

    return look_up


def _call(machine: Machine, called: Value, arguments: Value, keywords: Value = None) -> None:
    """Note a call and push what it would return."""
    name, inner = clipped(shown(called), NAME_TEXT_MAX), argument_text(arguments, keywords)
    call = Call(name, inner, machine.cursor.opcode, machine.cursor.opcode_at)
    machine.findings.note_call(call)
    within = machine.known.within_class(called, arguments)
    if within is not None:
        machine.push(within)
        return
    objection = machine.known.objection(called, arguments)
    if objection is not None:
        machine.concern(objection)
    machine.push(Made(called if isinstance(called, Imported) else None, call.text))


def _reduce(machine: Machine) -> None:
    arguments, called = machine.pop(), machine.pop_called()
    _call(machine, called, arguments)


def _newobj_ex(machine: Machine) -> None:
    keywords, arguments, called = machine.pop(), machine.pop(), machine.pop()
    _call(machine, called, arguments, keywords)


def _obj(machine: Machine) -> None:
    values = machine.pop_mark()
    if not values:
        raise machine.cursor.damaged("finds no class above the mark")
    _call(machine, values[0], tuple(values[1:]))


def _inst(machine: Machine) -> None:
    called = _import_of_lines(machine)
    _call(machine, called, tuple(machine.pop_mark()))


def call_method(machine: Machine, target: Value, method: str, arguments: Value) -> None:
    """Note that a method of an object is called, whose result is thrown away."""
    _act(machine, target, method, argument_text(arguments), "")


def _act(machine: Machine, target: Value, method: str, arguments: str, does: str) -> None:
    owner = target.maker if isinstance(target, Made) and target.maker is not None else target
    name = clipped(shown(owner), NAME_TEXT_MAX)
    offset = machine.cursor.opcode_at
    machine.findings.note_call(
        Call(f"{name}.{method}", arguments, machine.cursor.opcode, offset, does)
    )
    objection = machine.known.method_objection(target)
    if objection is not None:
        machine.concern(objection)


def _build(machine: Machine) -> None:
    state = machine.pop()
    target = machine.top()
    if not isinstance(target, Imported | Made | Unknown):
        if state is not None:
            machine.refused(f"restores the state of a {type(target).__name__.lower()}")
        return
    maker = target.maker if isinstance(target, Made) else None
    known = None if maker is None else has_setstate(maker.name)
    attributes = _attributes(state)
    if known or (known is None and attributes is None):
        does = "calls `__setstate__`"
    elif known is None:
        does = f"calls `__setstate__` if there is one, otherwise {attributes}"
    else:
        does = attributes or "has no `__setstate__`, and fails"
    _act(machine, target, "__setstate__", argument_text((state,)), does)


def _attributes(state: Value) -> str | None:
    """What BUILD does with a state where there is no ``__setstate__``."""
    parts = state if isinstance(state, tuple) and len(state) == 2 else (state,)
    names: list[str] = []
    for part in parts:
        if isinstance(part, Pairs):
            names += [
                clipped(shown(key), STATE_NAME_MAX)
                for key in part.flat[: 2 * STATE_NAMES_MAX + 2 : 2]
            ]
        elif part is not None:
            return None
    more = ", ..." if len(names) > STATE_NAMES_MAX else ""
    listed = ", ".join(names[:STATE_NAMES_MAX])
    return f"sets the attributes {listed}{more}" if names else "sets no attribute"


def _persistent(machine: Machine, value: Value) -> None:
    """The loading program's own function is called, with an id of the pickle's choice."""
    text = shown(value)
    machine.findings.note_id(PersistentId(text, machine.cursor.opcode_at))
    machine.concern("asks the loading program for objects by persistent ids")
    machine.push(Unknown(f"<persistent id {clipped(text, NAME_TEXT_MAX)}>"))


def _persistent_line(machine: Machine) -> None:
    _persistent(machine, machine.cursor.line().decode("utf-8", "backslashreplace"))


def _next_buffer(machine: Machine) -> None:
    machine.findings.buffers.add(machine.cursor.opcode_at)
    machine.push(Unknown("<buffer>"))


TABLE: Table = {
    ord("c"): ("GLOBAL", _global),
    0x93: ("STACK_GLOBAL", _stack_global),
    0x82: ("EXT1", _extension(1)),
    0x83: ("EXT2", _extension(2)),
    0x84: ("EXT4", _extension(4)),
    ord("R"): ("REDUCE", _reduce),
    0x81: ("NEWOBJ", _reduce),
    0x92: ("NEWOBJ_EX", _newobj_ex),
    ord("o"): ("OBJ", _obj),
    ord("i"): ("INST", _inst),
    ord("b"): ("BUILD", _build),
    ord("P"): ("PERSID", _persistent_line),
    ord("Q"): ("BINPERSID", lambda m: _persistent(m, m.pop())),
    0x97: ("NEXT_BUFFER", _next_buffer),
    0x98: ("READONLY_BUFFER", lambda m: m.push(m.pop())),
}
