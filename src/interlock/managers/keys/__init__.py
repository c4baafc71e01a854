"""A private certificate authority in a directory: who may talk to whom between machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from interlock.managers.keys.authority import Authority, Issued
    from interlock.managers.keys.certificate import Certificate

__all__ = ["Authority", "Certificate", "Issued"]

if not TYPE_CHECKING:  # where names that are not there would be found

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        # They need cryptography; `tls`, which uses what is beside them, does not.
        from interlock.managers.keys import authority

        return getattr(authority, name)
