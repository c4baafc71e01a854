"""Where the `interlock` command starts."""

from __future__ import annotations

import io
import sys

__all__ = ["main"]


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
    # What the terminal's encoding cannot say is escaped; it is no reason to fail.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    app(prog_name="interlock")  # by `python -m interlock` too


if __name__ == "__main__":
    main()
