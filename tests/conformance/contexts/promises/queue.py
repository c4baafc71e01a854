"""Queue, SimpleQueue, JoinableQueue."""

from __future__ import annotations

import queue as standard
import threading

from tests.conformance.contexts import work
from tests.conformance.contexts.promise import Bench, must, promise, raising


@promise("Queue", "Process")
def messages_keep_their_order(bench: Bench) -> None:
    """Of one producer, through another process and back."""
    there, back = bench.context.Queue(), bench.context.Queue()
    process = bench.start(work.move, there, back, 50)
    for number in range(50):
        there.put(number)
    got = [back.get(timeout=bench.long_s) for _ in range(50)]
    must(got == [*range(50)], f"They came as {got}.")
    bench.join(process)


@promise("Queue", "Process")
def each_message_goes_to_one(bench: Bench) -> None:
    """Of several consumers one gets a message, and only one."""
    there, back = bench.context.Queue(), bench.context.Queue()
    processes = [bench.start(work.move_until_end, there, back) for _ in range(2)]
    for number in range(40):
        there.put(number)
    there.put(None)
    got = sorted(back.get(timeout=bench.long_s) for _ in range(40))
    must(got == [*range(40)], f"They are {got}.")
    bench.join(*processes)


@promise("Queue")
def get_waits_so_long(bench: Bench) -> None:
    """get(timeout) raises Empty after that time, get_nowait() at once."""
    queue = bench.context.Queue()
    with raising(standard.Empty, after_s=bench.moment_s):
        queue.get(timeout=bench.moment_s)
    with raising(standard.Empty):
        queue.get_nowait()


@promise("Queue", "Process")
def get_waits_for_what_comes(bench: Bench) -> None:
    """get() returns what another process puts meanwhile."""
    queue = bench.context.Queue()
    process = bench.start(work.put, queue, "later")
    must(queue.get(timeout=bench.long_s) == "later", "It is another.")
    bench.join(process)


@promise("Queue")
def a_full_queue_refuses(bench: Bench) -> None:
    """put() into a queue with maxsize raises Full after its timeout; get() makes room."""
    queue = bench.context.Queue(2)
    queue.put(1)
    queue.put(2)
    with raising(standard.Full, after_s=bench.moment_s):
        queue.put(3, timeout=bench.moment_s)
    must(queue.get(timeout=bench.long_s) == 1, "The first is another.")
    queue.put(3, timeout=bench.long_s)


@promise("Queue")
def sizes_are_exact(bench: Bench) -> None:
    """qsize(), empty() and full() tell the truth as soon as put() has returned."""
    queue = bench.context.Queue(2)
    must(queue.empty() and queue.qsize() == 0, "A new queue is not empty.")
    for number in range(2):
        queue.put(number)
        must(not queue.empty() and queue.qsize() == number + 1, "It is said to have less.")
    must(queue.full(), "It is not full.")
    for _ in range(2):
        queue.get(timeout=bench.long_s)


@promise("Queue")
def what_cannot_be_serialized_fails_at_put(bench: Bench) -> None:
    """put() raises for an object that cannot travel, and puts nothing."""
    queue = bench.context.Queue()
    with raising(Exception):
        queue.put(threading.Lock())
    queue.put("after")
    must(queue.get(timeout=bench.long_s) == "after", "Something else was put.")


@promise("Queue")
def a_message_is_a_copy_of_its_moment(bench: Bench) -> None:
    """What is done to an object after put() does not travel."""
    queue = bench.context.Queue()
    message = ["put"] * 1000
    queue.put(message)
    message.append("later")
    got = queue.get(timeout=bench.long_s)
    must(len(got) == 1000, "The later change arrived.")


@promise("Queue", "Process")
def no_exit_waits_for_a_reader(bench: Bench) -> None:
    """A process that has put much ends, though nobody has taken it; then it is all there."""
    queue = bench.context.Queue()
    process = bench.start(work.put, queue, "x" * 200_000)
    process.join(bench.soon_s)
    must(not process.is_alive(), "It waits for a reader.")
    must(len(queue.get(timeout=bench.long_s)) == 200_000, "It is not whole.")


@promise("Queue")
def shutdown_ends_it(bench: Bench) -> None:
    """After shutdown() put() raises ShutDown; what is there is taken, and then iteration ends."""
    import interlock

    queue = bench.context.Queue()
    queue.put(1)
    queue.shutdown()
    with raising(interlock.ShutDown):
        queue.put(2)
    must([*queue] == [1], "It has something else.")


@promise("Queue")
def many_at_once(bench: Bench) -> None:
    """put_many() and get_many() keep the order."""
    queue = bench.context.Queue()
    queue.put_many(range(5))
    got = queue.get_many(3, timeout=bench.long_s)
    must(got == [*range(len(got))] and 1 <= len(got) <= 3, f"The first are {got}.")
    while len(got) < 5:
        got += queue.get_many(5, timeout=bench.long_s)
    must(got == [*range(5)], f"All are {got}.")


@promise("SimpleQueue", "Process")
def a_simple_queue_carries_messages(bench: Bench) -> None:
    """put(), get() and empty(), between processes."""
    queue = bench.context.SimpleQueue()
    must(queue.empty(), "A new queue is not empty.")
    process = bench.start(work.put, queue, 1, 2)
    must([queue.get(), queue.get()] == [1, 2], "They are others.")
    bench.join(process)


@promise("JoinableQueue", "Process")
def join_waits_until_all_is_done(bench: Bench) -> None:
    """join() returns when task_done() was called for each message, and no more than that."""
    queue, said = bench.context.JoinableQueue(), bench.context.Queue()
    queue.put("work")
    queue.get(timeout=bench.long_s)
    process = bench.start(_join_and_say, queue, said)
    must(said.get(timeout=bench.long_s) == "joining", "It said something else.")
    with raising(standard.Empty):
        said.get(timeout=bench.moment_s)
    queue.task_done()
    must(said.get(timeout=bench.long_s) == "joined", "It said something else.")
    with raising(ValueError):
        queue.task_done()
    bench.join(process)


def _join_and_say(queue: object, said: object) -> None:
    said.put("joining")  # type: ignore[attr-defined]
    queue.join()  # type: ignore[attr-defined]
    said.put("joined")  # type: ignore[attr-defined]


PROMISES = (
    messages_keep_their_order,
    each_message_goes_to_one,
    get_waits_so_long,
    get_waits_for_what_comes,
    a_full_queue_refuses,
    sizes_are_exact,
    what_cannot_be_serialized_fails_at_put,
    a_message_is_a_copy_of_its_moment,
    no_exit_waits_for_a_reader,
    shutdown_ends_it,
    many_at_once,
    a_simple_queue_carries_messages,
    join_waits_until_all_is_done,
)
