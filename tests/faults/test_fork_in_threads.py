"""A program forks while its other threads are inside put(), get(), a lease or logging.

P2, P3: the child works. It waits for no lock that a thread of its parent held, owns nothing that
its parent had taken, and can go on to read what its parent was reading. Every message still
arrives once and whole.

How: seven threads are busy with one queue and one logger. The program forks at random moments,
by Process and by os.fork, from its main thread and from another one.
"""

from __future__ import annotations

import collections
import contextlib
import logging
import os
import random
import signal
import threading
from collections.abc import Callable
from typing import Any

import interlock
from interlock.errors import Empty
from tests.faults.chance.crew import KINDS
from tests.faults.doomed import LONG_S
from tests.faults.letters import Letter, read, write
from tests.faults.stage import Stage
from tests.faults.survivor import GLANCE_S, STALL_S, check_sound, drain, promptly, wait_swept
from tests.faults.test_random_kills import first_seed

MAX_BYTES = 8 << 20
ROUNDS = 80
BETWEEN_S = 0.004
SIZE_MAX = 1 << 20
VIEWS = 4
MINE = 1 << 16  # above it, a writer's number is a child's

log = logging.getLogger(__name__)


class Parent:
    """The busy program."""

    def __init__(self, seed: int) -> None:
        self.context: Any = interlock.get_context("fork")
        self.queue: Any = self.context.Queue(max_bytes=MAX_BYTES)
        self.answers: Any = self.context.SimpleQueue()
        self.taken: collections.deque[Letter] = collections.deque()
        self.put: collections.deque[Letter] = collections.deque()
        self.views: collections.deque[Any] = collections.deque(maxlen=VIEWS)
        self.failures: collections.deque[BaseException] = collections.deque()
        self._seed = seed
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def keep_busy(self) -> None:
        """Start the threads."""
        for act in (self._put, self._put, self._get, self._get, self._lease, self._log, self._log):
            number = len(self._threads)
            thread = threading.Thread(target=self._live, args=(act, number), daemon=True)
            self._threads.append(thread)
            thread.start()

    def rest(self) -> None:
        """Stop them.

        Raises:
            AssertionError: One failed, or is stuck.
        """
        self._stop.set()
        for thread in self._threads:
            thread.join(LONG_S)
            assert not thread.is_alive(), "a thread is stuck"
        for failure in self.failures:
            raise failure

    def _live(self, act: Callable[[int, int, random.Random], None], number: int) -> None:
        chance = random.Random(f"{self._seed} {number}")
        try:
            turn = 0
            while not self._stop.is_set():
                act(number, turn, chance)
                turn += 1
        except BaseException as error:
            self.failures.append(error)

    def _put(self, number: int, turn: int, chance: random.Random) -> None:
        letter = Letter(chance.choice(KINDS), str(number), turn)
        self.queue.put(write(letter, chance.choice((10, 5000, SIZE_MAX))))
        self.put.append(letter)

    def _get(self, number: int, turn: int, chance: random.Random) -> None:
        with contextlib.suppress(Empty):
            message = self.queue.get(timeout=GLANCE_S)
            self.taken.append(read(message))
            self.views.append(message)

    def _lease(self, number: int, turn: int, chance: random.Random) -> None:
        with contextlib.suppress(Empty), self.queue.lease(timeout=GLANCE_S) as delivery:
            self.taken.append(read(delivery.message))

    def _log(self, number: int, turn: int, chance: random.Random) -> None:
        log.info("thread %d has come to %d", number, turn)

    def child(self, number: int) -> None:
        """What each child does; a thread's lock that it inherited taken would stop it for ever."""
        log.info("child %d", number)
        kept = [read(message) for message in self.views]  # the parent's, as they were at the fork
        mine = Letter("large", str(MINE + number), 0)
        self.queue.put(write(mine))
        taken = []
        with contextlib.suppress(Empty):
            taken.append(tuple(read(self.queue.get(timeout=GLANCE_S))))
        with contextlib.suppress(Empty), self.queue.lease(timeout=GLANCE_S) as delivery:
            taken.append(tuple(read(delivery.message)))
        self.views.clear()
        self.answers.put((number, tuple(mine), taken, len(kept)))

    def fork(self, number: int, by_process: bool) -> None:
        """Start a child in one of the two ways, and wait until it has worked.

        Raises:
            AssertionError: It did not.
        """
        if by_process:
            process = self.context.Process(target=self.child, args=(number,))
            process.start()
            process.join(LONG_S)
            status = process.exitcode
            process.kill()
            process.join()
        else:
            status = self._fork_plainly(number)
        assert status == 0, f"child {number} ended with {status}; None: it was stuck"

    def _fork_plainly(self, number: int) -> int | None:
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                self.child(number)
                status = 0
            finally:
                os._exit(status)
        watch = os.pidfd_open(pid)
        ended = interlock.connection.wait([watch], LONG_S)
        os.close(watch)
        if not ended:
            os.kill(pid, signal.SIGUSR1)  # its stacks go to stderr (stage.py)
            threading.Event().wait(STALL_S)
            os.kill(pid, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return status if ended else None


def scenario(seed: int, rounds: int) -> None:
    chance = random.Random(seed)
    log.addHandler(logging.FileHandler(os.devnull))
    log.setLevel(logging.INFO)
    parent = Parent(seed)
    parent.keep_busy()
    for number in range(rounds):
        threading.Event().wait(chance.uniform(0, BETWEEN_S))
        by_process = chance.random() < 0.5
        if chance.random() < 0.5:
            parent.fork(number, by_process)
        else:
            thread = threading.Thread(target=parent.fork, args=(number, by_process))
            thread.start()
            thread.join()
        answered, mine, taken, _ = promptly(parent.answers.get)
        assert answered == number
        parent.put.append(Letter(*mine))
        parent.taken.extend(Letter(*letter) for letter in taken)
    parent.rest()
    parent.views.clear()
    parent.taken.extend(drain(parent.queue))
    assert sorted(parent.taken) == sorted(parent.put)
    check_sound(parent.queue)


def newborn_scenario(rounds: int) -> None:
    """Children of a parent that reads blocks in place are killed when they have just begun."""
    queue: Any = interlock.get_context("fork").Queue(max_bytes=MAX_BYTES)
    for number in range(VIEWS):
        queue.put(write(Letter("array", "parent", number)))
    views = [queue.get() for _ in range(VIEWS)]
    for _ in range(rounds):
        pid = os.fork()
        if pid == 0:
            signal.pause()
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    assert [read(view).number for view in views] == list(range(VIEWS))
    views.clear()
    wait_swept(queue)
    check_sound(queue)


def test_blocks_go_back_when_children_are_killed_at_their_birth(as_shipped: Stage) -> None:
    """I3: what was reserved for a child is the child's from its first instruction on."""
    as_shipped.run(newborn_scenario, 50)


def test_a_child_works_that_was_forked_amid_busy_threads(as_shipped: Stage) -> None:
    """P2, P3, I3: and neither it nor its parent loses a message, or a block."""
    seed = first_seed()
    repeat = f"INTERLOCK_SEED={seed} make test ARGS='-k forked_amid_busy_threads'"
    print(f"repeat: {repeat}")
    as_shipped.run(scenario, seed, ROUNDS)
    print(f"repeat: {repeat}")
