"""The bytes of a connection, in whatever pieces they come, as messages; or WireError.

The reader lends the memory that the next bytes are to be received into (`Reader.room`): a small
buffer for frames, and in the middle of a CHUNK the very memory of the buffer that it belongs to, so
that a large buffer is written once. Any lengths are compared with the limits before memory is
taken for them; memory for a buffer is taken when its first byte has come, from the kernel, which
gives each page when it is first written to. So a lie about a length costs its teller the bytes.

Nothing here waits, and nothing is made of a body: fuzz it by `Reader.feed`.
"""

from __future__ import annotations

import mmap
import struct

from interlock.errors import WireError
from interlock.managers.wire.frames import (
    CHUNK_MAX,
    FRAME_MAX,
    HEADER,
    KINDS,
    Kind,
    Message,
    WireLimits,
)

__all__ = ["Reader"]

_HEADER_SIZE = HEADER.size
_SCRATCH_MIN = 4096
_MAPPED_MIN = 64 * 1024  # a buffer of that size or more has pages of its own
_WITH_BUFFERS = (Kind.CALLS, Kind.ANSWERS)


class Reader:
    """Makes messages of the bytes of one connection.

    Args:
        limits: What the other side may send; may be exchanged between two messages.
        preamble: How many bytes come before the first frame.

    Attributes:
        limits: As given.
        offset: Bytes of the connection that were made sense of.
        progress: Counts the frames; a frame that does not grow is told by `is_amid_frame`.
        is_stepwise: Whether a single message is made at a time, as the limits may be others for
            the next; `rest` makes the next one.
    """

    def __init__(self, limits: WireLimits, preamble: int = 0) -> None:
        self.limits = limits
        self.offset = 0
        self.progress = 0
        self.is_stepwise = False
        self._scratch = bytearray(_SCRATCH_MIN)
        self._begin = self._end = 0
        self._preamble = preamble
        self._parts: dict[int, _Incoming] = {}
        self._announced = 0  # bytes of buffers that have not arrived
        self._chunk: _Incoming | None = None
        self._chunk_left = 0
        self._lent: memoryview | None = None
        self._error: str | None = None

    @property
    def is_amid_frame(self) -> bool:
        """Whether a frame has begun to arrive, or buffers are missing."""
        return self._end > self._begin or self._chunk is not None or bool(self._parts)

    @property
    def bytes_under_way(self) -> int:
        """Of buffers that were announced and have not arrived."""
        return self._announced

    def room(self) -> memoryview:
        """Where the next bytes are to be put; call `filled` then.

        Raises:
            WireError: The connection was not in order before.
        """
        self._check_sound()
        if self._chunk is not None:
            self._lent = self._chunk.room(self._chunk_left)
        else:
            self._make_room()
            self._lent = memoryview(self._scratch)[self._end :]
        return self._lent

    def filled(self, count: int) -> list[Message]:
        """Say how many bytes were put into what `room` lent.

        Returns:
            What has become whole by them. What came whole before bytes that are out of order is
            given back too; the next call raises then.

        Raises:
            WireError: They are out of order, or beyond a limit. So is all that comes behind them.
        """
        lent, self._lent = self._lent, None
        if lent is None or not 0 <= count <= lent.nbytes:
            raise ValueError("filled() says how many bytes were put into what room() gave")
        # It is not released: uvloop still has it. None of the memory is resized.
        return self._made(count)

    def rest(self) -> list[Message]:
        """What bytes that have come make, when no more than one message was made of them.

        Raises:
            WireError: As `filled`.
        """
        return self._made(0)

    def _made(self, count: int) -> list[Message]:
        self._check_sound()
        made: list[Message] = []
        try:
            self._take(count, made)
        except WireError as error:
            self._error = str(error)
            if not made:
                raise
        return made

    def feed(self, data: bytes | bytearray | memoryview) -> list[Message]:
        """Take bytes that have arrived elsewhere; a copy is made of them.

        Raises:
            WireError: As `filled`.
        """
        rest, made = memoryview(data), []
        while rest.nbytes:
            room = self.room()
            count = min(room.nbytes, rest.nbytes)
            room[:count] = rest[:count]
            rest = rest[count:]
            made += self.filled(count)
        return made

    # ---- what has come ---------------------------------------------------------------------------

    def _take(self, count: int, made: list[Message]) -> None:
        if self._chunk is not None:
            self.offset += count
            self._grow(self._chunk, count, made)
        else:
            self._end += count
        if self._preamble and not self._take_preamble(made):
            return
        while self._end - self._begin >= _HEADER_SIZE and not (made and self.is_stepwise):
            if not self._take_frame(made):
                return

    def _take_preamble(self, made: list[Message]) -> bool:
        length = self._preamble
        if self._end - self._begin < length:
            return False
        self._preamble = 0
        made.append(Message(Kind.PREAMBLE, 0, self._eaten(length), []))
        return True

    def _eaten(self, count: int) -> bytes:
        """The next bytes, which are made sense of."""
        at, self._begin = self._begin, self._begin + count
        self.offset += count
        return bytes(self._scratch[at : at + count])

    def _take_frame(self, made: list[Message]) -> bool:
        """Take a frame (of a CHUNK, what there is of it); False if it is not all there."""
        kind, flags, buffers, length, call = HEADER.unpack_from(self._scratch, self._begin)
        self._check(kind, flags, buffers, length, call)
        if kind == Kind.CHUNK:
            self._eaten(_HEADER_SIZE)
            self._take_chunk(self._parts[call], length, made)
            return True
        if self._end - self._begin < _HEADER_SIZE + 8 * buffers + length:
            return False
        frame = self._eaten(_HEADER_SIZE + 8 * buffers + length)
        self.progress += 1
        message = Message(KINDS[kind], call, frame[_HEADER_SIZE + 8 * buffers :], [])
        if buffers:
            self._announce(message, struct.unpack_from(f"<{buffers}Q", frame, _HEADER_SIZE))
        else:
            made.append(message)
        return True

    def _check(self, kind: int, flags: int, buffers: int, length: int, call: int) -> None:
        if not 0 < kind < len(KINDS):
            raise self._refusal(f"a frame of kind {kind}, which does not exist")
        if flags:
            raise self._refusal(f"flags {flags:#x}, which this version does not have")
        if kind == Kind.CHUNK:
            self._check_chunk(buffers, length, call)
        elif length > self.limits.body:
            raise self._refusal(f"a body of {length} bytes (at most {self.limits.body})")
        elif buffers > (self.limits.buffers if kind in _WITH_BUFFERS else 0):
            raise self._refusal(f"a frame of kind {KINDS[kind].name} with {buffers} buffers")
        elif buffers and call in self._parts:
            raise self._refusal(f"call {call} a second time, before its buffers have come")
        elif buffers and len(self._parts) >= self.limits.under_way:
            raise self._refusal(f"more than {self.limits.under_way} messages at once")

    def _check_chunk(self, index: int, length: int, call: int) -> None:
        part = self._parts.get(call)
        if part is None:
            raise self._refusal(f"a part of a buffer of call {call}, which has none to come")
        if index != part.index or not 0 < length <= min(CHUNK_MAX, part.missing):
            raise self._refusal(
                f"{length} bytes of buffer {index} of call {call}, where buffer {part.index} "
                f"lacks {part.missing}"
            )

    def _take_chunk(self, part: _Incoming, size: int, made: list[Message]) -> None:
        self._chunk, self._chunk_left = part, size
        there = min(size, self._end - self._begin)
        if there:
            with part.room(there) as room:
                room[:] = memoryview(self._scratch)[self._begin : self._begin + there]
            self._begin += there
            self.offset += there
            self._grow(part, there, made)

    def _announce(self, message: Message, sizes: tuple[int, ...]) -> None:
        if 0 in sizes or self._announced + sum(sizes) > self.limits.buffer_bytes:
            raise self._refusal(
                f"buffers of {sum(sizes)} bytes to come besides {self._announced} "
                f"(at most {self.limits.buffer_bytes} in all)"
            )
        self._announced += sum(sizes)
        self._parts[message.call] = _Incoming(message, sizes)

    def _grow(self, part: _Incoming, count: int, made: list[Message]) -> None:
        self._chunk_left -= count
        self._announced -= count
        part.add(count)
        if self._chunk_left == 0:
            self._chunk = None
            self.progress += 1
        if part.is_whole:
            del self._parts[part.message.call]
            made.append(part.message)

    # ---- the small buffer ------------------------------------------------------------------------

    def _make_room(self) -> None:
        """Twice as much each time that it was filled; it is never full of less than a frame."""
        there = self._end - self._begin
        size = len(self._scratch)
        if self._end == size < FRAME_MAX:
            larger = bytearray(min(2 * size, FRAME_MAX))
            larger[:there] = memoryview(self._scratch)[self._begin : self._end]
            self._scratch = larger
        elif self._begin:
            self._scratch[:there] = self._scratch[self._begin : self._end]
        else:
            return
        self._begin, self._end = 0, there

    def _refusal(self, what: str) -> WireError:
        return WireError(
            f"At byte {self.offset} of a connection came {what}; the connection was cut.",
            offset=self.offset,
        )

    def _check_sound(self) -> None:
        if self._error is not None:
            raise WireError(self._error, offset=self.offset)


class _Incoming:
    """A message whose buffers come."""

    def __init__(self, message: Message, sizes: tuple[int, ...]) -> None:
        self.message = message
        self.index = 0
        self._sizes = sizes
        self._at = 0
        self._memory: memoryview | None = None

    @property
    def missing(self) -> int:
        """Bytes of the buffer that is coming."""
        return self._sizes[self.index] - self._at

    @property
    def is_whole(self) -> bool:
        return self.index == len(self._sizes)

    def room(self, most: int) -> memoryview:
        if self._memory is None:
            self._memory = _memory(self._sizes[self.index])
        return self._memory[self._at : self._at + most]

    def add(self, count: int) -> None:
        self._at += count
        if self.missing == 0 and self._memory is not None:
            self.message.buffers.append(self._memory)
            self._memory, self._at = None, 0
            self.index += 1


def _memory(size: int) -> memoryview:
    if size < _MAPPED_MIN:
        return memoryview(bytearray(size))
    try:
        return memoryview(mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
    except OSError as error:
        raise WireError(f"There is no memory for a buffer of {size} bytes.") from error
