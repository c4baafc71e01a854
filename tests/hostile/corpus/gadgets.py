"""Payloads made of functions of harmless looks: functools, operator, itertools, builtins."""

from __future__ import annotations

import marshal
from collections.abc import Iterator

from tests.hostile.corpus.assembler import (
    Payload,
    by_stack,
    call,
    list_of,
    new,
    text,
    tuple_of,
    value,
    whole,
)
from tests.hostile.victims import MODULE

__all__ = ["payloads"]

CODE = "__import__('os').mkdir('canary')"
MKDIR, FOLDER = by_stack("os", "mkdir"), text("canary")


def builtin(name: str, *parts: bytes) -> bytes:
    """A call of a builtin."""
    return call(by_stack("builtins", name), *parts)


def operation(name: str, *parts: bytes) -> bytes:
    """A call of a function of `operator`."""
    return call(by_stack("operator", name), *parts)


def partial(*parts: bytes) -> bytes:
    """A partial."""
    return call(by_stack("functools", "partial"), *parts)


def own(name: str) -> bytes:
    """What is found under a name of the victims."""
    return by_stack(MODULE, name)


def payloads() -> Iterator[Payload]:
    """All of them."""
    for bodies in (_mapped(), _bound(), _reaching()):
        for name, body in bodies.items():
            yield whole(f"gadget, {name}", body)


def _mapped() -> dict[str, bytes]:
    """An iterator that calls, and who goes through it."""
    mapped = builtin("map", MKDIR, list_of(FOLDER))
    starred = call(by_stack("itertools", "starmap"), MKDIR, list_of(tuple_of(FOLDER)))
    accumulated = call(by_stack("itertools", "accumulate"), list_of(FOLDER, value(0o777)), MKDIR)
    through = {
        **{f"{name} of map": builtin(name, mapped) for name in "list set bytearray sum".split()},
        **{f"{name} of map": builtin(name, mapped) for name in "frozenset dict any max".split()},
        "tuple of map, NEWOBJ": new(by_stack("builtins", "tuple"), mapped),
        "frozenset of map, NEWOBJ": new(by_stack("builtins", "frozenset"), mapped),
        "bytes of map, NEWOBJ": new(by_stack("builtins", "bytes"), mapped),
        "sorted by a function": builtin("sorted", list_of(FOLDER)) + b"0"
        + builtin("min", mapped),
        "list of filter": builtin("list", builtin("filter", MKDIR, list_of(FOLDER))),
        "list of starmap": builtin("list", starred),
        "list of accumulate": builtin("list", accumulated),
    }  # fmt: skip
    for name in ("deque", "Counter", "OrderedDict", "UserList"):
        through[f"{name} of map"] = call(by_stack("collections", name), mapped)
    through["deque of map, NEWOBJ, then its state"] = (
        new(by_stack("collections", "deque")) + mapped + b"b"
    )
    return through


def _bound() -> dict[str, bytes]:
    """A call that waits to be called."""
    bound = partial(MKDIR, FOLDER)
    state = tuple_of(MKDIR, tuple_of(FOLDER), b"}", b"N")
    factory = call(by_stack("collections", "defaultdict"), bound)
    code = value(marshal.dumps(compile(CODE, "canary", "eval")))
    function = call(
        by_stack("types", "FunctionType"), call(by_stack("marshal", "loads"), code), b"}"
    )
    return {
        "a partial": bound + b")R",
        "a partial, OBJ": b"(" + bound + b"o",
        "a partial of a state": partial(by_stack("builtins", "list")) + state + b"b)R",
        "a partial, NEWOBJ": new(by_stack("functools", "partial"), MKDIR, FOLDER) + b")R",
        "functools.reduce": call(
            by_stack("functools", "reduce"), MKDIR, list_of(FOLDER, value(0o777))
        ),
        "operator.call": operation("call", MKDIR, FOLDER),
        "a defaultdict with a factory": operation("getitem", factory, text("key")),
        "a function made of code": function + b")R",
    }


def _reaching() -> dict[str, bytes]:
    """Attributes and items of what is there."""
    module = call(by_stack("importlib", "import_module"), text("os"))
    spaces = builtin("getattr", own("ordinary"), text("__globals__"))
    base = tuple_of(own("RingsInInit"))
    return {
        "attrgetter of a module": call(
            call(operation("attrgetter", text("mkdir")), module), FOLDER
        ),
        "methodcaller of a module": call(
            operation("methodcaller", text("mkdir"), FOLDER), module
        ),
        "getattr of a module": call(builtin("getattr", module, text("mkdir")), FOLDER),
        "getattr of globals": builtin("getattr", spaces, text("clear")) + b")R",
        "getattr of a method": call(builtin("getattr", own("Plain"), text("append")), value(1)),
        "a method of a class": call(own("Plain.append"), value(1)),
        "setattr of a class": builtin("setattr", own("Plain"), text("poison"), value(1)),
        "delattr of a class": builtin("delattr", own("Plain"), text("kind")),
        "setitem of what is kept": operation("setitem", own("KEPT_DICT"), text("k"), value(1)),
        "iconcat of what is kept": operation("iconcat", own("KEPT_LIST"), value([1])),
        "ior of what is kept": operation("ior", own("KEPT_DICT"), value({"k": 1})),
        "delitem of what is kept": operation("delitem", own("KEPT_LIST"), value(0)),
        "a class made by type": builtin("type", text("X"), base, b"}") + b")R",
    }  # fmt: skip
