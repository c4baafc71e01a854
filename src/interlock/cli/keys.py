"""The command `interlock keys`: an authority of one's own, and certificates for managers."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from interlock.cli.usage import Unusable
from interlock.errors import (
    KeysBusy,
    KeysDamaged,
    KeysExist,
    KeysExposed,
    KeysNotFound,
    KeysRefused,
    MissingDependency,
)

if TYPE_CHECKING:
    from interlock.managers.keys import Authority, Certificate

__all__ = ["keys_app"]

FAILED, WRONG_USE, INTERRUPTED = 1, 2, 130
PLAIN_WIDTH = 110  # columns where there is no terminal to ask
SERIAL_SHOWN = 12  # digits in the table; --json has them all
NO_HOSTS = "none, for connecting only"
STYLES = {"valid": "green", "expiring": "yellow", "not yet valid": "yellow"}

keys_app = typer.Typer(
    help="Certificates for managers over TLS, by an authority of your own.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Directory = Annotated[
    str,
    typer.Option(
        "--dir", metavar="DIR", envvar="INTERLOCK_KEYS", help="Where the authority's files are."
    ),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Whose certificate it is.")]
Days = Annotated[
    str, typer.Option("--days", metavar="N", help="Days that it is valid, from 1 to 36500.")
]


@keys_app.command("init")
def init_command(directory: Directory = "keys", days: Days = "3650") -> None:
    """Make an authority: the directory DIR with ca.pem, ca.key and crl.pem.

    What is there already is not touched. ca.key never leaves this directory; whoever has it can
    be anybody.

    Exit status: 0 done, 1 failed, 2 wrong use.
    """
    with told("init"):
        made = _authority().create(directory, _days(days)).certificate
        print(f"An authority is in {directory}, valid until {_day(made.valid_until)}.")
        print("Next: `interlock keys issue NAME --host HOST` for each who is to take part.")


@keys_app.command("issue")
def issue_command(
    name: Name = "",
    hosts: Annotated[
        list[str] | None,
        typer.Option(
            "--host",
            metavar="HOST",
            help="A host name or IP address at which NAME is connected to; may be given again.",
        ),
    ] = None,
    days: Days = "365",
    revoke_old: Annotated[
        bool, typer.Option("--revoke-old", help="Revoke NAME's older certificates.")
    ] = False,
    directory: Directory = "keys",
) -> None:
    """Make a key and a certificate for NAME, or renew them: NAME.key and NAME.pem.

    A renewed certificate has a new key, and the hosts of the one before it if no --host is given.
    The old one remains valid until it ends, so that there is time to replace it everywhere;
    --revoke-old ends it at once.

    Exit status: 0 done, 1 failed, 2 wrong use.
    """
    with told("issue"):
        if not name:
            raise Unusable("NAME is missing; give one, such as `interlock keys issue worker-1`")
        issued = _authority()(directory).issue(
            name, hosts or None, _days(days), revoke_old=revoke_old
        )
        made = issued.certificate
        print(f"{name} has a certificate until {_day(made.valid_until)}.")
        print(f"Hosts: {', '.join(made.hosts) or NO_HOSTS}.")
        for old in issued.still_valid:
            print(
                f"An older one (serial {_short(old)}) remains valid until {_day(old.valid_until)}; "
                "--revoke-old would have ended it."
            )
        _say_revoked(issued.revoked)
        also = ", and its new crl.pem to all" if issued.revoked else ""
        print(f"Copy {name}.key, ca.pem and crl.pem from {directory} to where {name} runs{also}.")


@keys_app.command("revoke")
def revoke_command(name: Name = "", directory: Directory = "keys") -> None:
    """Revoke every certificate that NAME ever had.

    Peers refuse it from the moment at which they have the new crl.pem; nothing makes it valid
    again. `interlock keys issue NAME` makes a new one.

    Exit status: 0 done, 1 failed, 2 wrong use.
    """
    with told("revoke"):
        if not name:
            raise Unusable(
                "NAME is missing; give one of those that `interlock keys show` lists, such as "
                "`interlock keys revoke worker-1`"
            )
        revoked = _authority()(directory).revoke(name)
        if not revoked:
            print(f"Every certificate of {name} was revoked before.")
            return
        _say_revoked(revoked)
        print(f"Copy crl.pem from {directory} to every machine that {name} might connect to.")


@keys_app.command("show")
def show_command(
    directory: Directory = "keys",
    everything: Annotated[
        bool,
        typer.Option("--all", help="Replaced ones too that are revoked or have expired."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List the certificates: name, serial, hosts, from when until when, state.

    Of a name, the current certificate is listed, and older ones that are still valid.

    Exit status: 0 done, 1 failed, 2 wrong use.
    """
    with told("show"):
        authority, now = _authority()(directory), datetime.now(UTC)
        listed = [
            each
            for each in authority.certificates()
            if everything or each.current or each.is_usable(now)
        ]
        if as_json:
            told_of = {
                "directory": directory,
                "authority": _as_dict(authority.certificate, now),
                "certificates": [_as_dict(each, now) for each in listed],
            }
            print(json.dumps(told_of))
        else:
            _print_table(authority.certificate, listed, now)


@contextmanager
def told(command: str) -> Iterator[None]:
    """What goes wrong is told in one line, with its exit status."""
    try:
        yield
        return
    except (
        Unusable,
        KeysDamaged,
        KeysExist,
        KeysExposed,
        KeysNotFound,
        KeysRefused,
    ) as error:
        said, status = str(error), WRONG_USE
    except (KeysBusy, MissingDependency) as error:
        said, status = str(error), FAILED
    except OSError as error:
        said = (
            f"{error.filename or 'a file'!r} cannot be read or written ({error.strerror}); give a "
            "directory of your own, on a disk that has room"
        )
        status = FAILED
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    print(f"interlock keys {command}: {said}", file=sys.stderr)
    raise typer.Exit(status)


def _authority() -> type[Authority]:
    """The class; what it needs takes long to load, and is not there without its extra."""
    from interlock.managers.keys import Authority

    return Authority


def _days(text: str) -> int:
    """What --days says.

    Raises:
        Unusable: It is no whole number; how large it may be, the authority knows.
    """
    try:
        return int(text)
    except ValueError:
        raise Unusable(
            f"--days {text}: give a whole number from 1 to 36500, such as --days 365"
        ) from None


def _say_revoked(revoked: tuple[Certificate, ...]) -> None:
    for old in revoked:
        print(f"The certificate of {old.name} with the serial {_short(old)} is revoked.")


def _day(when: datetime) -> str:
    return f"{when:%Y-%m-%d}"


def _short(certificate: Certificate) -> str:
    return certificate.serial_hex[:SERIAL_SHOWN]


def _as_dict(certificate: Certificate, now: datetime) -> dict[str, object]:
    revoked = certificate.revoked
    return {
        "name": certificate.name,
        "serial": certificate.serial_hex,
        "hosts": certificate.hosts,
        "from": certificate.valid_from.isoformat(),
        "until": certificate.valid_until.isoformat(),
        "state": certificate.state(now),
        "days_left": certificate.days_left(now),
        "revoked": None if revoked is None else revoked.isoformat(),
        "current": certificate.current,
    }


def _print_table(authority: Certificate, listed: list[Certificate], now: datetime) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("name", "serial", "hosts", "from", "until", "state"):
        table.add_column(title, overflow="fold", no_wrap=title in ("from", "until"))
    for each in (authority, *listed):
        state = each.state(now)
        hosts = "" if each is authority else ", ".join(each.hosts) or "none"
        table.add_row(
            "(the authority)" if each is authority else Text(each.name),
            _short(each),
            Text(hosts),
            _day(each.valid_from),
            _day(each.valid_until),
            Text(_in_words(each, now), STYLES.get(state, "red")),
        )
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PLAIN_WIDTH)
    console.print(table)


def _in_words(certificate: Certificate, now: datetime) -> str:
    state, days = certificate.state(now), certificate.days_left(now)
    said: str = state
    if certificate.revoked is not None:
        said = f"revoked {_day(certificate.revoked)}"
    elif state == "expiring":
        said = "expires today" if days == 0 else f"expires in {days} day{'s' * (days != 1)}"
    return said if certificate.current else f"{said}, replaced"
