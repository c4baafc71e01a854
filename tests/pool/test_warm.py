"""Warm start: under forkserver, workers come from a process that has imported what they need."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from interlock.context import get_context
from interlock.pool import warm
from interlock.testing import wait_ended

LONG_S = 60

HEAD = """
    import os, signal, sys
    import interlock

    def pool(workers):
        return interlock.get_context("forkserver").Pool(workers)
"""

# Tells who imports it, and whether a worker that runs its function is among them.
TELLING = """
    import os
    with open("importers", "a") as file:
        file.write(f"{os.getpid()}\\n")

    def fresh(_):
        with open("importers") as file:
            return str(os.getpid()) in file.read().split()
"""


def run(folder: Path, program: str, **modules: str) -> list[str]:
    """What a script says whose modules lie beside it; it is started from elsewhere."""
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(text))
    script = folder / "script.py"
    script.write_text(textwrap.dedent(HEAD) + textwrap.dedent(program))
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd="/",
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=LONG_S,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_a_worker_that_comes_later_imports_nothing(tmp_path: Path) -> None:
    """Neither does one that replaces another, nor one of a second pool; the script is imported."""
    said = run(
        tmp_path,
        """
        if __name__ == "__main__":
            os.chdir(os.path.dirname(__file__))
            with pool(1) as first:
                import telling
                print(first.apply(telling.fresh, (1,)))
                [worker] = first._pool
                os.kill(worker.pid, signal.SIGKILL)
                worker.join()
                print(first.apply(telling.fresh, (1,)))
            with pool(1) as second:
                print(second.apply(telling.fresh, (1,)))
        """,
        telling=TELLING,
    )
    assert said == ["True", "False", "False"]


def test_an_executor_knows_its_function_before_it_has_a_worker(tmp_path: Path) -> None:
    """It starts workers when there is work; a lambda needs what it refers to."""
    said = run(
        tmp_path,
        """
        if __name__ == "__main__":
            os.chdir(os.path.dirname(__file__))
            import telling
            context = interlock.get_context("forkserver")
            with interlock.ProcessPoolExecutor(1, context) as executor:
                print(executor.submit(lambda: telling.fresh(1)).result())
        """,
        telling=TELLING,
    )
    assert said == ["False"]


def test_the_script_is_imported_once(tmp_path: Path) -> None:
    """By the template, whatever the number of workers; not by them."""
    said = run(
        tmp_path,
        """
        import telling
        if __name__ == "__main__":
            with pool(3) as workers:
                print(*workers.map(telling.fresh, range(30), 1))
        """,
        telling=TELLING.replace('"importers"', '__file__ + ".importers"'),
    )
    assert said == ["False"] * 30
    importers = (tmp_path / "telling.py.importers").read_text().split()
    assert len(importers) == 2, "this process and the template"


@pytest.mark.parametrize(
    "unfit",
    [
        "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()",
        "if __import__('multiprocessing').current_process().name[-6:] == 'zygote': os._exit(3)",
        "if __import__('multiprocessing').current_process().name[-6:] == 'zygote': sys.exit()",
    ],
    ids=["threads", "crash", "exit"],
)
def test_a_module_that_no_template_can_have_is_left_to_the_workers(
    tmp_path: Path, unfit: str
) -> None:
    """Each has its own thread then; another module is warm all the same."""
    said = run(
        tmp_path,
        """
        if __name__ == "__main__":
            os.chdir(os.path.dirname(__file__))
            import odd, telling
            context = interlock.get_context("forkserver")
            with interlock.ProcessPoolExecutor(1, context) as executor:
                print(executor.submit(odd.threads).result())
            with interlock.ProcessPoolExecutor(1, context) as executor:
                print(executor.submit(telling.fresh, 1).result())
        """,
        odd=f"""
            import os, sys, threading
            before = threading.active_count()
            {unfit}
            own = threading.active_count() - before

            def threads():
                return threading.active_count() >= before + own, own
        """,
        telling=TELLING,
    )
    own = "1)" if "Thread(" in unfit else "0)"
    assert said == ["(True,", own, "False"]


def test_a_script_that_has_threads_has_workers_all_the_same(tmp_path: Path) -> None:
    """Its template is of no use, and is not tried for ever."""
    said = run(
        tmp_path,
        """
        import threading
        threading.Thread(target=threading.Event().wait, daemon=True).start()

        if __name__ == "__main__":
            with pool(2) as workers:
                print(*workers.map(abs, [-1, -2, -3]))
        """,
    )
    assert said == ["1", "2", "3"]


def test_workers_of_one_template_draw_different_numbers(tmp_path: Path) -> None:
    """With numpy's global generator and with random's, as workers that import them do."""
    said = run(
        tmp_path,
        """
        import random, numpy

        def draw(_):
            return numpy.random.random(), random.random()

        if __name__ == "__main__":
            for _ in range(3):
                with pool(1) as workers:
                    print(*workers.apply(draw, (0,)))
        """,
    )
    assert len(said) == len(set(said)) == 6


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


def test_workers_share_no_file_and_no_generator_of_a_module(tmp_path: Path) -> None:
    """P2: each has its own, as where it imports the module itself."""
    said = run(
        tmp_path,
        """
        if __name__ == "__main__":
            os.chdir(os.path.dirname(__file__))
            import opened, drawing
            with pool(1) as first:
                first.apply(opened.read)
                first.apply(drawing.draw)
            for _ in range(2):
                with pool(1) as workers:
                    print(workers.apply(opened.read), *workers.apply(drawing.draw))
        """,
        opened="""
            file = open(__file__, buffering=1)

            def read():
                return file.read(6)
        """,
        drawing="""
            import random, numpy
            plain, arrays = random.Random(), numpy.random.default_rng()

            def draw():
                return plain.random(), arrays.random()
        """,
    )
    assert said[0] == said[3] == "file"
    assert len({*said[1:3], *said[4:]}) == 4


def test_workers_have_a_module_as_it_was_loaded_last(tmp_path: Path) -> None:
    """A template has it as it was, and is left then."""
    said = run(
        tmp_path,
        """
        if __name__ == "__main__":
            import importlib
            import changing
            for number in range(3):
                with pool(1) as workers:
                    print(workers.apply(changing.number), workers.apply(changing.number))
                with open(changing.__file__, "w") as file:
                    file.write(f"def number():{' ' * number} return {number + 1}")
                importlib.reload(changing)
        """,
        changing="def number(): return 0",
    )
    assert said == ["0", "0", "1", "1", "2", "2"]


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
            os.mkdir(path)
            os.rename(path, f"{path}-{os.getpid()}")
            os.mkdir(path)
            while True:
                signal.pause()
        """,
    )
    assert said == ["interrupted"]
    [path] = tmp_path.glob("pid-*")
    wait_ended(int(path.name.partition("-")[2]))


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
    [path] = tmp_path.glob("pid-*")
    wait_ended(int(path.name.partition("-")[2]))


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
