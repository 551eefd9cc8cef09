"""What a watched folder meets: gone shares, busy files, crashes, questions and planted links."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

from companion.domain.errors import Busy, FileRefused
from companion.services.ports import BookChange
from companion.services.sources.folders import Folder, SeenFile
from tests.fakes.clock import FakeClock
from tests.fakes.services import TUESDAY
from tests.fakes.waiting import until
from tests.fakes.watched_clinic import Clinic, by_hand, export, seconds


@pytest.fixture
def clinic(tmp_path: Path) -> Clinic:
    return Clinic(tmp_path)


async def test_where_files_stay_each_is_imported_once(tmp_path: Path) -> None:
    clinic = Clinic(tmp_path, leave_files=True)
    path = clinic.drop("export.csv", export(1, 2), age=100)
    await clinic.looks(5)
    assert (await clinic.count(), clinic.names(), len(clinic.kinds)) == (2, ["export.csv"], 1)
    clinic.start()
    shutil.copy(path, clinic.folder / "copy of export.csv")
    os.utime(path)
    await clinic.looks(5)
    assert len(clinic.kinds) == 1
    path.write_text(export(1, 2, 3), encoding="utf-8")
    await clinic.looks(3)
    assert (await clinic.count(), len(clinic.kinds)) == (3, 2)


async def test_an_export_written_anew_without_a_change_shows_that_the_book_is_fresh(
    tmp_path: Path,
) -> None:
    clinic = Clinic(tmp_path, leave_files=True)
    path = clinic.drop("export.csv", export(1), age=100)
    await clinic.looks(3)
    assert isinstance(clinic.clock, FakeClock)
    clinic.clock.shift(3600)
    os.utime(path)
    await clinic.looks(3)
    first, second = await clinic.stores.book.imports()
    assert (first.at - second.at) > timedelta(minutes=59)
    assert first.unchanged == 1


async def test_a_folder_we_may_not_write_to_is_remembered_and_filed_when_we_may(
    clinic: Clinic,
) -> None:
    class Sealed(Folder):
        sealed = True

        def file_away(self, seen: SeenFile, into: str, stamp: str, report: str = "") -> str:
            if self.sealed:
                raise PermissionError
            return super().file_away(seen, into, stamp, report)

    sealed = Sealed(clinic.folder)
    clinic.watched._folder = clinic.watched._filing._folder = sealed
    clinic.drop("export.csv", export(1))
    await clinic.looks(5)
    assert (clinic.names(), len(clinic.kinds)) == (["export.csv"], 1)
    sealed.sealed = False
    await clinic.looks(3, seconds=40)
    assert (clinic.names(), len(clinic.names("imported"))) == ([], 1)
    assert len(clinic.kinds) == 1


async def test_a_share_that_is_gone_is_one_sentence_and_goes_on_by_itself(clinic: Clinic) -> None:
    away = clinic.folder.with_name("away")
    clinic.folder.rename(away)
    await clinic.looks(5)
    note = await clinic.note()
    assert note.trouble.startswith("The folder cannot be reached.")
    assert clinic.kinds == []
    away.rename(clinic.folder)
    clinic.drop("export.csv", export(1))
    await clinic.looks(3)
    assert ((await clinic.note()).trouble, await clinic.count()) == ("", 1)


async def test_a_share_that_does_not_answer_holds_up_nothing(clinic: Clinic) -> None:
    asked, answer = Event(), Event()

    class Hanging(Folder):
        def scan(self) -> list[SeenFile]:
            asked.set()
            assert answer.wait(60)
            return []

    clinic.watched._folder = clinic.watched._filing._folder = Hanging(clinic.folder)
    looking = asyncio.create_task(clinic.watched.look())
    await until(asked.is_set)
    assert not looking.done(), "the event loop goes on meanwhile"
    answer.set()
    await looking


async def test_a_busy_database_is_waited_for(clinic: Clinic) -> None:
    clinic.drop("export.csv", export(1))
    apply = clinic.stores.book.apply

    async def busy(change: BookChange, now: datetime) -> None:
        raise Busy

    clinic.stores.book.apply = busy  # type: ignore[method-assign]
    await clinic.looks(4)
    assert clinic.names() == ["export.csv"]
    assert (await clinic.note()).trouble.startswith("Another Calendar Companion window")
    clinic.stores.book.apply = apply  # type: ignore[method-assign]
    await clinic.looks(12)
    assert (clinic.names(), (await clinic.note()).trouble) == ([], "")


async def test_a_file_another_program_keeps_open_is_tried_again(clinic: Clinic) -> None:
    class Locked(Folder):
        locked = True

        def fetch(self, seen: SeenFile, copy: Path) -> str:
            if self.locked:
                raise PermissionError
            return super().fetch(seen, copy)

    folder = Locked(clinic.folder)
    clinic.watched._folder = clinic.watched._filing._folder = folder
    clinic.drop("export.csv", export(1))
    await clinic.looks(65)
    assert (await clinic.note()).trouble.startswith("A file there cannot be read.")
    folder.locked = False
    await clinic.looks(3)
    assert (await clinic.count(), (await clinic.note()).trouble) == (1, "")


async def test_an_empty_file_is_given_time(clinic: Clinic) -> None:
    path = clinic.drop("export.csv", "")
    await clinic.looks(5)
    path.write_text(export(1), encoding="utf-8")
    await clinic.looks(3)
    assert (await clinic.count(), clinic.kinds) == (1, [("import", "folder")])


async def test_folders_and_links_are_not_followed(clinic: Clinic) -> None:
    (clinic.folder / "older").mkdir()
    (clinic.folder / "older" / "export.csv").write_text(export(1), encoding="utf-8")
    elsewhere = clinic.home / "elsewhere.csv"
    elsewhere.write_text(export(2), encoding="utf-8")
    (clinic.folder / "link.csv").symlink_to(elsewhere)
    await clinic.looks(4)
    assert await clinic.count() == 0


async def test_two_files_of_one_name_are_both_kept(clinic: Clinic) -> None:
    for number in (1, 2):
        clinic.drop("export.csv", export(number))
        assert isinstance(clinic.clock, FakeClock)
        await clinic.looks(2, seconds=0.95)
        clinic.clock.set(TUESDAY)
    assert await clinic.count() == 2
    assert len(clinic.names("imported")) == 2


async def test_the_mapping_of_the_source_is_used(tmp_path: Path) -> None:
    mapping = '[columns]\nid = "No"\nstart = "From"\nend = "To"\npractitioner = "Who"\n'
    clinic = Clinic(tmp_path, mapping=mapping)
    text = "No,From,To,Who\n1,25/11/2026 09:00,25/11/2026 09:30,Anna Example\n"
    clinic.drop("export.csv", text)
    await clinic.looks()
    assert await clinic.count() == 1


@asynccontextmanager
async def watching(clinic: Clinic) -> AsyncIterator[None]:
    """As while the app runs; `seconds` drives its time."""
    running = asyncio.create_task(clinic.watching.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.wait({running})


async def test_within_five_seconds_of_its_last_byte_while_the_app_runs(tmp_path: Path) -> None:
    clinic = Clinic(tmp_path)
    async with watching(clinic):
        await seconds(clinic, 1)
        clinic.drop("export.csv", export(1, 2))
        await seconds(clinic, 5)
        assert (await clinic.count(), clinic.names()) == (2, [])


async def test_a_folder_that_is_watched_no_more_is_left_alone(tmp_path: Path) -> None:
    clinic = Clinic(tmp_path)
    async with watching(clinic):
        await seconds(clinic, 1)
        await clinic.sources.stop("nookal")
        assert isinstance(clinic.clock, FakeClock)
        clinic.clock.shift(1.0)
        clinic.drop("export.csv", export(1))
        await seconds(clinic, 5, folders=0)
        assert clinic.names() == ["export.csv"]


@pytest.mark.skipif("os.name == 'nt'")
async def test_the_private_copy_is_for_its_owner_alone(clinic: Clinic) -> None:
    clinic.drop("export.csv", export(1))
    folder = Folder(clinic.folder)
    (seen,) = folder.scan()
    copy = clinic.home / "copy.csv"
    folder.fetch(seen, copy)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert replace(seen, name="x") != seen


async def test_the_file_that_was_imported_by_hand_before_waits_with_its_question(
    clinic: Clinic,
) -> None:
    await by_hand(clinic, 1, 2)
    clinic.drop("export.csv", export(1, 2, 3))
    await clinic.looks()
    assert await clinic.count() == 2
    (waiting,) = (await clinic.note()).waiting
    assert waiting.held
    assert [each.key for each in waiting.questions] == ["same:front desk"]
    assert waiting.questions[0].example == ""
    report = (clinic.folder / f"{waiting.place}.report.txt").read_text(encoding="utf-8-sig")
    assert "same:front desk = skip, take_over, add" in report
    assert "--answer KEY=VALUE" in report


async def test_a_file_that_waits_is_taken_in_with_the_answer(clinic: Clinic) -> None:
    await by_hand(clinic, 1, 2)
    clinic.drop("export.csv", export(1, 2, 3))
    await clinic.looks()
    (waiting,) = (await clinic.note()).waiting
    report = await clinic.sources.release("nookal", waiting.place)
    assert report.held, "a press of the button answers no question"
    assert (await clinic.note()).waiting
    answers = {"same:front desk": "take_over"}
    shown = await clinic.sources.look_at("nookal", waiting.place, answers=answers)
    assert (shown.added, shown.changed, shown.open) == (1, 2, ())
    report = await clinic.sources.release("nookal", waiting.place, answers=answers)
    assert (report.added, report.changed) == (1, 2)
    assert (await clinic.note()).waiting == ()
    clinic.drop("export.csv", export(1, 2, 3, 4))
    await clinic.looks()
    assert (await clinic.count(), clinic.names()) == (4, []), "the answer is kept"


# ── links ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.skipif("os.name == 'nt'")  # making links needs a right there
@pytest.mark.parametrize("name", ["imported", "set aside"])
async def test_a_planted_link_is_not_followed(clinic: Clinic, tmp_path: Path, name: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (clinic.folder / name).symlink_to(elsewhere, target_is_directory=True)
    clinic.drop("export.csv", export(1) if name == "imported" else "no table at all")
    await clinic.looks(8)
    assert list(elsewhere.iterdir()) == []
    assert clinic.names() == ["export.csv"]
    assert (await clinic.note()).trouble == (
        f"“{name}” in the folder is a link, so files are left where they are. Remove the link: "
        "the program makes a folder of its own."
    )
    assert await clinic.count() == (1 if name == "imported" else 0)


@pytest.mark.skipif("os.name == 'nt'")
async def test_a_file_that_waits_behind_a_planted_link_is_not_read(
    clinic: Clinic, tmp_path: Path
) -> None:
    await by_hand(clinic, 1)
    clinic.drop("export.csv", export(1))
    await clinic.looks()
    (waiting,) = (await clinic.note()).waiting
    aside = clinic.folder / "set aside"
    aside.rename(tmp_path / "elsewhere")
    aside.symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    with pytest.raises(FileRefused):
        await clinic.sources.look_at("nookal", waiting.place)


@pytest.mark.skipif("os.name == 'nt'")
def test_a_report_is_not_written_through_a_planted_link(tmp_path: Path) -> None:
    victim = tmp_path / "victim.txt"
    victim.write_text("mine", encoding="utf-8")
    folder = Folder(tmp_path / "exports")
    (folder.path / "set aside").mkdir(parents=True)
    (folder.path / "a.csv").write_text("x", encoding="utf-8")
    (folder.path / "set aside" / "a now.csv.report.txt").symlink_to(victim)
    (seen,) = folder.scan()
    assert folder.file_away(seen, "set aside", "now", "report") == "set aside/a now.csv"
    assert victim.read_text(encoding="utf-8") == "mine"
