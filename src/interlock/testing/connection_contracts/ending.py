"""The end of a handle (close), and of whoever had the other end."""

from __future__ import annotations

import threading
from typing import Any

from interlock.testing.contract import contract, must, raising
from interlock.testing.trial import Trial

__all__ = ["CONTRACTS"]


@contract()
def each_end_has_its_direction(trial: Trial) -> None:
    """Without duplex the first end only receives and the second only sends, and both say so."""
    receiver, sender = trial.make(duplex=False)
    told = receiver.readable, receiver.writable, sender.readable, sender.writable
    must(told == (True, False, False, True), f"(readable, writable) of both ends is {told}.")
    for doing, attempt in (
        ("send() on the receiving end", lambda: receiver.send("message")),
        ("recv() on the sending end", sender.recv),
        ("poll() on the sending end", sender.poll),
    ):
        with raising(OSError, doing):
            attempt()


@contract()
def a_closed_end_refuses(trial: Trial) -> None:
    """After close() an end is closed and raises OSError; it may be closed again, or by `with`."""
    receiver, sender = trial.make(duplex=False)
    must(not receiver.closed and not sender.closed, "A new end says that it is closed.")
    with receiver as entered:
        must(entered is receiver, "`with` gives something else than the end.")
    sender.close()
    must(receiver.closed and sender.closed, "An end that was closed does not say so.")
    for doing, attempt in (
        ("recv()", receiver.recv),
        ("poll()", receiver.poll),
        ("fileno()", receiver.fileno),
        ("send()", lambda: sender.send("message")),
    ):
        with raising(OSError, f"{doing} after close()"):
            attempt()
    receiver.close()


@contract()
def the_rest_comes_before_the_end(trial: Trial) -> None:
    """When the other end is closed, recv() gives what is left and then raises EOFError."""
    receiver, sender = trial.make(duplex=False)
    for number in range(3):
        sender.send(number)
    sender.close()
    must([receiver.recv() for _ in range(3)] == [0, 1, 2], "What was left differs.")
    must(receiver.poll() is True, "poll() is not True at the end, where recv() does not wait.")
    for _ in range(2):
        with raising(EOFError, "recv() after the end"):
            receiver.recv()


@contract()
def sending_to_nobody_raises(trial: Trial) -> None:
    """When the other end is closed, send() raises BrokenPipeError."""
    receiver, sender = trial.make(duplex=False)
    receiver.close()
    with raising(BrokenPipeError, "send() to a closed end"):
        sender.send("message")


@contract("duplex")
def a_duplex_end_notices_that_its_peer_is_gone(trial: Trial) -> None:
    """With the other end closed, recv() raises EOFError and send() an OSError."""
    first, second = trial.make()
    second.send("last")
    second.close()
    must(first.recv() == "last", "What was left differs.")
    with raising(EOFError, "recv() after the end"):
        first.recv()
    with raising(OSError, "send() to a closed end"):
        first.send("message")


@contract()
def recv_ends_with_the_last_sender(trial: Trial) -> None:
    """EOFError wakes who waits in recv() when the last process with the other end is killed."""
    receiver, sender = trial.make(duplex=False)
    children = [trial.child(_hold, sender) for _ in range(2)]
    for child in children:
        child.wait_begun()
    sender.close()
    waiting = trial.thread(receiver.recv)
    waiting.wait_asleep()
    children[0].kill()
    must(not waiting.is_over(), "recv() returned while one sender was left.")
    children[1].kill()
    with raising(EOFError, "recv() without any sender"):
        waiting.result()
    trial.forget(waiting)


@contract()
def send_ends_with_the_last_receiver(trial: Trial) -> None:
    """BrokenPipeError comes out of send() when the last process with the other end is killed."""
    receiver, sender = trial.make(duplex=False)
    child = trial.child(_hold, receiver)
    child.wait_begun()
    receiver.close()
    sender.send("to whom lives")
    child.kill()
    with raising(BrokenPipeError, "send() without any receiver"):
        sender.send("to nobody")


@contract()
def send_that_waits_ends_with_the_last_receiver(trial: Trial) -> None:
    """BrokenPipeError wakes who waits for room in send() when the receiver is killed."""
    receiver, sender = trial.make(duplex=False)
    child = trial.child(_hold, receiver)
    child.wait_begun()
    receiver.close()
    waiting = trial.thread(_send_for_ever, sender)
    waiting.wait_asleep()
    child.kill()
    with raising(BrokenPipeError, "send() that waits, without any receiver"):
        waiting.result()
    trial.forget(waiting)


@contract()
def what_was_sent_before_the_end_arrives(trial: Trial) -> None:
    """What a child sent before it ended is received, and then the end."""
    receiver, sender = trial.make(duplex=False)
    child = trial.child(_send_and_end, sender)
    sender.close()
    child.result()
    must([receiver.recv() for _ in range(100)] == list(range(100)), "Something else came.")
    with raising(EOFError, "recv() after the child's end"):
        receiver.recv()


@contract("close_wakes")
def close_wakes_those_who_wait(trial: Trial) -> None:
    """A thread that waits in recv() raises OSError when another thread closes its end."""
    receiver, _sender = trial.make(duplex=False)
    waiting = trial.thread(receiver.recv)
    waiting.wait_asleep()
    receiver.close()
    with raising(OSError, "recv() on an end that was closed meanwhile"):
        waiting.result()
    trial.forget(waiting)


def _hold(_end: Any) -> None:
    threading.Event().wait()  # to be killed


def _send_for_ever(sender: Any) -> None:
    while True:
        sender.send(bytes(1 << 20))


def _send_and_end(sender: Any) -> None:
    for number in range(100):
        sender.send(number)


CONTRACTS = (
    each_end_has_its_direction,
    a_closed_end_refuses,
    the_rest_comes_before_the_end,
    sending_to_nobody_raises,
    a_duplex_end_notices_that_its_peer_is_gone,
    recv_ends_with_the_last_sender,
    send_ends_with_the_last_receiver,
    send_that_waits_ends_with_the_last_receiver,
    what_was_sent_before_the_end_arrives,
    close_wakes_those_who_wait,
)
