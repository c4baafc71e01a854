"""The command `interlock advise`: where a function is best run, and why."""

from __future__ import annotations

import json
import math
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from interlock.cli.map import options
from interlock.cli.map.inputs.sources import Inputs, gather
from interlock.cli.map.work.function import load
from interlock.cli.usage import Unusable
from interlock.errors import MissingDependency

if TYPE_CHECKING:
    from interlock.advice import Advice

__all__ = ["advise_command"]

FAILED, WRONG_USE, INTERRUPTED = 1, 2, 130
WORKERS_MAX = 32
SAMPLE = 64  # inputs, of those given
WALK_MAX = 100_000  # of so many they are taken from all over

Text = str | None


def advise_command(
    function: Annotated[
        str, typer.Argument(metavar="FUNCTION", help="module:name or file.py:name.")
    ] = "",
    arguments: options.Arguments = None,
    patterns: options.Glob = None,
    lists: options.Lines = None,
    json_lists: options.Jsonl = None,
    tables: options.Csv = None,
    items: Annotated[
        Text, typer.Option("--items", metavar="N", help="How many inputs the whole job has.")
    ] = None,
    workers: Annotated[
        Text, typer.Option(metavar="N", help="Workers to think of, and to try, at the most.")
    ] = None,
    contexts: Annotated[
        list[str] | None,
        typer.Option(
            "--context",
            metavar="NAME",
            help="Think of thread, interpreter, fork, forkserver or spawn; may be given again.",
        ),
    ] = None,
    seconds: Annotated[
        str, typer.Option("--seconds", metavar="N", help="Begin no measurement after these.")
    ] = "10",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    picture: Annotated[
        Text, typer.Option("--plot", metavar="FILE", help="Draw speed against workers there.")
    ] = None,
) -> None:
    """Say where a function is best run: in a loop, in threads, in processes ..., and why.

    The function is really called on some of the inputs, one after the other and then at the same
    time, with all that it does.

    Exit status: 0 advised, 1 the function raised for each input, 2 wrong use, 130 after Ctrl-C.
    """
    from interlock.advice import CONTEXTS, SampleFailed, advise
    from interlock.advice.study import WORKERS_LIMIT

    try:
        _picture(picture)
        if not function:
            raise Unusable(
                "FUNCTION is missing; name the function, as module:name or file.py:name, and some "
                "inputs, such as `interlock advise os.path:getsize --glob '*'`"
            )
        for name in contexts or ():
            if name not in CONTEXTS:
                raise Unusable(f"--context {name}: give {', '.join(CONTEXTS)}")
        called = load(function, awaits=True)
        found = gather(arguments or (), patterns or (), lists or (), json_lists or (), tables or ())
        sample, total = _sample(found, bool(arguments))
        number, most = _whole("--items", items), _whole("--workers", workers, WORKERS_LIMIT)
        budget_s = _seconds(seconds)
        with _prints_aside():
            advice = advise(
                called,
                sample,
                items=number or total,
                workers_max=most or WORKERS_MAX,
                budget_s=budget_s,
                contexts=contexts,
            )
        if picture is not None:
            advice.plot(picture)
        _print(advice, function, as_json)
        status = 0
    except (SampleFailed, MissingDependency) as error:
        status = _told(error, FAILED)
    except Unusable as error:
        status = _told(error, WRONG_USE)
    except BrokenPipeError:
        # Nobody looks; what is still buffered would be tried again at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = FAILED
    except OSError as error:
        status = _told(f"it cannot be written ({error.strerror or error})", FAILED)
    except KeyboardInterrupt:
        status = _told("stopped", INTERRUPTED)
    raise typer.Exit(status)


@contextmanager
def _prints_aside() -> Iterator[None]:
    """What the function and its workers print goes to standard error: ours is the advice."""
    if sys.stdout is None:  # as a shell's `>&-` has it
        yield
        return
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        with suppress(ValueError):  # the function has closed it
            sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
        if sys.stdout.closed:
            sys.stdout = os.fdopen(1, "w", closefd=False)


def _sample(inputs: Inputs, has_arguments: bool) -> tuple[list[object], int | None]:
    """Some inputs, from all over where that can be had, and how many the job has.

    Inputs that are written out are a sample of more. Files, lines and rows are the job.

    Raises:
        Unusable: There is none, or a source cannot be read.
    """
    total = inputs.total
    if total is None or total > WALK_MAX:
        found = list(islice(inputs.each(), SAMPLE))
    else:
        step = max(1, math.ceil(total / SAMPLE))
        found = list(islice(inputs.each(), 0, None, step))
    if not found:
        raise inputs.none()
    return found, None if has_arguments else total


def _print(advice: Advice, function: str, as_json: bool) -> None:
    if as_json:
        print(json.dumps(advice.as_dict(), allow_nan=False), flush=True)
        return
    from interlock.advice.facts import PROCESSES

    print(advice)
    if advice.context in PROCESSES and not advice.facts.call.is_async:
        print(f"\n  interlock map {function} --context {advice.context} --workers {advice.workers}")
    print(end="", flush=True)


def _whole(option: str, text: str | None, most: float = math.inf) -> int | None:
    """A whole number of at least 1, if there is one.

    Raises:
        Unusable: It is none.
    """
    if text is None:
        return None
    number = int(text) if re.fullmatch(r"\+?[0-9]{1,12}", text) else 0
    if not 1 <= number <= most:
        bounds = "of at least 1" if most == math.inf else f"from 1 to {most}"
        raise Unusable(f"{option} {text}: give a whole number {bounds}, such as {option} 8")
    return number


def _seconds(text: str) -> float:
    """Seconds.

    Raises:
        Unusable: It is not a number above 0.
    """
    if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", text) and float(text) > 0:
        return float(text)
    raise Unusable(f"--seconds {text}: give a number above 0, such as --seconds 10")


def _picture(path: str | None) -> None:
    """Say before anything is run that there will be no picture.

    Raises:
        Unusable: It cannot be of that format, or be there.
        MissingDependency: matplotlib is not installed.
    """
    if path is None:
        return
    from interlock.advice.plot import formats

    suffix = os.path.splitext(path)[1].removeprefix(".").lower()
    if suffix not in formats():
        raise Unusable(f"--plot {path}: give a name that ends in .png or .svg, such as speed.png")
    folder = os.path.dirname(path) or "."
    if not os.access(folder, os.W_OK):
        raise Unusable(f"--plot {path}: {folder} is no folder that can be written to")


def _told(what: object, status: int) -> int:
    print(f"interlock advise: {what}", file=sys.stderr)
    return status
