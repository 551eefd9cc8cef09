"""What a home keeps in small files of its own, as documents that the workstations share: notes on
the sources and the daily backups, and the book of notices."""

from __future__ import annotations

from collections.abc import Callable

from companion.adapters.database.documents import Documents, VersionConflict
from companion.domain.practice_errors import Overtaken
from companion.services.notices import keeping
from companion.services.notices.telling import NoticeBook

SOURCES, NOTICES, BACKUPS = "sources", "notices", "backups"
"""Names of the documents."""


class DocumentText:
    """A KeptText."""

    def __init__(self, documents: Documents, name: str) -> None:
        self._documents = documents
        self._name = name

    async def read(self) -> str:
        found = await self._documents.read(self._name)
        return found.body if found else ""

    async def change(self, edit: Callable[[str | bytes], str | None]) -> None:
        await self._documents.change(self._name, lambda body: edit(body or ""))


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
