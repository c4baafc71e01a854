"""The command `interlock serve`: a ready server of queues, dicts, lists and locks by name."""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
import time
from typing import Annotated

import typer

from interlock.cli.usage import Unusable
from interlock.errors import (
    InsecureAddress,
    JournalDamaged,
    JournalFailed,
    JournalInUse,
    KeysDamaged,
    KeysExposed,
    KeysNotFound,
    KeysRefused,
    MissingDependency,
)

__all__ = ["serve_command"]

FAILED, WRONG_USE, INTERRUPTED = 1, 2, 130
_THREADS_S = 0.5
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def serve_command(
    manager: Annotated[
        str,
        typer.Argument(
            metavar="MODULE:NAME",
            help="A manager or a Registry whose types are served, too: myproject.shared:Manager.",
        ),
    ] = "",
    address: Annotated[
        str,
        typer.Option("--address", metavar="HOST:PORT", help="Where to listen; port 0 for any."),
    ] = "127.0.0.1:7400",
    tls: Annotated[
        str | None,
        typer.Option(
            "--tls",
            metavar="DIR",
            envvar="INTERLOCK_KEYS",
            help="Where `interlock keys` wrote the files: TLS with certificates on both sides.",
        ),
    ] = None,
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="Whose certificate in it is shown.")
    ] = "server",
    authkey_file: Annotated[
        str | None,
        typer.Option(
            "--authkey-file", metavar="FILE", help="A key that clients must have, in a file."
        ),
    ] = None,
    permissions: Annotated[
        str | None,
        typer.Option(
            "--permissions", metavar="FILE", help="Who may use what, as TOML; all may use all else."
        ),
    ] = None,
    insecure: Annotated[
        bool,
        typer.Option("--insecure", help="Allow plain TCP to other machines, or clients unasked."),
    ] = False,
    journal: Annotated[
        str | None,
        typer.Option("--journal", metavar="PATH", help="Keep everything in this file."),
    ] = None,
    grace: Annotated[
        str,
        typer.Option(
            "--grace", metavar="SECONDS", help="How long a client that is away keeps what it has."
        ),
    ] = "30",
    heartbeat: Annotated[
        str,
        typer.Option(
            "--heartbeat", metavar="SECONDS", help="How soon a connection that fell silent is lost."
        ),
    ] = "5",
    max_bytes: Annotated[
        str, typer.Option("--max-bytes", metavar="N", help="Of all values; 512M, 4G.")
    ] = "4G",
    metrics: Annotated[
        str | None,
        typer.Option("--metrics", metavar="HOST:PORT", help="Serve figures for Prometheus there."),
    ] = None,
    log_json: Annotated[
        bool, typer.Option("--log-json", help="Log one JSON object a line.")
    ] = False,
    log_level: Annotated[
        str, typer.Option("--log-level", metavar="LEVEL", help="debug, info, warning or error.")
    ] = "info",
) -> None:
    """Serve queues, dicts, lists and locks by name, for programs on many machines.

    `interlock.connect("interlock://HOST:PORT")` gives them. SIGTERM, or Ctrl-C, answers the calls
    that have come, and ends; with --journal clients wait for the next start, and go on.

    Exit status: 0 stopped, 1 failed, 2 wrong use.
    """
    try:
        from interlock.cli.permissions import permissions_in
        from interlock.cli.programs import named
        from interlock.cli.serving import Request, serve

        request = Request(
            address=_place(address, "--address"),
            program=named(manager) if manager else None,
            permissions=None if permissions is None else permissions_in(permissions),
            tls=tls,
            name=name,
            authkey=_key(authkey_file),
            insecure=insecure,
            journal=journal,
            grace_s=_seconds(grace, "--grace"),
            heartbeat_s=_seconds(heartbeat, "--heartbeat"),
            bytes_max=_bytes(max_bytes),
            metrics=None if metrics is None else _place(metrics, "--metrics"),
            log_json=log_json,
            log_level=_level(log_level),
        )
        serve(request)
        status = 0
    except (
        Unusable,
        JournalDamaged,
        KeysDamaged,
        KeysExposed,
        KeysNotFound,
        KeysRefused,
    ) as error:
        status = _told(error, WRONG_USE)
    except InsecureAddress:
        status = _told(
            f"--address {address}: anybody could use the server, or listen on the way; give --tls "
            "DIR, or on this machine --authkey-file FILE, or write out --insecure",
            WRONG_USE,
        )
    except (JournalFailed, JournalInUse, MissingDependency) as error:
        status = _told(error, FAILED)
    except OSError as error:
        where = f" ({error.filename!r})" if error.filename else ""
        status = _told(f"the server cannot run: {error.strerror or error}{where}", FAILED)
    except KeyboardInterrupt:  # before it listened
        status = INTERRUPTED
    _leave(status)
    raise typer.Exit(status)


def _leave(status: int) -> None:
    """End at once, if a method of a program does not: Python would wait for its thread."""
    end_s = time.monotonic() + _THREADS_S
    threads = [each for each in threading.enumerate() if each.name.startswith("interlock-manager_")]
    for thread in threads:
        thread.join(max(0.0, end_s - time.monotonic()))
    if any(thread.is_alive() for thread in threads):
        logging.getLogger("interlock.serve").warning("a call runs in a thread, and ends with it")
        logging.shutdown()
        os._exit(status)


def _told(what: object, status: int) -> int:
    print(f"interlock serve: {what}", file=sys.stderr)
    return status


def _place(text: str, option: str) -> tuple[str, int]:
    from interlock.managers.named.address import host_and_port

    try:
        return host_and_port(text.removeprefix("interlock://"))
    except ValueError as error:
        raise Unusable(f"{option} {text}: {error}") from None


def _key(path: str | None) -> bytes | None:
    if path is None:
        return None
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                raise Unusable(
                    f"--authkey-file {path}: others may read it; `chmod 600 {path}` first, or make "
                    "a new key if they have"
                )
            key = file.read().strip()
    except OSError as error:
        raise Unusable(
            f"--authkey-file {path} cannot be read ({error.strerror}); give a file with a key"
        ) from None
    if len(key) < 16:
        raise Unusable(
            f"--authkey-file {path}: a key has 16 characters at least, such as what "
            "`openssl rand -hex 32` prints"
        )
    return key


def _seconds(text: str, option: str) -> float:
    if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", text) and float(text) > 0:
        return float(text)
    raise Unusable(f"{option} {text}: give seconds, such as {option} 30")


def _bytes(text: str) -> int:
    found = re.fullmatch(r"([0-9]{1,15})([kmgt]?)", text.lower())
    if found is None or int(found[1]) == 0:
        raise Unusable(f"--max-bytes {text}: give a number of bytes, such as --max-bytes 4G")
    return int(found[1]) * _UNITS[found[2]]


def _level(text: str) -> str:
    if text.lower() not in ("debug", "info", "warning", "error"):
        raise Unusable(f"--log-level {text}: give debug, info, warning or error")
    return text.upper()
