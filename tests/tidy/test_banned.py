"""A good and a bad sample for each banned thing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tidy_checks import banned

Found = Callable[..., list[str]]

TEST = "tests/queues/test_queue.py"
MODULE = "src/interlock/queues/queue.py"
HEADER = "native/core/ring.hpp"

GOOD = [
    (banned.sleeps, TEST, "import time\ntime.monotonic()\nevent.wait(1)"),
    (banned.sleeps, "examples/x/broken.py", "import time\ntime.sleep(1)"),
    (banned.silent_excepts, TEST, "try:\n    f()\nexcept ValueError:\n    g()"),
    (banned.grab_bags, "src/interlock/serialize/explain.py", ""),
    (banned.unpickling, "src/interlock/serialize/codec.py", "import pickle\npickle.loads(b'')"),
    (banned.unpickling, MODULE, "import json, pickle\njson.loads('1')\npickle.dumps(1)"),
    (banned.unpickling, TEST, "import pickle\npickle.loads(b'')"),
    (banned.silent_asserts, HEADER, 'assert(size(x) > 0 && "no room");\n// assert(x)\n'),
    (banned.silent_asserts, HEADER, "static_assert(sizeof(Record) == 32);"),
    (banned.foreign_atomics, "native/platform/atomic.hpp", "__atomic_load_n(&v, 0);"),
    (banned.foreign_atomics, HEADER, '// not std::atomic\nAtomic<u32> a; auto s = "std::atomic";'),
]

BAD = [
    (banned.sleeps, TEST, "import time\ntime.sleep(1)", 2),
    (banned.sleeps, TEST, "from time import monotonic, sleep", 1),
    (banned.silent_excepts, MODULE, "try:\n    f()\nexcept:\n    g()", 3),
    (banned.silent_excepts, TEST, "try:\n    f()\nexcept ValueError:\n    pass", 3),
    (banned.silent_excepts, TEST, "try:\n    f()\nexcept ValueError:\n    ...", 3),
    (banned.grab_bags, "src/interlock/queues/utils.py", "", 1),
    (banned.grab_bags, "tests/util/test_x.py", "", 1),
    (banned.grab_bags, "native/core/utils.hpp", "", 1),
    (banned.unpickling, MODULE, "import pickle\n\npickle.loads(b'')", 3),
    (banned.unpickling, MODULE, "from pickle import Unpickler", 1),
    (banned.unpickling, MODULE, "import _pickle\n_pickle.load(f)", 2),
    (banned.unpickling, MODULE, "reduction.ForkingPickler.loads(b'')", 1),
    (banned.silent_asserts, HEADER, "\nassert(a(b) == c);", 2),
    (banned.foreign_atomics, HEADER, "#include <atomic>", 1),
    (banned.foreign_atomics, HEADER, "std::atomic<int> a;", 1),
    (banned.foreign_atomics, HEADER, "x = __atomic_load_n(&v, 0);", 1),
    (banned.foreign_atomics, "native/tests/test_ring.cpp", "std::atomic_ref<int> a(x);", 1),
]


@pytest.mark.parametrize(("check", "path", "text"), GOOD)
def test_what_is_allowed_passes(found: Found, check: object, path: str, text: str) -> None:
    """A comment, a string or another folder is no fault."""
    assert found(check, {path: text}) == []


@pytest.mark.parametrize(("check", "path", "text", "line"), BAD)
def test_what_is_banned_is_found(
    found: Found, check: object, path: str, text: str, line: int
) -> None:
    """Each at its line."""
    (finding,) = found(check, {path: text})
    assert finding.startswith(f"{path}:{line}: ")
