"""What a Python source file holds, counted from its syntax tree.

The function `make demo` maps over the standard library::

    interlock map examples/parse_source.py:describe --glob 'src/**/*.py'
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator

Named = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
NAMED = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def describe(path: str) -> dict[str, object]:
    """Count the lines, classes and functions of a source file.

    A file that cannot be parsed is a finding, not a failure: the standard
    library carries some that are wrong on purpose, for its own tests. Its lines
    are counted, and `unparsable` is 1 with the reason beside it.

    Args:
        path: The file to read.

    Returns:
        `lines`, `classes`, `functions`, `unparsable` (0 or 1), and where there
        is a function, `longest_function` with its `lines` and `name`.

    Raises:
        OSError: The file cannot be read.
    """
    with open(path, "rb") as file:
        return describe_source(file.read(), path)


def describe_source(source: bytes, path: str) -> dict[str, object]:
    """As `describe`, of a file that was read already."""
    found: dict[str, object] = {"lines": len(source.splitlines())}
    try:
        with warnings.catch_warnings():
            # What the compiler thinks of others' string escapes is no news here.
            warnings.simplefilter("ignore")
            tree = ast.parse(source, filename=path)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        # ValueError: a null byte. The last two: nested deeper than the parser goes.
        return found | {"unparsable": 1, "reason": f"{type(error).__name__}: {error}"}
    classes = functions = 0
    longest: tuple[int, str] = (0, "")
    for name, node in named_in(tree):
        if isinstance(node, ast.ClassDef):
            classes += 1
        else:
            functions += 1
            longest = max(longest, (length(node), name))
    found |= {"classes": classes, "functions": functions, "unparsable": 0}
    if functions:
        found["longest_function"] = {"lines": longest[0], "name": longest[1]}
    return found


def named_in(tree: ast.AST) -> Iterator[tuple[str, Named]]:
    """Each class and function below `tree`, with its dotted name."""
    # A stack of our own, for code may be nested deeper than Python likes to call.
    waiting: list[tuple[ast.AST, str]] = [(tree, "")]
    while waiting:
        parent, outer = waiting.pop()
        for node in ast.iter_child_nodes(parent):
            inner = outer
            if isinstance(node, NAMED):
                yield outer + node.name, node
                inner = f"{outer}{node.name}."
            waiting.append((node, inner))


def length(node: Named) -> int:
    """The lines of a function, its decorators among them."""
    first = min(part.lineno for part in [node, *node.decorator_list])
    return (node.end_lineno or first) - first + 1
