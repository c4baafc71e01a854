"""Each context, started once for the whole session."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.contexts.subjects import SUBJECTS, Subject

HERE = [subject for subject in SUBJECTS.values() if subject.is_here]


@pytest.fixture(scope="session", params=HERE, ids=lambda subject: subject.name)
def subject(request: pytest.FixtureRequest) -> Subject:
    """What the suite runs on."""
    found: Subject = request.param
    return found


@pytest.fixture(scope="session")
def context(subject: Subject) -> Iterator[Any]:
    """It, started."""
    with subject.open() as made:
        yield made
