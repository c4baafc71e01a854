"""What the processes of a round do: put, get, and check that what came is right.

The checks inside the clock are one comparison a message; what costs more is
done on a sample, or after the clock has stopped.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .harness import Clock, WrongResult
from .peers.encoders import Encoder

SOURCES = 3  # arrays a producer sends in turn: a lost or repeated one shows
PAGE = 512  # int64 words in a page of 4 KiB
SAMPLE_BELOW = 1 << 20  # smaller arrays are summed once in SAMPLE messages
SAMPLE = 16
WARM_UP_BYTES = 16 << 20
WARM_UP_LEAST = 4


def warm_up(size: int) -> int:
    """Messages of ``size`` bytes sent before the clock starts, so that memory is in use."""
    return max(WARM_UP_LEAST, WARM_UP_BYTES // size)


def put_ints(clock: Clock, queue: Any, first: int, step: int, count: int) -> None:
    """Puts ``count`` integers from ``first`` on."""
    put = queue.put
    clock.start()
    for value in range(first, first + step * count, step):
        put(value)
    clock.stop()


def get_ints_in_order(clock: Clock, queue: Any, count: int) -> None:
    """Gets 0, 1, 2 ... and nothing else."""
    get = queue.get
    clock.start()
    for expected in range(count):
        if get() != expected:
            raise WrongResult(f"integer {expected} was lost, repeated or overtaken")
    clock.stop()


def get_ints_of_two(clock: Clock, queue: Any, count: int) -> tuple[int, int]:
    """Gets ``count`` of two producers' integers (even and odd); their number and sum."""
    get = queue.get
    clock.start()
    got = [get() for _ in range(count)]
    clock.stop()
    for producer in (0, 1):
        own = [value for value in got if value & 1 == producer]
        if any(a >= b for a, b in pairwise(own)):
            raise WrongResult(f"messages of producer {producer} came out of order")
    return len(got), sum(got)


def record(number: int) -> dict[str, Any]:
    """The dict of four fields."""
    return {"id": number, "name": "sensor-17", "value": 21.5, "valid": True}


def put_dicts(clock: Clock, queue: Any, count: int) -> None:
    """Puts a new dict of four fields each time."""
    put = queue.put
    clock.start()
    for number in range(count):
        put({"id": number, "name": "sensor-17", "value": 21.5, "valid": True})
    clock.stop()


def get_dicts(clock: Clock, queue: Any, count: int) -> None:
    """Checks each dict's number, and every 64th in full."""
    get = queue.get
    clock.start()
    for number in range(count):
        message = get()
        if message["id"] != number or (number % 64 == 0 and message != record(number)):
            raise WrongResult(f"dict {number} arrived as {message!r}")
    clock.stop()


def array(size: int, number: int) -> NDArray[np.int64]:
    """The source array ``number``, of ``size`` bytes; its first word is its number."""
    words = np.arange(size // 8, dtype=np.int64) * (number + 1)
    words[0] = number
    return words


def put_arrays(clock: Clock, queue: Any, size: int, count: int, before: int) -> None:
    """Puts SOURCES arrays in turn; ``before`` of them untimed."""
    arrays = [array(size, number) for number in range(SOURCES)]
    put = queue.put
    for number in range(before):
        put(arrays[number % SOURCES])
    clock.start()
    for number in range(count):
        put(arrays[number % SOURCES])
    clock.stop()


def get_arrays(clock: Clock, queue: Any, size: int, count: int, before: int) -> None:
    """Reads both ends of each array and a word a page of a sample; the last one in full."""
    arrays = [array(size, number) for number in range(SOURCES)]
    sums = [int(source[::PAGE].sum()) for source in arrays]
    last_words = [int(source[-1]) for source in arrays]
    every = SAMPLE if size < SAMPLE_BELOW else 1
    get = queue.get
    for _ in range(before):
        get()
    clock.start()
    for number in range(count):
        message = get()
        source = number % SOURCES
        right = message[0] == source and message[-1] == last_words[source]
        if number % every == 0:
            right = right and message[::PAGE].sum() == sums[source]
        if not right:
            raise WrongResult(f"array {number} of {size} bytes arrived damaged or out of turn")
        if number < count - 1:
            del message  # its memory goes back before the next one is awaited
    clock.stop()
    if not np.array_equal(message, arrays[(count - 1) % SOURCES]):
        raise WrongResult(f"the last array of {size} bytes is not what was sent")


def ping_queue(clock: Clock, there: Any, back: Any, count: int) -> None:
    """Sends a number and waits for it to come back."""
    put, get = there.put, back.get
    clock.start()
    for number in range(count):
        put(number)
        if get() != number:
            raise WrongResult(f"number {number} did not come back")
    clock.stop()


def pong_queue(clock: Clock, there: Any, back: Any, count: int) -> None:
    """Returns what it gets."""
    put, get = back.put, there.get
    clock.start()
    for _ in range(count):
        put(get())
    clock.stop()


def ping_pipe(clock: Clock, end: Any, count: int) -> None:
    """As ping_queue, over one connection."""
    send, receive = end.send, end.recv
    clock.start()
    for number in range(count):
        send(number)
        if receive() != number:
            raise WrongResult(f"number {number} did not come back")
    clock.stop()


def pong_pipe(clock: Clock, end: Any, count: int) -> None:
    """Returns what it receives."""
    send, receive = end.send, end.recv
    clock.start()
    for _ in range(count):
        send(receive())
    clock.stop()


def round_trips(
    clock: Clock, encoder: Encoder, value: object, expected: object, count: int
) -> None:
    """To bytes and back; the first, before the clock starts, and the last are checked in full."""
    check_same(encoder(value, 1), expected)
    clock.start()
    made = encoder(value, count)
    clock.stop()
    check_same(made, expected)


def check_same(made: Any, expected: Any) -> None:
    """Equal, and of the same type; of a list, each item too."""
    if isinstance(expected, np.ndarray):
        right = isinstance(made, np.ndarray) and made.dtype == expected.dtype
        right = right and np.array_equal(made, expected)
    else:
        right = _types(made) == _types(expected) and made == expected
    if not right:
        raise WrongResult(f"{expected!r:.80} came back as {made!r:.80}")


def _types(value: object) -> list[type]:
    return [type(value), *(map(type, value) if isinstance(value, list) else ())]
