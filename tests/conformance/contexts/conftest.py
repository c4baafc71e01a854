"""Each context, started once for the whole session."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.contexts.subjects import SUBJECTS, Subject

HERE = [subject for subject in SUBJECTS.values() if subject.is_here]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What the suite runs on: the clusters, or all else."""
    if "subject" in metafunc.fixturenames:
        on_clusters = metafunc.module.__name__.endswith("test_clusters")
        subjects = [each for each in HERE if each.is_cluster is on_clusters]
        names = [each.name for each in subjects]
        metafunc.parametrize("subject", subjects, ids=names, indirect=True, scope="session")


@pytest.fixture(scope="session")
def subject(request: pytest.FixtureRequest) -> Subject:
    """One of them."""
    found: Subject = request.param
    return found


@pytest.fixture(scope="session")
def context(subject: Subject) -> Iterator[Any]:
    """It, started."""
    with subject.open() as made:
        yield made
