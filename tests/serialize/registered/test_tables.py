"""numpy, pandas and pyarrow at the registered level: whole, and without any pickle."""

from __future__ import annotations

import pickle
from typing import Any

import numpy
import pandas
import pyarrow
import pytest

from interlock.errors import DecodeError, SerializationError
from interlock.serialize import dumps, loads


@pytest.fixture(autouse=True)
def no_pickle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever would write or read a pickle fails."""

    def refuse(*arguments: Any, **options: Any) -> Any:
        raise AssertionError("a pickle is met at the registered level")

    for name in ("loads", "load", "Unpickler", "dumps", "dump", "Pickler"):
        monkeypatch.setattr(pickle, name, refuse)


def there_and_back(sent: Any) -> Any:
    """Beside others, so that it is a part of a message."""
    got = loads(dumps(["before", {"key": sent}, "after"]))[1]["key"]
    assert type(got) is type(sent)
    return got


GRID = numpy.arange(2000.0).reshape(40, 50)
ARRAYS: dict[str, Any] = {
    **{f"type {code}": numpy.array([0, 1, 1], code) for code in "?bBhHiIlLqQefdgFDG"},
    **{f"big-endian {code}": numpy.array([0, 1, 258], f">{code}") for code in "hHiIqQefdFD"},
    **{f"dates {unit}": numpy.array([1, "NaT"], f"M8[{unit}]") for unit in ("Y", "D", "s", "ns")},
    **{f"durations {unit}": numpy.array([1, "NaT"], f"m8[{unit}]") for unit in ("D", "25s", "ns")},
    "none": numpy.zeros(0),
    "none of several dimensions": numpy.zeros((3, 0, 5), "M8[s]"),
    "a number alone": numpy.array(3.5),
    "a text alone": numpy.array("abc"),
    "texts": numpy.array(["a", "", "b\u20ac"]),
    "bytes": numpy.array([b"x", b"xyz"]),
    "void": numpy.zeros((2, 3), "V5"),
    "items of no size": numpy.zeros(3, "V0"),
    "structure": numpy.zeros(3, [("a", "i4"), ("b", "f8", (2,)), ("c", [("d", "S3")])]),
    "aligned structure": numpy.zeros(3, numpy.dtype([("a", "i1"), ("b", "f8")], align=True)),
    "overlapping structure": numpy.zeros(
        2, numpy.dtype({"names": ["a", "b"], "formats": ["i4", "i2"], "offsets": [0, 2]})
    ),
    "C": GRID,
    "Fortran": numpy.asfortranarray(GRID),
    "transposed": GRID.T,
    "a row": GRID[3],
    "a column": GRID[:, 3],
    "every seventh": numpy.arange(100_000)[::7],
    "backwards": GRID[::-1, ::-2],
    "repeated": numpy.broadcast_to(numpy.array([1, 2]), (1000, 2)),
    "many dimensions": numpy.arange(64).reshape((2,) * 6)[:, ::-1],
    "read-only": numpy.frombuffer(bytes(range(200)), "u1"),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_comes_back_as_it_was(name: str) -> None:
    """P4: dtype, shape and items; NaT too."""
    sent = ARRAYS[name]
    got = there_and_back(sent)
    assert got.dtype == sent.dtype
    assert got.dtype.isalignedstruct == sent.dtype.isalignedstruct
    assert got.shape == sent.shape
    assert got.tobytes() == sent.tobytes()


SCALARS = (
    *(numpy.dtype(code).type(1) for code in "?bBhHiIlLefdgFDG"),  # q is l, as in pickle
    *(numpy.str_("x"), numpy.bytes_(b"x"), numpy.void(b"abc"), numpy.str_("")),
    *(numpy.datetime64("2024-02-29", "s"), numpy.timedelta64(5, "D"), numpy.datetime64("NaT")),
    numpy.zeros(1, "i4,f8")[0],
)


@pytest.mark.parametrize("sent", SCALARS, ids=lambda sent: type(sent).__name__)
def test_a_scalar_comes_back_as_it_was(sent: Any) -> None:
    """P4: it is no Python number."""
    got = there_and_back(sent)
    assert got.dtype == sent.dtype
    assert got.tobytes() == sent.tobytes()


@pytest.mark.parametrize("name", ["f4", ">i2", "U7", "M8[25s]", "i4,f8", "(2,3)i4"])
def test_a_dtype_comes_back_as_it_was(name: str) -> None:
    """P4: by itself."""
    assert there_and_back(numpy.dtype(name)) == numpy.dtype(name)


def test_a_masked_array_keeps_mask_and_filling() -> None:
    """P4: with a mask, without one, and of structures."""
    of_fields: Any = [(False, True)]
    for sent in (
        numpy.ma.array([1, 2, 3], mask=[False, True, False], fill_value=7),
        numpy.ma.array([1.5, 2.5]),
        numpy.ma.array([(1, 2.0)], mask=of_fields, dtype="i4,f8"),
    ):
        got = there_and_back(sent)
        assert numpy.array_equal(numpy.ma.getmaskarray(got), numpy.ma.getmaskarray(sent))
        assert numpy.array_equal(got.data, sent.data)
        assert got.fill_value == sent.fill_value


@pytest.mark.parametrize(
    "sent",
    [
        numpy.array([object()]),
        numpy.array([1, "a"], dtype=object),
        numpy.zeros(2, [("a", "O")]),
    ],
    ids=["objects", "values", "structure"],
)
def test_objects_in_an_array_are_refused(sent: Any) -> None:
    """P6: at dumps, with what to send instead."""
    with pytest.raises(SerializationError, match="without pickle"):
        dumps({"rows": [sent]})


FRAME = pandas.DataFrame(
    {
        "ints": [1, 2, 3],
        "floats": [1.5, None, 2],
        "texts": ["x", "y", None],
        "dates": pandas.date_range("2020", periods=3),
        "zoned": pandas.date_range("2020", periods=3, tz="Europe/Paris"),
        "offset": pandas.date_range("2020", periods=3, tz="+01:00"),
        "kinds": pandas.Categorical(["a", "b", "a"], ordered=True),
        "tuples": pandas.Categorical([(1, 2), (3, 4), None]),
        "masked": pandas.array([1, None, 3], dtype="Int64"),
        "small": pandas.array([1, None, 3], dtype="UInt8"),
        "maybe": pandas.array([True, None, False], dtype="boolean"),
        "strings": pandas.array(["q", None, "r"], dtype="string"),
        "durations": pandas.to_timedelta([1, 2, 3], unit="s"),
        "lists": pandas.Series([[1, 2], [3, 4], [5, 6]], dtype=object),
        "anything": pandas.Series([1, "two", (3,)], dtype=object),
    }
)
MULTI = pandas.MultiIndex.from_arrays(
    [
        pandas.DatetimeIndex(["2020-01-01", "2020-01-03"]),
        pandas.Index([(1, 2), (3, 4)], tupleize_cols=False),
        pandas.Categorical(["x", "y"]),
    ],
    names=["when", None, ("a", "tuple")],
)
FRAMES: dict[str, Any] = {
    "all": FRAME,
    "by texts": FRAME.set_index("texts"),
    "by two": FRAME.set_index(["ints", "dates"]),
    "by objects": FRAME.set_index("anything"),
    "no rows": FRAME.iloc[:0],
    "no columns": FRAME[[]],
    "nothing": pandas.DataFrame(),
    "names twice": pandas.DataFrame([[1, 2]], columns=["x", "x"]),
    "names of tuples": pandas.DataFrame({("a", 1): [1], ("b", 2): [2]}),
    "rows of another order": FRAME.iloc[::-1],
    "three levels": pandas.DataFrame({"a": [1, 2]}, index=MULTI),
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_comes_back_as_it_was(name: str) -> None:
    """P4: values, dtypes, index and names."""
    pandas.testing.assert_frame_equal(there_and_back(FRAMES[name]), FRAMES[name])


@pytest.mark.parametrize("name", FRAME.columns)
def test_a_series_comes_back_as_it_was(name: str) -> None:
    """P4: of each kind of column, by itself and shifted."""
    for sent in (FRAME[name], FRAME[name].iloc[1:], FRAME[name].rename(("a", 1))):
        pandas.testing.assert_series_equal(there_and_back(sent), sent)


INDEXES = (
    pandas.Index([1, 2], name="z"),
    pandas.Index(["a", "b"]),
    pandas.Index([1, "a", (2, 3)], dtype=object),
    pandas.Index([(1, 2), (3, 4)], tupleize_cols=False, name=("a", "b")),
    pandas.RangeIndex(3, 10, 2, name="r"),
    pandas.DatetimeIndex(["2020-01-01", "2020-01-03"], tz="UTC"),
    pandas.to_timedelta([1, 2], unit="s"),
    pandas.date_range("2020", periods=5),
    pandas.date_range("2020", periods=5, freq="W-SUN", tz="Europe/Paris"),
    pandas.date_range("2020", periods=5, freq="2BME"),
    pandas.timedelta_range("1h", periods=3, freq="90min"),
    pandas.CategoricalIndex(["a", "b", "a"]),
    MULTI,
)


@pytest.mark.parametrize("sent", INDEXES, ids=lambda sent: f"{type(sent).__name__} {sent.dtype}")
def test_an_index_comes_back_as_it_was(sent: Any) -> None:
    """P4: a name that is a tuple too, and the frequency of moments."""
    got = there_and_back(sent)
    pandas.testing.assert_index_equal(got, sent, exact=True)
    assert getattr(got, "freq", None) == getattr(sent, "freq", None)


@pytest.mark.parametrize("name", ["3D", "no frequency", "C" * 101])
def test_a_frequency_that_the_moments_have_not_is_refused(name: str) -> None:
    """P4: by pandas' own check."""
    data = dumps(pandas.date_range("2020", periods=5, freq="QE-OCT"))
    text = dumps(name)[1:]
    forged = data.replace(dumps("QE-OCT")[1:], text)
    assert forged.endswith(text)
    with pytest.raises(DecodeError):
        loads(forged)


@pytest.mark.parametrize(
    "sent",
    [
        pandas.Timestamp("2020-01-01 12:00"),
        pandas.Timestamp("2020-06-01", tz="Europe/Paris"),
        pandas.Timestamp("1600-01-01").as_unit("s"),
        pandas.Timestamp("2020-01-01", tz="+05:30"),
        pandas.Timedelta("1s"),
        pandas.NaT,
        pandas.NA,
    ],
    ids=repr,
)
def test_a_moment_comes_back_as_it_was(sent: Any) -> None:
    """P4: with its unit and zone."""
    got = there_and_back(sent)
    assert repr(got) == repr(sent)
    assert getattr(got, "unit", None) == getattr(sent, "unit", None)


TABLE = pyarrow.table(
    {
        "ints": [1, 2, 3],
        "texts": ["x", None, "z"],
        "lists": [[1], [], None],
        "structures": [{"a": 1}, None, {"a": 2}],
        "kinds": pyarrow.array(["a", "b", "a"]).dictionary_encode(),
        "big": pyarrow.array(["a" * 9000] * 3, pyarrow.large_string()),
    }
)
ARROW: dict[str, Any] = {
    "table": TABLE,
    "no rows": TABLE.slice(0, 0),
    "some rows": TABLE.slice(1, 1),
    "several parts": pyarrow.concat_tables([TABLE, TABLE]),
    "batch": TABLE.to_batches()[0],
    "chunks": TABLE["texts"],
    "schema": TABLE.schema.with_metadata({"a": "b"}),
    "nothing": pyarrow.array([]),
    **{name: TABLE[name].chunk(0) for name in TABLE.column_names},
}


@pytest.mark.parametrize("name", ARROW)
def test_an_arrow_object_comes_back_as_it_was(name: str) -> None:
    """P4: in Arrow's own format."""
    assert there_and_back(ARROW[name]).equals(ARROW[name])


def test_a_stranger_s_type_of_pickles_is_not_unpickled() -> None:
    """P4: Arrow once had a type whose description was a pickle; it stays bytes."""
    pickled = b"cposix\nsystem\n(S'exit 1'\ntR."
    name = b"arrow.py_extension_type"
    metadata = {b"ARROW:extension:name": name, b"ARROW:extension:metadata": pickled}
    schema = pyarrow.schema([pyarrow.field("a", pyarrow.int64(), metadata=metadata)])
    got = there_and_back(pyarrow.table([[1]], schema=schema))
    assert got["a"].to_pylist() == [1]
