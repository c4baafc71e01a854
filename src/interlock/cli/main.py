"""Where the `interlock` command starts."""

from __future__ import annotations

import io
import sys
from typing import Any

__all__ = ["main"]

INTERRUPTED = 130


def main() -> None:
    """Run the command with the arguments of this process, and exit with its status."""
    try:
        from interlock.cli.commands import app
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in {"typer", "rich"}:
            raise
        sys.exit(
            f"interlock: the command needs {missing}, which is not installed; "
            "install it with `pip install 'interlock[cli]'`"
        )
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)  # Ctrl-C while typer and rich are imported, which takes a moment
    # What the terminal's encoding cannot say is escaped; it is no reason to fail.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(status_of(app))


def status_of(app: Any) -> int:
    """Run the command; wrong use of its options is told in one sentence, as ours is."""
    import typer

    usage_error: Any = typer.BadParameter.__bases__[0]
    try:
        status = app(prog_name="interlock", standalone_mode=False)  # by `python -m interlock` too
    except usage_error as error:
        print(sentence(error), file=sys.stderr)
        return int(error.exit_code)
    except typer.Abort:  # Ctrl-C before a command has begun
        return INTERRUPTED
    return status if isinstance(status, int) else 0


def sentence(error: Any) -> str:
    """What was wrong, and where to look; the help itself, where nothing was given."""
    said = str(error.format_message())
    if "\n" in said.strip():
        return said
    path = error.ctx.command_path if error.ctx is not None else "interlock"
    return f"{path}: {said.rstrip('.')}; `{path} --help` lists what there is"


if __name__ == "__main__":
    main()
