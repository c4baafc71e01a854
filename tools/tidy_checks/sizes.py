"""Sizes of files, functions and folders: told, not enforced."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator

from .cpp import code_lines
from .repository import Finding, Repository, Source

PYTHON_FILE, CPP_FILE = 400, 500
PYTHON_FUNCTION, CPP_FUNCTION = 50, 70
FOLDER = 12


def sizes(repository: Repository) -> Iterator[Finding]:
    """What is longer than the style guide wants; split by concept, never by "part 2"."""
    for source in repository.python():
        yield from _file(source, PYTHON_FILE)
        yield from _python_functions(source)
    for source in repository.cpp():
        yield from _file(source, CPP_FILE)
        yield from _cpp_functions(source)
    folders = Counter(s.path.rsplit("/", 1)[0] for s in repository.sources if "/" in s.path)
    for folder, count in sorted(folders.items()):
        if count > FOLDER:
            yield Finding(folder, 1, f"{count} files in one folder (at most {FOLDER})")


def _file(source: Source, most: int) -> Iterator[Finding]:
    if len(source.lines) > most:
        yield source.at(1, f"{len(source.lines)} lines (at most {most})")


def _python_functions(source: Source) -> Iterator[Finding]:
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        if ast.get_docstring(node) is not None:
            first = node.body[0]
            length -= (first.end_lineno or first.lineno) - first.lineno + 1
        if length > PYTHON_FUNCTION:
            yield source.at(
                node.lineno, f"{node.name} has {length} lines (at most {PYTHON_FUNCTION})"
            )


def _cpp_functions(source: Source) -> Iterator[Finding]:
    """Blocks opened by a line that ends like a function's head."""
    head = re.compile(r"\)\s*(const|noexcept|override|final|->[^{;]*|:[^{;]*|\s)*\{\s*$")
    keyword = re.compile(
        r"^\s*(\}\s*)?(if|for|while|switch|else|catch|do|namespace|class|struct)\b"
    )
    open_heads: list[tuple[int, int]] = []
    depth = 0
    for number, line in enumerate(code_lines(source), 1):
        if head.search(line) and not keyword.match(line):
            open_heads.append((depth, number))
        depth += line.count("{") - line.count("}")
        while open_heads and depth <= open_heads[-1][0]:
            _, start = open_heads.pop()
            if number - start + 1 > CPP_FUNCTION:
                yield source.at(
                    start, f"a function of {number - start + 1} lines (at most {CPP_FUNCTION})"
                )
