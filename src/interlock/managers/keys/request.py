"""What a certificate may be asked for: names, hosts and times that are safe to sign."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from contextlib import suppress

from interlock.errors import KeysRefused

__all__ = ["HOSTS_MAX", "checked_days", "checked_hosts", "checked_name"]

HOSTS_MAX = 100
DAYS_MAX = 36_500
HOST_CHARACTERS_MAX = 253
# 64 is what a certificate's common name may have (RFC 5280, ub-common-name). A name becomes a
# file name, too: no slash, and no dot in front.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_RESERVED = frozenset({"ca", "crl"})  # their files are the authority's own


def checked_name(name: str) -> str:
    """The name, if it can be one of a certificate and of its files.

    Raises:
        KeysRefused: It cannot.
    """
    if not _NAME.fullmatch(name):
        raise KeysRefused(
            f"{name!r} cannot be the name of a certificate; give 1 to 64 of the letters a to z, "
            "digits, dots, dashes and underscores, the first a letter or digit, such as worker-1"
        )
    if name.lower() in _RESERVED:
        raise KeysRefused(
            f"the name {name!r} is kept for the authority's own files; give another, such as "
            "worker-1"
        )
    return name


def checked_hosts(hosts: Iterable[str]) -> tuple[str, ...]:
    """Host names in small letters and IP addresses in their usual form, each once.

    Raises:
        KeysRefused: One is neither, or there are too many.
    """
    found = tuple(dict.fromkeys(_host(host) for host in hosts))
    if len(found) > HOSTS_MAX:
        raise KeysRefused(
            f"{len(found)} hosts are too many for one certificate; give at most {HOSTS_MAX}, and "
            "another name for the others"
        )
    return found


def _host(text: str) -> str:
    if "%" not in text:  # an address with its interface is none for other machines
        with suppress(ValueError):
            return str(ipaddress.ip_address(text))
    labels = text.split(".")
    fits = len(text) <= HOST_CHARACTERS_MAX and all(_LABEL.fullmatch(label) for label in labels)
    # A number at the end would be a broken IP address, which no name of a host looks like.
    if not fits or labels[-1].isdigit():
        raise KeysRefused(
            f"{text!r} is neither the name of a host nor an IP address; give one of them, without "
            "a port or a pattern, such as db1.example.org or 10.0.0.7"
        )
    return text.lower()


def checked_days(days: int) -> int:
    """For how long something is valid.

    Raises:
        KeysRefused: Not from 1 to DAYS_MAX.
    """
    if not 1 <= days <= DAYS_MAX:
        raise KeysRefused(
            f"{days} days cannot be how long a certificate is valid; give a number from 1 to "
            f"{DAYS_MAX}, such as 365"
        )
    return days
