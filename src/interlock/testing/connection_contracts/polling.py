"""Whether there is something to receive, asked of the end itself and of the kernel."""

from __future__ import annotations

import select
import time
from multiprocessing.connection import wait
from typing import Any

from interlock.testing.contract import contract, must
from interlock.testing.trial import Trial

__all__ = ["CONTRACTS"]

EARLY_S = 0.002  # clocks differ by so much
LATE_S = 2.0  # on a machine that is busy with something else
BURSTS = 20


@contract()
def recv_waits_for_a_message(trial: Trial) -> None:
    """recv() of an empty end waits until another thread or process sends something."""
    receiver, sender = trial.make(duplex=False)
    thread = trial.thread(receiver.recv)
    thread.wait_asleep()
    sender.send("for the thread")
    must(thread.result() == "for the thread", "A waiting thread got something else.")
    child = trial.child(_receive, receiver)
    child.wait_asleep()
    sender.send("for the child")
    must(child.result() == "for the child", "A waiting child got something else.")


@contract()
def poll_tells_and_takes_nothing(trial: Trial) -> None:
    """poll() is True while there is a message, however often it is asked, and False otherwise."""
    receiver, sender = trial.make(duplex=False)
    must(receiver.poll() is False, "poll() is not False for an empty end.")
    sender.send("message")
    for _ in range(3):
        must(receiver.poll() is True, "poll() is not True while there is a message.")
    must(receiver.recv() == "message", "The message changed.")
    must(receiver.poll() is False, "poll() is not False after the last message.")


@contract()
def poll_gives_up_in_time(trial: Trial) -> None:
    """poll(timeout) returns False when the time is over, and True as soon as something comes."""
    receiver, sender = trial.make(duplex=False)
    for timeout_s in (0.0, 0.05, 0.3):
        begun = time.monotonic()
        must(receiver.poll(timeout_s) is False, "poll() of an empty end is not False.")
        took_s = time.monotonic() - begun
        must(
            timeout_s - EARLY_S <= took_s <= timeout_s + LATE_S,
            f"poll({timeout_s:g}) took {took_s:.3f} s.",
        )
    thread = trial.thread(receiver.poll, None)
    thread.wait_asleep()
    sender.send("message")
    must(thread.result() is True, "poll(None) is not True with a message there.")


@contract("fileno")
def the_kernel_tells_while_there_is_a_message(trial: Trial) -> None:
    """fileno() is readable for select() exactly while there is a message, burst after burst."""
    receiver, sender = trial.make(duplex=False)
    for burst in range(1, BURSTS + 1):
        must(not _is_readable(receiver, 0.0), "It is readable with nothing to receive.")
        for number in range(burst):
            sender.send(number)
        for number in range(burst):
            must(_is_readable(receiver, trial.rest_s()), f"{burst - number} left, not readable.")
            must(receiver.recv() == number, "The order is lost.")


@contract("fileno")
def a_wait_of_the_standard_library_takes_it(trial: Trial) -> None:
    """multiprocessing.connection.wait() returns those ends that have a message."""
    pipes = [trial.make(duplex=False) for _ in range(3)]
    receivers = [receiver for receiver, _ in pipes]
    must(wait(receivers, 0.0) == [], "It returned an end that has nothing.")
    waiting = trial.thread(wait, receivers, trial.rest_s())
    waiting.wait_asleep()
    pipes[1][1].send("message")
    must(waiting.result() == [receivers[1]], "It did not return the one that has something.")
    must(receivers[1].recv() == "message", "The message changed.")


def _receive(receiver: Any) -> Any:
    return receiver.recv()


def _is_readable(receiver: Any, timeout_s: float) -> bool:
    return bool(select.select([receiver], [], [], timeout_s)[0])


CONTRACTS = (
    recv_waits_for_a_message,
    poll_tells_and_takes_nothing,
    poll_gives_up_in_time,
    the_kernel_tells_while_there_is_a_message,
    a_wait_of_the_standard_library_takes_it,
)
