"""A simulated browser over the pages, on a fake application: no network, no disk but dropped
files."""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fastapi.dependencies.models
import httpx
import pytest
from nicegui import app as nicegui_app
from nicegui import ui
from nicegui.functions.download import download
from nicegui.functions.navigate import Navigate
from nicegui.functions.notify import notify
from nicegui.testing.general import nicegui_reset_globals, prepare_simulation
from nicegui.testing.user import User as Browser

from companion.domain.users import User
from companion.web.incoming import Incoming
from companion.web.options import AppOptions
from companion.web.ui.page_setup import create_site
from companion.web.ui.site import Site
from tests.fakes.services import (
    ADMINISTRATOR,
    FakeApplication,
    fake_application,
    lived_in,
    the_sample,
)


class PatientBrowser(Browser):
    """Waits for what is to be seen as long as a busy machine may take, no longer than needed."""

    async def should_see(self, *target: Any, retries: int = 50, **found: Any) -> None:
        await super().should_see(*target, retries=retries, **found)

    async def should_not_see(self, *target: Any, retries: int = 50, **found: Any) -> None:
        await super().should_not_see(*target, retries=retries, **found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """An application, its site, and a user at the screen."""

    application: FakeApplication
    site: Site
    user: PatientBrowser

    def elements(self, kind: type[Any]) -> list[Any]:
        """Of the open page and its open dialogs, in the order they were made."""
        assert self.user.client is not None
        found = self.user.client.elements.values()
        return [each for each in found if isinstance(each, kind) and not _in_closed_dialog(each)]

    def notices(self) -> str:
        return " ".join(str(message) for message in self.user.notify.messages)


def _in_closed_dialog(element: ui.element) -> bool:
    above = [element, *element.ancestors()]
    return any(isinstance(each, ui.dialog) and not each.value for each in above)


@asynccontextmanager
async def visiting(
    application: FakeApplication,
    folder: Path,
    *,
    who: User | Callable[[], User] = ADMINISTRATOR,
    **options: Any,
) -> AsyncIterator[Visit]:
    with nicegui_reset_globals():
        os.environ["NICEGUI_USER_SIMULATION"] = "true"
        try:
            prepare_simulation()
            site = create_site(
                application.services,
                AppOptions(port=8080, home=folder, version="1.2.3", **options),
                Incoming(folder / "incoming"),
                user_of=lambda _session: who() if callable(who) else who,
            )
            async with nicegui_app.router.lifespan_context(nicegui_app):
                transport = httpx.ASGITransport(nicegui_app)
                async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
                    yield Visit(application=application, site=site, user=PatientBrowser(http))
        finally:
            os.environ.pop("NICEGUI_USER_SIMULATION", None)
            ui.navigate = Navigate()
            ui.notify = notify
            ui.download = download
            forget_pages()


def forget_pages() -> None:
    """FastAPI keeps the last thousands of functions that it was given, and with a page's function
    all of its application: each test would look for garbage in what the tests before it left."""
    for each in vars(fastapi.dependencies.models).values():
        if hasattr(each, "cache_clear"):
            each.cache_clear()


@pytest.fixture(autouse=True)
def _what_stays_is_looked_at_once() -> None:
    """Whatever outlived the tests before: no later look for garbage goes through it."""
    gc.collect()
    gc.freeze()


@pytest.fixture
async def visit(tmp_path: Path) -> AsyncIterator[Visit]:
    """A practice in use."""
    async with visiting(await lived_in(), tmp_path) as visit:
        yield visit


@pytest.fixture
async def first_day(tmp_path: Path) -> AsyncIterator[Visit]:
    """Nobody and nothing there yet."""
    async with visiting(fake_application(), tmp_path) as visit:
        yield visit


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[Visit]:
    application = fake_application(the_sample())
    async with visiting(
        application, tmp_path, demo=True, demo_google="http://127.0.0.1:9999/"
    ) as visit:
        yield visit
