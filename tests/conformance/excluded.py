"""The tests of the standard library that Interlock does not run, each with its reason."""

from __future__ import annotations

import fnmatch

from tests.conformance.runs import Case

EXCLUDED: dict[str, str] = {
    "WithProcessesTestQueue.test_queue_feeder_donot_stop_onexc": (
        "about the feeder thread: Interlock's put() serializes in the caller and raises there"
    ),
    "WithProcessesTestQueue.test_queue_feeder_on_queue_feeder_error": (
        "about the feeder thread, and its private hook for errors"
    ),
    "WithThreadsTestPool.test_terminate": (
        "a race of the standard library's threads: one that has begun its task cannot be "
        "terminated and sleeps for LONG_TIMEOUT; it holds when no thread has come that far"
    ),
    "_TestImportStar.test_import": (
        "about the files in the standard library's own folder, which are no modules of ours"
    ),
    "TestStartMethod.test_mixed_startmethod": (
        "wants a queue of a fork context to be refused by spawn; Interlock's goes anywhere"
    ),
    "TestResourceTracker.test_resource_tracker": (
        "wants a lock's semaphore to have a name that a killed process leaves behind; "
        "Interlock's locks have none, and nothing is left"
    ),
    "TestResourceTracker.test_resource_tracker_sigkill": (
        "wants a semaphore to be entered in the resource tracker, and a warning that the tracker "
        "was killed; Interlock's semaphores need no tracker"
    ),
    "WithProcessesTestSharedMemory.test_shared_memory_cleaned_after_process_termination": (
        "wants the resource tracker's warning of leaked memory in the end; ours is gone with its "
        "last process, and needs no tracker (tests/shared_memory has the rest of it)"
    ),
    "TestIgnoreEINTR.test_ignore": (
        "wants send_bytes() of 4 MiB to block on a full pipe; Interlock's pipe has room for it"
    ),
}


_ONE_TASK = (
    "wants one task to break the whole executor; with Interlock it costs itself, and its error "
    "says why (docs/decisions/0021)"
)

# Of the executors, by pattern: a class for each start method. `*` stands for fork, spawn ...
EXCLUDED_OF_EXECUTORS: dict[str, str] = {
    "ProcessPool*ProcessPoolExecutorTest.test_killed_child": _ONE_TASK,
    "ProcessPool*ExecutorDeadlockTest.test_exit_at_task_unpickle": _ONE_TASK,
    "ProcessPool*ExecutorDeadlockTest.test_error_at_task_unpickle": _ONE_TASK,
    "ProcessPool*ExecutorDeadlockTest.test_exit_during_result_unpickle_in_result_handler": (
        _ONE_TASK
    ),
    "ProcessPool*ExecutorDeadlockTest.test_error_during_result_unpickle_in_result_handler": (
        _ONE_TASK
    ),
    "ProcessPool*ProcessPoolShutdownTest.test_cancel_futures": (
        "wants a task to be at work before submit() has returned; Interlock's workers are still "
        "starting then, and all that is not begun is cancelled"
    ),
    "ProcessPoolForkProcessPoolShutdownTest.test_processes_terminate": (
        "wants all workers to be forked by the first task, as the standard library cannot fork "
        "later; Interlock's start when there is work for them"
    ),
    "ProcessPool*ProcessPoolShutdownTest.test_submit_after_interpreter_shutdown": (
        "looks for the name RuntimeError in a traceback; ours is a PoolClosed, a subclass"
    ),
}


def excluded_tests(case: Case, tests: list[str]) -> list[str]:
    """The ids of the tests of a class that are not run."""
    ids = [f"{case.name}.{name}" for name in tests]
    if case.is_of_executors:
        return [
            test
            for test in ids
            if any(fnmatch.fnmatchcase(test, each) for each in EXCLUDED_OF_EXECUTORS)
        ]
    return [test for test in ids if test in EXCLUDED]
