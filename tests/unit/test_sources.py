"""Sources and their folders: what may be watched, and what is remembered."""

from __future__ import annotations

from pathlib import Path

import pytest

from companion.adapters.file_locks import FileLock
from companion.adapters.home_text import HomeText
from companion.domain.errors import BadInput, FileRefused, NotFound
from companion.services.imports.mappings import check_mapping
from companion.services.sources.notes import (
    MOST_DONE,
    Done,
    KeptSourceNotes,
    SourceNote,
    Waiting,
    from_json,
    to_json,
)
from companion.services.sources.sources import Sources
from tests.fakes.clock import MONDAY, FakeClock
from tests.fakes.importing import importing_over
from tests.fakes.settings import FakeSettings
from tests.fakes.sources import MemoryNotes, fake_fetching
from tests.fakes.stores import MemoryStores

MAPPING = '[columns]\nstart = "From"\nend = "To"\npractitioner = "Who"\n'


class Fixture:
    def __init__(self, tmp_path: Path) -> None:
        clock, stores = FakeClock(), MemoryStores()
        self.settings, self.notes = FakeSettings(), MemoryNotes()
        self.home = tmp_path / "home"
        self.home.mkdir()
        self.folder = tmp_path / "exports"
        self.folder.mkdir()
        importing = importing_over(
            book=stores.book, settings=self.settings, activity=stores.activity, clock=clock
        )
        self.sources = Sources(
            settings=self.settings,
            notes=self.notes,
            importing=importing,
            fetching=fake_fetching(self, importing, stores.activity, clock),
            spool=self.home / "watched",
        )


@pytest.fixture
def fixture(tmp_path: Path) -> Fixture:
    return Fixture(tmp_path)


async def refused(fixture: Fixture, folder: Path | str, name: str = "nookal") -> BadInput:
    with pytest.raises(BadInput) as caught:
        await fixture.sources.add(name, str(folder))
    return caught.value


async def test_a_source_is_added_changed_and_removed(fixture: Fixture) -> None:
    added = await fixture.sources.add("nookal", str(fixture.folder), snapshot=True, mapping=MAPPING)
    assert (added.folder, added.snapshot, added.mapping) == (str(fixture.folder), True, MAPPING)
    changed = await fixture.sources.add("nookal", str(fixture.folder), leave_files=True)
    assert (changed.snapshot, changed.mapping, changed.leave_files) == (True, MAPPING, True)
    stopped = await fixture.sources.stop("NOOKAL")
    assert (stopped.folder, stopped.mapping) == ("", MAPPING)
    await fixture.sources.remove("nookal")
    assert await fixture.sources.overview() == ()


async def test_a_folder_that_is_not_there_is_refused(fixture: Fixture) -> None:
    error = await refused(fixture, fixture.folder / "none")
    assert error.field == "folder"
    assert "There is no folder" in error.what


@pytest.mark.parametrize("folder", ["exports", "./exports", "C:exports"])
async def test_a_folder_needs_its_whole_path(fixture: Fixture, folder: str) -> None:
    assert "whole path" in (await refused(fixture, folder)).what


async def test_a_folder_with_other_files_is_refused_so_that_none_is_filed_away(
    fixture: Fixture,
) -> None:
    (fixture.folder / "holiday.jpg").write_bytes(b"x")
    assert "holiday.jpg" in (await refused(fixture, fixture.folder)).what
    (fixture.folder / "holiday.jpg").unlink()
    (fixture.folder / "export.csv").write_bytes(b"x")
    await fixture.sources.add("nookal", str(fixture.folder))


async def test_two_sources_never_share_a_folder(fixture: Fixture) -> None:
    await fixture.sources.add("nookal", str(fixture.folder))
    inside = fixture.folder / "imported"
    inside.mkdir()
    for folder in (fixture.folder, inside):
        assert "already watched for nookal" in (await refused(fixture, folder, "cliniko")).what


async def test_our_own_home_is_never_watched(fixture: Fixture) -> None:
    inside = fixture.home / "feeds"
    inside.mkdir()
    for folder in (fixture.home, inside, Path(fixture.home.anchor)):
        assert (await refused(fixture, folder)).field == "folder"


@pytest.mark.parametrize("name", ["", "  ", "book", "BOOK"])
async def test_a_source_needs_a_name_of_its_own(fixture: Fixture, name: str) -> None:
    assert (await refused(fixture, fixture.folder, name)).field == "source"


async def test_a_source_that_is_not_known_is_told_with_those_that_are(fixture: Fixture) -> None:
    await fixture.sources.add("nookal", str(fixture.folder))
    with pytest.raises(NotFound) as caught:
        await fixture.sources.remove("cliniko")
    assert "nookal" in caught.value.remedy


@pytest.mark.parametrize(
    "text",
    ["not toml", "[columns]\n", '[columns]\nstart = "From"\n', '[columns]\ncolour = "Red"\n'],
)
async def test_a_mapping_that_cannot_work_is_refused_before_any_file_comes(
    fixture: Fixture, text: str
) -> None:
    with pytest.raises(BadInput) as caught:
        await fixture.sources.add("nookal", str(fixture.folder), mapping=text)
    assert caught.value.field == "mapping"
    assert fixture.settings.current.sources == {}


def test_a_mapping_may_be_written_either_way_round() -> None:
    check_mapping(MAPPING)
    check_mapping('[columns]\n"From" = "start"\n"To" = "end"\n"Who" = "practitioner"\n')


async def test_a_file_that_waits_and_is_gone_is_told_in_words(fixture: Fixture) -> None:
    await fixture.sources.add("nookal", str(fixture.folder))
    waiting = Waiting(place="set aside/x.csv", at=MONDAY, held=True, what="why")
    await fixture.notes.change("nookal", lambda _note: SourceNote(waiting=(waiting,)))
    with pytest.raises(FileRefused, match="cannot be reached"):
        await fixture.sources.release("nookal", "set aside/x.csv")
    with pytest.raises(NotFound):
        await fixture.sources.release("nookal", "another.csv")
    await fixture.sources.discard("nookal", "set aside/x.csv")
    (status,) = await fixture.sources.overview()
    assert status.note.waiting == ()


def in_folder(folder: Path) -> KeptSourceNotes:
    lock = FileLock(folder / "sources.lock", holder="the test")
    return KeptSourceNotes(HomeText(folder / "sources.json", lock=lock))


def full_note() -> SourceNote:
    return SourceNote(
        last_file="a.csv",
        last_at=MONDAY,
        last_result="3 added.",
        imported_at=MONDAY,
        imported_digest="00",
        trouble="gone",
        trouble_since=MONDAY,
        waiting=(Waiting(place="set aside/b.csv", at=MONDAY, held=True, what="why"),),
        done={"c.csv": Done(digest="11", size=3, changed=4)},
    )


async def test_what_is_remembered_survives_the_file(tmp_path: Path) -> None:
    notes = in_folder(tmp_path)
    assert await notes.read() == {}
    await notes.change("nookal", lambda _note: full_note())
    assert await in_folder(tmp_path).read() == {"nookal": full_note()}
    await notes.change("nookal", lambda _note: None)
    assert await notes.read() == {}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"nookal": {"waiting": [{}]}}', b"\xff"])
async def test_a_damaged_memory_is_nothing_known(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "sources.json").write_bytes(content)
    notes = in_folder(tmp_path)
    assert await notes.read() == {}
    await notes.change("nookal", lambda _note: full_note())
    assert await notes.read() == {"nookal": full_note()}


def test_one_damaged_note_takes_no_other_with_it() -> None:
    document = to_json({"good": full_note(), "bad": full_note()})
    document["bad"]["last_at"] = 7
    assert from_json(document) == {"good": full_note()}


def test_only_so_many_files_are_remembered_and_the_oldest_are_forgotten() -> None:
    note = SourceNote()
    for number in range(MOST_DONE + 5):
        note = note.with_done(f"{number}", Done(digest="", size=0, changed=0))
    assert len(note.done) == MOST_DONE
    assert "4" not in note.done
    assert f"{MOST_DONE + 4}" in note.done
