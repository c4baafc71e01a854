"""Payloads that change what they did not make, by states and by items, with allowed names only."""

from __future__ import annotations

from collections.abc import Iterator

from tests.hostile.corpus.assembler import (
    MARK,
    Payload,
    by_global,
    by_stack,
    call,
    dict_of,
    item,
    list_of,
    new,
    slots,
    text,
    tuple_of,
    value,
    whole,
)
from tests.hostile.victims import MODULE

__all__ = ["payloads"]


def own(name: str) -> bytes:
    """What is found under a name of the victims."""
    return by_stack(MODULE, name)


# What was there before the pickle was.
FOREIGN: dict[str, bytes] = {
    "a class": own("Plain"),
    "a dataclass": own("Record"),
    "a class with slots": own("Slotted"),
    "an enum": own("Colour"),
    "a function": own("ordinary"),
    "an object by its name": own("THE_ONE"),
    "an object that a function keeps": call(own("the_one")),
    "an object that is cached": call(own("remembered"), value(1)),
    "a member": call(own("Colour"), value(1)),
    "a member by getattr": call(by_global("builtins", "getattr"), own("Colour"), text("RED")),
    "a member that is a number": call(own("Level"), value(1)),
    "a member of uuid's": call(by_stack("uuid", "SafeUUID"), value(0)),
    "a module": by_stack("tests.hostile", "victims"),
    "Fraction": by_stack("fractions", "Fraction"),
    "UUID": by_stack("uuid", "UUID"),
    "UserDict": by_stack("collections", "UserDict"),
    "ChainMap": by_stack("collections", "ChainMap"),
    "Counter": by_stack("collections", "Counter"),
    "PurePath": by_stack("pathlib", "PurePath"),
    "IPv4Address": by_stack("ipaddress", "IPv4Address"),
    "ValueError": by_stack("builtins", "ValueError"),
    "object": by_stack("builtins", "object"),
    "a time zone": call(by_stack("zoneinfo", "ZoneInfo._unpickle"), text("UTC"), value(True)),
    "a partial's function": call(by_stack("functools", "partial"), own("ordinary")) + b"0"
    + own("ordinary"),
}  # fmt: skip
# What the state would do to it.
STATES: dict[str, bytes] = {
    "an attribute": dict_of(poison=value(1)),
    "a slot": slots(poison=value(1)),
    "a name": dict_of(name=text("poison")),
    "a name as a slot": slots(name=text("poison")),
    "both": tuple_of(dict_of(poison=value(1)), dict_of(poison=value(1))),
    "its class": dict_of(__class__=own("Other")),
    "its class as a slot": slots(__class__=own("Other")),
    "its dict": dict_of(__dict__=dict_of(poison=value(1))),
    "its dict as a slot": slots(__dict__=dict_of(poison=value(1))),
    "a method": dict_of(method=own("ordinary")),
    "a method as a slot": slots(method=own("ordinary")),
    "__init__": slots(__init__=own("ordinary")),
    "__setstate__": slots(__setstate__=own("ordinary")),
    "__eq__": slots(__eq__=own("ordinary")),
    "__defaults__": slots(__defaults__=value((99,))),
    "__kwdefaults__": slots(__kwdefaults__=value({"second": 99})),
    "a member's value": dict_of(_value_=value(99)),
    "a member's value as a slot": slots(_value_=value(99)),
    "keys that are no names": item(value(1), value(2)),
    "keys of a subclass of str": item(call(own("Str"), text("poison")), value(1)),
}
# Objects that the pickle makes, and what a class must not get from it.
MADE: dict[str, bytes] = {
    "an object": new(own("Plain")),
    "an object of OBJ": MARK + own("Plain") + b"o",
    "an object of INST": b"(i" + by_global(MODULE, "Plain")[1:],
    "a dataclass's": new(own("Record")),
    "one with slots": new(own("Slotted")),
    "a namespace": call(by_stack("types", "SimpleNamespace")),
    "an exception": call(by_stack("builtins", "ValueError")),
    "a fraction": call(by_stack("fractions", "Fraction"), value(1), value(3)),
    "a UserDict": new(by_stack("collections", "UserDict")),
    "a partial": call(by_stack("functools", "partial"), own("ordinary")),
}
BAD_FOR_MADE = (
    "its class, its class as a slot, its dict, its dict as a slot, a slot, __init__, __setstate__, "
    "__eq__, keys that are no names, keys of a subclass of str"
).split(", ")


def payloads() -> Iterator[Payload]:
    """All of them."""
    for what, target in FOREIGN.items():
        for how, state in STATES.items():
            yield whole(f"BUILD of {what}: {how}", target + state + b"b")
    yield whole("BUILD of an object: a method", new(own("Plain")) + STATES["a method"] + b"b")
    for what, target in MADE.items():
        for how in BAD_FOR_MADE:
            yield whole(f"BUILD of {what}: {how}", target + STATES[how] + b"b")
    yield from _of_functions()
    yield from _items()
    yield from _items_through_what_was_made()


def _of_functions() -> Iterator[Payload]:
    partial = by_stack("functools", "partial")
    ring, empty = own("ring"), tuple_of(b")", b"}", b"N")
    yield whole("a partial of the canary", call(partial, ring) + b")R")
    yield whole("a partial of a partial", call(partial, call(partial, own("ordinary"))) + b")R")
    state = tuple_of(own("ordinary"), value((1,)), b"}", b"N")
    yield whole(
        "a partial of what is allowed, called", call(partial, own("ordinary")) + state + b"b)R"
    )
    yield whole("a partial's state is short", call(partial, own("ordinary")) + empty + b"b")
    factory = call(by_stack("collections", "defaultdict"), call(partial, own("kept_list")))
    yield whole("a defaultdict's factory is a partial", factory)
    yield whole("NEWOBJ of a function", new(own("ordinary")))
    yield whole("NEWOBJ of a member", new(call(own("Colour"), value(1))))
    yield whole("NEWOBJ of an enum", new(own("Colour"), value(1)))
    yield whole("NEWOBJ of object with an argument", new(by_stack("builtins", "object"), value(1)))
    yield whole("an enum made anew", call(own("Colour"), text("X"), text("A B")))
    yield whole("a call of a member", call(call(own("Colour"), value(1))))
    yield whole("a call of a made object", new(own("Plain")) + b")R")
    yield whole("a call of a text", text("ring") + b")R")
    yield whole("a call with a list", own("ordinary") + b"]R")
    yield whole("a call with no tuple", own("ordinary") + b"NR")


_ITEMS = {
    "APPEND": value(9) + b"a",
    "APPENDS": MARK + value(8) + value(9) + b"e",
    "SETITEM": text("poison") + value(9) + b"s",
    "SETITEMS": MARK + text("poison") + value(9) + b"u",
    "ADDITEMS": MARK + value(9) + b"\x90",
}


def _items() -> Iterator[Payload]:
    kept = {f"a kept {kind}": call(own(f"kept_{kind}")) for kind in "list dict set deque".split()}
    by_name = {f"KEPT_{kind}": own(f"KEPT_{kind}") for kind in "LIST DICT SET".split()}
    for what, target in {**kept, **by_name, **FOREIGN}.items():
        for how, items in _ITEMS.items():
            yield whole(f"{how} to {what}", target + items)
    for hook, how in (("append", "APPEND"), ("extend", "APPENDS"), ("add", "ADDITEMS")):
        state = dict_of(**{hook: own("ring")})
        yield whole(f"{how} to a {hook} of its own", new(own("Plain")) + state + b"b" + _ITEMS[how])
        state = dict_of(**{hook: own("ordinary")})
        yield whole(f"{how} to an allowed {hook}", new(own("Plain")) + state + b"b" + _ITEMS[how])
    yield whole("APPEND to a tuple", value((1,)) + _ITEMS["APPEND"])
    yield whole("APPEND to a text", text("x") + _ITEMS["APPEND"])
    yield whole("SETITEM of a list", list_of(value(1)) + value(0) + value(2) + b"s")
    yield whole("ADDITEMS to a frozenset", value(frozenset({1})) + _ITEMS["ADDITEMS"])
    yield whole("SETITEMS of an odd number", b"}(" + value(1) + b"u")


def _items_through_what_was_made() -> Iterator[Payload]:
    """A container that the pickle made hands the items on to one that it did not make."""
    user_dict, user_list = by_stack("collections", "UserDict"), by_stack("collections", "UserList")
    chain = by_stack("collections", "ChainMap")
    kept_dict, kept_list = call(own("kept_dict")), call(own("kept_list"))
    through = {
        "a UserDict": (new(user_dict) + dict_of(data=kept_dict) + b"b", "SETITEM"),
        "a UserList": (new(user_list) + dict_of(data=kept_list) + b"b", "APPEND"),
        "a UserList at once": (new(user_list) + dict_of(data=kept_list) + b"b", "APPENDS"),
        "a ChainMap": (call(chain, kept_dict), "SETITEM"),
        "a ChainMap's state": (new(chain) + dict_of(maps=list_of(kept_dict)) + b"b", "SETITEM"),
        "a ChainMap of a UserDict": (
            call(chain, new(user_dict) + dict_of(data=kept_dict) + b"b"), "SETITEM"
        ),
        "a UserDict of the attributes of a class": (
            new(user_dict) + dict_of(data=own("THE_ONE")) + b"b", "SETITEM"
        ),
    }  # fmt: skip
    for what, (target, items) in through.items():
        yield whole(f"{items} through {what}", target + _ITEMS[items])
