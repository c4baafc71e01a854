"""`interlock map` stopped from outside: quiet, with what was finished written down."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.cli.command import BOUND_S, MAPPED, by_input, start_map
from tests.cli.switchboard import Switchboard

HELD = f"{MAPPED}:held"


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("to_all", [True, False])
def test_a_signal_ends_the_run_and_its_workers(
    number: signal.Signals, status: int, to_all: bool, tmp_path: Path
) -> None:
    """Ctrl-C goes to all processes of the terminal, `kill` to the parent alone."""
    with Switchboard(tmp_path) as board:
        process = start_map(
            HELD, "a", "held1", "held2", "b", "--workers", 2, cwd=tmp_path, **board.environment
        )
        calls = [board.answer(), board.answer()]
        (os.killpg if to_all else os.kill)(process.pid, number)
        out, err = process.communicate(timeout=BOUND_S)
        assert process.returncode == status
        assert all(call.gone(within_s=1) for call in calls)
    assert "Traceback" not in err
    done = by_input(tmp_path)
    assert {"a"} <= set(done) <= {"a", "b"}  # b may go before the second that holds its worker
    stopped = f"interlock map: stopped; {len(done)} of 4 inputs are done"
    assert err.splitlines()[-1].startswith(stopped)
    assert out == ""


def test_ctrl_c_again_and_again_makes_no_noise(tmp_path: Path) -> None:
    """An impatient user gets the same end."""
    with Switchboard(tmp_path) as board:
        process = start_map(HELD, "held", cwd=tmp_path, **board.environment)
        board.answer()
        for _ in range(5):
            os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=BOUND_S)
    assert process.returncode == 130
    assert "Traceback" not in err


def test_a_worker_that_gets_ctrl_c_alone_goes_on(tmp_path: Path) -> None:
    """The run was not told to stop: Ctrl-C is the pool's business."""
    with Switchboard(tmp_path) as board:
        process = start_map(HELD, "held", "a", cwd=tmp_path, **board.environment)
        call = board.answer()
        call.kill(signal.SIGINT)
        call.release()
        _, err = process.communicate(timeout=BOUND_S)
    assert process.returncode == 0
    assert by_input(tmp_path)["held"]["attempts"] == 1
    assert "Traceback" not in err
