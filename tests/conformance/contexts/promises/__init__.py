"""What every context promises, a file for each kind of object."""

from tests.conformance.contexts.promises import (
    awaited,
    executor,
    lease,
    lock,
    memory,
    pipe,
    pool,
    process,
    queue,
    turns,
)

__all__ = ["PROMISES"]

PROMISES = (
    *process.PROMISES, *pipe.PROMISES, *queue.PROMISES, *lease.PROMISES, *lock.PROMISES,
    *turns.PROMISES, *memory.PROMISES, *pool.PROMISES, *executor.PROMISES, *awaited.PROMISES,
)  # fmt: skip
