"""Payloads that name what they should not: dotted names, aliases, odd spellings."""

from __future__ import annotations

from collections.abc import Iterator

from tests.hostile.corpus.assembler import Payload, by_global, by_stack, call, text, whole
from tests.hostile.victims import LANDMINE, MODULE

__all__ = ["payloads"]

# From what is allowed, through attributes, to a function; then what it is called with.
DOTTED: tuple[tuple[str, str, str | None], ...] = (
    ("shutil", "os.mkdir", "canary"),
    ("tempfile", "_os.mkdir", "canary"),
    ("pathlib", "os.mkdir", "canary"),
    ("pathlib", "os.system", "mkdir canary"),
    ("uuid", "os.mkdir", "canary"),
    ("collections", "_sys.modules.clear", None),
    (MODULE, "os.mkdir", "canary"),
    (MODULE, "os.path.os.mkdir", "canary"),
    (MODULE, "enum.sys.modules.clear", None),
    (MODULE, "functools.reduce.__self__.partial.__call__", None),
    (MODULE, "ordinary.__globals__.clear", None),
    (MODULE, "ordinary.__globals__.popitem", None),
    (MODULE, "Plain.method.__globals__.clear", None),
    (MODULE, "Record.__init__.__globals__.clear", None),
    (MODULE, "Plain.append", "x"),
    (MODULE, "Plain.append.__func__.__globals__.clear", None),
    (MODULE, "KEPT_LIST.clear", None),
    (MODULE, "KEPT_LIST.append", "x"),
    (MODULE, "KEPT_DICT.clear", None),
    (MODULE, "KEPT_SET.add", "x"),
    (MODULE, "THE_ONE.__init__.__globals__.clear", None),
    (MODULE, "remembered.cache_clear", None),
    (MODULE, "ring.__call__", None),
    (MODULE, "RingsInInit.__call__", None),
    (MODULE, "_bell.append", "x"),
)
# Without a call: that it is looked for, or imported, is the harm.
SPELLINGS: tuple[tuple[str, str], ...] = (
    (LANDMINE, "ring"),
    (LANDMINE, "nothing"),
    ("tests.hostile", "landmine"),
    ("tests", "hostile.landmine"),
    (f".{LANDMINE}", "ring"),
    (f"{LANDMINE}.", "ring"),
    (f"{LANDMINE} ", "ring"),
    (f" {LANDMINE}", "ring"),
    (LANDMINE.upper(), "ring"),
    (f"{LANDMINE}\r", "ring"),
    (f"{LANDMINE}\0", "ring"),
    ("", "ring"),
    ("", ""),
    (".", "ring"),
    ("..", "ring"),
    (MODULE, ""),
    (MODULE, "."),
    (MODULE, "ring"),
    (MODULE, " ordinary"),
    (MODULE, "ordinary "),
    (MODULE, "ordinary\0"),
    (MODULE, "Ordinary"),
    (MODULE, "Plain."),
    (MODULE, ".Plain"),
    (MODULE, "Plain..method"),
    (MODULE, "Plain.__class__"),
    (MODULE, "Plain.__subclasses__"),
    (MODULE, "Plain.__dict__"),
    (MODULE, "Plain.__init__"),
    (MODULE, "ordinary.__code__"),
    (MODULE, "ordinary.__defaults__"),
    (MODULE, "__dict__"),
    (MODULE, "__builtins__"),
    (MODULE, "__loader__"),
    (MODULE, "os"),
    (MODULE, "mkdir"),
    (MODULE, "ALIAS"),
    (MODULE, "KEPT_LIST"),
    (MODULE, "p\u006cain"),
    (MODULE, "\uff30\uff4c\uff41\uff49\uff4e"),
    ("\uff4f\uff53", "system"),
    ("__main__", "__dict__"),
    ("__main__", "__builtins__"),
    ("builtins", "getattr"),
    ("builtins", "type"),
    ("builtins", "object.__subclasses__"),
    ("builtins", "__import__"),
    ("builtins", "BaseException.__subclasses__"),
    ("datetime", "sys"),
    ("this", "s"),
    ("antigravity", "webbrowser"),
    ("idlelib", "testing"),
    ("lib2to3", "main"),
    ("turtle", "Turtle"),
    ("ctypes", "CDLL"),
    ("\ud800", "name"),
    ("x" * 5000, "name"),
    ("name", "x" * 5000),
    (".".join("a" * 400), "name"),
    (MODULE, ".".join(["Plain"] * 400)),
)


def payloads() -> Iterator[Payload]:
    """All of them."""
    for module, name, argument in DOTTED:
        arguments = [] if argument is None else [text(argument)]
        what = f"{module}:{name}"
        yield whole(f"dotted, STACK_GLOBAL: {what}", call(by_stack(module, name), *arguments))
        yield whole(f"dotted, GLOBAL: {what}", call(by_global(module, name), *arguments))
        yield whole(f"dotted, protocol 2: {what}", call(by_global(module, name), *arguments), 2)
    for module, name in SPELLINGS:
        yield whole(
            f"spelling, STACK_GLOBAL: {module[:40]!r}, {name[:40]!r}", by_stack(module, name)
        )
        if "\ud800" not in module:
            yield whole(
                f"spelling, GLOBAL: {module[:40]!r}, {name[:40]!r}", by_global(module, name)
            )
    aliases = (("mkdir", "canary"), ("ALIAS", "canary"))
    for alias, argument in aliases:
        yield whole(f"alias {alias}", call(by_stack(MODULE, alias), text(argument)))
    yield from _no_texts()


def _no_texts() -> Iterator[Payload]:
    own = by_stack(MODULE, "Str")
    parts = {
        "a number": b"K\x01",
        "None": b"N",
        "bytes": b"C\x02os",
        "a tuple": text("os") + b"\x85",
        "a subclass of str": call(own, text("os")),
        "what str makes": call(by_stack("builtins", "str"), text("os")),
    }
    for name, part in parts.items():
        yield whole(
            f"a module that is {name}", call(part + text("mkdir") + b"\x93", text("canary"))
        )
        yield whole(f"a name that is {name}", text("os") + part + b"\x93")
    yield whole("GLOBAL without a name", b"cos\n")
    yield whole("GLOBAL that is no text", b"c\xff\xfe\nname\n")
    yield whole("GLOBAL of a long line", b"c" + b"x" * 2000 + b"\nname\n")
    yield whole("STACK_GLOBAL of nothing", b"\x93")
