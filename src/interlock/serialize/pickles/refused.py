"""Why a pickle is refused: raised by any part of the reader, told with the byte by `damaged`."""

from __future__ import annotations

from interlock.errors import DecodeError, ForbiddenGlobal

__all__ = ["Refused", "RefusedName", "damaged"]

_DAMAGED = "Ask its sender for it again; who made it does not write pickles as Python does."


class Refused(Exception):
    """A step of a pickle that is not done.

    Attributes:
        what: What the step would have done, as the first sentence of the message.
        advice: What the caller can do about it, as its last.
    """

    def __init__(self, what: str, advice: str = _DAMAGED) -> None:
        super().__init__(what)
        self.what = what
        self.advice = advice


class RefusedName(Refused):
    """A name that is not allowed, or which does not lead to what calls itself so."""

    def __init__(self, module: str, name: str, what: str, advice: str) -> None:
        super().__init__(what, advice)
        self.module = module
        self.name = name

    def __reduce__(self) -> tuple[type[RefusedName], tuple[str, str, str, str]]:
        return RefusedName, (self.module, self.name, self.what, self.advice)


def damaged(offset: int, opcode: str, refused: Refused) -> DecodeError:
    """The error that the caller sees: what happened, where, what to do."""
    message = (
        f"{refused.what}. This is at byte {offset} of the pickle ({opcode}); "
        f"nothing was made of it. {refused.advice}"
    )
    if isinstance(refused, RefusedName):
        return ForbiddenGlobal(message, refused.module, refused.name, offset=offset)
    return DecodeError(message, offset=offset)
