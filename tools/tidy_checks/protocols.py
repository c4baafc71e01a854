"""Native code, its protocol texts and its tests tell the same story under the same names."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator, Mapping

from . import reasons
from .cpp import code_lines, comments
from .repository import Comment, Finding, Repository, Source

SYNC = re.compile(r"\bSYNC\s+([a-z]\w*(?:\.\w+)+)")
INVARIANT = re.compile(r"(?<![\w.\-$])([IR]\d{1,2})(?![\w(\[.]\w|\w)")
_WEAK_ORDER = re.compile(r"\bOrder::(acquire|release|acq_rel)\b")


def texts_of_headers(
    repository: Repository, excused: Mapping[str, str] = reasons.NO_PROTOCOL_TEXT
) -> Iterator[Finding]:
    """Each native/core header has docs/protocols/<header>.md, is named in one, or is excused."""
    texts = repository.under("docs/protocols", ".md")
    told = {text.stem for text in texts}
    for header in _core_headers(repository):
        named = header.stem in told or any(f"core/{header.name}" in text.text for text in texts)
        if not named and header.stem not in excused:
            yield header.at(
                1,
                f"no protocol text: docs/protocols/{header.stem}.md, or `core/{header.name}` named "
                "in another one, or a reason in tools/tidy_checks/reasons.py",
            )
        if named and header.stem in excused:
            yield header.at(
                1, "excused in reasons.NO_PROTOCOL_TEXT, but it has one; drop the excuse"
            )
    yield from _stale(repository, excused, "NO_PROTOCOL_TEXT")


def tests_of_headers(
    repository: Repository, excused: Mapping[str, str] = reasons.NO_NATIVE_TEST
) -> Iterator[Finding]:
    """Each native/core header has native/tests/test_<header>.cpp, built twice, or is excused."""
    recipe = _recipe(repository)
    for header in _core_headers(repository):
        test = repository.find(f"native/tests/test_{header.stem}.cpp")
        if test is None and header.stem not in excused:
            yield header.at(
                1,
                f"no native/tests/test_{header.stem}.cpp, nor a reason in "
                "tools/tidy_checks/reasons.py",
            )
        if test is not None and header.stem in excused:
            yield header.at(1, "excused in reasons.NO_NATIVE_TEST, but it has one; drop the excuse")
    for test in repository.under("native/tests", ".cpp"):
        if test.name.startswith("test_") and not _built_twice(test, recipe):
            yield test.at(1, "is not built twice (real threads; INTERLOCK_SYSTEMATIC) by CMake")
    yield from _stale(repository, excused, "NO_NATIVE_TEST")


def _core_headers(repository: Repository) -> list[Source]:
    return repository.under("native/core", ".hpp")


def _stale(repository: Repository, excused: Mapping[str, str], table: str) -> Iterator[Finding]:
    stems = {header.stem for header in _core_headers(repository)}
    for stem in sorted(set(excused) - stems if stems else ()):
        yield Finding(
            "tools/tidy_checks/reasons.py",
            1,
            f"{table} excuses {stem}, which native/core/ does not have",
        )


def _recipe(repository: Repository) -> str:
    files = [
        *repository.under("native", "CMakeLists.txt", ".cmake"),
        repository.find("CMakeLists.txt"),
    ]
    return "\n".join(file.text for file in files if file is not None)


def _built_twice(test: Source, recipe: str) -> bool:
    """The recipe names the test, or takes all by a pattern, and has a systematic variant."""
    taken = (
        test.stem in recipe or "test_*.cpp" in recipe or test.stem.removeprefix("test_") in recipe
    )
    return taken and "INTERLOCK_SYSTEMATIC" in recipe


def sync_pairs(repository: Repository) -> Iterator[Finding]:
    """Each SYNC name stands at two places of native/ at least, and in docs/protocols/."""
    places: dict[str, list[Finding]] = defaultdict(list)
    for source in repository.cpp():
        for comment in comments(source):
            for name in SYNC.findall(comment.text):
                places[name].append(source.at(comment.line, name))
    told = "\n".join(text.text for text in repository.under("docs/protocols", ".md"))
    for name, found in sorted(places.items()):
        first = found[0]
        if len(found) < 2:
            yield Finding(first.path, first.line, f"SYNC {name} has no partner in native/")
        if not re.search(rf"(?<![\w.]){re.escape(name)}(?![\w])", told):
            yield Finding(first.path, first.line, f"SYNC {name} is not told in docs/protocols/")


def weak_orders(repository: Repository) -> Iterator[Finding]:
    """An acquire or release has its SYNC name on the line or just above; relaxed has no partner."""
    for source in repository.cpp():
        if source.path.startswith(("native/platform/atomic", "native/tests/")):
            continue
        named = _sync_lines(source)
        for line, text in enumerate(code_lines(source), 1):
            if (match := _WEAK_ORDER.search(text)) and line not in named:
                yield source.at(
                    line, f"{match.group()} without a `// SYNC name` beside or above it"
                )


def _sync_lines(source: Source) -> set[int]:
    """Lines a SYNC comment speaks of: its own, and the paragraph of code below it."""
    code, covered = code_lines(source), set()
    for comment in comments(source):
        if not SYNC.search(comment.text):
            continue
        line = comment.line
        covered.add(line)
        if code[line - 1].strip():
            continue  # a comment behind code speaks of that line only
        indent = _indent(source.lines[line - 1])
        while line < len(code) and source.lines[line].strip():
            if _indent(source.lines[line]) < indent:
                break  # the block it stands in has ended
            line += 1
            covered.add(line)
    return covered


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def invariants(repository: Repository) -> Iterator[Finding]:
    """Invariant numbers (I1, R1 ...) in comments and docstrings are those of docs/protocols/."""
    told: set[str] = set()
    for text in repository.under("docs/protocols", ".md"):
        told.update(INVARIANT.findall(text.text))
    native = ((s, c) for s in repository.cpp() for c in comments(s))
    python = ((s, c) for s in repository.python("src") for c in _python_words(s))
    for source, comment in (*native, *python):
        for offset, row in enumerate(comment.text.splitlines()):
            for name in INVARIANT.findall(row):
                if name not in told:
                    yield source.at(comment.line + offset, f"{name} is not in docs/protocols/")


def _python_words(source: Source) -> Iterator[Comment]:
    """Comments and docstrings of a Python file."""
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type == tokenize.COMMENT:
            yield Comment(token.start[0], token.string)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node, clean=False)
            if text is not None:
                yield Comment(node.body[0].lineno, text)
