"""Process."""

from __future__ import annotations

import os
import select
import signal
import tempfile
from multiprocessing.connection import wait

from tests.conformance.contexts import work
from tests.conformance.contexts.promise import SOON_S, Bench, must, promise, raising


@promise("Process", "Queue")
def a_target_is_called_with_its_arguments(bench: Bench) -> None:
    """start() has the target called with args and kwargs; join() waits for its end."""
    queue = bench.context.Queue()
    process = bench.context.Process(target=work.put, args=(queue, 1), kwargs={})
    must(process.exitcode is None, "It has an exit code before it began.")
    process.start()
    must(queue.get(timeout=bench.long_s) == 1, "The argument is another.")
    bench.join(process)


@promise("Process")
def what_it_gives_to_exit_is_its_exit_code(bench: Bench) -> None:
    """sys.exit(3) in the target makes exitcode 3."""
    process = bench.start(work.exit_with, 3)
    process.join(bench.long_s)
    must(process.exitcode == 3, f"It is {process.exitcode}.")


@promise("Process")
def an_exception_is_exit_code_1(bench: Bench) -> None:
    """When the target raises, exitcode is 1."""
    process = bench.start(work.fail)
    process.join(bench.long_s)
    must(process.exitcode == 1, f"It is {process.exitcode}.")


@promise("Process", "Queue")
def join_returns_in_time(bench: Bench) -> None:
    """join(timeout) of one that runs returns after that time, and it is alive."""
    go, said = bench.context.Queue(), bench.context.Queue()
    process = bench.start(work.wait_for_go, go, said)
    said.get(timeout=bench.long_s)
    process.join(bench.moment_s)
    must(process.is_alive() and process.exitcode is None, "It is said to have ended.")
    go.put("go")
    bench.join(process)


@promise("Process", "Queue", asks="stops")
def terminate_ends_python_code(bench: Bench) -> None:
    """terminate() ends a process that computes, and exitcode is minus SIGTERM."""
    said = bench.context.Queue()
    process = bench.start(work.spin, said)
    said.get(timeout=bench.long_s)
    process.terminate()
    process.join(bench.long_s)
    must(process.exitcode == -signal.SIGTERM, f"exitcode is {process.exitcode}.")


@promise("Process")
def kill_ends_what_waits_in_c(bench: Bench) -> None:
    """kill() ends a process at once that is in a call outside of Python."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "pipe")
        os.mkfifo(path)
        end = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            process = bench.start(work.write_more_than_fits, path)
            must(select.select([end], [], [], bench.long_s)[0], "It does not begin.")
            process.kill()  # it is in that call now, and has to wait there
            process.join(SOON_S)
            must(not process.is_alive(), "It goes on until the call comes back.")
        finally:
            os.close(end)


@promise("Process", "Queue")
def its_sentinel_is_ready_when_it_has_ended(bench: Bench) -> None:
    """sentinel is a descriptor to be waited for beside others."""
    go, said = bench.context.Queue(), bench.context.Queue()
    process = bench.start(work.wait_for_go, go, said)
    said.get(timeout=bench.long_s)
    must(not wait([process.sentinel], bench.moment_s), "It is ready while it runs.")
    go.put("go")
    must(wait([process.sentinel], bench.long_s), "It does not become ready.")
    process.join(bench.long_s)
    must(process.exitcode == 0, f"exitcode is {process.exitcode}.")


@promise("Process", "Queue", "active_children")
def those_that_run_are_listed(bench: Bench) -> None:
    """active_children() has a process until it has ended."""
    go, said = bench.context.Queue(), bench.context.Queue()
    process = bench.start(work.wait_for_go, go, said)
    said.get(timeout=bench.long_s)
    must(process in bench.context.active_children(), "It is not there.")
    go.put("go")
    bench.join(process)
    must(process not in bench.context.active_children(), "It is there after its end.")


@promise("Process", "Queue")
def its_memory_is_its_own(bench: Bench) -> None:
    """What it changes in a module is not changed here."""
    work.MEMORY.clear()
    said = bench.context.Queue()
    process = bench.start(work.remember, said)
    said.get(timeout=bench.long_s)
    bench.join(process)
    must(not work.MEMORY, "It is changed here, too.")


@promise("Process")
def it_has_the_name_it_is_given(bench: Bench) -> None:
    """name and daemon are as they were given."""
    process = bench.context.Process(target=work.nothing, name="worker")
    process.daemon = True
    process.start()
    must((process.name, process.daemon) == ("worker", True), "They are others.")
    bench.join(process)


@promise("Process")
def close_gives_it_back(bench: Bench) -> None:
    """After close() it cannot be asked any more."""
    process = bench.context.Process(target=work.nothing)
    process.start()
    bench.join(process)
    process.close()
    with raising(ValueError):
        process.is_alive()


PROMISES = (
    a_target_is_called_with_its_arguments,
    what_it_gives_to_exit_is_its_exit_code,
    an_exception_is_exit_code_1,
    join_returns_in_time,
    terminate_ends_python_code,
    kill_ends_what_waits_in_c,
    its_sentinel_is_ready_when_it_has_ended,
    those_that_run_are_listed,
    its_memory_is_its_own,
    it_has_the_name_it_is_given,
    close_gives_it_back,
)
