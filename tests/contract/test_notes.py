"""Notes on sources and backups, and the book of notices, in a home's files and in a practice's
database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from companion.adapters.database.documents import Documents
from companion.adapters.database.notes import (
    BACKUPS,
    NOTICES,
    SOURCES,
    DatabaseNotices,
    DocumentText,
)
from companion.adapters.file_locks import FileLock
from companion.adapters.home_text import (
    BACKUPS_FILE,
    BACKUPS_LOCK,
    SOURCES_FILE,
    SOURCES_LOCK,
    HomeText,
)
from companion.adapters.notice_book import FILE_NAME as NOTICES_FILE
from companion.adapters.notice_book import NoticeFile
from companion.domain.backup_plan import BackupRecord, GoodBackup
from companion.domain.practice_errors import Overtaken
from companion.services.maintenance.backup_records import KeptBackupNotes
from companion.services.maintenance.daily_backups import BackupNotes
from companion.services.notices.keeping import NoticeStore
from companion.services.notices.telling import NoticeBook
from companion.services.sources.notes import KeptSourceNotes, SourceNote, SourceNotes
from tests.fakes.any_database import database_url, opened_database

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Kept:
    sources: SourceNotes
    backups: BackupNotes
    notices: NoticeStore


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where two processes keep the same."""

    one: Kept
    other: Kept
    damage: Callable[[str], Awaitable[None]]
    """Write this text over each of them."""


DATABASES = ("database", pytest.param("postgresql", marks=pytest.mark.postgresql))


@pytest.fixture(params=["file", *DATABASES])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    if request.param == "file":
        yield Place(
            one=in_files(tmp_path), other=in_files(tmp_path), damage=partial(spoil, tmp_path)
        )
        return
    with database_url(request.param, tmp_path) as url:
        here, there = opened_database(url), opened_database(url)
        documents = Documents(there.access)

        async def damage(text: str) -> None:
            for name in (SOURCES, BACKUPS, NOTICES):
                await documents.change(name, lambda _body: text)

        yield Place(
            one=in_documents(Documents(here.access)), other=in_documents(documents), damage=damage
        )
        await here.close()
        await there.close()


def in_files(folder: Path) -> Kept:
    def text(name: str, lock: str) -> HomeText:
        return HomeText(folder / name, lock=FileLock(folder / lock, holder="a test"))

    return Kept(
        sources=KeptSourceNotes(text(SOURCES_FILE, SOURCES_LOCK)),
        backups=KeptBackupNotes(text(BACKUPS_FILE, BACKUPS_LOCK)),
        notices=NoticeFile(folder),
    )


async def spoil(folder: Path, text: str) -> None:
    for each in (SOURCES_FILE, BACKUPS_FILE, NOTICES_FILE):
        (folder / each).write_text(text, "utf-8")


def in_documents(documents: Documents) -> Kept:
    return Kept(
        sources=KeptSourceNotes(DocumentText(documents, SOURCES)),
        backups=KeptBackupNotes(DocumentText(documents, BACKUPS)),
        notices=DatabaseNotices(documents),
    )


def counted(note: SourceNote) -> SourceNote:
    return replace(note, last_result=f"{int(note.last_result or 0) + 1}")


def backup(number: int) -> GoodBackup:
    return GoodBackup(path=f"/backups/{number}", made_at=AT, size=number, appointments=number)


def with_backup(record: BackupRecord, number: int) -> BackupRecord:
    return replace(record, good=(*record.good, backup(number)))


async def test_nothing_is_known_at_first(place: Place) -> None:
    assert await place.one.sources.read() == {}
    assert await place.one.backups.read() == BackupRecord()
    assert await place.one.notices.read() is None


async def test_what_one_process_kept_the_other_reads(place: Place) -> None:
    await place.one.sources.change("nookal", counted)
    await place.one.backups.change(partial(with_backup, number=1))
    await place.one.notices.save(NoticeBook(begun_at=AT))
    assert await place.other.sources.read() == {"nookal": SourceNote(last_result="1")}
    assert await place.other.backups.read() == BackupRecord(good=(backup(1),))
    assert await place.other.notices.read() == NoticeBook(begun_at=AT)


async def test_a_note_is_forgotten_and_the_others_stay(place: Place) -> None:
    await place.one.sources.change("nookal", counted)
    await place.one.sources.change("fhir", counted)
    await place.other.sources.change("nookal", lambda _note: None)
    assert list(await place.one.sources.read()) == ["fhir"]


async def test_no_change_of_two_processes_at_once_is_lost(place: Place) -> None:
    both = (place.one, place.other)
    await asyncio.gather(*(each.sources.change("nookal", counted) for each in both * 10))
    numbers = [*enumerate(both * 10)]
    await asyncio.gather(
        *(each.backups.change(partial(with_backup, number=number)) for number, each in numbers)
    )
    assert (await place.one.sources.read())["nookal"].last_result == "20"
    found = (await place.one.backups.read()).good
    assert sorted(each.size for each in found) == list(range(20))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"nookal": {"waiting": [{}]}}', '{"good": [{}]}'])
async def test_what_is_damaged_is_nothing_known_and_is_written_over(
    place: Place, text: str
) -> None:
    await place.damage(text)
    await test_nothing_is_known_at_first(place)
    await test_what_one_process_kept_the_other_reads(place)


@pytest.mark.parametrize("place", DATABASES, indirect=True)
async def test_who_has_not_seen_the_last_notices_cannot_save_others(place: Place) -> None:
    await place.one.notices.save(NoticeBook(begun_at=AT))
    with pytest.raises(Overtaken):
        await place.other.notices.save(NoticeBook(begun_at=AT.replace(hour=10)))
    assert await place.other.notices.read() == NoticeBook(begun_at=AT)
    await place.other.notices.save(NoticeBook(begun_at=AT.replace(hour=11)))
    with pytest.raises(Overtaken):
        await place.one.notices.save(NoticeBook(begun_at=AT.replace(hour=12)))
