"""Runs all tests: `make test`. Those that compute run beside those that wait.

    python tools/run_tests.py [options of pytest]

Most tests wait most of the time: for a process to start, for what must not happen. So what is in
ASIDE has a second pytest, with a lower priority; what that printed is shown at the end. It holds
nothing to a second, and makes no name in /dev/shm that is not known for another program's
(tests/left_behind.py). All else runs one after the other, as ever. Who names tests, or has an
option that does not only show things, has all in one pytest.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ASIDE = tuple(
    f"tests/{name}"
    for name in (
        "benchmarks docs examples models native serialize tidy typing "
        "hostile/test_bombs.py hostile/test_corpus.py hostile/test_fuzz_short.py "
        "packaging/test_extension.py packaging/test_run_tests.py packaging/test_source.py"
    ).split()
)
SHOWING = ("--color", "--durations", "--tb", "-q", "-r", "-v")  # fit for two at once
NICE = 10
PYTEST = (sys.executable, "-m", "pytest")
PASSED, NONE_FOUND = 0, 5  # exit statuses of pytest
LOG = Path("build/tests-aside.log")


def main(options: list[str]) -> int:
    """Run them; the exit status is pytest's, of the first part that failed."""
    if not all(option.startswith(SHOWING) for option in options) or (os.cpu_count() or 1) < 2:
        return subprocess.run([*PYTEST, *options], check=False).returncode
    LOG.parent.mkdir(exist_ok=True)
    with LOG.open("w+", encoding="utf-8") as log:
        beside = subprocess.Popen(
            ["nice", "-n", str(NICE), *PYTEST, "-p", "no:cacheprovider", *options, *ASIDE],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            ignored = [f"--ignore={path}" for path in ASIDE]
            first = subprocess.run([*PYTEST, *options, *ignored], check=False).returncode
        except BaseException:
            beside.terminate()
            raise
        finally:
            second = beside.wait()
        log.seek(0)
        print(f"\nBeside them: {' '.join(ASIDE)}\n{log.read()}", flush=True)
    failed = [status for status in (first, second) if status not in (PASSED, NONE_FOUND)]
    return failed[0] if failed else min(first, second)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
