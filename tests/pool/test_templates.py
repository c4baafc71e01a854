"""Templates of workers that hang, are killed, or are many (P3, P5)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from interlock.context import get_context
from interlock.pool import warm
from interlock.testing import wait_ended
from tests.pool.script import run


def wait_hanging_ended(folder: Path) -> None:
    """The template that has left its pid there, and hung, is no more."""
    [path] = folder.glob("pid-*")
    wait_ended(int(path.name.partition("-")[2]))


def test_a_killed_template_costs_no_task(tmp_path: Path) -> None:
    """Who ran a task when its template was killed is ended, and the task told as one that died."""
    said = run(
        tmp_path,
        """
        import time

        def parent(_):
            return os.getppid()

        def wait(path):
            with open(path, "a") as file:
                file.write(f"{os.getpid()} ")
            time.sleep(600)

        if __name__ == "__main__":
            path = os.path.join(os.path.dirname(__file__), "began")
            with pool(2) as workers:
                template = workers.apply(parent, (0,))
                waiting = workers.apply_async(wait, (path,))
                while not os.path.exists(path) or not os.path.getsize(path):
                    os.sched_yield()
                os.kill(template, signal.SIGKILL)
                try:
                    waiting.get(60)
                except interlock.WorkerDied as died:
                    print(type(died).__name__)
                print(*workers.map(abs, range(-20, 0)))
                print(workers.apply(parent, (0,)) == template)
            with pool(2) as workers:
                print(*workers.map(abs, [-1, -2]))
        """,
    )
    assert said == ["WorkerDied", *map(str, range(20, 0, -1)), "False", "1", "2"]
    for pid in (tmp_path / "began").read_text().split():
        wait_ended(int(pid))


def test_templates_end_with_the_program(tmp_path: Path) -> None:
    """However many there were."""
    said = run(
        tmp_path,
        """
        def parent():
            return os.getppid()

        if __name__ == "__main__":
            context = interlock.get_context("forkserver")
            for name in "json", "csv", "wave":
                module = __import__(name)
                with interlock.ProcessPoolExecutor(1, context) as executor:
                    print(executor.submit(lambda: (module, parent())[1]).result())
        """,
    )
    assert len(set(said)) == 3
    for pid in said:
        wait_ended(int(pid))


def test_ctrl_c_ends_a_pool_whose_template_hangs(tmp_path: Path) -> None:
    """P3: Pool() waits for its imports, and the template ends with it."""
    said = run(
        tmp_path,
        """
        import threading
        path = os.path.join(os.path.dirname(__file__), "pid")

        def interrupt():
            while not os.path.exists(path):
                os.sched_yield()
            os.kill(os.getpid(), signal.SIGINT)

        if __name__ == "__main__":
            threading.Thread(target=interrupt).start()
            try:
                pool(1)
            except KeyboardInterrupt:
                print("interrupted")
        else:
            os.mkdir(f"{path}.claimed")
            os.mkdir(f"{path}-{os.getpid()}")
            os.mkdir(path)
            while True:
                signal.pause()
        """,
    )
    assert said == ["interrupted"]
    wait_hanging_ended(tmp_path)


def test_a_template_whose_imports_do_not_end_is_given_up(tmp_path: Path) -> None:
    """P3: workers import by themselves then, and the template is no more."""
    said = run(
        tmp_path,
        """
        if __name__ == "__main__":
            from interlock.process import zygote
            zygote.IMPORTS_S = 0.5
            os.environ["ITS_PLACE"] = os.path.join(os.path.dirname(__file__), "pid")
            import odd
            context = interlock.get_context("forkserver")
            with interlock.ProcessPoolExecutor(1, context) as executor:
                print(executor.submit(odd.name).result())
        """,
        odd="""
            import multiprocessing, os, signal

            def name():
                return "here"

            if multiprocessing.current_process().name[-6:] == "zygote":
                os.mkdir(f"{os.environ['ITS_PLACE']}-{os.getpid()}")
                while True:
                    signal.pause()
        """,
    )
    assert said == ["here"]
    wait_hanging_ended(tmp_path)


def test_a_template_that_another_thread_closes_costs_no_worker(tmp_path: Path) -> None:
    """Between the choice and the start of a worker: it seems to have no children."""
    said = run(
        tmp_path,
        """
        if __name__ == "__main__":
            from interlock.pool import crew
            make_warm = crew.make_warm

            def closed(process, context):
                make_warm(process, context)
                process._Popen.close()

            crew.make_warm = closed
            with pool(2) as workers:
                print(*workers.map(abs, [-1, -2]))
        """,
    )
    assert said == ["1", "2"]


def test_a_template_that_is_killed_as_it_forks_leaves_no_second_worker(tmp_path: Path) -> None:
    """P2: two with one queue would each have a part of what one is told."""
    said = run(
        tmp_path,
        """
        if __name__ == "__main__":
            from interlock.process import zygote
            launch = zygote._Popen._launch
            begun = []

            def killed(self, process):
                launch(self, process)
                if "PoolWorker" in process.name:
                    begun.append(self.pid)
                    if len(begun) == 1:
                        raise EOFError

            zygote._Popen._launch = killed
            with pool(1) as workers:
                print(*workers.map(abs, [-1, -2]))
                while os.path.exists(f"/proc/{begun[0]}"):
                    os.sched_yield()
        """,
    )
    assert said == ["1", "2"]


class Template:
    """A zygote that needs no process."""

    modules: frozenset[str] = frozenset()
    is_dead = False

    def __init__(self, process: Any, modules: Iterable[str]) -> None:
        self.modules = frozenset(modules) | vars(process).get("_Popen", self).modules

    def has_ended(self) -> bool:
        return False

    def is_needed(self) -> bool:
        return True


def test_many_templates_that_are_all_needed_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one more for each worker, however many pools have their own modules."""
    monkeypatch.setattr(warm, "Zygote", Template)
    context = get_context("forkserver")
    line = warm._Line()
    for number in range(2 * warm.GENERATIONS_MAX):
        line.needed.add(f"module_{number}")
        made = line.youngest(context)
        assert made is not None
        assert line.needed <= made.modules
        assert line.youngest(context) is made
    assert len(line.zygotes) == 2 * warm.GENERATIONS_MAX
