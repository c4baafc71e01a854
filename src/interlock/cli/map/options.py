"""The options of `interlock map` as the command line has them.

All values are texts: what is wrong with one is said by us (`settings.py`), in one sentence that
says what to write instead.
"""

from __future__ import annotations

from typing import Annotated

import typer

Texts = list[str] | None
Text = str | None

Function = Annotated[
    str,
    typer.Argument(metavar="FUNCTION", help="module:name or file.py:name; not with --command."),
]
Arguments = Annotated[Texts, typer.Argument(metavar="[INPUT]...", help="Inputs, as they are.")]
Command = Annotated[
    Text,
    typer.Option(
        metavar="PROGRAM",
        help="Run a program in place of a function, without a shell: 'convert {} {}.png'.",
    ),
]
Glob = Annotated[
    Texts,
    typer.Option("--glob", metavar="PATTERN", help="Each file that matches; ** is any depth."),
]
Lines = Annotated[
    Texts,
    typer.Option("--lines", metavar="FILE|-", help="Each line of a file, or of standard input."),
]
Jsonl = Annotated[
    Texts,
    typer.Option("--jsonl", metavar="FILE|-", help="The JSON value on each line."),
]
Csv = Annotated[
    Texts,
    typer.Option("--csv", metavar="FILE", help="Each row, as a dict by the header."),
]
Workers = Annotated[
    Text, typer.Option(metavar="N", help="Processes; by default one for each usable CPU.")
]
Context = Annotated[
    str,
    typer.Option(
        metavar="NAME", help="Where they are: fork, spawn or forkserver; dask or ray: a cluster."
    ),
]
Address = Annotated[
    Text,
    typer.Option(metavar="ADDRESS", help="Of the cluster; without it one is started for the run."),
]
Ordered = Annotated[bool, typer.Option("--ordered", help="Write results in the inputs' order.")]
Batch = Annotated[
    Text,
    typer.Option(metavar="N", help="Inputs that go to a worker together; by default it is chosen."),
]
Retries = Annotated[
    Text,
    typer.Option(
        metavar="N",
        help="Try a failed input again so often; by default once, when its worker died.",
    ),
]
Timeout = Annotated[
    Text, typer.Option("--timeout", metavar="SECONDS", help="What one input may take.")
]
MemoryLimit = Annotated[
    Text, typer.Option(metavar="BYTES", help="What a worker may have, such as 512M or 2G.")
]
Out = Annotated[
    str, typer.Option(metavar="FILE|-", help="Where results go, a JSON line for each input.")
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Skip what --out holds already, and go on behind it.")
]
FailFast = Annotated[bool, typer.Option("--fail-fast", help="Stop at the first failed input.")]
MaxFailures = Annotated[Text, typer.Option(metavar="N", help="Stop when N inputs have failed.")]
Seed = Annotated[
    Text,
    typer.Option(metavar="N", help="Seed `random` (and numpy) for each input, by its place."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and run nothing.")]
Show = Annotated[
    bool,
    typer.Option("--progress/--no-progress", help="Show how far it is (on standard error)."),
]
Compare = Annotated[
    bool,
    typer.Option("--compare", help="Afterwards run all inputs in one process, and time that."),
]
