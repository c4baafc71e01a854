"""What `interlock serve` does with its arguments: run the server until it is told to end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from interlock.cli.programs import Program
from interlock.managers.auth import Permissions
from interlock.managers.bounds import Bounds
from interlock.managers.named.address import shown
from interlock.managers.objects import Registry
from interlock.managers.served.service import Service, Terms
from interlock.managers.server import run
from interlock.managers.tls import Credentials

__all__ = ["Request", "serve"]

_log = logging.getLogger("interlock.serve")


@dataclass(frozen=True, kw_only=True)
class Request:
    """What was asked for."""

    address: tuple[str, int]
    program: Program | None
    permissions: Permissions | None
    tls: str | None
    name: str
    authkey: bytes | None = field(repr=False)
    insecure: bool
    journal: str | None
    grace_s: float
    heartbeat_s: float
    bytes_max: int
    metrics: tuple[str, int] | None
    log_json: bool
    log_level: str


def serve(request: Request) -> None:
    """Run the server until SIGTERM or SIGINT.

    Raises:
        InsecureAddress: The address is beyond this machine, or open to anybody.
        JournalInUse, JournalDamaged, JournalFailed: The journal cannot be used.
        KeysNotFound, KeysExposed, KeysDamaged, KeysRefused: The keys cannot.
        OSError: The address cannot.
    """
    _set_up_logs(request)
    ssl = None if request.tls is None else Credentials(request.tls, request.name)
    program = request.program or Program(Registry())
    permissions = program.permissions if request.permissions is None else request.permissions
    terms = Terms(
        journal=request.journal,
        authkey=request.authkey,
        ssl=ssl,
        bounds=Bounds(grace_s=request.grace_s, heartbeat_s=request.heartbeat_s),
        insecure=request.insecure,
        registry=program.registry,
        permissions=permissions,
        hide_tracebacks=program.hide_tracebacks,
        bytes_max=request.bytes_max,
    )
    run(_serve(request, terms))


async def _serve(request: Request, terms: Terms) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    service = Service(terms)

    def told(number: int) -> None:
        if stop.is_set():  # a second time
            service.hurry.set()
        else:
            _log.info("stopping", extra={"signal": signal.Signals(number).name})
            stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told, number)
    with _metrics(request, service):
        async with service.listening(request.address) as addresses:
            _log.info(
                "serving at %s", shown(addresses[0]),
                extra={"address": shown(addresses[0]), "objects": len(service.store)},
            )  # fmt: skip
            await service.until(stop)
    _log.info("stopped")


@contextlib.contextmanager
def _metrics(request: Request, service: Service) -> Iterator[None]:
    if request.metrics is None:
        yield
        return
    from interlock.cli.metrics import exported

    with exported(request.metrics, service, asyncio.get_running_loop()) as address:
        place = shown(address).removeprefix("interlock://")
        _log.info("metrics at http://%s/metrics", place, extra={"metrics": place})
        yield


class _JsonLines(logging.Formatter):
    """One object a line: when, how grave, by whom, what, and what more was given."""

    _known = frozenset(vars(logging.makeLogRecord({}))) | {"message", "taskName"}

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        told |= {name: value for name, value in vars(record).items() if name not in self._known}
        if record.exc_info:
            told["error"] = self.formatException(record.exc_info)
        return json.dumps(told, default=str)


def _set_up_logs(request: Request) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _JsonLines()
        if request.log_json
        else logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    )
    logging.basicConfig(level=request.log_level, handlers=[handler], force=True)
    threading.excepthook = lambda args: logging.getLogger("interlock.serve").error(
        "a thread ended by an error",
        exc_info=(args.exc_type, args.exc_value, args.exc_traceback),  # type: ignore[arg-type]
    )
