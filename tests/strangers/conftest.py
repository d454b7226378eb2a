from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.strangers.environment import Environment

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """A virtual environment of its own, and an empty folder beside it."""
    folder = tmp_path / "empty"
    folder.mkdir(exist_ok=True)
    return Environment(tmp_path / "environment", folder)
