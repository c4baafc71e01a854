"""Public names have docstrings; what blocks says what it raises and what a death does to it.

A function blocks when it takes ``timeout`` or ``block``, when it is called one
of BLOCKING_NAMES, or ``wait_<condition>``. ``X_nowait`` never blocks.

A docstring need not repeat another's: "As `Queue.get`, awaited." takes over the
sections of that method, which is looked up.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from .repository import Finding, Repository, Source

BLOCKING_ARGUMENTS = frozenset({"timeout", "block", "timeout_s", "timeout_ms"})
BLOCKING_NAMES = frozenset(
    (
        "accept acquire get get_many join lease put put_many recv recv_bytes recv_bytes_into "
        "send send_bytes take_dead take_lease wait"
    ).split()
)
SECTIONS = ("Raises:", "If a process dies:")
_REFERENCE = re.compile(r"\b(?:As|as|Like|like) `+([\w.]+?)(?:\(\))?`+")

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class _Public:
    source: Source
    node: _Function | ast.ClassDef
    name: str  # qualified by its class

    @property
    def docstring(self) -> str | None:
        return ast.get_docstring(self.node)


def documented(repository: Repository) -> Iterator[Finding]:
    """Modules and public names have docstrings, with both SECTIONS where they block."""
    files = repository.python("src/interlock")
    public = [found for source in files for found in _public(source)]
    texts = {found.name: found.docstring or "" for found in public}
    for source in files:
        if ast.get_docstring(source.tree) is None:
            yield source.at(1, "the file's first line must say what it is: it has no docstring")
    for found in public:
        yield from _faults(found, texts)


def _faults(found: _Public, texts: dict[str, str]) -> Iterator[Finding]:
    node, text = found.node, found.docstring
    if text is None:
        yield found.source.at(node.lineno, f"public {found.name} has no docstring")
    elif not isinstance(node, ast.ClassDef) and blocks(node):
        whole = _with_references(text, texts)
        for section in SECTIONS:
            if section not in whole:
                yield found.source.at(
                    node.lineno, f"{found.name} blocks, but its docstring has no `{section}`"
                )


def blocks(node: _Function) -> bool:
    """Whether the rule at the head of this file calls it blocking."""
    if node.name.endswith("_nowait"):
        return False
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return (
        node.name in BLOCKING_NAMES
        or node.name.startswith("wait_")
        or any(argument.arg in BLOCKING_ARGUMENTS for argument in arguments)
    )


def _with_references(text: str, texts: dict[str, str]) -> str:
    """The docstring and those it names by "As `Name.method`"."""
    whole, seen = text, {""}
    for _ in range(4):
        for name in _REFERENCE.findall(whole):
            if name not in seen:
                seen.add(name)
                whole += "\n" + next(
                    (t for n, t in texts.items() if n == name or n.endswith(f".{name}")), ""
                )
    return whole


def _public(source: Source) -> Iterator[_Public]:
    """Public names of modules whose own path is public."""
    parts = source.path.removesuffix(".py").split("/")[2:]
    if any(_private(part) for part in parts if part not in ("__init__", "__main__")):
        return
    yield from _members(source, source.tree.body, "")


def _members(source: Source, body: list[ast.stmt], prefix: str) -> Iterator[_Public]:
    for node in body:
        if isinstance(node, ast.If | ast.Try):
            yield from _members(source, [*node.body, *node.orelse], prefix)
        if not isinstance(node, _Function | ast.ClassDef) or _private(node.name):
            continue
        if _needs_none(node):
            continue
        yield _Public(source, node, prefix + node.name)
        if isinstance(node, ast.ClassDef):
            yield from _members(source, node.body, f"{prefix}{node.name}.")


def _private(name: str) -> bool:
    return name.startswith("_")


def _needs_none(node: _Function | ast.ClassDef) -> bool:
    """Overloads and property setters: the text stands at their other half."""
    names = [ast.unparse(decorator) for decorator in node.decorator_list]
    return any(n.split(".")[-1] in ("overload", "setter", "deleter") for n in names)
