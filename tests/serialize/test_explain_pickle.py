"""What a pickle would do is told without loading it: names, calls, verdict."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.serialize import Limits, PickleReport, Verdict, explain_pickle
from tests.serialize.explained.samples import (
    PLAIN,
    PROTOCOLS,
    REACHING,
    VALUES,
    Listing,
    harmless,
    name,
    text,
)

ROOT = Path(__file__).resolve().parent.parent.parent


def calls(report: PickleReport) -> list[tuple[str, str]]:
    return [(call.opcode, call.text) for call in report.calls]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_chapters_example_is_told_word_for_word(protocol: int) -> None:
    """P4: the command that it would run, by every protocol."""
    report = explain_pickle(pickle.dumps(Listing(), protocol))
    assert (report.verdict, report.verdict.status) == (Verdict.RUNS_CODE, 1)
    assert [(found.text, found.also) for found in report.globals] == [("posix.system", "os.system")]
    assert calls(report) == [("REDUCE", "posix.system('ls -lh')")]
    assert any("calls posix.system" in reason for reason in report.reasons)
    assert report.protocol == (protocol if protocol > 1 else 0)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_plain_objects_are_plain_data(protocol: int) -> None:
    """No name at all; protocols 0 to 2 need one for bytes, a registered one."""
    for value in PLAIN:
        report = explain_pickle(pickle.dumps(value, protocol))
        needs_name = protocol < 3 and b"bytes" in str(value).encode()
        needs_name |= protocol < 5 and "bytearray" in str(value)
        expected = Verdict.REGISTERED_TYPES if needs_name else Verdict.PLAIN_DATA
        assert (report.verdict, report.damage) == (expected, None), value


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_plain_values_of_the_standard_library_are_registered(protocol: int) -> None:
    """Dates, numbers, collections, paths, exceptions; sets need no name from protocol 4 on."""
    for value in VALUES:
        report = explain_pickle(pickle.dumps(value, protocol))
        assert report.verdict.status == 0, (value, report.reasons)
        assert report.damage is None


@pytest.mark.parametrize("kind", REACHING)
def test_a_pickle_that_reaches_for_more_would_run_code(kind: str) -> None:
    """P4: by every opcode that reaches out; the report names a cause and its byte."""
    report = explain_pickle(REACHING[kind])
    assert report.verdict is Verdict.RUNS_CODE
    assert report.reasons and all("(byte " in reason for reason in report.reasons)


def test_the_verdict_agrees_with_a_recording_unpickler() -> None:
    """P4: no pickle that is called harmless asks a real unpickler for another name."""
    pickles = [data for _, data in harmless()] + list(REACHING.values())
    done = subprocess.run(
        [sys.executable, "-m", "tests.serialize.explained.recording"],
        input="\n".join(data.hex() for data in pickles),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(pickles)
    reached = 0
    for data, outside in zip(pickles, answers, strict=True):
        reached += bool(outside)
        if explain_pickle(data).verdict.status == 0:
            assert outside == [], data
    assert reached >= 30  # so the comparison can fail


@pytest.mark.parametrize(
    ("data", "opcode", "told"),
    [
        (b"(I1\nVa\nia.b\nC\n.", "INST", "a.b.C(1, 'a')"),
        (b"(ca\nC\nI1\no.", "OBJ", "a.C(1)"),
        (b"\x80\x02ca\nC\n)\x81.", "NEWOBJ", "a.C()"),
        (b"ca\nC\n)}Vx\nI1\ns\x92.", "NEWOBJ_EX", "a.C(x=1)"),
        (b"ca\nC\n(lI1\naR.", "REDUCE", "a.C(*[1])"),
        (b"ca\nC\n)RI1\na.", "APPEND", "a.C.append(1)"),
        (b"ca\nC\n)R(I1\nI2\ne.", "APPENDS", "a.C.extend([1, 2])"),
        (b"ca\nC\n)RVk\nI1\ns.", "SETITEM", "a.C.__setitem__('k', 1)"),
        (b"ca\nC\n)R(Vk\nI1\nu.", "SETITEMS", "a.C.__setitem__('k', 1)"),
        (b"\x80\x04ca\nC\n)R(I1\n\x90.", "ADDITEMS", "a.C.add([1])"),
        (b"ca\nC\n)R}b.", "BUILD", "a.C.__setstate__({})"),
    ],
)
def test_each_call_is_told_with_its_arguments(data: bytes, opcode: str, told: str) -> None:
    """In the order in which they would be made."""
    assert calls(explain_pickle(data))[-1] == (opcode, told)


@pytest.mark.parametrize(
    ("state", "does"),
    [
        (b"}Vx\nI1\nsVy\nI2\ns", "otherwise sets the attributes 'x', 'y'"),
        (b"N}Vx\nI1\ns\x86", "otherwise sets the attributes 'x'"),
        (b"}", "otherwise sets no attribute"),
        (b"I1\n", "calls `__setstate__`"),
    ],
)
def test_build_says_what_it_does_with_the_state(state: bytes, does: str) -> None:
    """A class's own `__setstate__`, if it has one; otherwise attributes."""
    (_, build) = explain_pickle(b"ca\nC\n)R" + state + b"b.").calls
    assert build.does.endswith(does)


def test_of_standard_classes_it_is_known_what_build_does() -> None:
    """An exception has a `__setstate__`, a deque has none."""
    error, queue = ValueError(), b"ccollections\ndeque\n)R}Vx\nI1\nsb."
    error.note = "x"  # type: ignore[attr-defined]
    assert explain_pickle(pickle.dumps(error)).calls[-1].does == "calls `__setstate__`"
    assert explain_pickle(queue).calls[-1].does == "sets the attributes 'x'"


def test_names_are_told_with_byte_and_opcode() -> None:
    """Python 2's names, as a loader of today finds them; and those that cannot be known."""
    data = b"(c__builtin__\nset\n\x82\x07(ia\nB\n" + name("c", "D") + text("e") + b"K\x01\x93t."
    found = [
        (each.module, each.name, each.offset, each.how, each.also)
        for each in explain_pickle(data).globals
    ]
    assert found == [
        ("builtins", "set", 1, "GLOBAL", "__builtin__.set"),
        (None, None, 18, "EXT1", None),
        ("a", "B", 21, "INST", None),
        ("c", "D", 32, "STACK_GLOBAL", None),
        (None, None, 38, "STACK_GLOBAL", None),
    ]


def test_ids_and_buffers_are_told() -> None:
    """What the pickle needs from the loading program."""
    report = explain_pickle(b"(Pname\nI7\nQ\x97\x97\x98t.")
    assert [(each.text, each.offset) for each in report.persistent_ids] == [
        ("'name'", 1),
        ("7", 10),
    ]
    assert report.buffers == 2
    out_of_band = pickle.dumps(pickle.PickleBuffer(b"x"), 5, buffer_callback=lambda _: None)
    report = explain_pickle(out_of_band)
    assert (report.buffers, report.verdict) == (1, Verdict.PLAIN_DATA)


def test_names_that_are_given_are_registered() -> None:
    """Only these, and only as they are written."""
    data = pickle.dumps(Limits())
    names = ["interlock.serialize.limits:Limits"]
    assert explain_pickle(data).verdict is Verdict.RUNS_CODE
    assert explain_pickle(data, registered=names).verdict is Verdict.REGISTERED_TYPES
    assert explain_pickle(data, registered=["interlock:Limits"]).verdict is Verdict.RUNS_CODE
    for wrong in ("interlock.Limits", ":Limits", "interlock:"):
        with pytest.raises(ValueError, match="module:qualname"):
            explain_pickle(data, registered=[wrong])


def test_pickles_that_follow_are_told_too() -> None:
    """`pickle.loads` reads the first; a program that reads a file in a loop reads them all."""
    report = explain_pickle(pickle.dumps(1) + pickle.dumps("two") + pickle.dumps(Listing()))
    assert (report.pickles, report.values) == (3, ("1", "'two'", "posix.system('ls -lh')"))
    assert report.trailing_bytes > 0 and report.verdict is Verdict.RUNS_CODE
    report = explain_pickle(b"N." + b"\xff")
    assert (report.pickles, report.trailing_bytes, report.verdict) == (1, 1, Verdict.DAMAGED)
    assert report.damage is not None and report.damage.offset == 2


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_beginning_of_a_pickle_is_damaged_at_a_byte(protocol: int) -> None:
    """P4: what was seen before is told."""
    data = pickle.dumps({"a": [1, 2.5, "text", b"bytes", (None, True)]}, protocol)
    for end in range(len(data)):
        report = explain_pickle(data[:end])
        assert report.verdict is Verdict.DAMAGED
        assert report.damage is not None and 0 <= report.damage.offset <= end
    whole = pickle.dumps(Listing(), protocol)
    report = explain_pickle(whole[:-1])
    assert (report.verdict, len(report.calls)) == (Verdict.RUNS_CODE, 1)
    assert report.damage is not None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the bytes end before STOP"),
        (b"\xff", "0xff is no opcode"),
        (b".", "STOP finds nothing on the stack"),
        (b"t.", "TUPLE finds no mark"),
        (b"h\x00.", "BINGET recalls number 0"),
        (b"Np-1\n.", "PUT remembers as number -1"),
        (b"Npx\n.", "PUT has a line that is no number"),
        (b"I1", "INT wants a line"),
        (b"Ix\n.", "INT has a line that is no number"),
        (b"Lx\n.", "LONG has a line that is no number"),
        (b"Fx\n.", "FLOAT has a line that is no number"),
        (b"Sx\n.", "STRING has a string without quotes"),
        (b"S'\\x'\n.", "STRING has a string with a broken escape"),
        (b"V\\uzz\n.", "UNICODE has a text with a broken escape"),
        (b"\x8c\x01\xff.", "SHORT_BINUNICODE has a text that is no UTF-8"),
        (b"T\xff\xff\xff\xff.", "BINSTRING wants -1 bytes"),
        (b"c\xff\na\n.", "GLOBAL has a name that is no UTF-8"),
        (b"\x80\x09N.", "PROTO names protocol 9"),
        (b"\x95" + b"\xff" * 8 + b"N.", "FRAME wants a frame of"),
        (b"(K\x01d.", "DICT finds a key without a value"),
        (b"(o.", "OBJ finds no class"),
        (b"NNa.", "APPEND fills a nonetype, which has no append"),
        (b"]I1\nb.", "BUILD restores the state of a list"),
    ],
)
def test_the_damage_is_told(data: bytes, reason: str) -> None:
    """P6: the opcode and what is wrong with it."""
    report = explain_pickle(data)
    assert report.damage is not None and report.damage.reason.startswith(reason)
    assert report.verdict is Verdict.DAMAGED


def test_numbers_are_read_as_loaders_read_them() -> None:
    """Hexadecimal ones and Python 2's strings too, which `pickletools` refuses."""
    report = explain_pickle(b"(I0x10\nI01\nL7L\nF1.5\nS'a\\n'\nU\x01\xffT\x01\x00\x00\x00bt.")
    assert report.values == ("(16, True, 7, 1.5, 'a\\n', b'\\xff', 'b')",)
    assert report.damage is None


def test_control_characters_are_escaped() -> None:
    """P4: neither names nor arguments can speak to a terminal or pose as other names."""
    report = explain_pickle(b"ca\x1b[2J\nb (\n(V\x1b[2J\x9b\ntR.")
    shown = str(report.as_dict())
    assert report.calls[0].text == "'a\\x1b[2J'.'b ('('\\x1b[2J\\x9b')"
    assert all(each.isprintable() for call in report.calls for each in call.text)
    assert "\x1b" not in shown.replace("\\x1b", "")


def test_what_is_beyond_the_limits_is_not_called_harmless() -> None:
    """Neither too many bytes nor too many opcodes nor too little time."""
    data = pickle.dumps(list(range(5000)))
    for report in (
        explain_pickle(data, limits=Limits(max_bytes=100)),
        explain_pickle(data, limits=Limits(max_items=100)),
        explain_pickle(data, time_max_s=0),
    ):
        assert (report.verdict, report.verdict.status) == (Verdict.BEYOND_LIMITS, 1)
        assert report.damage is not None


objects = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers(), inner)
    ),
)


@settings(deadline=None, max_examples=150)
@given(objects, st.sampled_from(PROTOCOLS))
def test_whatever_is_plain_is_told_to_be_plain(value: Any, protocol: int) -> None:
    """Property: the verdict, no damage, and the value as Python writes it where it is short."""
    report = explain_pickle(pickle.dumps(value, protocol))
    assert (report.verdict, report.damage) == (Verdict.PLAIN_DATA, None)
    assert (report.calls, report.pickles, report.trailing_bytes) == ((), 1, 0)
    if "..." not in report.values[0] and len(repr(value)) < 500:
        assert report.values[0] == repr(value)


@settings(deadline=None, max_examples=400)
@given(st.binary(max_size=200))
def test_random_bytes_raise_nothing(data: bytes) -> None:
    """Property: whatever the bytes, there is a report, and JSON can hold it."""
    report = explain_pickle(data)
    json.dumps(report.as_dict())
    assert report.size == len(data)
    assert (report.damage is None) <= (report.pickles > 0)
