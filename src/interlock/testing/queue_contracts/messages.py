"""What arrives: the same objects, whole, once, each producer's in its order."""

from __future__ import annotations

from collections import Counter
from typing import Any

from interlock.testing.contract import contract, must
from interlock.testing.samples import (
    SIZES,
    arrays,
    assorted,
    first_fault,
    must_be_array,
    must_be_pattern,
    pattern,
)
from interlock.testing.trial import Task, Trial

__all__ = ["CONTRACTS"]

EACH = 300  # messages of a producer


@contract()
def what_is_got_is_what_was_put(trial: Trial) -> None:
    """get() returns an object of the same type and value as the one that was put."""
    queue = trial.make()
    for sent in assorted():
        queue.put(sent)
        got = queue.get()
        must(
            type(got) is type(sent) and repr(got) == repr(sent),
            f"{sent!r} arrived as {got!r}.",
        )


@contract()
def first_in_is_first_out(trial: Trial) -> None:
    """Messages of one producer are got in the order in which they were put."""
    queue = trial.make()
    for number in range(EACH):
        queue.put(number)
    got = [queue.get() for _ in range(EACH)]
    must(got == list(range(EACH)), f"They came as {first_fault(got)}.")


@contract()
def many_users_get_each_message_once(trial: Trial) -> None:
    """Threads and processes together get each message once, a producer's in its order."""
    queue = trial.make()
    consumers: list[Task] = [trial.child(_consume, queue), trial.thread(_consume, queue)]
    producers: list[Task] = [
        *(trial.thread(_produce, queue, f"thread {n}") for n in range(2)),
        *(trial.child(_produce, queue, f"process {n}") for n in range(2)),
    ]
    for producer in producers:
        producer.result()
    for _ in consumers:
        queue.put(None)
    received = [consumer.result() for consumer in consumers]
    counts = Counter(message for messages in received for message in messages)
    twice = [message for message, count in counts.items() if count > 1]
    must(not twice, f"{len(twice)} messages were got twice, among them {twice[:3]}.")
    must(len(counts) == 4 * EACH, f"{4 * EACH} messages were put and {len(counts)} got.")
    for messages in received:
        for who in {name for name, _ in messages}:
            numbers = [number for name, number in messages if name == who]
            must(
                numbers == sorted(numbers),
                f"One consumer got the messages of {who} as {first_fault(numbers)}.",
            )


@contract()
def large_messages_are_whole(trial: Trial) -> None:
    """A message of any size arrives with all its bytes, from child to parent and back."""
    there, back = trial.make(), trial.make()
    child = trial.child(_echo, there, back, len(SIZES))
    for size in SIZES:
        there.put(pattern(size))
        must_be_pattern(back.get(), size)
    child.result()


@contract("arrays")
def arrays_arrive_equal(trial: Trial) -> None:
    """A numpy array of any layout arrives with the same type, shape and contents."""
    there, back = trial.make(), trial.make()
    sent = arrays()
    trial.child(_echo, there, back, len(sent))
    for array in sent:
        there.put(array)
        must_be_array(back.get(), array)


@contract("at_put")
def a_message_is_what_it_was_when_put(trial: Trial) -> None:
    """put() takes the object as it is: what is done to it afterwards does not travel."""
    queue = trial.make()
    for _ in range(50):
        message = ["as put"]
        queue.put(message)
        message[0] = "changed later"
        must(queue.get() == ["as put"], "A change after put() arrived with the message.")


@contract("at_put")
def what_cannot_travel_fails_at_put(trial: Trial) -> None:
    """put() itself raises for an object that cannot be serialized, and puts nothing."""
    queue = trial.make()
    try:
        queue.put({"guilty": lambda: None})
    except Exception:  # of any type: what pickle or the object raised
        queue.put("next")
        must(queue.get() == "next", "Something was put all the same.")
        return
    raise AssertionError("It raised nothing for a lambda.")


@contract("travel")
def it_travels_in_a_message(trial: Trial) -> None:
    """A queue that is put into another is the same queue for whoever gets it."""
    carrier, cargo = trial.make(), trial.make()
    child = trial.child(_answer_in_cargo, carrier)
    carrier.put(cargo)
    must(cargo.get() == "from the child", "Something else came out of it.")
    child.result()


@contract("killed")
def a_killed_producer_loses_nothing_it_had_put(trial: Trial) -> None:
    """What a producer had put when it was killed is got, in order, and the queue goes on."""
    queue = trial.make()
    for kill in range(5):
        reading, writing = trial.pipe()
        child = trial.child(_produce_for_ever, queue, writing)
        writing.close()
        for _ in range(20 + 7 * kill):
            reading.recv_bytes()
        child.kill()
        acknowledged = 20 + 7 * kill + _count_rest(reading)
        queue.put("end")
        got = list(iter(queue.get, "end"))
        must(got == list(range(len(got))), f"They came as {first_fault(got)}.")
        must(
            acknowledged <= len(got) <= acknowledged + 1,
            f"put() had returned {acknowledged} times, and {len(got)} messages were got.",
        )


@contract("killed")
def a_killed_consumer_takes_nothing_with_it(trial: Trial) -> None:
    """A consumer that is killed while it waits takes no message and stops nobody."""
    queue = trial.make()
    child = trial.child(queue_get, queue)
    child.wait_asleep()
    child.kill()
    for number in range(10):
        queue.put(number)
    got = [queue.get() for _ in range(10)]
    must(got == list(range(10)), f"They came as {got}.")


def queue_get(queue: Any) -> Any:
    """Take one message. A function, because a bound method does not travel everywhere."""
    return queue.get()


def _produce(queue: Any, who: str) -> None:
    for number in range(EACH):
        queue.put((who, number))


def _consume(queue: Any) -> list[Any]:
    return list(iter(queue.get, None))


def _echo(there: Any, back: Any, count: int) -> None:
    for _ in range(count):
        back.put(there.get())


def _answer_in_cargo(carrier: Any) -> None:
    carrier.get().put("from the child")


def _produce_for_ever(queue: Any, acknowledged: Any) -> None:
    number = 0
    while True:
        queue.put(number)
        acknowledged.send_bytes(b"x")
        number += 1


def _count_rest(reading: Any) -> int:
    count = 0
    try:
        while True:
            reading.recv_bytes()
            count += 1
    except EOFError:
        return count


CONTRACTS = (
    what_is_got_is_what_was_put,
    first_in_is_first_out,
    many_users_get_each_message_once,
    large_messages_are_whole,
    arrays_arrive_equal,
    a_message_is_what_it_was_when_put,
    what_cannot_travel_fails_at_put,
    it_travels_in_a_message,
    a_killed_producer_loses_nothing_it_had_put,
    a_killed_consumer_takes_nothing_with_it,
)
