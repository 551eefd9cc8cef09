"""Reception at an import that would add somebody: it waits for an administrator."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from nicegui import ui

from companion.domain.users import Role
from tests.fakes.services import (
    ADMINISTRATOR,
    FakeApplication,
    lived_in,
)
from tests.pages.conftest import Visit, visiting
from tests.pages.driving import button, press, radio, until
from tests.pages.import_page import HEADERS, apply, bring, row
from tests.pages.test_sources_page import ASKS, clinic, watched

RECEPTION = replace(ADMINISTRATOR, id="desk", name="Kim", role=Role.RECEPTION)
SENTENCE = "Ask an administrator to import this file"
SOMEBODY_NEW = "\n".join([HEADERS, row(1)])


def labels(visit: Visit) -> set[str]:
    return {each.text for each in visit.elements(ui.button) if each.visible}


def names(application: FakeApplication) -> set[str]:
    every = application.settings.read().practitioners.values()
    return {each.practitioner.name for each in every}


async def test_reception_is_told_to_ask_an_administrator(tmp_path: Path) -> None:
    application = await lived_in()
    before, count = names(application), await application.book.count()
    async with visiting(application, tmp_path, who=RECEPTION) as visit:
        await bring(visit, SOMEBODY_NEW)
        await visit.user.should_see(SENTENCE)
        await visit.user.should_see("An administrator has to import it.")
        assert "Apply" not in labels(visit)
        for _time in range(2):
            press(button(visit, "Keep the answers"))
            await until(lambda: "Kept for an administrator." in visit.notices())
        await visit.user.should_see(SENTENCE)
    assert (names(application), await application.book.count()) == (before, count)
    async with visiting(application, tmp_path) as visit:
        await bring(visit, SOMEBODY_NEW)
        await visit.user.should_see("What would change")
        await visit.user.should_not_see(SENTENCE)
        await apply(visit)
    assert names(application) == before | {"Ada Example"}


async def test_once_an_administrator_has_added_them_the_open_page_goes_on(tmp_path: Path) -> None:
    application = await lived_in()
    async with visiting(application, tmp_path, who=RECEPTION) as visit:
        await bring(visit, SOMEBODY_NEW)
        await visit.user.should_see(SENTENCE)
        await application.services.practitioners.add("Ada Example")
        press(button(visit, "Keep the answers"))
        await visit.user.should_see("The book is up to date with the file.")


async def test_a_waiting_file_that_reception_answers_waits_on(tmp_path: Path) -> None:
    application = clinic(tmp_path)
    await watched(application, tmp_path, ASKS)
    for user, words in ((RECEPTION, "Kept for an administrator."), (ADMINISTRATOR, "Imported: 1")):
        async with visiting(application, tmp_path, who=user) as visit:
            await visit.user.open("/sources")
            await visit.user.should_see("waits for you")
            press(button(visit, "Answer and import"))
            if user is RECEPTION:
                await visit.user.should_see("Robin Sample")
                radio(visit, "The status “Rebooked”").value = "booked"
                press(button(visit, "Use these answers"))
                await visit.user.should_see(SENTENCE)
                press(button(visit, "Keep the answers"))
            else:
                await visit.user.should_see("1 change to the book")
                press(button(visit, "Apply"))
            await until(lambda words=words, visit=visit: words in visit.notices())  # type: ignore[misc] # mypy: lambda defaults
        assert await application.book.count() == (user is ADMINISTRATOR)
    assert names(application) == {"Ada Example"}
