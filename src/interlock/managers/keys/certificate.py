"""What is known of one certificate, and the words for the state it is in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

__all__ = ["EXPIRING_DAYS", "Certificate", "State"]

EXPIRING_DAYS = 30  # from when on it is told that a certificate ends

State = Literal["not yet valid", "valid", "expiring", "expired", "revoked"]


@dataclass(frozen=True)
class Certificate:
    """A certificate that an authority has signed.

    Attributes:
        name: Whose it is.
        serial: Its number, which no other has.
        hosts: Host names and IP addresses at which its owner may be connected to.
        valid_from: When it begins; an hour before it was made, for clocks that are late.
        valid_until: When it ends.
        revoked: When it was revoked; None if it was not.
        current: Whether it is the last one of its name; the others were replaced.
    """

    name: str
    serial: int
    hosts: tuple[str, ...]
    valid_from: datetime
    valid_until: datetime
    revoked: datetime | None = None
    current: bool = True

    @property
    def serial_hex(self) -> str:
        """The serial as `ssl` and `openssl` write it."""
        digits = f"{self.serial:X}"
        return "0" * (len(digits) % 2) + digits

    def days_left(self, now: datetime) -> int:
        """Whole days until it ends; less than 0 after that."""
        return (self.valid_until - now) // timedelta(days=1)

    def state(self, now: datetime) -> State:
        """In one word; revoked before all else, as nothing makes it valid again."""
        if self.revoked is not None:
            return "revoked"
        if now > self.valid_until:
            return "expired"
        if now < self.valid_from:
            return "not yet valid"
        return "expiring" if self.days_left(now) < EXPIRING_DAYS else "valid"

    def is_usable(self, now: datetime) -> bool:
        """Whether peers accept it."""
        return self.state(now) in ("valid", "expiring")
