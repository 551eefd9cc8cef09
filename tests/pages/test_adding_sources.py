"""The page of sources, about those that are fetched: added in three steps, fetched now, changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from nicegui import ui

from companion.domain.errors import SourceUnreachable
from companion.services.sources.fetched_sources import TypedPlace
from tests.fakes.clock import FakeClock
from tests.fakes.fetching_clinic import FOUR, HOST, LINK, calendar, entry
from tests.fakes.services import TUESDAY, fake_application
from tests.pages.conftest import Visit, visiting
from tests.pages.crawling import dialogs
from tests.pages.driving import button, field, item, press, radio, until
from tests.pages.test_sources_page import add_source


@pytest.fixture
async def visit(tmp_path: Path) -> AsyncIterator[Visit]:
    application = fake_application(clock=FakeClock(TUESDAY, auto=False), home=tmp_path / "home")
    await application.services.practitioners.add("Jo Smith")
    application.links.calendars[LINK] = calendar(*FOUR)
    async with visiting(application, tmp_path) as visit:
        yield visit


def shown(visit: Visit) -> set[str]:
    return {each.text for each in visit.elements(ui.button) if each.visible}


async def begin(visit: Visit, link: str = LINK, name: str = "books") -> None:
    """What somebody types about a link, up to the test."""
    await add_source(visit)
    radio(visit, "Where the appointments come from").value = "link"
    await visit.user.should_see("Step 1 of 3")
    field(visit, "Name of the source").value = name
    field(visit, "Link").value = link
    press(button(visit, "Test it"))


async def test_a_link_is_tested_looked_at_and_kept(visit: Visit) -> None:
    await begin(visit, "nonsense")
    await visit.user.should_see("This is not the link of a calendar.")
    field(visit, "Link").value = LINK
    press(button(visit, "Test it"))
    await visit.user.should_see(f"{HOST} answers. These are its first rows.")
    await visit.user.should_see("Entry a")
    await visit.user.should_see("7 Dec 2026, 09:00–09:45")
    await visit.user.should_not_see("SUMMARY")
    press(button(visit, "Fetch everything and look at it"))
    await visit.user.should_see("Importing adds 4.")
    await visit.user.should_see("How what was fetched is read")
    assert await visit.application.services.sources.overview() == ()
    field(visit, "Fetched").value = 60
    requests = len(visit.application.links.requests)
    press(button(visit, "Apply"))
    await visit.user.should_see("every hour, next at 10:30")
    await visit.user.should_see(f"Calendar link: {HOST}")
    await visit.user.should_see("4 added")
    await visit.user.should_not_see("private-3f9a")
    assert len(await visit.application.book.source_rows("books")) == 4
    await visit.user.should_see("Imports so far")
    assert len(visit.application.links.requests) == requests, "what was looked at is imported"
    assert [*(visit.application.home / "watched").iterdir()] == []


async def test_a_place_that_fails_is_mended_where_it_was_typed(visit: Visit) -> None:
    visit.application.links.trouble[LINK] = SourceUnreachable(f"{HOST} refuses the link.")
    await begin(visit)
    await visit.user.should_see(f"{HOST} refuses the link.")
    press(button(visit, "Back"))
    await visit.user.should_not_see(f"{HOST} refuses the link.")
    assert field(visit, "Link").value == LINK
    visit.application.links.trouble.clear()
    press(button(visit, "Test it"))
    await visit.user.should_see("These are its first rows")
    press(button(visit, "Fetch everything and look at it"))
    await visit.user.should_see("Importing adds 4.")
    press(dialogs(visit)[0], "shake")  # Esc: what was typed is not thrown away unasked
    await visit.user.should_see("Throw away what you typed?")
    press(button(visit, "Throw it away"))
    await until(lambda: len(dialogs(visit)) == 0)
    await until(lambda: not any((visit.application.home / "watched").iterdir()))


async def test_every_field_that_is_missing_is_marked_at_once(visit: Visit) -> None:
    await begin(visit, "", "")
    await until(lambda: field(visit, "Name of the source").error)
    assert field(visit, "Name of the source").error == "What is it called? Type a short name."
    assert field(visit, "Link").error.startswith("Link is missing.")
    field(visit, "Name of the source").value = "books"
    press(button(visit, "Test it"))
    await until(lambda: not field(visit, "Name of the source").error)
    assert field(visit, "Link").error


async def test_a_calendar_of_nobody_is_shown_without_a_name_and_asked_about(visit: Visit) -> None:
    nameless = calendar(*FOUR).replace(b"X-WR-CALNAME:Jo Smith\r\n", b"")
    visit.application.links.calendars[LINK] = nameless
    await visit.application.services.practitioners.add("Kim Sample")
    await begin(visit)
    await visit.user.should_see("Entry a")
    await visit.user.should_not_see("practitioner:*")
    press(button(visit, "Fetch everything and look at it"))
    await visit.user.should_see("What was fetched leaves this open")
    await visit.user.should_see("Nothing says whose these appointments are.")
    await visit.user.should_see("4 appointments")
    await visit.user.should_see("remembered for the next fetch.")


async def test_a_watched_folder_is_taken_over_only_by_who_says_so(
    visit: Visit, tmp_path: Path
) -> None:
    (tmp_path / "exports").mkdir()
    sources = visit.application.services.sources
    await sources.add("clinic", str(tmp_path / "exports"))
    await begin(visit)
    await visit.user.should_see("These are its first rows")
    press(button(visit, "Back"))
    await visit.user.should_see("Step 1 of 3")
    radio(visit, "Source").value = "clinic"
    press(button(visit, "Test it"))
    await visit.user.should_see("Fetch everything and look at it")
    press(button(visit, "Fetch everything and look at it"))
    await visit.user.should_see("Importing adds 4.")
    assert sources.source("clinic").folder
    press(button(visit, "Apply"))
    await until(lambda: not dialogs(visit))
    assert (sources.source("clinic").folder, sources.source("clinic").kind) == ("", "link")
    press(button(visit, "Add a source …"))
    await visit.user.should_see("Watch this folder")
    assert "clinic" not in [str(each) for each in radio(visit, "Source").options]


async def test_a_pattern_says_where_names_stand_in_titles(visit: Visit) -> None:
    named = [each.replace("Entry ", "Kim Example - Physio ") for each in FOUR]
    visit.application.links.calendars[LINK] = calendar(*named)
    await begin(visit)
    await visit.user.should_see("These are its first rows")
    press(button(visit, "Fetch everything and look at it"))
    await visit.user.should_see("What the titles say")
    await visit.user.should_see("stays a title")
    field(visit, "A title is made of").value = "{client_name} - {type}"
    await visit.user.should_see("client: Kim Example, kind: Physio a")
    press(button(visit, "Read the titles so"))
    await until(lambda: {"Apply"} == {"Apply", "Read the titles so"} & shown(visit))
    press(button(visit, "Apply"))
    await until(lambda: not dialogs(visit))
    rows = await visit.application.book.source_rows("books")
    it = await visit.application.book.appointment(rows["a"].appointment_id)
    assert it is not None
    assert (it.client_name, it.title) == ("Kim Example", "")
    kept = visit.application.settings.read().sources["books"].answers
    assert kept["titles"] == "{client_name} - {type}"


async def test_a_pattern_that_says_nothing_is_told_at_its_field(visit: Visit) -> None:
    await begin(visit)
    await visit.user.should_see("These are its first rows")
    press(button(visit, "Fetch everything and look at it"))
    await visit.user.should_see("What the titles say")
    field(visit, "A title is made of").value = "own"
    field(visit, "Pattern").value = "{nonsense}"
    press(button(visit, "Read the titles so"))
    await until(lambda: field(visit, "Pattern").error)
    assert "does not say what a title is made of" in field(visit, "Pattern").error


async def test_fetch_now_and_what_fails_is_said_there_and_on_the_overview(visit: Visit) -> None:
    services = visit.application.services
    await services.fetched_sources.add("books", TypedPlace(kind="link", secret=LINK))
    await visit.user.open("/sources")
    await visit.user.should_see("Not fetched yet")
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
    await visit.application.services.fetched_sources.add(
        "books", TypedPlace(kind="link", secret=LINK)
    )
    await visit.user.open("/sources")
    press(button(visit, "Change …"))
    await visit.user.should_see("Change books")
    assert "Left empty" in str(field(visit, "Link").props["hint"])
    field(visit, "Fetched").value = 60
    press(button(visit, "Save"))
    await visit.user.should_see("every hour; for the first time in a moment")
    assert visit.application.secrets.kept["source/books"] == LINK
    press(item(visit, "Stop fetching"))
    await visit.user.should_see("It is fetched no more.")
    assert LINK not in visit.application.secrets.kept.values()


async def test_what_was_answered_is_shown_by_name(visit: Visit) -> None:
    settings = visit.application.settings
    jo = next(iter(settings.read().practitioners))
    source = await visit.application.services.fetched_sources.add(
        "books", TypedPlace(kind="link", secret=LINK)
    )
    answered = replace(source, answers={"practitioner:*": jo})
    await settings.change(lambda now: now.with_source(answered))
    await visit.user.open("/sources")
    press(item(visit, "How its files are read …"))
    await visit.user.should_see("Whose appointments")
    await visit.user.should_see("Jo Smith")
