"""Bytes instead of objects, and the two side by side."""

from __future__ import annotations

import array
import pickle
from typing import Any

from interlock.testing.contract import contract, must, raising
from interlock.testing.samples import SIZES, must_be_pattern, pattern
from interlock.testing.trial import Trial

__all__ = ["CONTRACTS"]


@contract("bytes")
def bytes_arrive_as_bytes(trial: Trial) -> None:
    """recv_bytes() returns what send_bytes() sent, of any size and any kind of buffer."""
    receiver, sender = trial.make(duplex=False)
    child = trial.child(_send_patterns, sender)
    for size in SIZES:
        must_be_pattern(receiver.recv_bytes(), size)
    child.result()
    for buffer in (b"plain", bytearray(b"array"), memoryview(b"view"), array.array("i", [1, 2])):
        sender.send_bytes(buffer)
        must(receiver.recv_bytes() == bytes(buffer), f"{buffer!r} arrived differently.")


@contract("bytes")
def a_part_of_a_buffer_is_sent(trial: Trial) -> None:
    """send_bytes(buf, offset, size) sends that part; what is not within raises ValueError."""
    receiver, sender = trial.make(duplex=False)
    whole = b"0123456789"
    for part in ((), (0,), (3,), (10,), (3, 4), (10, 0), (0, 10)):
        sender.send_bytes(whole, *part)
        offset, size = (*part, 0, 10)[0] if part else 0, part[1] if len(part) > 1 else 10
        must(receiver.recv_bytes() == whole[offset:][:size], f"The part {part} differs.")
    for part in ((-1,), (11,), (0, 11), (9, 2), (0, -1)):
        with raising(ValueError, f"send_bytes() of ten bytes with {part}"):
            sender.send_bytes(whole, *part)


@contract("bytes")
def a_message_over_maxlength_is_refused(trial: Trial) -> None:
    """recv_bytes(maxlength) raises OSError for a longer message, and gives one that fits."""
    receiver, sender = trial.make(duplex=False)
    sender.send_bytes(b"12345")
    must(receiver.recv_bytes(5) == b"12345", "A message of just maxlength differs.")
    with raising(ValueError, "recv_bytes(-1)"):
        receiver.recv_bytes(-1)
    sender.send_bytes(b"123456")
    with raising(OSError, "recv_bytes(5) of six bytes"):
        receiver.recv_bytes(5)


@contract("bytes")
def a_message_is_received_into_a_buffer(trial: Trial) -> None:
    """recv_bytes_into() fills the buffer from an offset on, in bytes, and tells how many."""
    receiver, sender = trial.make(duplex=False)
    target = bytearray(b"..........")
    sender.send_bytes(b"abc")
    must(receiver.recv_bytes_into(target) == 3 and target == b"abc.......", f"It is {target!r}.")
    sender.send_bytes(b"def")
    must(receiver.recv_bytes_into(target, 7) == 3 and target[7:] == b"def", f"It is {target!r}.")
    numbers = array.array("i", [0, 0, 0])
    sender.send_bytes(array.array("i", [5]))
    must(receiver.recv_bytes_into(numbers, numbers.itemsize) == numbers.itemsize, "Wrong length.")
    must(list(numbers) == [0, 5, 0], f"It is {list(numbers)}.")
    for offset in (-1, 11):
        with raising(ValueError, f"recv_bytes_into() of ten bytes at {offset}"):
            receiver.recv_bytes_into(target, offset)


@contract("bytes")
def a_buffer_that_is_too_short_loses_nothing(trial: Trial) -> None:
    """recv_bytes_into() raises BufferTooShort with the whole message, and the next one comes."""
    from multiprocessing import BufferTooShort

    receiver, sender = trial.make(duplex=False)
    sender.send_bytes(b"too long for it")
    sender.send_bytes(b"fits")
    target = bytearray(8)
    try:
        receiver.recv_bytes_into(target)
    except BufferTooShort as short:
        must(short.args == (b"too long for it",), f"The error has {short.args}.")
    else:
        raise AssertionError("Fifteen bytes went into eight.")
    must(receiver.recv_bytes_into(target) == 4 and target[:4] == b"fits", "The next one is lost.")


@contract("bytes")
def objects_and_bytes_are_pickles_of_each_other(trial: Trial) -> None:
    """What send() sent is a pickle for recv_bytes(), and recv() takes one sent by send_bytes()."""
    receiver, sender = trial.make(duplex=False)
    thing = {"key": [1, "two", None]}
    sender.send(thing)
    must(_unpickled(receiver.recv_bytes()) == thing, "The pickle is of something else.")
    sender.send_bytes(pickle.dumps(thing))
    must(receiver.recv() == thing, "recv() of a pickle gave something else.")


def _send_patterns(sender: Any) -> None:
    for size in SIZES:
        sender.send_bytes(pattern(size))


def _unpickled(data: bytes) -> Any:
    from interlock.serialize import decode

    return decode(data)


CONTRACTS = (
    bytes_arrive_as_bytes,
    a_part_of_a_buffer_is_sent,
    a_message_over_maxlength_is_refused,
    a_message_is_received_into_a_buffer,
    a_buffer_that_is_too_short_loses_nothing,
    objects_and_bytes_are_pickles_of_each_other,
)
