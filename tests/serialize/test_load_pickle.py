"""`load_pickle`: what a caller gives and gets: names, buffers, limits, errors.

Ordinary objects are in `loaded/`, hostile ones in `tests/hostile/`.
"""

from __future__ import annotations

import array
import datetime
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy
import pytest

from interlock.errors import DecodeError, ForbiddenGlobal, InterlockError
from interlock.serialize import NUMPY, Limits, load_pickle
from tests.serialize.loaded import classes

OWN = classes.__name__
DEFAULTS = Limits()


def named(module: str, name: str, protocol: int = 4) -> bytes:
    """A pickle of what is found by GLOBAL."""
    return b"\x80" + bytes([protocol]) + f"c{module}\n{name}\n.".encode()


# What is allowed, what is asked for: refused though something like it is allowed.
ALMOST: tuple[tuple[str, str, str], ...] = (
    (f"{OWN}:Outer", OWN, "Outer.Inner"),
    (f"{OWN}:Outer.Inner", OWN, "Outer"),
    (f"{OWN}:Outer.Inner", OWN, "Inner"),
    (f"{OWN}:Point", OWN, "point"),
    (f"{OWN}:Point", OWN, "Point "),
    (f"{OWN}:Point", OWN + ".Point", "x"),
    (f"{OWN}:Point", OWN.upper(), "Point"),
    ("tests:Point", OWN, "Point"),
    (f"{OWN}:Slots", OWN, "MoreSlots"),
)
DANGEROUS = (
    "os:system builtins:eval builtins:getattr builtins:type subprocess:Popen posix:mkdir "
    "importlib:import_module operator:attrgetter _operator:call _functools:reduce pickle:loads "
    f"functools:reduce {OWN}:function.__globals__ {OWN}:Point.__init__ shutil:rmtree "
    "_frozen_importlib:_gcd_import numpy:load"
).split()
MALFORMED = ("", "os", ":", "os:", ":system", "os.system", "a:b:c", "a b:c", "a:b.", "a:.b", "*:*")


@pytest.mark.parametrize(("allowed", "module", "name"), ALMOST)
def test_a_name_is_allowed_to_the_letter(allowed: str, module: str, name: str) -> None:
    """P4: neither what is within it nor what it is within, nor another case."""
    with pytest.raises(ForbiddenGlobal) as caught:
        load_pickle(named(module, name), allow=[allowed])
    assert (caught.value.module, caught.value.name) == (module, name)
    assert caught.value.offset == 2


def test_an_alias_is_not_what_it_stands_for() -> None:
    """P4: what is found must call itself by the name that is allowed."""
    with pytest.raises(ForbiddenGlobal, match=r"calls itself \('dataclasses', 'dataclass'\)"):
        load_pickle(named(OWN, "dataclass"), allow=[f"{OWN}:dataclass"])
    with pytest.raises(ForbiddenGlobal, match="There is no"):
        load_pickle(named(OWN, "Absent"), allow=[f"{OWN}:Absent"])
    with pytest.raises(ForbiddenGlobal, match="cannot be imported"):
        load_pickle(named("tests.absent", "Absent"), allow=["tests.absent:Absent"])


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_a_name_of_python_2_is_reported_as_the_one_to_allow(protocol: int) -> None:
    """P6: what the error says, added to the list, is what lets the pickle through."""
    data = named("urlparse", "SplitResult", protocol)
    with pytest.raises(ForbiddenGlobal) as caught:
        load_pickle(data)
    assert (caught.value.module, caught.value.name) == ("urllib.parse", "SplitResult")
    assert load_pickle(data, allow=["urllib.parse:SplitResult"]) is pickle.loads(data)


@pytest.mark.parametrize("name", DANGEROUS)
def test_a_name_that_allows_everything_cannot_be_allowed(name: str) -> None:
    """P4: a slip of the caller is an error before anything is read."""
    with pytest.raises(ValueError, match="would let a pickle do anything"):
        load_pickle(pickle.dumps(1), allow=[name])


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_name_is_refused(name: str) -> None:
    """P6: instead of allowing nothing without a word."""
    with pytest.raises(ValueError, match="a name in allow is 'module:qualname', not"):
        load_pickle(pickle.dumps(1), allow=[name])


def test_a_wrong_argument_is_a_type_error() -> None:
    """P6: the caller's use, not the peer's bytes."""
    one: Any = pickle.dumps(1)
    wrong: tuple[tuple[Callable[[], Any], str], ...] = (
        (lambda: load_pickle("text"), "bytes-like"),
        (lambda: load_pickle(None), "bytes-like"),
        (lambda: load_pickle(one, allow=f"{OWN}:Point"), "a tuple of names, not one str"),
        (lambda: load_pickle(one, allow=[classes.Point]), "a name in allow is a str"),  # type: ignore[list-item]
        (lambda: load_pickle(one, allow=7), "not iterable"),  # type: ignore[arg-type]
        (lambda: load_pickle(one, buffers=7), "not iterable"),  # type: ignore[arg-type]
        (lambda: load_pickle(one, limits=7), "Limits"),  # type: ignore[arg-type]
        (lambda: load_pickle(one, limits={"max_bytes": 1}), "Limits"),  # type: ignore[arg-type]
    )
    for call, said in wrong:
        with pytest.raises(TypeError, match=said):
            call()


@pytest.mark.parametrize(
    "kind", [bytes, bytearray, memoryview, lambda data: array.array("B", data)]
)
def test_any_buffer_is_read(kind: Callable[[bytes], Any]) -> None:
    """As with `pickle.loads`; what follows the end is not looked at."""
    data = pickle.dumps({"k": [1, 2]}) + b"\xff rest"
    assert load_pickle(kind(data)) == {"k": [1, 2]}


@pytest.mark.parametrize("content", [bytearray(b"x" * 100), b"x" * 100])
def test_buffers_beside_the_pickle_are_its_parts(content: Any) -> None:
    """Protocol 5: the very objects, or read-only views, as `pickle.loads` has them."""
    beside: list[pickle.PickleBuffer] = []
    data = pickle.dumps([pickle.PickleBuffer(content)], 5, buffer_callback=beside.append)
    loaded, expected = load_pickle(data, buffers=[content]), pickle.loads(data, buffers=[content])
    assert loaded == expected
    assert loaded[0] is expected[0] is content
    assert len(beside) == 1
    given = iter([bytearray(content)])
    assert load_pickle(data, buffers=given) == [content]
    assert memoryview(load_pickle(data, buffers=[bytearray(content)])[0]).readonly == isinstance(
        content, bytes
    )


def test_an_array_refers_to_its_buffer() -> None:
    """Without a copy, writable if the buffer is."""
    numbers = numpy.arange(1000.0)
    beside: list[pickle.PickleBuffer] = []
    data = pickle.dumps(numbers, 5, buffer_callback=beside.append)
    memory = bytearray(beside[0])
    loaded = load_pickle(data, allow=NUMPY, buffers=[memory])
    assert numpy.array_equal(loaded, numbers)
    loaded[0] = 7.0
    assert numpy.frombuffer(memory)[0] == 7.0


@pytest.mark.parametrize(
    ("buffers", "said"),
    [(None, "Give them as buffers="), ([], "too few buffers"), ([b"x" * 3000], "has 3000 bytes")],
)
def test_missing_buffers_are_refused(buffers: Any, said: str) -> None:
    """P4: none, too few, or one of another size."""
    beside: list[pickle.PickleBuffer] = []
    data = pickle.dumps(numpy.arange(1000.0), 5, buffer_callback=beside.append)
    with pytest.raises(DecodeError, match=said):
        load_pickle(data, allow=NUMPY, buffers=buffers)


# A limit, and a value that has exactly so much.
LIMITED: tuple[tuple[str, int, Any], ...] = (
    ("max_items", 100, [0] * 100),
    ("max_items", 100, dict.fromkeys(range(50))),
    ("max_string", 70, "x" * 70),
    ("max_string", 70, b"x" * 70),
    ("max_string", 70, bytearray(b"x" * 70)),
    ("max_depth", 3, [[[]]]),
    ("max_depth", 3, [{"k": ()}]),
)


@pytest.mark.parametrize(("limit", "most", "thing"), LIMITED)
def test_a_limit_is_the_most_that_is_read(limit: str, most: int, thing: Any) -> None:
    """P4: as much passes, one less does not; the error names the limit and says what to do."""
    data = pickle.dumps(thing, 5)
    assert load_pickle(data, limits=Limits(**{limit: most})) == thing
    with pytest.raises(DecodeError, match=rf"\({limit}\)") as caught:
        load_pickle(data, limits=Limits(**{limit: most - 1}))
    assert f"give limits=Limits({limit}=...)" in str(caught.value)
    assert caught.value.offset is not None


def test_max_bytes_has_the_pickle_and_its_buffers() -> None:
    """P4: both together, before either is looked at."""
    content = b"x" * 1000
    data = pickle.dumps(pickle.PickleBuffer(content), 5, buffer_callback=lambda _: False)
    assert load_pickle(data, buffers=[content], limits=Limits(max_bytes=len(data) + 1000))
    with pytest.raises(DecodeError, match=r"\(max_bytes\)"):
        load_pickle(data, buffers=[content], limits=Limits(max_bytes=len(data) + 999))
    with pytest.raises(DecodeError, match=r"\(max_bytes\)") as caught:
        load_pickle(content, limits=Limits(max_bytes=999))
    assert caught.value.offset == 999


# Bytes, the offset of the opcode at fault, and how the error begins.
WRONG: tuple[tuple[bytes, int, str], ...] = (
    (b"", 0, "The pickle ends without STOP"),
    (b"\x80\x04N", 3, "The pickle ends without STOP"),
    (b"\x80\x04\xff.", 2, "A byte that is no opcode was found"),
    (b"\x80\x06N.", 0, "Protocol 6 is not known here"),
    (b"X\x05\x00\x00\x00abc", 0, "The pickle ends 2 bytes too early, or a length is wrong"),
    (b"N0.", 2, "A value is needed and there is none"),
    (b"h\x07.", 0, "Nothing was remembered as number 7"),
    (b"I1\nIx\n.", 3, "b'x' is no number"),
    (b"(N.", 2, "The pickle stops within a value"),
    (b"}]Ns.", 3, "An object could not be restored: TypeError: unhashable type: 'list'"),
    (b"Pid\n.", 0, "The pickle refers to an object by a persistent id"),
    (b"\x82\x01.", 0, "Extension code 1 is used"),
    (b"K\x01K\x02a.", 4, "A int is changed that this pickle did not make"),
    (b"cos\nsystem\n.", 0, "The pickle names 'os', 'system', which is not allowed"),
)


@pytest.mark.parametrize(("data", "offset", "begins"), WRONG)
def test_an_error_says_what_where_and_what_to_do(data: bytes, offset: int, begins: str) -> None:
    """P6: three sentences; `.offset` is the byte of the opcode; it is pickle's error too."""
    with pytest.raises(DecodeError) as caught:
        load_pickle(data)
    text = str(caught.value)
    assert text.startswith(begins)
    assert f"This is at byte {offset} of the pickle" in text
    assert len(text.split(". ")) >= 3
    assert caught.value.offset == offset
    assert isinstance(caught.value, InterlockError)
    assert isinstance(caught.value, pickle.UnpicklingError)


def test_an_error_travels() -> None:
    """P6: with its fields, so that a worker can report it."""
    with pytest.raises(ForbiddenGlobal) as caught:
        load_pickle(b"cos\nsystem\n.")
    got = pickle.loads(pickle.dumps(caught.value))
    assert (str(got), got.module, got.name, got.offset) == (str(caught.value), "os", "system", 0)
    why = caught.value.__context__  # tblib, which Dask has, sends it too
    assert vars(pickle.loads(pickle.dumps(why))) == vars(why)


def test_an_error_of_a_hook_is_the_cause() -> None:
    """P6: what an allowed class raised, told as the peer's fault."""
    data = f"c{OWN}\nState\n)".encode() + b"\x81K\x01b."
    with pytest.raises(DecodeError, match="could not be restored: TypeError") as caught:
        load_pickle(data, allow=[f"{OWN}:State"])
    assert isinstance(caught.value.__cause__, TypeError)


def test_objects_in_numpys_arrays_are_refused_with_advice() -> None:
    """P4: their bytes would be taken for pointers."""
    with pytest.raises(DecodeError, match=r"has objects, or no dtype.*Convert it to numbers"):
        load_pickle(pickle.dumps(numpy.array([None, {}])), allow=NUMPY)


def test_old_names_of_numpy_are_read() -> None:
    """Arrays of numpy 1 have `numpy.core` where numpy 2 has `numpy._core`."""
    data = pickle.dumps(numpy.arange(3), 2).replace(b"numpy._core", b"numpy.core")
    assert b"numpy.core.multiarray" in data
    assert load_pickle(data, allow=NUMPY).tolist() == [0, 1, 2]


def test_nothing_is_imported_for_a_plain_pickle() -> None:
    """P4: neither numpy, nor what a pickle only names."""
    program = (
        "import sys, pickle; from interlock.serialize import load_pickle\n"
        "from interlock.errors import ForbiddenGlobal\n"
        "load_pickle(pickle.dumps([1]))\n"
        "for name in (b'numpy', b'turtle', b'this'):\n"
        "    try: load_pickle(b'c' + name + b'\\nx\\n.')\n"
        "    except ForbiddenGlobal: print(name.decode() in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True,
        env={"PYTHONPATH": ":".join(filter(None, sys.path))},
    )  # fmt: skip
    assert done.stdout.split() == ["False"] * 3
    assert done.stderr == ""


def test_a_loaded_object_may_be_changed() -> None:
    """Nothing of the reader stays in it: two readings share no part."""
    data = pickle.dumps([[1], {"k": {2}}, datetime.date(2024, 2, 29)])
    first, second = load_pickle(data), load_pickle(data)
    first[0].append(2)
    first[1]["k"].add(3)
    assert second == [[1], {"k": {2}}, datetime.date(2024, 2, 29)]
    assert load_pickle(data, limits=DEFAULTS) == second
