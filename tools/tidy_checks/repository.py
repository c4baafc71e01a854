"""The files under one root as the checks see them, read and parsed once."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

FOLDERS = ("benchmarks", "docs", "examples", "models", "native", "src", "tests", "tools")
CPP_SUFFIXES = (".hpp", ".cpp", ".h")
# Built, cached and vendored files are nobody's style.
NOT_OURS = ("__pycache__", "build", "node_modules", "_build")


@dataclass(frozen=True, order=True)
class Finding:
    """One place that departs from the style guide, printed as ``file:line: message``."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


@dataclass(frozen=True)
class Comment:
    """A C++ comment and the line where it begins."""

    line: int
    text: str


@dataclass(frozen=True)
class Source:
    """One text file; ``path`` is relative to the repository, with slashes."""

    path: str
    file: Path

    @cached_property
    def text(self) -> str:
        return self.file.read_text(encoding="utf-8")

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    @property
    def stem(self) -> str:
        return self.name.split(".", 1)[0]

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree of a Python file; a syntax error is the caller's to report."""
        return ast.parse(self.text, filename=self.path)

    def at(self, line: int, message: str) -> Finding:
        return Finding(self.path, line, message)


class Repository:
    """All files of the project's own folders and of its root."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def sources(self) -> list[Source]:
        return sorted(self._walk(), key=lambda source: source.path)

    def _walk(self) -> Iterator[Source]:
        for file in self.root.iterdir():
            if file.is_file():
                yield Source(file.name, file)
        for folder in FOLDERS:
            for place, folders, names in os.walk(self.root / folder):
                folders[:] = [f for f in folders if f not in NOT_OURS and not f.startswith(".")]
                for name in names:
                    file = Path(place, name)
                    yield Source(file.relative_to(self.root).as_posix(), file)

    def under(self, folder: str, *suffixes: str) -> list[Source]:
        """The files below ``folder`` ("" for everywhere) whose names end in a suffix."""
        prefix = f"{folder}/" if folder else ""
        return [s for s in self.sources if s.path.startswith(prefix) and s.name.endswith(suffixes)]

    def python(self, folder: str = "") -> list[Source]:
        """The Python files below ``folder`` that can be parsed."""
        return [source for source in self.under(folder, ".py") if _parses(source)]

    def cpp(self, folder: str = "native") -> list[Source]:
        return self.under(folder, *CPP_SUFFIXES)

    def find(self, path: str) -> Source | None:
        return next((source for source in self.sources if source.path == path), None)


def unparsed(repository: Repository) -> Iterator[Finding]:
    """Python files that cannot be parsed, which the other checks pass over."""
    for source in repository.under("", ".py"):
        try:
            ast.parse(source.text)
        except SyntaxError as error:
            yield source.at(error.lineno or 1, f"cannot be parsed: {error.msg}")


def _parses(source: Source) -> bool:
    try:
        return source.tree is not None
    except SyntaxError:
        return False
