"""What a home keeps in small files of its own, as documents that the workstations share: notes on
the sources and the daily backups, and the book of notices."""

from __future__ import annotations

from collections.abc import Callable

from companion.adapters.database.documents import Documents, VersionConflict
from companion.domain.backup_plan import BackupRecord
from companion.domain.practice_errors import Overtaken
from companion.services.maintenance import backup_records
from companion.services.notices import keeping
from companion.services.notices.telling import NoticeBook
from companion.services.sources import notes
from companion.services.sources.notes import Notes, SourceNote

SOURCES, NOTICES, BACKUPS = "sources", "notices", "backups"
"""Names of the documents."""


class DatabaseSourceNotes:
    """A SourceNotes; a damaged document counts as nothing known."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def read(self) -> Notes:
        found = await self._documents.read(SOURCES)
        return notes.notes_in(found.body) if found else {}

    async def change(self, source: str, edit: Callable[[SourceNote], SourceNote | None]) -> None:
        def change(text: str | None) -> str | None:
            after = notes.changed(notes.notes_in(text or ""), source, edit)
            return None if after is None else notes.text_of(after)

        await self._documents.change(SOURCES, change)


class DatabaseBackupNotes:
    """A BackupNotes; a damaged document counts as nothing known."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def read(self) -> BackupRecord:
        found = await self._documents.read(BACKUPS)
        return backup_records.record_in(found.body if found else "")

    async def change(self, edit: Callable[[BackupRecord], BackupRecord]) -> None:
        def change(text: str | None) -> str | None:
            before = backup_records.record_in(text or "")
            after = edit(before)
            return None if after == before else backup_records.text_of(after)

        await self._documents.change(BACKUPS, change)


class DatabaseNotices:
    """A NoticeStore. Who saves must have seen what was saved last."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._seen: int | None = None
        """The version that this process read or wrote last."""

    async def read(self) -> NoticeBook | None:
        found = await self._documents.read(NOTICES)
        self._seen = found.version if found else None
        return keeping.book_in(found.body) if found else None

    async def save(self, book: NoticeBook) -> None:
        try:
            self._seen = await self._documents.write(NOTICES, self._seen, keeping.text_of(book))
        except VersionConflict as error:
            raise Overtaken(
                "Another workstation of the practice has begun to tell people of troubles.",
                "Nothing to do: it goes on there.",
            ) from error
