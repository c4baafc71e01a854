"""The commands of `interlock`, their options, and their exit status."""

from __future__ import annotations

import typer

from interlock.cli.advise import advise_command
from interlock.cli.explain import explain_command
from interlock.cli.keys import keys_app
from interlock.cli.map import options
from interlock.cli.map.command import Request, run, told, what_to_run
from interlock.cli.map.inputs.sources import gather
from interlock.cli.map.settings import (
    CLUSTERS,
    Settings,
    address_from,
    batch_from,
    context_from,
    failures_from,
    memory_limit_from,
    retries_from,
    seconds_from,
    seed_from,
    workers_from,
)
from interlock.cli.serve import serve_command
from interlock.cli.usage import Unusable

__all__ = ["app"]

WRONG_USE, SIGNALLED = 2, 128

app = typer.Typer(
    name="interlock",
    help="Messages between processes that cannot be lost.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


app.command("advise")(advise_command)
app.command("explain")(explain_command)
app.add_typer(keys_app, name="keys")
app.command("serve")(serve_command)


@app.callback()
def interlock() -> None:
    """Messages between processes that cannot be lost."""


@app.command("map")
def map_command(
    function: options.Function = "",
    arguments: options.Arguments = None,
    command: options.Command = None,
    patterns: options.Glob = None,
    lists: options.Lines = None,
    json_lists: options.Jsonl = None,
    tables: options.Csv = None,
    workers: options.Workers = None,
    context: options.Context = "fork",
    address: options.Address = None,
    ordered: options.Ordered = False,
    batch: options.Batch = None,
    retries: options.Retries = None,
    seconds: options.Timeout = None,
    memory_limit: options.MemoryLimit = None,
    out: options.Out = "results.jsonl",
    resume: options.Resume = False,
    fail_fast: options.FailFast = False,
    max_failures: options.MaxFailures = None,
    seed: options.Seed = None,
    dry: options.DryRun = False,
    show: options.Show = True,
    measure: options.Compare = False,
) -> None:
    """Apply a function, or a program, to every input, across all cores.

    A worker that dies is replaced, and its input tried once more, or as --retries says. What the
    function raises is a failed input, and the others go on. Ctrl-C and SIGKILL lose nothing that
    is finished: the same command with --resume goes on.

    Exit status: 0 all done, 1 some inputs failed, 2 wrong use, 130 stopped by Ctrl-C.
    """
    try:
        chosen = Settings(
            workers=None if workers is None and context in CLUSTERS else workers_from(workers),
            context=context_from(context),
            address=address_from(context, address),
            ordered=ordered,
            batch=batch_from(batch),
            retries=retries_from(retries),
            timeout=seconds_from(seconds),
            memory_limit=memory_limit_from(context, memory_limit),
            failures_max=failures_from(fail_fast, max_failures),
            seed=seed_from(seed),
        )
        what, behind = what_to_run(function, arguments, command)
        inputs = gather(behind, patterns or (), lists or (), json_lists or (), tables or ())
        request = Request(what, inputs, chosen, out, resume, show, measure)
        status = run(request, dry=dry)
    except Unusable as error:
        status = told(error, WRONG_USE)
    except KeyboardInterrupt:
        status = told("stopped", SIGNALLED + 2)  # while nothing was running
    raise typer.Exit(status)
