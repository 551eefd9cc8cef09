"""The page of watched folders, through a simulated browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from nicegui import ui

from companion.domain.appointments import Appointment, AppointmentKind
from companion.domain.settings import SourceSettings
from companion.domain.users import Role
from companion.services.ports import BookChange
from companion.services.sources.folders import apart
from companion.services.sources.notes import SourceNote, Waiting
from companion.services.sources.watched_folder import WatchedFolder
from tests.fakes.clock import FakeClock
from tests.fakes.practice import FakePractice
from tests.fakes.services import ADMINISTRATOR, TUESDAY, FakeApplication, fake_application
from tests.fakes.watched_clinic import export
from tests.pages.conftest import Visit, visiting
from tests.pages.driving import button, field, item, named, press, radio, tick, until


def clinic(tmp_path: Path, shared: FakePractice | None = None) -> FakeApplication:
    (tmp_path / "exports").mkdir()
    clock = FakeClock(TUESDAY, auto=False)
    return fake_application(clock=clock, home=tmp_path / "home", shared=shared)


@pytest.fixture
async def visit(tmp_path: Path) -> AsyncIterator[Visit]:
    async with visiting(clinic(tmp_path), tmp_path) as visit:
        yield visit


async def add_source(visit: Visit) -> None:
    """Begin to."""
    await visit.user.open("/sources")
    press(button(visit, "Add a source …"))
    await visit.user.should_see("Watch this folder")


async def watched(
    application: FakeApplication, tmp_path: Path, *files: str, snapshot: bool = True
) -> None:
    """A folder into which these files were dropped, one after another."""
    folder = tmp_path / "exports"
    await application.services.sources.add("nookal", str(folder), snapshot=snapshot)
    look = WatchedFolder(application.services.watching, "nookal", folder)
    assert isinstance(application.clock, FakeClock)
    for number, text in enumerate(files):
        await apart(lambda number=number, text=text: drop(folder, number, text))  # type: ignore[misc]
        for _ in range(7):
            await look.look()
            application.clock.shift(1)


def drop(folder: Path, number: int, text: str) -> None:
    (folder / f"export-{number}.csv").write_text(text, encoding="utf-8")


async def test_an_empty_list_says_what_such_a_folder_is_for(visit: Visit) -> None:
    await visit.user.open("/import")
    assert button(visit, "Sources").props["href"] == "/sources"
    await visit.user.open("/sources")
    await visit.user.should_see("No source yet")


async def test_a_folder_is_added_and_shown_at_once(visit: Visit, tmp_path: Path) -> None:
    await add_source(visit)
    field(visit, "Name of the source").value = "nookal"
    field(visit, "Folder").value = str(tmp_path / "exports")
    press(button(visit, "Watch this folder"))
    await visit.user.should_see("No file has come yet.")
    source = visit.application.settings.read().sources["nookal"]
    assert (source.folder, source.snapshot) == (str(tmp_path / "exports"), None)


async def test_a_folder_that_cannot_be_watched_is_told_at_its_field(
    visit: Visit, tmp_path: Path
) -> None:
    await add_source(visit)
    field(visit, "Name of the source").value = "nookal"
    for folder in ("", "exports", str(tmp_path / "none")):
        field(visit, "Folder").error = None
        field(visit, "Folder").value = folder
        press(button(visit, "Watch this folder"))
        await until(lambda: field(visit, "Folder").error)
    assert visit.application.settings.read().sources == {}


async def test_the_last_file_and_its_result_are_shown(visit: Visit, tmp_path: Path) -> None:
    await watched(visit.application, tmp_path, export(1, 2, 3))
    await visit.user.open("/sources")
    await visit.user.should_see("export-0.csv, 09:30")
    await visit.user.should_see("3 added, 0 changed, 0 removed, 0 unchanged.")


async def test_a_file_that_could_not_be_used_is_shown_until_it_is_taken_off(
    visit: Visit, tmp_path: Path
) -> None:
    await watched(visit.application, tmp_path, "Dear all,\nnothing here\n")
    await visit.user.open("/sources")
    await visit.user.should_see("could not be used")
    await visit.user.should_see("A report lies beside it")
    press(button(visit, "Take off the list"))
    await visit.user.should_not_see("could not be used")
    assert len([*(tmp_path / "exports" / "set aside").iterdir()]) == 2


async def test_a_held_file_is_looked_at_and_imported_by_a_person(
    visit: Visit, tmp_path: Path
) -> None:
    await watched(visit.application, tmp_path, export(*range(1, 11)), export(1))
    assert await visit.application.book.count() == 10
    await visit.user.open("/sources")
    await visit.user.should_see("waits for you")
    press(button(visit, "Look at it"))
    await visit.user.should_see("Importing removes 9; 1 the same already.")
    assert not button(visit, "Apply").enabled
    tick(visit, "I have checked it: change the book").value = True
    press(button(visit, "Apply"))
    await until(lambda: "Imported: 9 changes." in visit.notices())
    assert await visit.application.book.count() == 1
    await visit.user.should_not_see("waits for you")


async def test_a_held_file_that_is_older_than_the_last_import_says_so(
    visit: Visit, tmp_path: Path
) -> None:
    await watched(
        visit.application, tmp_path, export(*range(1, 11)), export(1), export(*range(1, 12))
    )
    await visit.user.open("/sources")
    press(button(visit, "Look at it"))
    await visit.user.should_see("A later file of nookal has been imported since.")
    press(button(visit, "Leave it"))
    assert await visit.application.book.count() == 11


async def test_a_folder_that_is_gone_is_one_sentence(visit: Visit, tmp_path: Path) -> None:
    await watched(visit.application, tmp_path)
    trouble = "The folder cannot be reached. Check that the drive is connected."
    await visit.application.services.sources._notes.change(
        "nookal", lambda note: replace(note, trouble=trouble)
    )
    await visit.user.open("/sources")
    await visit.user.should_see("Not reached")
    await visit.user.should_see(trouble)


async def test_a_source_is_changed_stopped_and_forgotten(visit: Visit, tmp_path: Path) -> None:
    await watched(visit.application, tmp_path, snapshot=False)
    await visit.user.open("/sources")
    press(button(visit, "Change …"))
    await visit.user.should_see("Change nookal")
    radio(visit, "What its files hold").value = "whole"
    press(button(visit, "Save"))
    await until(lambda: visit.application.settings.read().sources["nookal"].snapshot)
    press(item(visit, "Stop watching"))
    await visit.user.should_see("Imported by hand")
    press(item(visit, "Forget this source …"))
    await visit.user.should_see("Forget nookal?")
    press(button(visit, "Forget it"))
    await until(lambda: not visit.application.settings.read().sources)


async def test_names_with_markup_are_only_text(visit: Visit, tmp_path: Path) -> None:
    await watched(visit.application, tmp_path)
    waiting = Waiting(
        place="set aside/<b>x.csv", at=TUESDAY, held=True, what="<script>alert(1)</script>"
    )
    await visit.application.services.sources._notes.change(
        "nookal", lambda _note: SourceNote(waiting=(waiting,))
    )
    await visit.user.open("/sources")
    await visit.user.should_see("<b>x.csv waits for you")


async def test_reception_sees_the_folders_and_what_waits_but_changes_none(tmp_path: Path) -> None:
    application = clinic(tmp_path)
    await watched(application, tmp_path, export(1))
    reception = replace(ADMINISTRATOR, id="desk", role=Role.RECEPTION)
    async with visiting(application, tmp_path, who=reception) as visit:
        await visit.user.open("/sources")
        await visit.user.should_see("export-0.csv")
        labels = {each.text for each in visit.elements(ui.button)}
        assert not labels & {"Change …", "More", "Add a source …"}


async def test_the_activity_list_is_saved_as_a_table(visit: Visit, tmp_path: Path) -> None:
    await watched(visit.application, tmp_path, export(1))
    await visit.user.open("/")
    press(button(visit, "Save as a table (CSV)"))
    answer = await visit.user.download.next()
    assert b"Import from nookal" in answer.content


ASKS = "Id,Provider,Start,End,Patient name,Status\n"
ASKS += "1,Dr Ada Example,30/11/2026 9:00,30/11/2026 9:30,Robin Sample,Rebooked\n"


@pytest.mark.parametrize("page", ["/", "/sources"])
async def test_a_question_that_waits_is_answered_where_it_is_shown(
    visit: Visit, tmp_path: Path, page: str
) -> None:
    await watched(visit.application, tmp_path, ASKS)
    assert await visit.application.book.count() == 0
    await visit.user.open(page)
    await visit.user.should_see("Do appointments with the status “Rebooked” take place?")
    press(button(visit, "Answer and import"))
    await visit.user.should_see("Robin Sample")
    radio(visit, "The status “Rebooked”").value = "booked"
    press(button(visit, "Use these answers"))
    await visit.user.should_see("1 change to the book")
    press(button(visit, "Apply"))
    await until(lambda: "Imported: 1 change." in visit.notices())
    assert await visit.application.book.count() == 1
    await visit.user.should_not_see("waits for you")
    newest = (await visit.application.book.imports())[0]
    assert newest.by == ADMINISTRATOR.name


async def test_a_file_nobody_could_read_is_explained_and_taken_in(
    visit: Visit, tmp_path: Path
) -> None:
    await watched(visit.application, tmp_path, "One,Two,Three\nsoon,Ada Example,30\n")
    await visit.user.open("/sources")
    await visit.user.should_see("could not be used")
    press(button(visit, "Look at it"))
    await visit.user.should_see("How the columns are read")
    for heading, holds in (("One", "start"), ("Two", "practitioner"), ("Three", "length")):
        field(visit, f"“{heading}” holds").value = holds
    press(button(visit, "Read the file again"))
    await visit.user.should_see("1 row cannot be used.")
    press(button(visit, "Apply"))
    await until(lambda: "Imported: 0 changes." in visit.notices())
    assert "Three" in visit.application.settings.read().sources["nookal"].mapping


async def test_all_appointments_of_a_source_are_removed_and_brought_back(
    visit: Visit, tmp_path: Path
) -> None:
    await watched(visit.application, tmp_path, export(1, 2, 3))
    await visit.user.open("/sources")
    press(item(visit, "Remove its appointments …"))
    await visit.user.should_see("The book holds 3 appointments of this source.")
    press(button(visit, "Remove 3 appointments"))
    await until(lambda: "Removed: 3 appointments." in visit.notices())
    assert await visit.application.book.count() == 0
    await visit.user.should_see("All 3 appointments of the source removed")
    press(named(visit, "Undo the import of nookal"))
    await visit.user.should_see("brings back 3 appointments")
    press(button(visit, "Undo this import"))
    await until(lambda: "The import is undone." in visit.notices())
    assert await visit.application.book.count() == 3


async def test_a_folder_goes_on_with_a_source_that_was_imported_by_hand(
    visit: Visit, tmp_path: Path
) -> None:
    await visit.application.settings.change(
        lambda each: each.with_source(SourceSettings(name="by hand"))
    )
    await add_source(visit)
    assert next(iter(radio(visit, "Source").options)) == "by hand"
    field(visit, "Folder").value = str(tmp_path / "exports")
    press(button(visit, "Watch this folder"))
    await visit.user.should_see("No file has come yet.")
    assert visit.application.settings.read().sources["by hand"].folder


async def test_what_a_source_was_answered_is_shown_and_forgotten(
    visit: Visit, tmp_path: Path
) -> None:
    await visit.application.settings.change(
        lambda each: each.with_source(
            SourceSettings(
                name="nookal", answers={"date_order": "mdy"}, statuses={"Moved": "booked"}
            )
        )
    )
    await visit.user.open("/sources")
    press(item(visit, "How its files are read …"))
    await visit.user.should_see("mdy")
    press(button(visit, "Forget 2 answers: ask again"))
    await until(lambda: not visit.application.settings.read().sources["nookal"].answers)
    assert not visit.application.settings.read().sources["nookal"].statuses


async def test_a_source_is_forgotten_with_all_that_it_brought(visit: Visit, tmp_path: Path) -> None:
    application = visit.application
    await watched(application, tmp_path)
    brought = Appointment(
        id="n1",
        practitioner_id="mira",
        kind=AppointmentKind.CLIENT,
        start=datetime(2026, 11, 30, 9),  # noqa: DTZ001 - wall time
        end=datetime(2026, 11, 30, 10),  # noqa: DTZ001 - wall time
        timezone="Australia/Sydney",
        source="nookal",
        source_id="1",
    )
    await application.book.apply(BookChange(put=[brought]), application.services.clock.now())
    await visit.user.open("/sources")
    press(item(visit, "Forget this source …"))
    await visit.user.should_see("Take its 1 appointment out of the book too")
    tick(visit, "Take its 1 appointment out of the book too").value = True
    press(button(visit, "Forget it"))
    await until(lambda: not application.settings.read().sources)
    assert await application.book.source_rows("nookal") == {}
    (record,) = await application.book.imports()
    assert (record.source, record.by, record.removed) == ("nookal", "Alex", 1)


# ── a practice on several workstations ────────────────────────────────────────────────────────


async def test_a_card_says_which_workstation_watches_and_lets_this_one_do_it(
    tmp_path: Path,
) -> None:
    application = clinic(tmp_path, FakePractice(this_one="back-office"))
    async with visiting(application, tmp_path) as visit:
        await watched(application, tmp_path, export(*range(1, 30)), export(1))
        await visit.user.open("/sources")
        await visit.user.should_see("Watched by this workstation")
        await visit.user.should_see("Look at it")
        elsewhere = replace(
            application.settings.current.sources["nookal"], workstation="second-site"
        )
        application.settings.current = application.settings.current.with_source(elsewhere)
        await visit.user.open("/sources")
        await visit.user.should_see("Second site is off: the folder is not watched.")
        await visit.user.should_see("Last seen: 09:30")
        await visit.user.should_see("It lies in a folder of Second site: answer it there.")
        await visit.user.should_not_see("Look at it")
        press(button(visit, "Watch it from here"))
        await visit.user.should_see("Watched by this workstation")
        source = application.settings.read().sources["nookal"]
        assert source.workstation == "back-office"
