"""Where a context does not keep a promise as the others do: what is known, as data.

A context that is not named keeps it. What is named must be so: the suite fails when something that
is said to lack is there, or something that is said to differ does not.
"""

from __future__ import annotations

__all__ = ["ABSENT", "DIFFERS", "LACKS", "RACES"]

# Attributes that a context has not, and what to use instead.
ABSENT: dict[str, dict[str, str]] = {
    "dask": {
        "Pipe": "two queues of this context",
        "RWLock": "a Lock of this context",
        "RawValue": "Value(..., lock=False)",
        "RawArray": "Array(..., lock=False)",
        "SharedArray": "Pool.map(..., keep_remote=True): arrays stay where they are computed",
        "SharedDict": "a dict of a server that all machines reach: `interlock serve`",
        "Manager": "a server that all machines reach: interlock.connect",
    },
    "ray": {
        "Pipe": "two Queues of this context",
        "RWLock": "a Lock of this context",
        "RawValue": "its Value(..., lock=False)",
        "RawArray": "its Array(..., lock=False)",
        "SharedArray": (
            "`pool.map(..., keep_remote=True)` or `pool.share`, whose arrays are read in place, or "
            "its Array"
        ),
        "SharedDict": "its Manager().dict()",
    },
    "multiprocessing": {
        "RWLock": "a Lock",
        "SharedArray": "numpy over multiprocessing.shared_memory",
        "SharedDict": "Manager().dict()",
        "ProcessPoolExecutor": "concurrent.futures, with mp_context=",
    },
    "multiprocessing.dummy": {
        "RWLock": "a Lock",
        "SharedArray": "any array",
        "SharedDict": "a dict",
        "SimpleQueue": "a Queue",
        "RawArray": "an Array",
        "ProcessPoolExecutor": "concurrent.futures.ThreadPoolExecutor",
    },
}

_NO_LEASES = "a queue of Interlock"
_NOT_AWAITED = "asyncio.to_thread()"
_NO_OPTION = "a pool of Interlock"
_DIE_TOGETHER = "a context of processes; threads die together"
_STANDARD_LACKS = {
    "queue.shutdown_ends_it": "a message that says it is the last",
    "queue.many_at_once": "put() and get(), one by one",
    "lease.a_lease_that_ends_well_is_done": _NO_LEASES,
    "lease.a_lease_that_fails_gives_back": _NO_LEASES,
    "lease.the_lease_of_a_killed_process_is_given_back": _NO_LEASES,
    "lease.what_fails_too_often_is_a_dead_letter": _NO_LEASES,
    "pool.a_task_is_tried_again": _NO_OPTION,
    "pool.a_task_has_so_much_time": _NO_OPTION,
    "pool.a_worker_has_its_state": "a global variable",
    "pool.it_can_be_awaited": _NOT_AWAITED,
    "awaited.a_queue_is_awaited": _NOT_AWAITED,
    "awaited.a_pipe_is_awaited": _NOT_AWAITED,
    "awaited.a_lock_is_awaited": _NOT_AWAITED,
    "awaited.an_event_is_awaited": _NOT_AWAITED,
}

# Promises that a context cannot keep at all, and what to use instead.
LACKS: dict[str, dict[str, str]] = {
    "thread": {
        "process.kill_ends_what_waits_in_c": (
            "a context of processes; here it goes on until it comes back to Python"
        ),
        "pool.a_killed_worker_costs_its_task": _DIE_TOGETHER,
        "executor.a_killed_worker_costs_its_call": _DIE_TOGETHER,
    },
    "dask": {
        "process.kill_ends_what_waits_in_c": (
            "a context of processes; here it goes on until it comes back to Python"
        ),
    },
    "multiprocessing": _STANDARD_LACKS,
    "multiprocessing.dummy": _STANDARD_LACKS
    | {
        "process.terminate_ends_python_code": "a flag that it looks at",
        "process.kill_ends_what_waits_in_c": "a process",
        "process.its_sentinel_is_ready_when_it_has_ended": "join()",
        "process.close_gives_it_back": "nothing: there is nothing to give back",
        "memory.a_value_is_changed_under_its_lock": "a Lock beside it",
        "memory.a_manager_s_objects_are_seen_by_all": "the module's dict and list, without `with`",
        "memory.a_manager_has_queues_and_locks": "the module's own, without `with`",
        "pool.a_killed_worker_costs_its_task": _DIE_TOGETHER,
    },
}

# Promises that are kept otherwise, and how.
_REFERENCE = "nothing is serialized: the very object arrives, whatever it is"
_BY_REFERENCE = dict.fromkeys(
    (
        "pipe.what_cannot_be_serialized_fails_at_send",
        "pipe.a_message_is_a_copy",
        "queue.what_cannot_be_serialized_fails_at_put",
        "queue.a_message_is_a_copy_of_its_moment",
        "pool.what_cannot_be_serialized_costs_itself",
    ),
    _REFERENCE,
)
DIFFERS: dict[str, dict[str, str]] = {
    "thread": _BY_REFERENCE
    | {
        "process.its_memory_is_its_own": "threads share all memory",
        "memory.a_dict_s_values_are_copies": _REFERENCE,
    },
    "multiprocessing": {
        "queue.sizes_are_exact": "empty() may be True for a moment after put()",
        "queue.what_cannot_be_serialized_fails_at_put": (
            "put() returns; a thread prints the error, and the message is lost"
        ),
        "queue.a_message_is_a_copy_of_its_moment": (
            "a thread serializes it, at some moment after put()"
        ),
        "queue.no_exit_waits_for_a_reader": "the process ends when all has been read",
        "lock.a_killed_owner_lets_others_in": "all wait for ever",
        "pool.a_killed_worker_costs_its_task": "its result never comes",
    },
    "multiprocessing.dummy": _BY_REFERENCE
    | {
        "process.what_it_gives_to_exit_is_its_exit_code": "exitcode is 0",
        "process.an_exception_is_exit_code_1": "exitcode is 0",
        "process.its_memory_is_its_own": "threads share all memory",
        "pipe.one_way_is_one_way": "both ends send and receive",
        "pipe.the_end_of_the_other_side_is_noticed": "recv() waits for ever",
        "pipe.a_closed_end_refuses": "close() does nothing",
        "lock.a_lock_that_is_free_cannot_be_released": "it raises RuntimeError",
        "lock.a_killed_owner_lets_others_in": "nothing can be killed",
        "lock.only_its_owner_may_release_an_rlock": "it raises RuntimeError",
    },
}

# Of these, those that a race decides: now and then they are kept.
RACES: dict[str, tuple[str, ...]] = {
    "multiprocessing": ("queue.sizes_are_exact", "queue.a_message_is_a_copy_of_its_moment"),
}
