"""What `explain` tells: a tree of parts, which prints itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["Explanation", "Part"]


@dataclass
class Part:
    """One part of an object, or several like ones that stand side by side.

    Attributes:
        path: Where it is, from the object given (``$``); of the first of several.
        type: Its type, ``module.qualname``, without ``builtins.``.
        hook: What decides how it becomes bytes: ``native`` (the codec itself), ``registered``,
            ``pickle`` (plain, within a pickle), ``by name`` (functions and classes), ``copyreg``,
            ``ForkingPickler.register``, or the names of its own hooks, such as
            ``__reduce_ex__``; ``""`` where nothing does.
        detail: More of that: the version, what is called on the other side.
        bytes: What it would take if it were sent alone, all within it included; None where it
            cannot be sent, or was not measured. Of the whole object, what it takes.
        out_of_band: Bytes of its large buffers, which are copied once, into shared memory.
        count: How many parts this stands for.
        last: Where the last of them is.
        same_as: The path of the same object, met before, which travels once.
        reason: Why it cannot be sent; None if nothing is wrong with it.
        advice: What to do about that.
        parts: Its own parts.
    """

    path: str
    type: str
    hook: str
    detail: str = ""
    bytes: int | None = None
    out_of_band: int = 0
    count: int = 1
    last: str = ""
    same_as: str | None = None
    reason: str | None = None
    advice: str | None = None
    parts: list[Part] = field(default_factory=list)

    def walk(self) -> Iterator[tuple[int, Part]]:
        """This part and all within it, each with its depth, in order."""
        stack = [(0, self)]
        while stack:
            depth, part = stack.pop()
            yield depth, part
            stack.extend((depth + 1, each) for each in reversed(part.parts))


@dataclass(repr=False)
class Explanation:
    """How an object would become bytes, part by part; printed, it is a tree.

    Attributes:
        root: The object.
        trust: For whom: ``"process"`` or ``"registered"``.
        carrier: ``native`` or ``pickle``: a message is one or the other as a whole.
        complete: False where there were more parts than were looked at.
    """

    root: Part
    trust: str
    carrier: str
    complete: bool = True

    @property
    def problems(self) -> tuple[Part, ...]:
        """The parts that cannot be sent."""
        return tuple(part for _, part in self.root.walk() if part.reason is not None)

    def __str__(self) -> str:
        lines = [self._head()]
        for depth, part in self.root.walk():
            lines.extend(_lines(part, "  " * depth))
        if not self.complete:
            lines.append("(and more parts, which were not looked at)")
        return "\n".join(lines)

    __repr__ = __str__

    def _head(self) -> str:
        problems = len(self.problems)
        if problems:
            many = "1 part" if problems == 1 else f"{problems} parts"
            return f'Cannot be sent under trust="{self.trust}": {many} cannot be serialized.'
        how = "native encoding" if self.carrier == "native" else "pickle protocol 5"
        return f'{_size(self.root) or "Some bytes"} by {how}, under trust="{self.trust}".'


def _lines(part: Part, indent: str) -> Iterator[str]:
    place = part.path if part.count == 1 else f"{part.path} ... {part.last}"
    words = [part.type if part.count == 1 else f"{part.count:,} x {part.type}"]
    if part.same_as is not None:
        words.append(f"the same as {part.same_as}")
    elif part.hook:
        words.append(f"{part.hook} ({part.detail})" if part.detail else part.hook)
    size = _size(part)
    if size:
        words.append(size)
    yield f"{indent}{place}: {', '.join(words)}"
    if part.reason is not None:
        yield f"{indent}  cannot be serialized: {part.reason}"
    if part.advice is not None:
        yield f"{indent}  what to do: {part.advice}"


def _size(part: Part) -> str:
    if part.bytes is None:
        return ""
    aside = f" + {part.out_of_band:,} out of band" if part.out_of_band else ""
    return f"{part.bytes:,} byte{'' if part.bytes == 1 else 's'}{aside}"
