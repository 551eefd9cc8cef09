"""A file that is dropped goes into the book by itself, once, and is filed away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from companion.services.sources.folders import Folder, SeenFile, is_dropped
from companion.services.sources.notes import SourceNote
from tests.fakes.watched_clinic import HEADER, Clinic, export, row


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
        def file_away(self, seen: SeenFile, into: str, stamp: str, report: str = "") -> str:
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
