"""A good and a bad sample for the import and include directions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tidy_checks.layers import cpp_includes, python_imports

Found = Callable[..., list[str]]

BASE = {
    "src/interlock/__init__.py": "",
    "src/interlock/errors.py": "",
    "src/interlock/queues/__init__.py": "",
    "src/interlock/queues/queue.py": "",
    "src/interlock/process/__init__.py": "",
    "src/interlock/process/base.py": "",
}
QUEUE = "src/interlock/queues/queue.py"


@pytest.mark.parametrize(
    "text",
    [
        "from interlock import errors",
        "from interlock.errors import Full",
        "from .. import errors, _native",
        "from . import lease",
        "import multiprocessing.pool",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from interlock import process",
    ],
)
def test_a_layer_may_import_itself_and_what_is_below(found: Found, text: str) -> None:
    """Design, section 3."""
    assert found(python_imports, BASE | {QUEUE: text}) == []


@pytest.mark.parametrize(
    "text",
    [
        "from interlock.process import base",
        "from interlock import process",
        "from ..process.base import Process",
        "import interlock",
        "from interlock import Queue",
        "def late():\n    from interlock.process.base import Process",
        "import importlib\nimportlib.import_module('interlock.process')",
        "import typing\nif typing.TYPE_CHECKING:\n    pass\nelse:\n    import interlock",
    ],
)
def test_an_import_of_what_is_above_is_found(found: Found, text: str) -> None:
    """Inside a function, by name or relative, it is the same."""
    (finding,) = found(python_imports, BASE | {QUEUE: text})
    assert finding.startswith(QUEUE) and "above" in finding


def test_a_module_outside_the_layers_is_found(found: Found) -> None:
    """A new module takes its place in the table."""
    assert "PYTHON_LAYERS" in found(python_imports, {"src/interlock/odd.py": ""})[0]


NATIVE = {
    "native/platform/futex.hpp": "",
    "native/core/ring.hpp": "",
    "native/bind/bind.hpp": "",
}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("native/core/blocks.hpp", '#include "platform/futex.hpp"\n#include "ring.hpp"'),
        ("native/core/blocks.hpp", '#include <vector>\n// #include "bind/bind.hpp"'),
        ("native/codec/reader.cpp", '#include <Python.h>\n#include "core/ring.hpp"'),
        ("native/bind/module.cpp", "#include <nanobind/nanobind.h>\n#include <Python.h>"),
        ("native/tests/test_ring.cpp", '#include "core/ring.hpp"'),
    ],
)
def test_includes_that_go_down_pass(found: Found, path: str, text: str) -> None:
    """platform < core < codec < bind."""
    assert found(cpp_includes, NATIVE | {path: text}) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("native/platform/clock.hpp", '#include "core/ring.hpp"'),
        ("native/core/blocks.hpp", '#include "../bind/bind.hpp"'),
        ("native/core/blocks.hpp", '#include "codec/not_there_yet.hpp"'),
        ("native/core/blocks.hpp", "#include <Python.h>"),
        ("native/codec/reader.cpp", "#include <nanobind/nanobind.h>"),
        ("native/core/blocks.hpp", '#include "tests/schedule.hpp"'),
    ],
)
def test_includes_that_go_up_are_found(found: Found, path: str, text: str) -> None:
    """Only bind/ knows nanobind, only codec/ and bind/ know Python."""
    (finding,) = found(cpp_includes, NATIVE | {path: text})
    assert finding.startswith(f"{path}:1: ")
