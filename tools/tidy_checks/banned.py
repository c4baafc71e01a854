"""What must not occur at all."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from .cpp import calls, code, code_lines
from .repository import Finding, Repository, Source

_PICKLES = frozenset({"pickle", "ForkingPickler", "cloudpickle"})  # and with an underscore
_LOADERS = frozenset({"load", "loads", "Unpickler"})
_ATOMICS = re.compile(r"\bstd::atomic\w*|\b__atomic_\w+|\b__sync_\w+|#\s*include\s*<atomic>")


def sleeps(repository: Repository) -> Iterator[Finding]:
    """`time.sleep` in tests: order is forced by events, sequencers and probe points."""
    for source in repository.python("tests"):
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Attribute):
                found = ast.unparse(node) == "time.sleep"
            elif isinstance(node, ast.ImportFrom):
                found = node.module == "time" and any(name.name == "sleep" for name in node.names)
            else:
                continue
            if found:
                yield source.at(node.lineno, "time.sleep in a test; force the order by an event")


def silent_excepts(repository: Repository) -> Iterator[Finding]:
    """Bare `except:`, and handlers that do nothing."""
    for source in repository.python():
        for node in ast.walk(source.tree):
            if not isinstance(node, ast.ExceptHandler):
                continue
            if node.type is None:
                yield source.at(node.lineno, "bare except; name the exceptions")
            if all(_does_nothing(statement) for statement in node.body):
                yield source.at(
                    node.lineno, "except with an empty body; use contextlib.suppress and say why"
                )


def _does_nothing(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Pass) or (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and statement.value.value is ...
    )


def grab_bags(repository: Repository) -> Iterator[Finding]:
    """Files and folders named after nothing."""
    for source in repository.sources:
        for part in source.path.split("/"):
            if part.split(".")[0] in ("utils", "util", "misc"):
                yield source.at(1, f"{part!r} names no concept; split by concept")


def unpickling(repository: Repository) -> Iterator[Finding]:
    """Unpickling outside serialize/: bytes become objects in one place (P4)."""
    for source in repository.python("src/interlock"):
        if not source.path.startswith("src/interlock/serialize/"):
            for line in sorted(_unpicklings(source)):
                yield source.at(line, "unpickles; only serialize/ turns bytes into objects")


def _unpicklings(source: Source) -> set[int]:
    lines = set()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute):
            owner = ast.unparse(node.value).split(".")[-1]
            if node.attr in _LOADERS and owner.lstrip("_") in _PICKLES:
                lines.add(node.lineno)
        elif isinstance(node, ast.ImportFrom):
            names = {alias.name for alias in node.names}
            if (node.module or "").lstrip("_") in _PICKLES and names & _LOADERS:
                lines.add(node.lineno)
    return lines


def silent_asserts(repository: Repository) -> Iterator[Finding]:
    """`assert` in native/ says what is wrong when it fails."""
    for source in repository.cpp():
        for line, argument in calls(code(source), "assert"):
            if '"' not in argument:
                yield source.at(line, 'assert without a message: assert(... && "why")')


def foreign_atomics(repository: Repository) -> Iterator[Finding]:
    """Atomics come only through platform/atomic.hpp, so that the systematic twin sees them."""
    for source in repository.cpp():
        if source.path == "native/platform/atomic.hpp":
            continue
        for line, text in enumerate(code_lines(source), 1):
            if match := _ATOMICS.search(text):
                yield source.at(line, f"{match.group()} outside platform/atomic.hpp")
