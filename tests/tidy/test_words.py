"""A good and a bad sample for the READMEs' headings, for sizes and for what cannot be parsed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tidy_checks import readmes, repository, sizes

Found = Callable[..., list[str]]

ENGLISH = "# Interlock\n\n## Use\n\n```sh\n# a comment\n```\n\n### Limits\n"
CHINESE = "# Interlock\n\n## 用法\n\n### 限制\n"


def test_readmes_with_the_same_headings_pass(found: Found) -> None:
    """A comment in a fenced block is no heading."""
    assert found(readmes.same_headings, {"README.md": ENGLISH, "README.zh-CN.md": CHINESE}) == []


@pytest.mark.parametrize(
    "chinese", [CHINESE.replace("###", "##"), CHINESE + "## 多\n", CHINESE.replace("### 限制", "")]
)
def test_a_heading_more_less_or_of_another_level_is_found(found: Found, chinese: str) -> None:
    """Both languages are kept true."""
    assert (
        len(found(readmes.same_headings, {"README.md": ENGLISH, "README.zh-CN.md": chinese})) == 1
    )


def test_a_readme_alone_is_found(found: Found) -> None:
    """Chinese readers have one too."""
    assert found(readmes.same_headings, {"README.md": ENGLISH})


def test_sizes_are_told_at_their_limits(found: Found) -> None:
    """File, function and folder."""
    good = {
        "src/a/long.py": "x = 1\n" * 400,
        "src/a/f.py": 'def f():\n    """Text.\n' + "\n" * 60 + '    """\n' + "    x = 1\n" * 48,
        "native/core/f.hpp": "void f() {\n" + "  x();\n" * 68 + "}\n",
    }
    assert found(sizes.sizes, good) == []
    bad = {
        "src/a/long.py": "x = 1\n" * 401,
        "src/a/f.py": "def f():\n" + "    x = 1\n" * 50,
        "native/core/f.hpp": "void f() {\n" + "  x();\n" * 69 + "}\n",
        "native/core/long.hpp": "int x;\n" * 501,
        **{f"tests/many/test_{n}.py": "" for n in range(13)},
    }
    assert sorted(finding.split(":")[0] for finding in found(sizes.sizes, bad)) == [
        "native/core/f.hpp",
        "native/core/long.hpp",
        "src/a/f.py",
        "src/a/long.py",
        "tests/many",
    ]


def test_a_syntax_error_is_one_finding(found: Found) -> None:
    """The other checks pass over such a file."""
    assert found(repository.unparsed, {"src/a.py": "x = 1\n"}) == []
    assert found(repository.unparsed, {"src/a.py": "x = 1\ndef\n"})[0].startswith("src/a.py:2: ")
