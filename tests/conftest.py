from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog

pytest_plugins = ["crmkit.testing.pytest_plugin"]


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    """A command that a test runs in the process sends the log where only that test looks."""
    yield
    structlog.reset_defaults()
