"""The work of serialization: what goes there and back, by whom, and what Interlock must reach.

Plain values are the same objects for everybody. Where an encoder cannot give back what it got,
either what it does give is said in ``expected``, or it does not take part.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import partial
from typing import Any

from . import roles
from .harness import Role, play
from .peers import encoders
from .peers.encoders import MSGSPEC, ORJSON, PICKLE, PROCESS, REGISTERED, Encoder, Reading
from .workloads import MIB, Measure, Workload

ITEMS = 1000
NESTED_RECORDS = 100
PLAIN = (PICKLE, PROCESS, REGISTERED, MSGSPEC, ORJSON)


def _ints() -> list[int]:
    return [number * 7919 for number in range(ITEMS)]


def _floats() -> list[float]:
    return [number / 7 for number in range(ITEMS)]


def _reading(number: int) -> Reading:
    return Reading(number, f"sensor-{number}", number / 7, number % 2 == 0)


def _one_reading() -> Reading:
    return _reading(4711)


def _one_dict() -> dict[str, Any]:
    return asdict(_one_reading())


def _readings() -> list[Reading]:
    return [_reading(number) for number in range(ITEMS)]


def _dicts() -> list[dict[str, Any]]:
    return [asdict(reading) for reading in _readings()]


def _nested_record(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "place": {"name": f"hall-{number}", "at": [number / 3, number / 7]},
        "tags": [f"tag-{number % 10}", "indoor", None],
        "readings": [asdict(_reading(number + each)) for each in range(3)],
    }


def _nested() -> list[dict[str, Any]]:
    return [_nested_record(number) for number in range(NESTED_RECORDS)]


def _round_trips(
    encoder: Callable[[], Encoder],
    value: Callable[[], Any],
    expected: Callable[[], Any],
    count: int,
) -> float:
    """``count`` times there and back in one new process."""
    arguments = (encoder(), value(), expected(), count)
    seconds, _ = play(multiprocessing.get_context("fork"), [Role(roles.round_trips, arguments)])
    return seconds


def _measures(
    names: Iterable[str],
    value: Callable[[], Any],
    kind: Any = Any,
    json: Callable[[], Any] | None = None,
) -> dict[str, Measure]:
    """The contestants; ``kind`` is what msgspec decodes to, ``json`` what orjson gives back."""
    made: dict[str, Callable[[], Encoder]] = {
        PICKLE: encoders.of_pickle,
        PROCESS: partial(encoders.of_interlock, "process"),
        REGISTERED: partial(encoders.of_interlock, "registered"),
        MSGSPEC: partial(encoders.of_msgspec, kind),
        ORJSON: encoders.of_orjson,
    }
    return {
        name: partial(_round_trips, made[name], value, json if json and name == ORJSON else value)
        for name in names
    }


def _work(key: str, name: str, references: dict[str, Measure], goal: float | None) -> Workload:
    return Workload(
        key=f"serialize-{key}",
        name=f"serialize, {name}",
        peer=None,
        goals={} if goal is None else dict.fromkeys((PROCESS, REGISTERED), goal),
        unit="us",
        references=references,
        baseline=PICKLE,
        least=1.0,
    )


WORKLOADS: tuple[Workload, ...] = (
    _work("ints", "1,000 ints", _measures(PLAIN, _ints), 2.5),
    _work("floats", "1,000 floats", _measures(PLAIN, _floats), 2.5),
    _work("dicts", "1,000 4-field dicts", _measures(PLAIN, _dicts), 2.5),
    _work("one-dict", "one 4-field dict", _measures(PLAIN, _one_dict), 2.5),
    _work("nested", "100 nested records", _measures(PLAIN, _nested), 2.5),
    _work(
        "dataclasses",
        "1,000 dataclasses",
        _measures(PLAIN, _readings, kind=list[Reading], json=_dicts),
        1.0,
    ),
    _work(
        "one-dataclass",
        "one dataclass",
        _measures(PLAIN, _one_reading, kind=Reading, json=_one_dict),
        1.0,
    ),
    _work(
        "array",
        "1 MiB array",
        _measures((PICKLE, PROCESS, REGISTERED), partial(roles.array, MIB, 1)),
        None,
    ),
)
