"""Payloads that are small and would be huge, slow or deep."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from tests.hostile.corpus.assembler import (
    MARK,
    Payload,
    by_stack,
    call,
    item,
    list_of,
    new,
    text,
    value,
    whole,
)
from tests.hostile.victims import MODULE

__all__ = ["payloads"]

MILLION = 10**6
DEEP = 200_000
DEEP_TUPLES = b")" + b"\x85" * DEEP
MEGABYTE = 1 << 20
PRIME = 2**61 - 1  # numbers are hashed modulo this


def builtin(name: str, *parts: bytes) -> bytes:
    """A call of a builtin."""
    return call(by_stack("builtins", name), *parts)


def payloads() -> Iterator[Payload]:
    """All of them."""
    for bodies in (_nested(), _lengths(), _numbers(), _hashes(), _memo(), _copies(), _numpy()):
        for name, body in bodies.items():
            yield whole(name, body)


def doubled(times: int) -> bytes:
    """A tuple of 2**times empty ones."""
    steps = (b"h%ch%c\x86\x940" % (n, n) for n in range(times))
    return b")\x940" + b"".join(steps) + b"h%c" % times


def kept(part: bytes) -> bytes:
    """Remembers the value as number 0, and takes it off."""
    return part + b"q\x000"


def long_int(size: int) -> bytes:
    """A number of so many bytes."""
    return b"\x8b" + struct.pack("<i", size) + b"\x11" * size


def _nested() -> dict[str, bytes]:
    key = b"})" + b"\x85" * MILLION + b"Ns"
    objects = b"h\x00)\x81}" + text("x") + b"h\x01sbq\x010"
    return {
        "lists in lists": b"]" * DEEP + b"a" * (DEEP - 1),
        "tuples in tuples": DEEP_TUPLES,
        "dicts in dicts": b"}N" * DEEP + b"N" + b"s" * DEEP,
        "frozensets in frozensets": MARK * MILLION + b"\x91" * MILLION,
        "marks": MARK * MILLION,
        "tuples in tuples as a key": key,
        "tuples in tuples as an item": b"\x8f(" + DEEP_TUPLES + b"\x90",
        "tuples in tuples, FROZENSET": MARK + DEEP_TUPLES + b"\x91",
        "frozensets as a key": b"}" + MARK * 900 + b"\x91" * 900 + b"Ns",
        "tuples in tuples, thrown away": DEEP_TUPLES + b"0N",
        "exceptions in exceptions": kept(by_stack("builtins", "ValueError"))
        + b"h\x00)Rq\x010" + b"h\x00h\x01\x85Rq\x010" * 30_000 + b"h\x01",
        "slices in slices": kept(by_stack("builtins", "slice"))
        + b"Nq\x010" + b"h\x00(h\x01h\x01tRq\x010" * 30_000 + b"h\x01",
        "partials in partials": kept(by_stack("functools", "partial"))
        + kept(by_stack(MODULE, "ordinary")).replace(b"q\x00", b"q\x02")
        + b"Nq\x010" + b"h\x00(h\x02h\x01tRq\x010" * 30_000 + b"h\x01",
        "objects in objects": kept(by_stack(MODULE, "Plain"))
        + b"Nq\x010" + objects * 30_000 + b"h\x01",
        "exceptions through their attributes": kept(by_stack("builtins", "ValueError"))
        + b"Nq\x010" + objects.replace(b"\x81", b"R") * 30_000 + b"h\x01",
        "chains of maps": kept(by_stack("collections", "ChainMap"))
        + b"h\x00)Rq\x010" + b"h\x00h\x01\x85Rq\x010" * 30_000 + b"h\x01",
    }  # fmt: skip


def _lengths() -> dict[str, bytes]:
    bodies = {
        f"a length of 4 bytes, opcode {code:#04x}": bytes([code]) + b"\xff\xff\xff\x7f" + b"x"
        for code in b"XBT\x8b"
    }
    bodies |= {
        f"a length of 8 bytes, opcode {code:#04x}": bytes([code]) + size + b"x"
        for code in b"\x8d\x8e\x96\x95"
        for size in (b"\xff" * 7 + b"\x7f",)
    }
    bodies |= {
        f"a length of 2**63, opcode {code:#04x}": bytes([code]) + b"\0" * 7 + b"\x80" + b"x"
        for code in b"\x8d\x8e\x96\x95"
    }
    return bodies | {
        "a negative length, LONG4": b"\x8b\xff\xff\xff\xff",
        "a negative length, BINSTRING": b"T\xff\xff\xff\xff",
        "a frame of all there is": b"\x95" + b"\xff" * 8 + b"N",
        "digits, INT": b"I" + b"9" * MILLION + b"\n",
        "digits, LONG": b"L" + b"9" * MILLION + b"L\n",
        "digits, FLOAT": b"F" + b"9" * MILLION + b"\n",
        "digits, PUT": b"Np" + b"9" * 4000 + b"\n",
        "a protocol to come": b"\x80\xff",
    }


def _numbers() -> dict[str, bytes]:
    """Arguments of known types."""
    huge, digits = value(2**33), text("9" * MILLION)
    fraction = by_stack("fractions", "Fraction")
    decimal, day = by_stack("decimal", "Decimal"), by_stack("datetime", "timedelta")
    span = long_int(2 * MEGABYTE) + long_int(MEGABYTE)
    return {
        "bytearray": builtin("bytearray", huge),
        "bytes": builtin("bytes", huge),
        "bytes, NEWOBJ": new(by_stack("builtins", "bytes"), huge),
        "list of a range": builtin("list", builtin("range", value(2**40))),
        "tuple of a range": builtin("tuple", builtin("range", value(2**40))),
        "set of a range": builtin("set", builtin("range", value(2**40))),
        "deque of a range": call(
            by_stack("collections", "deque"), builtin("range", value(2**40))
        ),
        "array of a range": call(
            by_stack("array", "array"), text("d"), builtin("range", value(2**40))
        ),
        "int of digits": builtin("int", digits),
        "int of digits in base 3": builtin("int", digits, value(3)),
        "Fraction of an exponent": call(fraction, text("1e99999999")),
        "Fraction of digits": call(fraction, digits),
        "Fraction of numbers": call(fraction, long_int(4 * MEGABYTE), long_int(3 * MEGABYTE)),
        "Fraction of a Decimal": call(fraction, call(decimal, text("1e999999999"))),
        "Decimal of digits": call(decimal, digits),
        "Decimal of a number": call(decimal, long_int(4 * MEGABYTE)),
        "int of a Decimal": builtin("int", call(decimal, text("1e999999999"))),
        "a range of huge numbers": builtin("range", value(0) + span)
        + b"0N",
        "a timedelta": call(day, long_int(4 * MEGABYTE)),
        "a place before a text": call(
            by_stack("builtins", "UnicodeEncodeError"),
            *(value(part) for part in ("ascii", "text", -(2**40), 1 - 2**40, "reason")),
        ),
        "a place before a text, by its state": call(
            by_stack("builtins", "UnicodeEncodeError"),
            *(value(part) for part in ("ascii", "text", 0, 1 - 2**40, "reason")),
        ) + value({"start": -(2**40)}) + b"b",
        "an object that is no text, by the state": call(
            by_stack("builtins", "UnicodeEncodeError"),
            *(value(part) for part in ("ascii", "text", 0, 1, "reason")),
        ) + value({"object": 17}) + b"b",
        "a complex": builtin("complex", long_int(4 * MEGABYTE)),
        "an address": call(by_stack("ipaddress", "IPv4Address"), long_int(4 * MEGABYTE)),
        "a UUID's safety": call(by_stack("uuid", "SafeUUID"), long_int(4 * MEGABYTE)),
        "a zone by a path": call(
            by_stack("zoneinfo", "ZoneInfo._unpickle"), text("../" * 1000 + "dev/zero"), value(True)
        ),
        "a text of a huge number": builtin("str", long_int(4 * MEGABYTE)),
    }  # fmt: skip


def _hashes() -> dict[str, bytes]:
    equal = b"".join(value(k * PRIME) + b"N" for k in range(1, 20_000))
    alone = b"".join(value(k * PRIME) for k in range(1, 20_000))
    tuples = b"".join(value((k * PRIME,)) + b"N" for k in range(1, 20_000))
    complexes = b"".join(value(complex(-1000003.0 * k, k)) + b"N" for k in range(1, 20_000))
    decimals = kept(by_stack("decimal", "Decimal")) + b"}(" + b"".join(
        b"h\x00" + text(f"{k * PRIME}") + b"\x85RN" for k in range(1, 20_000)
    ) + b"u"  # fmt: skip
    fractions = kept(by_stack("fractions", "Fraction")) + b"}(" + b"".join(
        b"h\x00(" + value(k * PRIME) + value(k + 1) + b"tRN" for k in range(1, 20_000)
    ) + b"u"  # fmt: skip
    pairs = list_of(value(1) + doubled(100) + b"\x86")
    last = doubled(100)
    return {
        "doubled tuples as a key": item(last, b"N"),
        "doubled tuples in a set": b"\x8f(" + last + b"\x90",
        "doubled tuples, FROZENSET": MARK + last + b"\x91",
        "doubled tuples, set()": builtin("set", list_of(last)),
        "doubled tuples, dict()": builtin("dict", list_of(last + b"N\x86")),
        "doubled tuples, OrderedDict()": call(
            by_stack("collections", "OrderedDict"), list_of(last + b"N\x86")
        ),
        "doubled tuples, counted": call(by_stack("collections", "Counter"), pairs),
        "doubled tuples, counted as a key": call(
            by_stack("collections", "Counter"), list_of(last + b"N\x86")
        ),
        "doubled tuples in a GenericAlias": item(
            call(by_stack("types", "GenericAlias"), by_stack("builtins", "list"), last), b"N"
        ),
        "doubled tuples in a timezone's place": call(
            by_stack("datetime", "datetime"), last
        ),
        "equal hashes": b"}(" + equal + b"u",
        "equal hashes, DICT": MARK + equal + b"d",
        "equal hashes, ADDITEMS": b"\x8f(" + alone + b"\x90",
        "equal hashes of tuples": b"}(" + tuples + b"u",
        "equal hashes of complexes": b"}(" + complexes + b"u",
        "equal hashes of Decimals": decimals,
        "equal hashes of Fractions": fractions,
        "equal hashes, one by one": b"}" + b"".join(
            value(k * PRIME) + b"Ns" for k in range(1, 20_000)
        ),
    }  # fmt: skip


def _memo() -> dict[str, bytes]:
    ten = b"".join(b"](" + b"h%c" % n * 10 + b"eq%c" % (n + 1) for n in range(1, 200))
    return {
        "a high number of the memo, LONG_BINPUT": b"Nr\xff\xff\xff\xff",
        "a high number of the memo, PUT": b"Np4294967295\n",
        "a higher one": b"Np4294967296\n",
        "a high number that is not there": b"j\xff\xff\xff\xff",
        "a negative number": b"Np-1\n",
        "laughs": b"]q\x01" + ten,
        "a list in itself a million times": b"]q\x00(" + b"h\x00" * MILLION + b"e",
        "one value a million times": b"N" + b"2" * MILLION,
        "a mark for each": (b"(N" * 400 + b"t" * 400) * 100,
    }  # fmt: skip


def _copies() -> dict[str, bytes]:
    """What is there once, and is copied again and again by a few bytes each."""

    def again(callee: bytes, part: bytes, op: bytes, times: int) -> bytes:
        return callee + b"q\x000" + part + b"q\x010" + b"](" + (b"h\x00h\x01" + op) * times + b"e"

    many = MARK + b"N" * DEEP + b"t"
    one = many + b"\x85"
    string = text("x" * MEGABYTE) + b"\x85"
    wide = text("\U0001f512" + "x" * MEGABYTE) + b"\x85"
    number = long_int(MEGABYTE) + b"\x85"
    reconstructor = by_stack("copyreg", "_reconstructor")
    integer = by_stack(MODULE, "Int") + by_stack("builtins", "int") + long_int(MEGABYTE) + b"\x87"
    function = MARK + by_stack(MODULE, "ordinary") + b"N" * DEEP + b"t"
    error, encode = by_stack("builtins", "ValueError"), by_stack("_codecs", "encode")
    latin = text("x" * MEGABYTE) + text("latin1") + b"\x86"
    fractions = by_stack("fractions", "Fraction")
    digits = text("9" * 10_000) + b"\x85"
    terms = text("7" * 4300 + "/" + "9" * 4300) + b"\x85"
    numbers = long_int(4000) + value(7**11_000) + b"\x86"
    ends = b"K\x00" + long_int(4000) + long_int(2000) + b"\x87"
    return {
        "lists of a list": again(by_stack("builtins", "list"), one, b"R", 2000),
        "deques of a tuple": again(by_stack("collections", "deque"), one, b"R", 2000),
        "exceptions of many arguments": again(error, many, b"\x81", 2000),
        "exceptions of many arguments, REDUCE": again(error, many, b"R", 2000),
        "partials of many arguments": again(by_stack("functools", "partial"), function, b"R", 2000),
        "bytearrays of a text": again(
            by_stack("builtins", "bytearray"), value(b"x" * MEGABYTE) + b"\x85", b"R", 8000
        ),
        "texts of a class": again(by_stack(MODULE, "Str"), string, b"\x81", 8000),
        "wide texts of a class": again(by_stack(MODULE, "Str"), wide, b"R", 8000),
        "numbers of a class": again(by_stack(MODULE, "Int"), number, b"R", 8000),
        "numbers of a class, copyreg": again(reconstructor, integer, b"R", 8000),
        "ranges of huge numbers": again(
            by_stack("builtins", "range"), b"K\x00" + long_int(MEGABYTE) + b"\x86", b"R", 8000
        ),
        "paths of a text": again(by_stack("pathlib", "PurePath"), string, b"R", 8000),
        "bytes of a text": again(encode, latin, b"R", 8000),
        "arrays of bytes": again(
            by_stack("array", "array"), text("B") + value(b"x" * MEGABYTE) + b"\x86", b"R", 8000
        ),
        "Decimals of digits": again(by_stack("decimal", "Decimal"), digits, b"R", 50_000),
        "Fractions of digits": again(fractions, terms, b"R", 50_000),
        "Fractions of numbers": again(fractions, numbers, b"R", 50_000),
        "ranges of numbers": again(by_stack("builtins", "range"), ends, b"R", 50_000),
        "Decimals of digits as keys": by_stack("decimal", "Decimal")
        + b"q\x000" + digits + b"q\x010"
        + b"](" + b"}h\x00h\x01RNs" * 50_000 + b"e",
    }  # fmt: skip


def _numpy() -> dict[str, bytes]:
    multiarray = "numpy._core.multiarray"
    scalar, rebuild = by_stack(multiarray, "scalar"), by_stack(multiarray, "_reconstruct")
    array = by_stack("numpy", "ndarray")
    dtype = by_stack("numpy", "dtype")

    def of(code: str) -> bytes:
        return call(dtype, text(code), value(False), value(True))

    def state(kind: bytes, shape: bytes, content: bytes) -> bytes:
        return MARK + value(1) + shape + kind + value(False) + content + b"tb"

    empty = call(rebuild, array, value((0,)), value(b"b"))
    content = value(b"x" * MEGABYTE)
    swapped = (
        of("i8") + MARK + value(3) + text(">") + b"NNN" + value(-1) + value(-1) + value(0) + b"tb"
    )
    return {
        "an array of pointers": empty + state(of("O8"), value((1,)), value(b"\x41" * 8)),
        "an array of objects": empty + state(of("O8"), value((1,)), list_of(value(1))),
        "an array of a shape": empty + state(of("f8"), value((2**40,)), value(b"x" * 8)),
        "an array of a shape that wraps": empty
        + state(of("f8"), value((2**33, 2**31)), value(b"")),
        "an array of a negative shape": empty + state(of("f8"), value((-1,)), value(b"x" * 8)),
        "an array, NEWOBJ": new(array, value((2**36,))),
        "an array, REDUCE": call(array, value((2**36,))),
        "an array made of a shape": call(rebuild, array, value((2**36,)), value(b"b")),
        "a dtype of a size": call(
            scalar, call(dtype, text("V999999999"), value(False), value(True)), value(b"x")
        ),
        "a dtype of text": call(dtype, text("f8," * 100_000), value(False), value(True)),
        "a dtype of a dict": call(dtype, b"}", value(False), value(True)),
        "a scalar of a pointer": call(scalar, of("O8"), value(b"\x41" * 8)),
        "a dtype with a lie in its state": of("f8")
        + MARK + value(3) + text("|") + b"NNN" + value(-1) + value(-1) + value(63) + b"tb",
        "a dtype with huge fields": of("V8")
        + MARK + value(3) + text("|") + b"N" + value(("a",))
        + b"}" + text("a") + of("f8") + value(2**40) + b"\x86s"
        + value(8) + value(1) + value(16) + b"tb",
        "scalars of a large item": kept(scalar)
        + call(dtype, text(f"S{MEGABYTE}"), value(False), value(True)) + b"q\x010"
        + content + b"q\x020](" + b"h\x00(h\x01h\x02tR" * 8000 + b"e",
        "arrays of one content": kept(rebuild)
        + array + b"q\x010" + swapped + b"q\x020" + content + b"q\x030" + value((0,)) + b"q\x040"
        + value((MEGABYTE // 8,)) + b"q\x050]("
        + b"h\x00(h\x01h\x04C\x01btR(K\x01h\x05h\x02K\x00h\x03tb" * 8000 + b"e",
    }  # fmt: skip
