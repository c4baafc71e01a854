"""Prints what pip is to install for the given parts of pyproject.toml, one a line.

A part is `build-system` (its `requires`), an extra of the project, or a
dependency group, looked for in this order. An extra that names this project's
other extras (`interlock[aio,cli]`) is replaced by what they hold.

    python tools/requirements.py build-system build cli
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"


def requirements(pyproject: dict[str, Any], part: str) -> Iterator[str]:
    """Everything that one part asks for.

    Raises:
        KeyError: There is no such part.
    """
    project = pyproject["project"]
    if part == "build-system":
        wanted = pyproject["build-system"]["requires"]
    elif part in project["optional-dependencies"]:
        wanted = [*project["dependencies"], *project["optional-dependencies"][part]]
    else:
        wanted = pyproject["dependency-groups"][part]
    own_extras = re.compile(rf"{re.escape(project['name'])}\[([\w\s,-]+)\]")
    for requirement in wanted:
        if own := own_extras.fullmatch(requirement.strip()):
            for extra in own.group(1).split(","):
                yield from requirements(pyproject, extra.strip())
        else:
            yield requirement


def main(parts: list[str]) -> int:
    pyproject = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))
    for requirement in sorted({line for part in parts for line in requirements(pyproject, part)}):
        print(requirement)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
