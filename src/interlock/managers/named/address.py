"""Where a server is, as text."""

from __future__ import annotations

from urllib.parse import urlsplit

from interlock.managers.auth import Address

__all__ = ["address_of", "host_and_port", "shown"]


def address_of(text: str) -> Address:
    """The address in ``interlock://host:port`` or ``interlock+unix:///path``.

    Raises:
        ValueError: It is none, with what one looks like.
    """
    parts = urlsplit(text)
    if parts.scheme == "interlock+unix" and parts.path and not parts.netloc:
        return parts.path
    if parts.scheme != "interlock" or parts.path not in ("", "/") or parts.query or parts.username:
        raise ValueError(
            f"{text!r:.200} is no address of a server; it looks like interlock://host:port or "
            "interlock+unix:///path"
        )
    return host_and_port(parts.netloc)


def host_and_port(text: str) -> tuple[str, int]:
    """Of ``host:port``, ``[::1]:port`` or ``:port`` (every address of this machine).

    Raises:
        ValueError: It is none, with what one looks like.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{text!r:.200} is no host:port, such as 127.0.0.1:7400")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"{text!r:.200}: an IPv6 address stands in brackets, such as [::1]:7400")
    return host, int(port)


def shown(address: Address) -> str:
    """The text by which clients connect there."""
    if isinstance(address, str):
        return f"interlock+unix://{address}"
    host, port = address
    return f"interlock://[{host}]:{port}" if ":" in host else f"interlock://{host}:{port}"
