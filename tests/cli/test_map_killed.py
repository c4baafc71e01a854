"""`interlock map` while its workers are killed: every input has exactly one line."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from interlock.cli.interrupt import Interrupt
from interlock.cli.map import job
from interlock.cli.map.inputs.feed import Feed
from interlock.cli.map.inputs.sources import gather
from interlock.cli.map.ledger import Ledger
from interlock.cli.map.results import Held, Results
from interlock.cli.map.settings import Settings
from interlock.cli.map.work.function import load
from interlock.cli.progress import Silent
from interlock.shared_memory import AtomicInt
from tests.cli.command import BOUND_S, MAPPED, by_input, run_map, start_map
from tests.cli.switchboard import Switchboard

HELD = f"{MAPPED}:held"


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit status, standard output and standard error, once it has ended."""
    out, err = process.communicate(timeout=BOUND_S)
    return process.returncode, out, err


def test_the_input_of_a_killed_worker_is_delivered_to_another(tmp_path: Path) -> None:
    """P2: the run is complete, and tells of the death."""
    with Switchboard(tmp_path) as board:
        process = start_map(HELD, "a", "held", "b", cwd=tmp_path, **board.environment)
        first = board.answer()
        first.kill()
        second = board.answer()
        assert (first.input, second.input) == ("held", "held")
        second.release()
        status, out, err = ended(process)
    assert status == 0
    found = by_input(tmp_path)
    assert {name: line["result"] for name, line in found.items()} == {
        name: name for name in ("a", "b", "held")
    }
    assert (found["held"]["attempts"], found["held"]["worker"]) == (2, second.pid)
    assert "1 worker died and was replaced, 1 input delivered again" in out
    assert "Traceback" not in err


def test_an_input_on_which_two_workers_died_has_failed(tmp_path: Path) -> None:
    """P6: its line names the signal of each; all others are done; exit status 1."""
    with Switchboard(tmp_path) as board:
        process = start_map(HELD, "a", "held", "b", cwd=tmp_path, **board.environment)
        pids = []
        for number in (signal.SIGKILL, signal.SIGTERM):
            call = board.answer()
            pids.append(call.pid)
            call.kill(number)
        status, out, err = ended(process)
    assert status == 1
    found = by_input(tmp_path)
    assert found["a"]["result"] == "a" and found["b"]["result"] == "b"
    assert found["held"]["error"]["message"].startswith(
        f"worker {pids[0]} was killed by SIGKILL and worker {pids[1]} was killed by SIGTERM"
    )
    assert (found["held"]["attempts"], found["held"]["seconds"]) == (2, None)
    assert "held: worker" in out
    assert "Traceback" not in err


def test_every_worker_may_be_killed(tmp_path: Path) -> None:
    """All at once, in the middle of their inputs, and the run is complete."""
    inputs = [f"held{number}" for number in range(3)]
    with Switchboard(tmp_path) as board:
        process = start_map(HELD, *inputs, "--workers", 3, cwd=tmp_path, **board.environment)
        for call in [board.answer() for _ in inputs]:
            call.kill()
        for call in [board.answer() for _ in inputs]:
            call.release()
        status, _, _ = ended(process)
    assert status == 0
    assert {line["attempts"] for line in by_input(tmp_path).values()} == {2}


def test_a_worker_that_ends_itself_is_as_dead_as_one_that_is_killed(tmp_path: Path) -> None:
    """os._exit and a segmentation fault in the function, each twice."""
    done = run_map(
        f"{MAPPED}:sometimes_fatal", "a", "exit", "segfault", "b", "sys.exit", cwd=tmp_path
    )
    assert done.returncode == 1
    found = by_input(tmp_path)
    assert found["a"]["result"] == "a" and found["b"]["result"] == "b"
    assert "ended itself with status 3" in found["exit"]["error"]["message"]
    assert "was killed by SIGSEGV" in found["segfault"]["error"]["message"]
    assert found["sys.exit"]["error"]["type"] == "SystemExit"
    assert found["sys.exit"]["attempts"] == 1


def test_the_comparison_leaves_out_what_kills_its_process(tmp_path: Path) -> None:
    """--compare measures the others."""
    done = run_map(f"{MAPPED}:sometimes_fatal", "a", "exit", "b", "--compare", cwd=tmp_path)
    assert done.returncode == 1
    assert "measured: a fresh process" in done.stdout
    assert "the same in one process: 2 of 2 done" in done.stderr


def test_workers_that_die_before_they_do_anything_end_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P3: not a loop that starts processes for ever."""

    def die(begun: AtomicInt) -> None:
        os._exit(7)

    monkeypatch.setattr(job, "_count", die)
    feed = Feed(gather(["a", "b"]), Held())
    feed.start()
    results = Results(str(tmp_path / "results.jsonl"))
    run = job.Job(load(f"{MAPPED}:length"), feed, Settings(2), Ledger(results))
    with Interrupt() as interrupt:
        with pytest.raises(
            job.WorkersUnfit, match="ended itself with status 7 before it was ready"
        ):
            run.run(interrupt, Silent())
    results.close()


def test_random_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    """P2: workers killed at any instruction; who dies twice on an input is reported so."""
    seed = int(os.environ.get("INTERLOCK_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"seed: INTERLOCK_SEED={seed}")
    chance = random.Random(seed)
    inputs = [f"input{number}" for number in range(3000)]
    (tmp_path / "list").write_text("\n".join(inputs))
    process = start_map(f"{MAPPED}:length", "--lines", "list", cwd=tmp_path)
    kills = 0
    while kills < 30:
        try:
            process.wait(timeout=chance.uniform(0.001, 0.03))
            break
        except subprocess.TimeoutExpired:
            kills += kill_a_worker(process.pid, chance)
    status, _, err = ended(process)
    found = by_input(tmp_path)
    assert sorted(found) == sorted(inputs)
    failed = [line for line in found.values() if "error" in line]
    assert all(line["error"]["type"] == "WorkerDied" for line in failed)
    assert len(failed) <= kills / 2
    assert all(found[name].get("result", len(name)) == len(name) for name in inputs)
    assert status == (1 if failed else 0)
    assert "Traceback" not in err


def kill_a_worker(parent: int, chance: random.Random) -> bool:
    """Kill a child of the run, if it has one."""
    try:
        workers = psutil.Process(parent).children()
        if workers:
            chance.choice(workers).kill()
    except psutil.NoSuchProcess:  # it has just ended
        return False
    return bool(workers)


def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    """P5: idle and busy ones; what was finished before is written."""
    with Switchboard(tmp_path) as board:
        process = start_map(
            HELD, "a", "held1", "held2", "--workers", 3, cwd=tmp_path, **board.environment
        )
        for _ in range(2):
            board.answer()
        workers = [os.pidfd_open(child.pid) for child in psutil.Process(process.pid).children()]
        assert len(workers) == 3
        process.kill()
        for pidfd in workers:
            assert select.select([pidfd], [], [], 10)[0]
            os.close(pidfd)
        ended(process)
