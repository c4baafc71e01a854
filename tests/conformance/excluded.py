"""The tests of the standard library that Interlock does not run, each with its reason."""

from __future__ import annotations

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


def excluded_tests(case: Case, tests: list[str]) -> list[str]:
    """The ids of the tests of a class that are not run."""
    return [test for name in tests if (test := f"{case.name}.{name}") in EXCLUDED]
