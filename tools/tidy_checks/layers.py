"""Who may import whom: Python's layers (design, section 3) and the native ones."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from .cpp import code_lines
from .repository import Finding, Repository, Source

# From the bottom: a module imports only from its own layer or from one before it.
PYTHON_LAYERS = (
    "errors", "_platform", "_standard", "_types", "_c_api", "_native", "_handover", "_passed",
    "_awaiting", "_interruptible", "_late", "_raising",
    "serialize", "reduction", "synchronize", "shared_memory", "sharedctypes",
    "connection", "queues", "process", "pool", "managers", "context", "dummy", "advice",
    "testing", "observe", "cli", "__init__", "__main__",
)  # fmt: skip
NATIVE_LAYERS = ("include", "platform", "core", "codec", "bind", "tests")
PYTHON_H = ("include", "codec", "bind")
NANOBIND = ("bind",)

PACKAGE = "interlock"
_INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def python_imports(repository: Repository) -> Iterator[Finding]:
    """Imports of a layer above one's own, inside functions too; TYPE_CHECKING ones are free."""
    files = repository.python(f"src/{PACKAGE}")
    modules = {_module(source) for source in files} | {f"{PACKAGE}._native"}
    for source in files:
        mine = _layer(_module(source))
        if mine not in PYTHON_LAYERS:
            yield source.at(
                1, f"layer {mine!r} is not in PYTHON_LAYERS (tools/tidy_checks/layers.py)"
            )
            continue
        for line, target in _imports(source, modules):
            theirs = _layer(target)
            if theirs not in PYTHON_LAYERS:
                yield source.at(line, f"imports {target}, whose layer is not in PYTHON_LAYERS")
            elif PYTHON_LAYERS.index(theirs) > PYTHON_LAYERS.index(mine):
                yield source.at(
                    line,
                    f"{mine} imports {target}, from a layer above it; "
                    "take it as an argument whose shape is a Protocol in _types.py",
                )


def _module(source: Source) -> str:
    parts = source.path.removeprefix("src/").removesuffix(".py").split("/")
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 2 else parts)


def _layer(module: str) -> str:
    """``interlock.queues.queue`` is of layer ``queues``; the package itself of ``__init__``."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def _imports(source: Source, modules: set[str]) -> Iterator[tuple[int, str]]:
    for node in _reachable(source.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if _ours(alias.name):
                    yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = _base(source, node)
            for alias in node.names if _ours(base) else ():
                child = f"{base}.{alias.name}"
                yield node.lineno, child if child in modules or _has_below(child, modules) else base
        elif isinstance(node, ast.Call) and _is_import_module(node):
            name = node.args[0]
            if isinstance(name, ast.Constant) and _ours(str(name.value)):
                yield node.lineno, str(name.value)


def _reachable(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node but the body of ``if TYPE_CHECKING:``."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for statement in child.orelse:
                yield statement
                yield from _reachable(statement)
            continue
        yield child
        yield from _reachable(child)


def _base(source: Source, node: ast.ImportFrom) -> str:
    """The absolute name of the module after ``from``."""
    if not node.level:
        return node.module or ""
    folders = source.path.removeprefix("src/").split("/")[:-1]
    package = folders[: len(folders) - node.level + 1]
    return ".".join([*package, *([node.module] if node.module else [])])


def _ours(name: str) -> bool:
    return name == PACKAGE or name.startswith(f"{PACKAGE}.")


def _has_below(name: str, modules: set[str]) -> bool:
    return any(module.startswith(f"{name}.") for module in modules)


def _is_import_module(node: ast.Call) -> bool:
    return bool(node.args) and ast.unparse(node.func).split(".")[-1] in (
        "import_module",
        "__import__",
    )


def cpp_includes(repository: Repository) -> Iterator[Finding]:
    """Native: platform < core < codec < bind < tests; Python.h and nanobind where they belong."""
    for source in repository.cpp():
        mine = source.path.split("/")[1]
        for line, text in enumerate(code_lines(source), 1):
            if not _INCLUDE.match(text):
                continue
            match = _INCLUDE.match(source.lines[line - 1])
            if match is None:
                continue
            if message := _include_fault(repository, source, mine, match.group(2)):
                yield source.at(line, message)


def _include_fault(repository: Repository, source: Source, mine: str, name: str) -> str | None:
    if name.startswith("nanobind/"):
        return None if mine in NANOBIND else "only native/bind/ may include nanobind"
    if name == "Python.h":
        told = "only native/codec/, native/bind/ and the C API may include Python.h"
        return None if mine in PYTHON_H else told
    theirs = _native_layer(repository, source, name)
    if theirs is None or theirs == mine or theirs not in NATIVE_LAYERS or mine not in NATIVE_LAYERS:
        return None
    if NATIVE_LAYERS.index(theirs) < NATIVE_LAYERS.index(mine):
        return None
    return f'{mine}/ includes "{name}" of {theirs}/, which is above it'


def _native_layer(repository: Repository, source: Source, name: str) -> str | None:
    """The folder of native/ that an include's name leads to; None for a foreign header."""
    beside = (source.file.parent / name).resolve()
    root = (repository.root / "native").resolve()
    for file in (beside, (root / name).resolve()):
        if file.is_relative_to(root) and file.is_file():
            return file.relative_to(root).parts[0]
    first = name.split("/")[0]
    return first if first in NATIVE_LAYERS else None
