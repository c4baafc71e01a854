"""The command `interlock explain`: what a pickle would do, without loading it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from interlock.cli.usage import Unusable
from interlock.serialize import Limits, PickleReport, explain_pickle

__all__ = ["explain_command"]

WRONG_USE, INTERRUPTED = 2, 130
MIB = 1024 * 1024
Line = tuple[str, str]  # the text and its style


def explain_command(
    file: Annotated[
        str, typer.Argument(metavar="[FILE|-]", help="The pickle; - is standard input.")
    ] = "",
    registered: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODULE:QUALNAME", help="A name that is harmless; may be given again."
        ),
    ] = None,
    max_mib: Annotated[
        int, typer.Option("--max-mib", metavar="N", min=1, help="MiB to read at most.")
    ] = 256,
    seconds: Annotated[
        float, typer.Option(metavar="N", min=0.0, help="Seconds to look at most.")
    ] = 1.5,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say what a pickle would do, without loading it.

    Lists every name that loading it would import and every call that it would make, with the
    arguments as far as they can be known, and what it comes to: "plain data", "registered types
    only", "would run code", "damaged", or "beyond the limits". Nothing named in it is imported.

    Exit status: 0 plain data or registered types only, 1 anything else, 2 wrong use.
    """
    try:
        limits = Limits(max_bytes=max_mib * MIB)
        data = contents(file, limits.max_bytes)
        report = explain_pickle(
            data, registered=checked(registered or []), limits=limits, time_max_s=seconds
        )
    except Unusable as error:
        print(f"interlock explain: {error}", file=sys.stderr)
        raise typer.Exit(WRONG_USE) from None
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    if as_json:
        print(json.dumps(report.as_dict()))
    else:
        print_report(report)
    raise typer.Exit(report.verdict.status)


def contents(path: str, max_bytes: int) -> bytes:
    """The bytes of a file or of standard input; one more than may be, where there are more.

    Raises:
        Unusable: It cannot be read.
    """
    if not path and sys.stdin.isatty():
        raise Unusable("FILE is missing; name the pickle, or give it to standard input")
    if path in ("", "-"):
        return sys.stdin.buffer.read(max_bytes + 1)
    try:
        with open(path, "rb") as file:
            return file.read(max_bytes + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Unusable(
            f"{path!r} cannot be read ({reason}); give a file that you may read, "
            "or - for standard input"
        ) from error


def checked(registered: list[str]) -> list[str]:
    """The names of --registered.

    Raises:
        Unusable: One is not of the form MODULE:QUALNAME.
    """
    for name in registered:
        module, _, qualname = name.partition(":")
        if not module or not qualname:
            raise Unusable(
                f"--registered {name}: give a name as MODULE:QUALNAME, such as app.models:Point"
            )
    return registered


def print_report(report: PickleReport) -> None:
    """Print all of it; neither markup nor wrapping touches what the pickle says."""
    console = Console(highlight=False)
    for text, style in _lines(report):
        console.print(Text(text, style), soft_wrap=True)


def _lines(report: PickleReport) -> Iterator[Line]:
    yield f"{report.size:,} bytes, protocol {report.protocol}, {_pickles(report)}", ""
    yield from _section("globals", _globals(report))
    yield from _section("calls, in order", _calls(report))
    ids = (f"byte {each.offset}  {each.text}" for each in report.persistent_ids)
    yield from _section("persistent ids", ids)
    if report.buffers:
        yield from _section("buffers beside the pickle", [str(report.buffers)])
    yield from _section("becomes", report.values)
    yield "", ""
    yield f"verdict: {_verdict(report)}", "bold green" if not report.verdict.status else "bold red"
    for reason in report.reasons:
        yield f"  {reason}", ""
    if report.damage is not None:
        yield f"  Byte {report.damage.offset}: {report.damage.reason}.", ""


def _pickles(report: PickleReport) -> str:
    if not report.trailing_bytes:
        return "1 pickle" if report.pickles else "no whole pickle"
    return (
        f"{report.pickles} whole pickle{'s' * (report.pickles != 1)}; "
        f"{report.trailing_bytes:,} bytes follow the first"
    )


def _globals(report: PickleReport) -> Iterator[str]:
    for each in report.globals:
        also = f", also known as {each.also}" if each.also else ""
        yield f"byte {each.offset}  {each.text}{also}  ({each.how})"


def _calls(report: PickleReport) -> Iterator[str]:
    for each in report.calls:
        does = f": {each.does}" if each.does else ""
        yield f"byte {each.offset}  {each.text}  ({each.opcode}{does})"


def _verdict(report: PickleReport) -> str:
    """With the damage beside it, which a loader notices only after what it has run before."""
    verdict = str(report.verdict)
    if report.verdict != "would run code" or report.damage is None:
        return verdict
    return f"{verdict}; damaged, too, or not looked at to its end"


def _section(title: str, rows: Iterator[str] | tuple[str, ...] | list[str]) -> Iterator[Line]:
    for number, row in enumerate(rows):
        if number == 0:
            yield "", ""
            yield title, "bold"
        yield f"  {row}", ""
