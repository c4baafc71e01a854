"""Pipe."""

from __future__ import annotations

import threading

from tests.conformance.contexts import work
from tests.conformance.contexts.promise import Bench, must, promise, raising


@promise("Pipe", "Process")
def messages_go_both_ways_in_order(bench: Bench) -> None:
    """What one end sends the other receives, in order, between processes."""
    ours, theirs = bench.context.Pipe()
    process = bench.start(work.echo, theirs, 3)
    for message in (1, "two", [3, {"three": None}]):
        ours.send(message)
    got = [ours.recv() for _ in range(3)]
    must(got == [1, "two", [3, {"three": None}]], f"They are {got}.")
    bench.join(process)


@promise("Pipe", "Process")
def bytes_arrive_as_bytes(bench: Bench) -> None:
    """send_bytes() and recv_bytes() carry a buffer's bytes as they are."""
    ours, theirs = bench.context.Pipe()
    process = bench.start(work.echo_bytes, theirs)
    ours.send_bytes(b"\0bytes\xff")
    must(ours.recv_bytes() == b"\0bytes\xff", "They are others.")
    bench.join(process)


@promise("Pipe")
def one_way_is_one_way(bench: Bench) -> None:
    """Pipe(duplex=False) gives an end that receives and one that sends."""
    receiving, sending = bench.context.Pipe(False)
    sending.send(1)
    must(receiving.recv() == 1, "It is another.")
    with raising(OSError):
        receiving.send(1)
    with raising(OSError):
        sending.recv()


@promise("Pipe", "Process")
def the_end_of_the_other_side_is_noticed(bench: Bench) -> None:
    """When who has the other end has ended, recv() raises EOFError after the last message."""
    ours, theirs = bench.context.Pipe()
    process = bench.start(work.send, theirs, "last")
    theirs.close()
    must(ours.poll(bench.long_s), "Nothing came.")
    must(ours.recv() == "last", "It is another.")
    must(ours.poll(bench.soon_s), "The end is not noticed.")
    with raising(EOFError):
        ours.recv()
    with raising(BrokenPipeError, ConnectionError):
        ours.send("nobody")
    bench.join(process)


@promise("Pipe")
def poll_waits_so_long(bench: Bench) -> None:
    """poll(timeout) says after that time that nothing came, and at once that something is there."""
    ours, theirs = bench.context.Pipe()
    must(not ours.poll(bench.moment_s), "Something is there.")
    theirs.send(1)
    must(ours.poll(bench.long_s), "Nothing is there.")


@promise("Pipe")
def a_closed_end_refuses(bench: Bench) -> None:
    """After close() an end raises OSError."""
    ours, theirs = bench.context.Pipe()
    ours.close()
    with raising(OSError):
        ours.send(1)
    theirs.close()


@promise("Pipe")
def what_cannot_be_serialized_fails_at_send(bench: Bench) -> None:
    """send() raises for an object that cannot travel, and sends nothing."""
    ours, theirs = bench.context.Pipe()
    with raising(Exception):
        ours.send(threading.Lock())
    ours.send("after")
    must(theirs.recv() == "after", "Something else was sent.")


@promise("Pipe")
def a_message_is_a_copy(bench: Bench) -> None:
    """What is done to an object after send() does not travel."""
    ours, theirs = bench.context.Pipe()
    message = ["sent"]
    ours.send(message)
    message.append("later")
    must(theirs.recv() == ["sent"], "The later change arrived.")


PROMISES = (
    messages_go_both_ways_in_order,
    bytes_arrive_as_bytes,
    one_way_is_one_way,
    the_end_of_the_other_side_is_noticed,
    poll_waits_so_long,
    a_closed_end_refuses,
    what_cannot_be_serialized_fails_at_send,
    a_message_is_a_copy,
)
