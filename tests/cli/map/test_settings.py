"""Values of options: what each means, and that a wrong one is told what to write instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from interlock.cli.map.settings import (
    Settings,
    batch_from,
    bytes_from,
    context_from,
    failures_from,
    retries_from,
    seconds_from,
    seed_from,
)
from interlock.cli.usage import Unusable


def test_values_are_what_they_say() -> None:
    """The usual ones, and those at the edge."""
    assert [batch_from(t) for t in (None, "1", "10000")] == [None, 1, 10_000]
    assert [retries_from(t) for t in (None, "0", "+7")] == [None, 0, 7]
    assert [seconds_from(t) for t in (None, "2", "0.5", "1e3")] == [None, 2.0, 0.5, 1000.0]
    assert [seed_from(t) for t in (None, "0", "-3")] == [None, 0, -3]
    assert [failures_from(*t) for t in ((False, None), (True, None), (False, "3"))] == [None, 1, 3]
    assert context_from("spawn") == "spawn"


def test_bytes_have_suffixes() -> None:
    """Powers of 1024, in either case, whole or not."""
    assert bytes_from(None) is None
    assert bytes_from("4000000000") == 4_000_000_000
    assert bytes_from("4000000K") == 4_000_000 << 10
    assert bytes_from("900m") == bytes_from("900MB") == bytes_from("900 MiB") == 900 << 20
    assert bytes_from("1.5G") == 3 << 29


@pytest.mark.parametrize(
    ("check", "text", "said"),
    [
        (batch_from, "0", "--batch 0: give a whole number from 1 to 10000, such as --batch 16"),
        (batch_from, "1.5", "--batch 1.5: give a whole number"),
        (batch_from, "10001", "--batch 10001: give a whole number from 1 to 10000"),
        (retries_from, "-1", "--retries -1: give a whole number of at least 0, such as"),
        (retries_from, "", "--retries : give a whole number"),
        (seconds_from, "0", "--timeout 0: give seconds, a number above 0, such as --timeout 2.5"),
        (seconds_from, "nan", "--timeout nan: give seconds"),
        (seconds_from, "inf", "--timeout inf: give seconds"),
        (seconds_from, "5m", "--timeout 5m: give seconds"),
        (seed_from, "x", "--seed x: give a whole number, such as --seed 42"),
        (seed_from, "9" * 101, "give a whole number, such as --seed 42"),
        (bytes_from, "lots", "--memory-limit lots: give bytes, a number with K, M or G behind it"),
        (bytes_from, "-5G", "--memory-limit -5G: give bytes"),
        (bytes_from, "5T", "--memory-limit 5T: give bytes"),
        (bytes_from, "100K", "MiB before it does anything; give more, such as --memory-limit 512M"),
        (context_from, "thread", "--context thread: give fork, spawn or forkserver, such as"),
    ],
)
def test_a_wrong_value_is_told_what_to_write(
    check: Callable[[str], Any], text: str, said: str
) -> None:
    """One sentence."""
    with pytest.raises(Unusable) as raised:
        check(text)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("fail_fast", "text", "said"),
    [
        (False, "0", "--max-failures 0: give a whole number of at least 1, such as"),
        (True, "2", "--fail-fast --max-failures 2: give one of the two"),
    ],
)
def test_the_bound_on_failures_is_a_number(fail_fast: bool, text: str, said: str) -> None:
    """And is said once."""
    with pytest.raises(Unusable) as raised:
        failures_from(fail_fast, text)
    assert said in str(raised.value)


def test_what_was_chosen_is_said_in_words() -> None:
    """For --dry-run."""
    assert Settings(2).said() == []
    chosen = Settings(2, ordered=True, retries=0, timeout=2.5)
    assert chosen.said() == ["retries 0", "timeout 2.5", "in order"]
