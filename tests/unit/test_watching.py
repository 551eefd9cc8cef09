"""A file that is dropped goes into the book by itself, once, and is filed away."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

from companion.adapters.file_locks import FileLock
from companion.adapters.source_notes import SourceNotesFile
from companion.domain.errors import Busy, FileRefused
from companion.domain.settings import SourceSettings
from companion.services.imports.importing import Importing
from companion.services.ports import BookChange, Clock
from companion.services.settings.practitioners import Practitioners
from companion.services.sources.folders import Folder, Seen, is_dropped
from companion.services.sources.notes import SourceNote
from companion.services.sources.sources import Sources
from companion.services.sources.watched_folder import WatchedFolder
from companion.services.sources.watching import Watching
from tests.fakes.clock import FakeClock
from tests.fakes.services import TUESDAY
from tests.fakes.settings import FakeSettings
from tests.fakes.sources import fake_fetching
from tests.fakes.stores import MemoryStores
from tests.fakes.waiting import until
from tests.fakes.workbooks import InlineWorkbooks

HEADER = (
    "Appointment ID,Type,Client ID,Client First Name,Client Last Name,Consultation Type,"
    "Start,End,All Day,Practitioner,Location,Status,Cancelled,Notes\n"
)
DAY = date(2026, 11, 25)


def row(number: int, *, day: date = DAY, who: str = "Anna Example", at: int = 9) -> str:
    start = datetime.combine(day, datetime.min.time()) + timedelta(hours=at, minutes=number)
    end = start + timedelta(minutes=30)
    return (
        f"{number},Client,C{number},Mira,Sample,Review,{start:%d/%m/%Y %H:%M},"
        f"{end:%d/%m/%Y %H:%M},No,{who},Room 1,Booked,No,\n"
    )


def export(*numbers: int, at: int = 9) -> str:
    return HEADER + "".join(row(number, at=at) for number in numbers)


class Clinic:
    """A house, one watched folder, and somebody who drops files into it."""

    def __init__(self, tmp_path: Path, *, clock: Clock | None = None, **source: object) -> None:
        self.clock = clock or FakeClock(TUESDAY, auto=False)
        self.settings = FakeSettings()
        self.stores = MemoryStores()
        self.importing = Importing(
            book=self.stores.book,
            settings=self.settings,
            practitioners=Practitioners(
                settings=self.settings, book=self.stores.book, clock=self.clock
            ),
            reader=InlineWorkbooks(),
            activity=self.stores.activity,
            clock=self.clock,
        )
        self.folder = tmp_path / "exports"
        self.folder.mkdir()
        self.home = tmp_path / "home"
        self.home.mkdir()
        settings = SourceSettings(
            **{"name": "nookal", "folder": str(self.folder), **source}  # type: ignore[arg-type]
        )
        self.settings.current = self.settings.current.with_source(settings)
        self.notes = SourceNotesFile(
            self.home, lock=FileLock(self.home / "sources.lock", holder="the test")
        )
        self.start()

    def start(self) -> None:
        """As after a start of the program."""
        fetching = fake_fetching(self, self.importing, self.stores.activity, self.clock)
        self.watching = Watching(
            settings=self.settings,
            notes=self.notes,
            importing=self.importing,
            fetching=fetching,
            book=self.stores.book,
            activity=self.stores.activity,
            clock=self.clock,
            spool=self.home / "watched",
        )
        self.sources = Sources(
            settings=self.settings,
            notes=self.notes,
            importing=self.importing,
            fetching=fetching,
            spool=self.home / "watched",
        )
        self.watched = WatchedFolder(self.watching, "nookal", self.folder)

    def drop(self, name: str, text: str | bytes, *, age: float = 0.0) -> Path:
        path = self.folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        if age:
            moment = time.time() - age
            os.utime(path, (moment, moment))
        return path

    async def looks(self, count: int = 3, seconds: float = 1.0) -> None:
        assert isinstance(self.clock, FakeClock)
        for _ in range(count):
            await self.watched.look()
            self.clock.shift(seconds)

    async def note(self) -> SourceNote:
        return (await self.notes.read()).get("nookal", SourceNote())

    def names(self, under: str = "") -> list[str]:
        return sorted(each.name for each in (self.folder / under).iterdir() if each.is_file())

    async def count(self) -> int:
        return await self.stores.book.count()

    @property
    def kinds(self) -> list[tuple[str, str]]:
        return [(each.kind, each.cause) for each in self.stores.activity.lines]


@pytest.fixture
def clinic(tmp_path: Path) -> Clinic:
    return Clinic(tmp_path)


async def test_a_dropped_export_is_in_the_book_and_filed_away_by_name_and_time(
    clinic: Clinic,
) -> None:
    clinic.drop("export.csv", export(1, 2, 3))
    await clinic.looks()
    assert await clinic.count() == 3
    assert clinic.names() == []
    assert clinic.names("imported") == ["export 2026-11-24 09.30.01.csv"]
    assert clinic.kinds == [("import", "folder")]
    note = await clinic.note()
    assert note.last_file == "export.csv"
    assert note.last_result == "3 added, 0 changed, 0 removed, 0 unchanged."
    assert list((clinic.home / "watched").iterdir()) == []


async def test_a_file_is_left_alone_while_somebody_writes_to_it(clinic: Clinic) -> None:
    path = clinic.drop("export.csv", export(1))
    for number in range(2, 6):
        await clinic.looks(1)
        with path.open("a", encoding="utf-8") as file:
            file.write(row(number))
    await clinic.looks(1)
    assert await clinic.count() == 0
    await clinic.looks(2)
    assert await clinic.count() == 5


async def test_a_file_that_grows_while_it_is_read_is_read_again(clinic: Clinic) -> None:
    path = clinic.drop("export.csv", export(1))
    original = clinic.importing.apply

    async def slowly(*positional: object, **named: object) -> object:
        report = await original(*positional, **named)  # type: ignore[arg-type]
        with path.open("a", encoding="utf-8") as file:
            file.write(row(2))
        clinic.watching.importing = clinic.importing
        return report

    class Slow:
        preview = clinic.importing.preview
        apply = staticmethod(slowly)

    clinic.watching.importing = Slow()  # type: ignore[assignment]
    await clinic.looks(2)
    assert clinic.names() == ["export.csv"]
    await clinic.looks(3)
    assert (await clinic.count(), clinic.names()) == (2, [])


@pytest.mark.skipif("os.name == 'nt'")  # there a file that is open cannot be moved
@pytest.mark.parametrize("first", [export(1, 2, 3), HEADER[:30]], ids=["whole rows", "torn"])
async def test_a_copy_that_pauses_for_long_is_in_the_book_whole_in_the_end(
    tmp_path: Path, first: str
) -> None:
    """It was filed away while its writer, on a slow share, still had it open."""
    clinic = Clinic(tmp_path, snapshot=True)
    path = clinic.folder / "export.csv"
    whole = export(1, 2, 3, 4, 5)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(first)
        file.flush()
        await clinic.looks(8)
        assert clinic.names() == []
        file.write(whole[len(first) :])
    await clinic.looks(5)
    assert (await clinic.count(), clinic.names()) == (5, [])
    assert len(clinic.names("imported")) == 1
    assert (await clinic.note()).waiting == ()


async def test_a_filed_export_that_somebody_opens_later_is_left_alone(clinic: Clinic) -> None:
    clinic.drop("export.csv", export(1))
    await clinic.looks(4)
    (name,) = clinic.names("imported")
    await clinic.looks(1, seconds=300)
    (clinic.folder / "imported" / name).write_text("notes of mine", encoding="utf-8")
    await clinic.looks(4)
    assert clinic.names("imported") == [name]


@pytest.mark.parametrize(
    "name",
    ["~$export.xlsx", "export.csv.part", "export.crdownload", "a.tmp", ".hidden.csv", "Thumbs.db"],
)
async def test_a_temporary_file_is_never_touched(clinic: Clinic, name: str) -> None:
    assert not is_dropped(name)
    clinic.drop(name, export(1))
    await clinic.looks(4)
    assert (await clinic.count(), clinic.names()) == (0, [name])


async def test_a_download_counts_once_it_has_its_name(clinic: Clinic) -> None:
    path = clinic.drop("export.csv.crdownload", export(1))
    await clinic.looks()
    path.rename(clinic.folder / "export.csv")
    await clinic.looks()
    assert await clinic.count() == 1


async def test_a_bad_file_is_set_aside_with_a_report_and_changes_nothing(clinic: Clinic) -> None:
    clinic.drop("letter.csv", "Dear all,\nno appointments here\n")
    await clinic.looks(7)
    assert await clinic.count() == 0
    assert await clinic.stores.book.imports() == []
    assert clinic.names("set aside") == [
        "letter 2026-11-24 09.30.04.csv",
        "letter 2026-11-24 09.30.04.csv.report.txt",
    ]
    report = clinic.folder / "set aside" / "letter 2026-11-24 09.30.04.csv.report.txt"
    assert "Nothing in the appointment book was changed." in report.read_text("utf-8-sig")
    assert clinic.kinds == [("error", "folder")]
    (waiting,) = (await clinic.note()).waiting
    assert (waiting.held, waiting.place) == (False, "set aside/letter 2026-11-24 09.30.04.csv")


async def test_the_words_of_a_bad_file_reach_no_activity_line(clinic: Clinic) -> None:
    clinic.drop("export.csv", "Quillfeather,Mira,Room\n1,2,3\n")
    await clinic.looks(7)
    assert all("Quillfeather" not in each.text for each in clinic.stores.activity.lines)


async def test_a_torn_file_whose_writer_only_paused_is_not_set_aside(clinic: Clinic) -> None:
    path = clinic.drop("export.csv", HEADER[:40])
    await clinic.looks(3)
    path.write_text(export(1, 2), encoding="utf-8")
    await clinic.looks(3)
    assert (await clinic.count(), clinic.names("imported")) == (
        2,
        ["export 2026-11-24 09.30.04.csv"],
    )
    assert not (clinic.folder / "set aside").exists()


async def test_a_file_of_which_no_row_can_be_used_is_set_aside(clinic: Clinic) -> None:
    clinic.drop("export.csv", HEADER + "1,Client,C1,A,B,Review,never,never,No,Anna,Room,,No,\n")
    await clinic.looks(3)
    (waiting,) = (await clinic.note()).waiting
    assert waiting.what == "None of its 1 rows could be used."
    report = clinic.folder / f"{waiting.place}.report.txt"
    assert "row 2:" in report.read_text("utf-8-sig")


async def test_rows_that_could_not_be_used_are_listed_beside_the_imported_file(
    clinic: Clinic,
) -> None:
    clinic.drop("export.csv", export(1) + "2,Client,C1,A,B,Review,never,,No,Anna,Room,,No,\n")
    await clinic.looks()
    assert await clinic.count() == 1
    report = clinic.folder / "imported" / "export 2026-11-24 09.30.01.csv.report.txt"
    assert "row 3:" in report.read_text("utf-8-sig")


async def test_a_file_that_would_remove_too_much_waits_for_a_person(tmp_path: Path) -> None:
    clinic = Clinic(tmp_path, snapshot=True)
    clinic.drop("monday.csv", export(*range(1, 11)))
    await clinic.looks()
    clinic.drop("tuesday.csv", export(1, 10))
    await clinic.looks()
    assert await clinic.count() == 10
    (waiting,) = (await clinic.note()).waiting
    assert waiting.held
    assert "would remove 8 of 10" in waiting.what
    assert ("held", "folder") in clinic.kinds
    preview = await clinic.sources.look_at("nookal", waiting.place)
    assert preview.removed == 8
    report = await clinic.sources.release("nookal", waiting.place)
    assert (report.removed, await clinic.count()) == (8, 2)
    assert (await clinic.note()).waiting == ()
    assert clinic.names("set aside") == []
    assert len(clinic.names("imported")) == 2


async def test_a_held_file_imported_by_hand_waits_no_more(tmp_path: Path) -> None:
    clinic = Clinic(tmp_path, snapshot=True)
    clinic.drop("monday.csv", export(*range(1, 11)))
    await clinic.looks()
    clinic.drop("tuesday.csv", export(1))
    await clinic.looks()
    (waiting,) = (await clinic.note()).waiting
    owner = await clinic.sources.owner(clinic.folder / waiting.place)
    assert owner is not None
    assert (owner[0].name, owner[1]) == ("nookal", waiting.place)
    await clinic.sources.resolved(*owner)
    assert (await clinic.note()).waiting == ()
    assert clinic.names("set aside") == []
    assert await clinic.sources.owner(clinic.folder / "elsewhere.csv") is None


async def test_files_are_taken_in_the_order_they_were_written(clinic: Clinic) -> None:
    clinic.drop("b-newer.csv", export(1, at=14), age=10)
    clinic.drop("c-older.csv", export(1, at=11), age=100)
    await clinic.looks()
    (kept,) = (await clinic.stores.book.source_rows("nookal")).values()
    assert kept.start.hour == 14


async def test_a_crash_before_the_filing_does_not_apply_an_old_file_over_newer_changes(
    clinic: Clinic,
) -> None:
    class Died(BaseException):
        pass

    class DiesBeforeFiling(Folder):
        def file_away(self, seen: Seen, into: str, stamp: str, report: str = "") -> str:
            raise OSError

    clinic.drop("export.csv", export(1, at=9))
    clinic.watched._folder = clinic.watched._filing._folder = DiesBeforeFiling(clinic.folder)
    change = clinic.notes.change
    writes = 0

    async def change_until_filing(
        source: str, edit: Callable[[SourceNote], SourceNote | None]
    ) -> None:
        nonlocal writes
        writes += 1
        if writes == 2:
            raise Died
        await change(source, edit)

    clinic.notes.change = change_until_filing  # type: ignore[method-assign]
    with pytest.raises(Died):
        await clinic.looks(3)
    assert (await clinic.count(), clinic.names()) == (1, ["export.csv"])
    clinic.notes.change = change  # type: ignore[method-assign]
    by_hand = clinic.home / "newer.csv"
    by_hand.write_text(export(1, at=15), encoding="utf-8")
    importing = clinic.importing
    await importing.apply(await importing.preview(by_hand, source="nookal"))
    clinic.start()
    await clinic.looks(3)
    assert clinic.names() == []
    (kept,) = (await clinic.stores.book.source_rows("nookal")).values()
    assert kept.start.hour == 15


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

        def file_away(self, seen: Seen, into: str, stamp: str, report: str = "") -> str:
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
        def scan(self) -> list[Seen]:
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

        def fetch(self, seen: Seen, copy: Path) -> str:
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


async def seconds(clinic: Clinic, count: int, *, folders: int = 1) -> None:
    """Each passes once whoever watches has gone to sleep: one task, and one for each folder."""
    clock = clinic.clock
    assert isinstance(clock, FakeClock)
    for _ in range(count):
        await until(lambda: clock.sleepers == 1 + folders)
        clock.shift(1.0)
    await until(lambda: clock.sleepers == 1 + folders)


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


# ── questions ─────────────────────────────────────────────────────────────────────────────────


async def by_hand(clinic: Clinic, *numbers: int) -> None:
    file = clinic.home / "by hand.csv"
    file.write_text(export(*numbers), encoding="utf-8")
    await clinic.importing.apply(await clinic.importing.preview(file, source="front desk"))


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
