"""What tests of commands begin with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.command_home import CommandHome, open_desk


@pytest.fixture
def commands(tmp_path: Path) -> Iterator[CommandHome]:
    """A home with Anna Example, who is not connected."""
    with open_desk(tmp_path, CommandHome) as made:
        yield made
