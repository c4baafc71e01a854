"""Payloads that call: each gadget in each way that a pickle has to name and to call it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from tests.hostile.corpus.assembler import (
    MARK,
    Payload,
    by_global,
    by_stack,
    call,
    dict_of,
    list_of,
    new,
    text,
    tuple_of,
    value,
    whole,
)
from tests.hostile.victims import EXTENSIONS, LANDMINE, MODULE

__all__ = ["payloads"]

CODE = "__import__('os').mkdir('canary')"
NESTED = b"cos\nmkdir\n(Vcanary\ntR."

GADGETS: tuple[tuple[str, str, tuple[Any, ...]], ...] = (
    (MODULE, "ring", (1,)),
    (MODULE, "RingsInNew", (1,)),
    (MODULE, "RingsInInit", (1,)),
    ("os", "mkdir", ("canary",)),
    ("posix", "mkdir", ("canary",)),
    ("os", "makedirs", ("canary/deep",)),
    ("os", "system", ("mkdir canary",)),
    ("posix", "system", ("mkdir canary",)),
    ("os", "mknod", ("canary",)),
    ("os", "mkfifo", ("canary",)),
    ("os", "symlink", ("nowhere", "canary")),
    ("os", "open", ("canary", 0o101)),
    ("os", "spawnl", (0, "/bin/mkdir", "mkdir", "canary")),
    ("subprocess", "call", (["mkdir", "canary"],)),
    ("subprocess", "run", (["mkdir", "canary"],)),
    ("subprocess", "check_output", (["mkdir", "canary"],)),
    ("subprocess", "getoutput", ("mkdir canary",)),
    ("builtins", "eval", (CODE,)),
    ("builtins", "exec", (CODE,)),
    ("builtins", "open", ("canary", "w")),
    ("io", "open", ("canary", "w")),
    ("_io", "open", ("canary", "w")),
    ("_io", "FileIO", ("canary", "w")),
    ("codecs", "open", ("canary", "w")),
    ("tempfile", "mkdtemp", ("a", "b", ".")),
    ("tempfile", "mkstemp", ("a", "b", ".")),
    ("builtins", "__import__", (LANDMINE,)),
    ("importlib", "import_module", (LANDMINE,)),
    ("importlib", "__import__", (LANDMINE,)),
    ("runpy", "run_module", (LANDMINE,)),
    ("pkgutil", "resolve_name", (LANDMINE,)),
    ("pydoc", "locate", (LANDMINE,)),
    ("pickle", "loads", (NESTED,)),
    ("_pickle", "loads", (NESTED,)),
    ("timeit", "timeit", (CODE,)),
    ("cProfile", "run", (CODE,)),
    ("profile", "run", (CODE,)),
    ("bdb", "set_trace", ()),
    ("logging", "FileHandler", ("canary",)),
    ("zipfile", "ZipFile", ("canary", "w")),
    ("tarfile", "open", ("canary", "w")),
    ("gzip", "open", ("canary", "w")),
    ("bz2", "open", ("canary", "w")),
    ("lzma", "open", ("canary", "w")),
    ("dbm.dumb", "open", ("canary", "c")),
    ("shelve", "open", ("canary",)),
    ("mailbox", "Maildir", ("canary",)),
    ("antigravity", "geohash", ()),
)


def payloads() -> Iterator[Payload]:
    """All of them."""
    for module, name, arguments in GADGETS:
        yield from _in_each_way(module, name, [value(argument) for argument in arguments])
    yield from _of_old_names()
    yield from _classes()
    yield from _at_each_place()


def _in_each_way(module: str, name: str, args: list[bytes]) -> Iterator[Payload]:
    what = f"{module}.{name}"
    found, stacked = by_global(module, name), by_stack(module, name)
    given = b"".join(args)
    yield whole(f"GLOBAL, REDUCE: {what}", call(found, *args), 2)
    yield whole(f"STACK_GLOBAL, REDUCE: {what}", call(stacked, *args))
    remembered = text(module) + b"\x940" + text(name) + b"\x940h\x00h\x01\x93"
    yield whole(f"names from the memo: {what}", call(remembered, *args))
    yield whole(f"INST: {what}", MARK + given + b"i" + found[1:], None)
    yield whole(f"OBJ: {what}", MARK + found + given + b"o", 1)
    yield whole(f"the bare name: {what}", found, 2)


def _of_old_names() -> Iterator[Payload]:
    old: tuple[tuple[str, str, str], ...] = (
        ("__builtin__", "eval", CODE),
        ("__builtin__", "open", "canary"),
        ("commands", "getoutput", "mkdir canary"),
        ("cPickle", "loads", "cos\nmkdir\n(Vcanary\ntR."),
        ("copy_reg", "_reconstructor", "no class"),
    )
    for module, name, argument in old:
        arguments = [text(argument)] + ([text("w")] if name == "open" else [])
        yield whole(f"Python 2: {module}.{name}", call(by_global(module, name), *arguments), 2)


def _classes() -> Iterator[Payload]:
    """NEWOBJ, NEWOBJ_EX and the functions of copyreg; extensions and persistent ids."""

    def own(name: str) -> bytes:
        return by_stack(MODULE, name)

    def registry(name: str) -> bytes:
        return by_stack("copyreg", name)

    made = new(own("RingsInSetstate"))
    foreign = new(own("RingsInAppend"))
    hashed = new(own("RingsInHash"))
    nothing = by_stack("builtins", "object")
    bodies = {
        "NEWOBJ": new(own("RingsInNew")),
        "NEWOBJ_EX": own("RingsInNew") + b")" + dict_of(k=value(1)) + b"\x92",
        "copyreg.__newobj__": call(registry("__newobj__"), own("RingsInNew")),
        "copyreg.__newobj_ex__": call(registry("__newobj_ex__"), own("RingsInNew"), b")", b"}"),
        "copyreg._reconstructor, BUILD": (
            call(registry("_reconstructor"), own("RingsInSetstate"), nothing, b"N")
            + value(1) + b"b"
        ),
        "INST, BUILD": b"(i" + by_global(MODULE, "RingsInSetstate")[1:] + value(1) + b"b",
        "OBJ, BUILD": MARK + own("RingsInSetstate") + b"o" + value(1) + b"b",
        "NEWOBJ, BUILD": made + value(1) + b"b",
        "APPEND": foreign + value(1) + b"a",
        "APPENDS": foreign + MARK + value(1) + value(2) + b"e",
        "SETITEM": foreign + value(1) + value(2) + b"s",
        "SETITEMS": foreign + MARK + value(1) + value(2) + b"u",
        "ADDITEMS": foreign + MARK + value(1) + b"\x90",
        "hash of a key": b"}" + hashed + b"Ns",
        "hash of an item": b"\x8f(" + hashed + b"\x90",
        "hash of an item, FROZENSET": MARK + hashed + b"\x91",
        "EXT1": b"\x82" + struct.pack("<B", EXTENSIONS["EXT1"]) + b")R",
        "EXT2": b"\x83" + struct.pack("<H", EXTENSIONS["EXT2"]) + b")R",
        "EXT4": b"\x84" + struct.pack("<i", EXTENSIONS["EXT4"]) + b")\x81",
        "EXT1 of no code": b"\x82\x00",
        "EXT4 of a negative code": b"\x84\xff\xff\xff\xff",
        "PERSID": b"P" + b"17\n",
        "BINPERSID": text("ring") + b"Q",
        "copyreg.add_extension": call(
            registry("add_extension"), text("os"), text("mkdir"), value(0x7D)
        ) + b"0\x82\x7d(" + text("canary") + b"tR",
    }  # fmt: skip
    for name, body in bodies.items():
        yield whole(f"own class, {name}", body)


def _at_each_place() -> Iterator[Payload]:
    """A call where its result is not even wanted."""
    rung = call(by_stack(MODULE, "ring"))
    places = {
        "thrown away": rung + b"0N",
        "thrown away with a mark": MARK + rung + b"1N",
        "remembered": rung + b"\x940N",
        "in a list": list_of(rung),
        "in a tuple": rung + b"\x85",
        "as a key": b"}" + rung + b"Ns",
        "as a value": item_of(rung),
        "as an argument": call(by_stack("builtins", "list"), tuple_of(rung)),
        "as a state": new(by_stack(MODULE, "Plain")) + dict_of(kind=rung) + b"b",
        "as a name": rung + text("mkdir") + b"\x93",
        "before what is damaged": rung + b"\xff",
        "before the end": rung[:-1] + b"R",
    }
    for name, body in places.items():
        yield whole(f"a call {name}", body)


def item_of(part: bytes) -> bytes:
    return dict_of(key=part)
