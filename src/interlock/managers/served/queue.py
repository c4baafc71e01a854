"""A queue of a server: messages under leases, as `interlock.Queue` has them.

    put -> ready -> leased (a claim of a client) -> done
             ^         |
             +---------+  given back, or the client is gone; or a dead letter

A `get` is a lease that the client ends before it returns; a client that dies before that has taken
nothing. A message that is given back keeps its place.
"""

from __future__ import annotations

import heapq
from collections import deque
from typing import Any, ClassVar

from interlock.errors import MessageTooLarge, ShutDown
from interlock.managers.served.ledger import HELD, NO_ITEM, SET_ITEM
from interlock.managers.served.thing import Claim, Claims, House, Item, Thing
from interlock.managers.served.turns import Turns
from interlock.managers.serving.session import Session

__all__ = ["Delivered", "ServedQueue"]

Delivered = list[tuple[int, bytes]]
"""Of each message how often it was delivered, this time included, and its bytes."""

_OVERHEAD = 150  # bytes that a message takes besides its own
_ANSWER_BYTES = 64 * 1024 * 1024  # of messages that are taken together, unless it is one
_ANSWER_COUNT = 100_000  # of them
_DEAD = -1  # as the number of deliveries, in the journal
_SHUT = -1  # the place of the row that says that the queue was shut down


class ServedQueue(Thing):
    """First in, first out.

    Options: ``maxsize``, how many messages it holds at the most, 0 for no bound;
    ``max_deliveries``, how often one is delivered before it is a dead letter, 0 for no bound.
    """

    kind: ClassVar[str] = "queue"

    def __init__(self, number: int, name: str, house: House, options: dict[str, Any]) -> None:
        super().__init__(number, name, house, options)
        self._maxsize = int(options.get("maxsize") or 0)
        self._deliveries_max = int(options.get("max_deliveries") or 0)
        self._items: dict[int, Item] = {}  # ready and leased, by their places
        self._ready: list[int] = []  # a heap
        self._dead: deque[Item] = deque()
        self._claims: Claims[list[int]] = Claims(self, self._returned)
        self._takers, self._putters = Turns(), Turns()
        self._is_shut = False

    def load(self, items: list[Item], sessions: dict[bytes, Session]) -> None:
        """As `Thing.load`; a message whose holder is gone is ready."""
        held: dict[Claim, list[int]] = {}
        for item in items:
            if item.place == _SHUT:
                self._is_shut = True
                continue
            self._house.charge(_size(item))
            if item.number == _DEAD:
                self._dead.append(item)
                continue
            self._items[item.place] = item
            if item.holder in sessions:
                held.setdefault((item.holder, item.ticket), []).append(item.place)
            else:
                self._ready.append(item.place)
        heapq.heapify(self._ready)
        for claim, places in held.items():
            self._claims.enter(claim, places, sessions[claim[0]])

    # ---- putting ---------------------------------------------------------------------------------

    async def put(self, values: list[bytes], timeout: float | None) -> bool:
        """Put messages, all in one step, when there is room for them.

        Args:
            values: Encoded.
            timeout: Seconds; None for as long as it takes.

        Returns:
            Whether there was room in time.

        Raises:
            MessageTooLarge: There never will be.
            LimitReached: The server has no more memory for it.
            ShutDown: The queue was shut down.

        If a process dies: the server: with a journal, what was answered is there again.
        """
        if self._maxsize and len(values) > self._maxsize:
            raise MessageTooLarge(
                f"{len(values)} messages at once are more than the queue {self.name!r} holds "
                f"({self._maxsize}); none was put. Put fewer."
            )
        if not await self._putters.until(lambda: self._is_shut or self._fits(len(values)), timeout):
            return False
        self._check_open()
        self._house.charge(sum(len(value) + _OVERHEAD for value in values))
        for value in values:
            item = Item(self._house.next_number(), value)
            self._items[item.place] = item
            heapq.heappush(self._ready, item.place)
            self._ledger.enter(SET_ITEM, (self.number, item.place, None, value, 0))
        self._takers.wake()
        return True

    def _fits(self, count: int) -> bool:
        return not self._maxsize or len(self._items) + count <= self._maxsize

    def _check_open(self) -> None:
        if self._is_shut:
            raise ShutDown(f"The queue {self.name!r} was shut down; nothing was put.")

    # ---- taking ----------------------------------------------------------------------------------

    async def take(self, ticket: int, most: int, timeout: float | None) -> Delivered:
        """Lease messages; one at least, and no more than are there.

        Args:
            ticket: A new number of the client.
            most: How many; fewer, if they are too large for one answer.
            timeout: Seconds; None for as long as it takes.

        Returns:
            Nothing, if none came in time.

        Raises:
            ShutDown: The queue was shut down, and nothing is left.
            asyncio.CancelledError: The client waits no more.

        If a process dies: the client: they are ready again when its grace has ended.
        """
        claim = self._claims.mine(ticket)
        places = self._claims.find(claim)
        if places is None:
            if not await self._takers.until(lambda: self._ready or self._is_over, timeout):
                return []
            places = self._claims.find(claim)
        if places is None:
            if not self._ready:
                raise ShutDown(f"The queue {self.name!r} was shut down, and nothing is left in it.")
            places = self._next_places(most)
            for place in places:
                item = self._items[place]
                item.number += 1
                item.holder, item.ticket = claim
                self._note(item, repeatable=True)
            self._claims.enter(claim, places)
        return [(self._items[place].number, self._items[place].value) for place in places]

    def _next_places(self, most: int) -> list[int]:
        """Of one ready message, and of those behind it that fit in the same answer."""
        places = [heapq.heappop(self._ready)]
        nbytes = len(self._items[places[0]].value)
        while self._ready and len(places) < min(most, _ANSWER_COUNT):
            nbytes += len(self._items[self._ready[0]].value)
            if nbytes > _ANSWER_BYTES:
                break
            places.append(heapq.heappop(self._ready))
        return places

    def done(self, ticket: int) -> bool:
        """The messages of a lease are done; False if this client has it no more."""
        places = self._claims.end(self._claims.mine(ticket))
        if places is None:
            return False
        for place in places:
            self._house.charge(-_size(self._items.pop(place)))
            self._ledger.enter(NO_ITEM, (self.number, place))
        self._moved()
        return True

    def give_back(self, ticket: int) -> bool:
        """The messages of a lease are ready again; False if this client has it no more."""
        claim = self._claims.mine(ticket)
        if self._claims.find(claim) is None:
            return False
        self._returned(claim)
        return True

    def abandon(self, ticket: int) -> None:
        """Undo a take that was interrupted."""
        self._claims.abandon(ticket)

    def dead_letter(self) -> bytes | None:
        """Take the oldest dead letter, if there is one."""
        if not self._dead:
            return None
        item = self._dead.popleft()
        self._house.charge(-_size(item))
        self._ledger.enter(NO_ITEM, (self.number, item.place))
        return item.value

    # ---- the whole -------------------------------------------------------------------------------

    def shutdown(self, immediate: bool) -> None:
        """Let nobody put; nobody take either, if it is immediate."""
        if not self._is_shut:
            self._is_shut = True
            self._ledger.enter(SET_ITEM, (self.number, _SHUT, None, b"", 0))
        while immediate and self._ready:
            place = self._ready.pop()
            self._house.charge(-_size(self._items.pop(place)))
            self._ledger.enter(NO_ITEM, (self.number, place))
        self._moved()

    def counts(self) -> tuple[int, int, int]:
        """How many are ready, leased, and dead letters."""
        return len(self._ready), len(self._items) - len(self._ready), len(self._dead)

    def waiting(self) -> int:
        """As `Thing.waiting`."""
        return len(self._takers) + len(self._putters)

    def sizes(self) -> dict[str, int]:
        """As `Thing.sizes`."""
        ready, leased, dead = self.counts()
        return {"ready": ready, "leased": leased, "dead": dead, "waiting": len(self._takers)}

    def forget(self) -> None:
        """As `Thing.forget`."""
        self._house.charge(-sum(map(_size, [*self._items.values(), *self._dead])))

    # ---- its own ---------------------------------------------------------------------------------

    @property
    def _is_over(self) -> bool:
        return self._is_shut and not self._items

    def _returned(self, claim: Claim) -> None:
        for place in self._claims.end(claim) or ():
            item = self._items[place]
            item.holder, item.ticket = None, 0
            if self._deliveries_max and item.number >= self._deliveries_max:
                del self._items[place]
                item.number = _DEAD
                self._dead.append(item)
            else:
                heapq.heappush(self._ready, place)
            self._note(item)
        self._moved()

    def _moved(self) -> None:
        self._takers.wake()
        self._putters.wake()

    def _note(self, item: Item, *, repeatable: bool = False) -> None:
        self._ledger.enter(
            HELD,
            (item.number, item.holder, item.ticket, self.number, item.place),
            repeatable=repeatable,
        )


def _size(item: Item) -> int:
    return len(item.value) + _OVERHEAD
