"""An end in the hands of pollers that know nothing of it, and of the standard library."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import select
import selectors
import socket
from multiprocessing import reduction
from typing import Any

import pytest

import interlock
from interlock.context import BaseContext
from interlock.testing.trial import Trial

Ends = tuple[Any, Any]


def is_readable(descriptor: int) -> bool:
    """What poll(2) says now."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


@pytest.mark.parametrize("body", [b"", b"x", bytes(200_000)])
def test_an_end_is_readable_while_there_is_a_message(body: bytes) -> None:
    """Not before, not after, and for good when the other side is gone."""
    ours, theirs = interlock.Pipe()
    descriptor = ours.fileno()
    assert not is_readable(descriptor)
    for receive in (ours.recv_bytes, lambda: ours.recv_bytes_into(bytearray(200_000))):
        for count in (1, 3):
            for _ in range(count):
                theirs.send_bytes(body)
            for _ in range(count):
                assert is_readable(descriptor)
                receive()
            assert not is_readable(descriptor)
    theirs.close()
    assert is_readable(descriptor)
    with pytest.raises(EOFError):
        ours.recv()
    assert is_readable(descriptor)
    ours.close()


def test_a_selector_gets_every_message_of_every_peer(trial: Trial) -> None:
    """Level-triggered, three pipes at once, without one call that would wait in vain."""
    pipes = [interlock.Pipe() for _ in range(3)]
    children = [trial.child(_count, theirs, 300) for _, theirs in pipes]
    got: dict[int, list[int]] = {number: [] for number in range(3)}
    with selectors.DefaultSelector() as selector:
        for number, (ours, theirs) in enumerate(pipes):
            theirs.close()
            selector.register(ours, selectors.EVENT_READ, number)
        while selector.get_map():
            ready = selector.select(30)
            assert ready
            for key, _ in ready:
                end: Any = key.fileobj
                try:
                    got[key.data].append(end.recv())
                except EOFError:
                    selector.unregister(end)
                    end.close()
    assert all(numbers == list(range(300)) for numbers in got.values())
    for child in children:
        child.result()


def test_the_standard_library_s_wait_takes_ours(trial: Trial, pipe: Ends) -> None:
    """A program whose other modules import multiprocessing itself."""
    ours, theirs = pipe
    queue: Any = trial.make()
    wait = multiprocessing.connection.wait
    assert wait([ours, queue], 0) == []
    child = trial.child(_send_to_both, theirs, queue)
    child.result()
    assert wait([ours], 30) == [ours]
    assert wait([queue._reader], 30) == [queue._reader]
    ours.recv()
    queue.get()
    assert wait([ours, queue], 0) == []


def test_ends_of_either_library_go_through_the_other_s(context: BaseContext) -> None:
    """Through a queue or pipe of theirs ours travels, and theirs through ours."""
    ours, theirs = interlock.Pipe(), multiprocessing.Pipe()
    theirs[0].send(ours[1])
    ours[0].send("by ours")
    received = theirs[1].recv()
    assert received.recv() == "by ours"
    ours[0].send(theirs[1])
    theirs[0].send("by theirs")
    returned = received.recv()
    assert returned.recv() == "by theirs"
    for end in (*ours, *theirs, received, returned):
        end.close()


def test_a_descriptor_goes_beside_the_messages(trial: Trial, pipe: Ends) -> None:
    """reduction.send_handle and recv_handle, as programs pass sockets to a child."""
    ours, theirs = pipe
    reading, writing = os.pipe()
    child = trial.child(_write_to_what_comes, theirs, os.getpid())
    ours.send("here it comes")
    reduction.send_handle(ours, writing, None)
    os.close(writing)
    child.result()
    assert os.read(reading, 100) == b"through it"
    os.close(reading)


@pytest.mark.parametrize("count", [0, 1, 253])
def test_what_others_write_is_not_taken_for_a_ring(count: int) -> None:
    """The byte that goes with descriptors (and with none) waits for who reads it."""
    ours, theirs = interlock.Pipe()
    with ours, theirs:
        os.write(theirs.fileno(), bytes([count]))  # before `ours` is asked for its descriptor
        theirs.send("a message")
        assert ours.recv() == "a message"
        assert os.read(ours.fileno(), 1) == bytes([count])
        assert not is_readable(ours.fileno())


def test_listener_and_client_are_the_standard_library_s(trial: Trial) -> None:
    """Until the managers come: a conversation over a socket with a key."""
    with interlock.connection.Listener(authkey=b"key") as listener:
        child = trial.child(_call, listener.address)
        with listener.accept() as line:
            assert line.recv() == "hello"
            line.send("goodbye")
    assert child.result() == "goodbye"
    assert interlock.connection.Listener is multiprocessing.connection.Listener


def test_a_socket_goes_to_a_child_in_a_message(trial: Trial, pipe: Ends) -> None:
    """multiprocessing's reductions hold for what is sent by ours."""
    ours, theirs = pipe
    child = trial.child(_use_socket, theirs)
    mine, yours = socket.socketpair()
    ours.send(yours)
    with mine, yours:
        assert mine.recv(100) == b"by the child"
    child.result()


def _count(end: Any, count: int) -> None:
    for number in range(count):
        end.send(number)


def _send_to_both(end: Any, queue: Any) -> None:
    end.send(1)
    queue.put(2)


def _write_to_what_comes(end: Any, _: int) -> None:
    assert end.recv() == "here it comes"
    descriptor = reduction.recv_handle(end)
    os.write(descriptor, b"through it")
    os.close(descriptor)


def _call(address: Any) -> Any:
    with interlock.connection.Client(address, authkey=b"key") as line:
        line.send("hello")
        return line.recv()


def _use_socket(end: Any) -> None:
    with end.recv() as received:
        received.sendall(b"by the child")
