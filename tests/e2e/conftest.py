"""What the tests here share: a browser, an app for it to look at, a home with its commands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e.book_server import KnownBrowser, known_browser
from tests.e2e.command_home import CommandHome, open_desk
from tests.e2e.screen import a_browser, serving


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with a_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def launch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The launch address of an app on a practice in use, in a process of its own."""
    with serving("serve_pages.py", tmp_path_factory.mktemp("home")) as address:
        yield address


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KnownBrowser]:
    """A browser that knows such an app."""
    with known_browser("serve_pages.py", str(tmp_path_factory.mktemp("home"))) as opened:
        yield opened


@pytest.fixture
def commands(tmp_path: Path) -> Iterator[CommandHome]:
    """A home with Anna Example, who is not connected."""
    with open_desk(tmp_path, CommandHome) as made:
        yield made
