"""The symbolic machine: the stack, the marks and the memo of an unpickler, and no objects."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from interlock.errors import DecodeError
from interlock.serialize.pickles.static.findings import Exhausted, Findings
from interlock.serialize.pickles.static.known import Known
from interlock.serialize.pickles.static.operands import Cursor
from interlock.serialize.pickles.static.values import Accessor, Value

__all__ = ["Budget", "Handler", "Machine", "Table", "run"]

STOP = ord(".")
OPCODES_PER_LOOK = 512  # between two looks at the clock


class Budget:
    """How many opcodes, and how much time, may still be spent."""

    def __init__(self, opcodes: int, time_max_s: float) -> None:
        self._opcodes = opcodes
        self._deadline = time.monotonic() + time_max_s

    def spend(self, opcodes: int, at: int) -> None:
        """Count opcodes.

        Raises:
            Exhausted: There were too many, or they took too long.
        """
        self._opcodes -= opcodes
        if self._opcodes < 0:
            raise Exhausted("has more opcodes than max_items allows", offset=at)
        if time.monotonic() > self._deadline:
            raise Exhausted("takes longer than time_max_s to explain", offset=at)


class Machine:
    """One unpickler. What its opcodes do to it is in the tables of other files.

    Where loaders differ it does what any of them may do: what one loader refuses and another
    takes is noted as damage, and the machine goes on.

    Attributes:
        cursor: Where it reads.
        stack: The values above the last mark.
        memo: The values remembered by number.
        findings: Where it notes what it sees.
        known: The names that are registered.
        protocol: As the last PROTO opcode says.
    """

    def __init__(
        self, cursor: Cursor, memo: dict[int, Value], findings: Findings, known: Known
    ) -> None:
        self.cursor = cursor
        self.memo = memo
        self.findings = findings
        self.known = known
        self.protocol = 0
        self.stack: list[Value] = []
        self._below: list[list[Value]] = []

    def push(self, value: Value) -> None:
        """Put a value on the stack."""
        self.stack.append(value)

    def top(self) -> Value:
        """The topmost value above the last mark.

        Raises:
            DecodeError: There is none.
        """
        value = self.peek()
        if type(value) is Accessor:
            self.concern(f"uses {value.text}, which is not registered")
        return value

    def peek(self) -> Value:
        """As `top`, by what does nothing with the value."""
        if not self.stack:
            raise self.cursor.damaged("finds nothing on the stack")
        return self.stack[-1]

    def pop(self) -> Value:
        """Take the topmost value, as `top` finds it."""
        value = self.top()
        self.stack.pop()
        return value

    def pop_called(self) -> Value:
        """Take the topmost value in order to call it."""
        value = self.peek()
        self.stack.pop()
        return value

    def mark(self) -> None:
        """Begin a new part of the stack."""
        self._below.append(self.stack)
        self.stack = []

    def pop_mark(self) -> list[Value]:
        """Take all values above the last mark, and the mark.

        Raises:
            DecodeError: There is no mark.
        """
        if not self._below:
            raise self.cursor.damaged("finds no mark on the stack")
        values = self.stack
        self.stack = self._below.pop()
        for value in values:
            if type(value) is Accessor:
                self.concern(f"uses {value.text}, which is not registered")
        return values

    def concern(self, reason: str) -> None:
        """Note that the present opcode would run code of the pickle's choice."""
        self.findings.note_concern(reason, self.cursor.opcode_at)

    def refused(self, reason: str) -> None:
        """Note that loaders refuse this, though the machine goes on."""
        self.findings.note_damage(f"{self.cursor.opcode} {reason}", self.cursor.opcode_at)


Handler = Callable[[Machine], None]
Table = Mapping[int, tuple[str, Handler]]


def run(machine: Machine, table: Table, budget: Budget) -> Value:
    """Go from the cursor to STOP.

    Returns:
        What the pickle becomes.

    Raises:
        DecodeError: The pickle is damaged.
        Exhausted: The budget was spent.
    """
    cursor, data = machine.cursor, machine.cursor.data
    spent = 0
    while cursor.at < cursor.end:
        cursor.opcode_at = cursor.at
        code = data[cursor.at]
        cursor.at += 1
        spent += 1
        if code == STOP:
            cursor.opcode = "STOP"
            budget.spend(spent, cursor.at)
            return machine.pop()
        if code not in table:
            raise DecodeError(f"{code:#04x} is no opcode", offset=cursor.opcode_at)
        cursor.opcode, handler = table[code]
        handler(machine)
        if spent == OPCODES_PER_LOOK:
            budget.spend(spent, cursor.at)
            spent = 0
    raise DecodeError("the bytes end before STOP", offset=cursor.end)
