"""After a campaign: the ledgers of the living and the dead, held to what was promised (P2)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.chance.ledger import Act, Entry, entries

Message = tuple[int, int]


@dataclass
class Books:
    """All ledgers together.

    Attributes:
        put: How many puts of each writer returned.
        taken: Who took each message, and how often.
    """

    put: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    taken: dict[Message, list[Entry]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, folder: Path) -> Books:
        """Those that are in a folder.

        Raises:
            AssertionError: A writer's numbers, or what one thread took of them, are out of order.
        """
        books = cls()
        for path in sorted(folder.glob("[!.]*-[0-9]*")):
            books._add(path)
        return books

    def _add(self, path: Path) -> None:
        last: dict[tuple[int, int], int] = {}
        for entry in entries(path):
            if entry.act is Act.PUT:
                assert entry.number == self.put[entry.writer], f"{path.name}: {entry}"
                self.put[entry.writer] += 1
                continue
            self.taken[entry.writer, entry.number].append(entry)
            if entry.act is Act.LEASED and entry.attempt == 1:
                key = (entry.thread, entry.writer)
                assert last.get(key, -1) < entry.number, f"{path.name}: {entry} after {last[key]}"
                last[key] = entry.number

    def check(self, killed_getters: int, killed_leasers: int) -> None:
        """Each message exactly once, but for what may be in the hands of a killed thread.

        Args:
            killed_getters: Threads that were killed while they took without a lease: each may
                have had a message whose get() had returned, and had not written it down.
            killed_leasers: Threads that were killed while they took under leases: each may
                have written a message down and not acknowledged it.

        Raises:
            AssertionError: A message is lost, came twice, or was never put.
        """
        lost = [
            (writer, number)
            for writer, count in self.put.items()
            for number in range(count)
            if (writer, number) not in self.taken
        ]
        assert len(lost) <= killed_getters, f"{len(lost)} messages are lost: {lost[:20]}"
        for writer, number in self.taken:
            assert number <= self.put[writer], f"message {number} of {writer} was not yet put"
        again = {message: taken for message, taken in self.taken.items() if len(taken) > 1}
        for message, taken in again.items():
            attempts = [entry.attempt for entry in taken if entry.act is Act.LEASED]
            is_right = len(set(attempts)) == len(attempts) and len(taken) - len(attempts) <= 1
            assert is_right, f"message {message} was done more than once: {taken}"
        more = sum(len(taken) - 1 for taken in again.values())
        assert more <= killed_leasers, f"{more} came again: {list(again)[:20]}"
