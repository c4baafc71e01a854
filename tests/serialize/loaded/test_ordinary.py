"""Ordinary objects through `load_pickle`: equal to what `pickle.loads` makes of the same bytes."""

from __future__ import annotations

import pickle
import pickletools
import re
from typing import Any

import pandas
import pytest

from interlock.errors import DecodeError, ForbiddenGlobal
from interlock.serialize import load_pickle
from tests.serialize.loaded.ordinary import ALLOW, OBJECTS
from tests.serialize.same_as_pickle.isomorphic import difference

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
LEAST = 0.98
# With keywords for `__new__`, these protocols write a partial of it, which is then called.
NOT_READ = {("__getnewargs_ex__", 2), ("__getnewargs_ex__", 3)}
TABLES = (pandas.DataFrame, pandas.Series, pandas.Index)


def pickles(protocol: int) -> dict[str, bytes]:
    """Of all objects that the protocol can write."""
    written = {}
    for name, thing in OBJECTS.items():
        try:
            written[name] = pickle.dumps(thing, protocol)
        except TypeError:
            assert protocol < 2, name  # slots, and what is in C
    return written


def unlike(one: Any, other: Any) -> str | None:
    """The difference of two objects; tables are compared by their own methods."""
    if isinstance(one, TABLES):
        return None if type(one) is type(other) and one.equals(other) else "not equal"
    if isinstance(one, pandas.Categorical | re.Pattern):
        same = list(one) == list(other) if isinstance(one, pandas.Categorical) else one == other
        return None if same and type(one) is type(other) else "not equal"
    return difference(one, other)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_ordinary_objects_are_what_pickle_makes_of_them(protocol: int) -> None:
    """P4: of a hundred at least 98, and those that are not are the known ones."""
    written = pickles(protocol)
    refused = set()
    for name, data in written.items():
        try:
            loaded = load_pickle(data, allow=ALLOW)
        except DecodeError:
            refused.add((name, protocol))
        else:
            assert unlike(loaded, pickle.loads(data)) is None, name
    assert refused == {each for each in NOT_READ if each[1] == protocol}
    assert len(OBJECTS) >= 100
    assert len(written) - len(refused) >= LEAST * len(written)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_object_is_the_same_again(protocol: int) -> None:
    """Equal to the one that was written, not only to what `pickle` makes; with its identity."""
    written = pickles(protocol)
    names = {"in each other", "in itself", "shared", "deep", "Counter", "slots and a dict"}
    for name in names & set(written):
        loaded = load_pickle(written[name], allow=ALLOW)
        assert difference(loaded, OBJECTS[name]) is None, name


def test_what_is_optimized_or_written_without_a_memo_is_read_too() -> None:
    """As other programs write pickles: fewer PUTs, in one frame, with bytes after the end."""
    for protocol in PROTOCOLS:
        for name, data in pickles(protocol).items():
            if (name, protocol) not in NOT_READ:
                shorter = pickletools.optimize(data)
                expected = pickle.loads(data)
                assert unlike(load_pickle(shorter + b"rest", allow=ALLOW), expected) is None, name


def needed(data: bytes) -> set[str]:
    """The names that a pickle needs to be allowed, one refusal after the other."""
    names: set[str] = set()
    while True:
        try:
            load_pickle(data, allow=names)
        except ForbiddenGlobal as error:
            name = f"{error.module}:{error.name}"
            assert name not in names, name
            names.add(name)
        else:
            return names


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_name_is_allowed_exactly_or_refused(protocol: int) -> None:
    """P4: the error has the name to allow; without any one of the names nothing is read."""
    some = 0
    for name, data in pickles(protocol).items():
        if (name, protocol) in NOT_READ:
            continue
        names = needed(data)
        assert names <= set(ALLOW), name
        for left_out in names:
            some += 1
            with pytest.raises(ForbiddenGlobal) as caught:
                load_pickle(data, allow=names - {left_out})
            assert f"{caught.value.module}:{caught.value.name}" == left_out
    assert some > 100


def test_plain_values_need_no_name() -> None:
    """P4: the standard library's values are always there."""
    for name in ("datetime in a zone", "Decimal", "Fraction", "UUID", "Path", "addresses", "zone"):
        assert needed(pickle.dumps(OBJECTS[name])) == set()
    for name in ("OrderedDict", "deque", "Counter", "defaultdict", "namespace", "exceptions"):
        assert needed(pickle.dumps(OBJECTS[name])) == set()
    assert needed(pickle.dumps(OBJECTS["partial"])) >= {"functools:partial"}
