"""Totals over results, by the convention in `totals.py`."""

from __future__ import annotations

from interlock.cli.map.totals import Greatest, Totals, measures


def total(*results: object) -> Totals:
    """The totals over some results."""
    totals = Totals()
    for index, result in enumerate(results):
        totals.add(index, measures(result))
    return totals


def test_numbers_are_summed() -> None:
    """A result that is a number, too."""
    assert total(1, 2.5, 3).sums == {"result": 6.5}
    assert total({"a": 1, "b": 2}, {"a": 10}).sums == {"a": 11, "b": 2}


def test_of_booleans_the_true_ones_are_counted() -> None:
    """True is 1."""
    assert total({"ok": True}, {"ok": False}, {"ok": True}).sums == {"ok": 2}


def test_what_is_no_number_is_left_out() -> None:
    """Texts, lists and dicts under other names; and results of other kinds."""
    assert total({"a": "text", "b": [1], "c": {"d": 1}, "e": None}, "text", None, [1]) == Totals()


def test_the_greatest_is_kept_with_its_input() -> None:
    """Under a name with one of the words in it; the first of equals."""
    totals = total({"longest_line": 3}, {"longest_line": 9}, {"longest_line": 9})
    assert totals == Totals(greatest={"longest_line": Greatest(9, "", 1)})
    assert total({"depth max": 3}).greatest
    assert not total({"maximal": 3, "climax": 3}).greatest


def test_a_dict_is_compared_by_its_first_number() -> None:
    """The rest of it is shown beside."""
    short = {"longest_function": {"name": "run", "lines": 12, "file": "a.py"}}
    long = {"longest_function": {"name": "stop", "lines": 120, "file": "b.py"}}
    empty: dict[str, dict[str, object]] = {"longest_function": {}}
    assert total(short, long, empty).greatest == {
        "longest_function": Greatest(120, "lines, stop, b.py", 1)
    }


def test_a_result_with_very_many_numbers_does_not_fill_the_table() -> None:
    """There is a limit on everything."""
    assert len(measures({f"name{number}": number for number in range(10_000)})) == 50
