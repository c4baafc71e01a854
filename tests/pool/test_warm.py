"""Warm start: under forkserver, workers come from a process that has imported what they need."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pool.script import run

# Tells who imports it, and whether a worker that runs its function is among them.
TELLING = """
    import os
    with open("importers", "a") as file:
        file.write(f"{os.getpid()}\\n")

    def fresh(_):
        with open("importers") as file:
            return str(os.getpid()) in file.read().split()
"""


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
        import random, numpy.random  # by the template, which numpy itself would put off

        def draw(_):
            return numpy.random.random(), random.random()

        if __name__ == "__main__":
            for _ in range(3):
                with pool(1) as workers:
                    print(*workers.apply(draw, (0,)))
        """,
    )
    assert len(said) == len(set(said)) == 6


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
            import random, numpy.random  # by the template, which numpy itself would put off
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
