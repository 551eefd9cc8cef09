"""The page of sources, about calendars that are fetched from links."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from companion.domain.errors import SourceUnreachable
from companion.services.sources.fetched_sources import Wanted
from tests.fakes.clock import FakeClock
from tests.fakes.services import TUESDAY, fake_application
from tests.pages.conftest import Visit, visiting
from tests.pages.crawling import dialogs
from tests.pages.driving import button, field, press, until
from tests.unit.test_fetching import FOUR, HOST, LINK, calendar, entry


@pytest.fixture
async def visit(tmp_path: Path) -> AsyncIterator[Visit]:
    application = fake_application(clock=FakeClock(TUESDAY, auto=False), home=tmp_path / "home")
    await application.services.practitioners.add("Jo Smith")
    application.links.calendars[LINK] = calendar(*FOUR)
    async with visiting(application, tmp_path) as visit:
        yield visit


async def test_a_link_is_tested_looked_at_and_kept(visit: Visit) -> None:
    await visit.user.open("/sources")
    press(button(visit, "Add a link …"))
    await visit.user.should_see("Fetch and look at it")
    field(visit, "Name of the source").value = "books"
    press(button(visit, "Fetch and look at it"))
    await visit.user.should_see("This is not the link of a calendar.")
    field(visit, "Link").value = LINK
    press(button(visit, "Fetch and look at it"))
    await visit.user.should_see("Importing adds 4.")
    assert await visit.application.services.sources.overview() == ()
    press(button(visit, "Apply"))
    await visit.user.should_see("Fetched every 15 minutes")
    await visit.user.should_see(HOST)
    await visit.user.should_not_see("private-3f9a")
    assert len(await visit.application.book.source_rows("books")) == 4
    await visit.user.should_see("Imports so far")


async def test_a_link_that_fails_is_mended_where_it_was_typed(visit: Visit) -> None:
    visit.application.links.trouble[LINK] = SourceUnreachable(f"{HOST} refuses the link.")
    await visit.user.open("/sources")
    press(button(visit, "Add a link …"))
    await visit.user.should_see("Fetch and look at it")
    field(visit, "Name of the source").value = "books"
    field(visit, "Link").value = LINK
    press(button(visit, "Fetch and look at it"))
    await visit.user.should_see(f"{HOST} refuses the link.")
    press(button(visit, "Back"))
    await visit.user.should_not_see(f"{HOST} refuses the link.")
    assert field(visit, "Link").value == LINK
    visit.application.links.trouble.clear()
    press(button(visit, "Fetch and look at it"))
    await visit.user.should_see("Importing adds 4.")
    press(dialogs(visit)[0], "shake")  # Esc: what was typed is not thrown away unasked
    await visit.user.should_see("Throw away what you typed?")


async def test_fetch_now_and_what_fails_is_said_there_and_on_the_overview(visit: Visit) -> None:
    services = visit.application.services
    await services.fetched_sources.add("books", Wanted(kind="link", secret=LINK))
    await visit.user.open("/sources")
    await visit.user.should_see("It has not been fetched yet.")
    press(button(visit, "Fetch now"))
    await visit.user.should_see("Fetched: 4 changes.")
    visit.application.links.calendars[LINK] = calendar(entry("a", 7, 11), *FOUR[1:])
    press(button(visit, "Fetch now"))
    await visit.user.should_see("Fetched: 1 change.")
    visit.application.links.trouble[LINK] = SourceUnreachable(f"{HOST} refuses the link.")
    press(button(visit, "Fetch now"))
    await visit.user.should_see(f"{HOST} refuses the link.")
    await visit.user.should_see("Since")
    visit.user.notify.messages.clear()
    press(button(visit, "Fetch now"))
    await until(lambda: f"{HOST} refuses the link." in visit.notices())
    await visit.user.open("/")
    await visit.user.should_see("Nothing arrives from books")
    found = {each.id: each for each in (await services.doctor.examine()).findings}
    assert f"{HOST} refuses the link." in found["sources:books"].what


async def test_the_rhythm_changes_and_the_link_stays(visit: Visit) -> None:
    await visit.application.services.fetched_sources.add("books", Wanted(kind="link", secret=LINK))
    await visit.user.open("/sources")
    press(button(visit, "Change …"))
    await visit.user.should_see("Change books")
    assert "Left empty" in str(field(visit, "Link").props["hint"])
    field(visit, "Fetched").value = 60
    press(button(visit, "Save"))
    await visit.user.should_see("Fetched every hour")
    assert visit.application.secrets.kept["source/books"] == LINK
    press(button(visit, "Stop fetching"))
    await visit.user.should_see("It is fetched no more.")
    assert LINK not in visit.application.secrets.kept.values()


async def test_what_was_answered_is_shown_by_name(visit: Visit) -> None:
    settings = visit.application.settings
    jo = next(iter(settings.read().practitioners))
    source = await visit.application.services.fetched_sources.add(
        "books", Wanted(kind="link", secret=LINK)
    )
    answered = replace(source, answers={"practitioner:*": jo})
    await settings.change(lambda now: now.with_source(answered))
    await visit.user.open("/sources")
    press(button(visit, "How its files are read …"))
    await visit.user.should_see("Whose appointments")
    await visit.user.should_see("Jo Smith")
