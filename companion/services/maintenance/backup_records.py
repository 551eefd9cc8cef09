"""BackupRecord as a small document, and where it is kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from companion.domain.backup_plan import BackupRecord, GoodBackup
from companion.services.ports import KeptText


class KeptBackupNotes:
    """The BackupNotes in a text."""

    def __init__(self, text: KeptText) -> None:
        self._text = text

    async def read(self) -> BackupRecord:
        return record_in(await self._text.read())

    async def change(self, edit: Callable[[BackupRecord], BackupRecord]) -> None:
        def edited(text: str | bytes) -> str | None:
            before = record_in(text)
            after = edit(before)
            return None if after == before else text_of(after)

        await self._text.change(edited)


def text_of(record: BackupRecord) -> str:
    return json.dumps(asdict(record), default=datetime.isoformat)


def record_in(text: str | bytes) -> BackupRecord:
    """Nothing known for what is damaged: then nothing is deleted."""
    try:
        return _record_of(json.loads(text))
    except (ValueError, KeyError, TypeError):
        return BackupRecord()


def moved(text: str, *, before: str, after: str) -> str:
    """What the workstation `before` made is that of `after`; empty for a home not shared."""
    record = record_in(text)
    good = (
        replace(each, workstation=after) if each.workstation == before else each
        for each in record.good
    )
    making = {after if name == before else name: path for name, path in record.making.items()}
    return text_of(replace(record, good=tuple(good), making=making))


def _record_of(document: Mapping[str, Any]) -> BackupRecord:
    """Raises ValueError, KeyError, TypeError."""
    return BackupRecord(
        good=tuple(
            GoodBackup(
                path=str(each["path"]),
                made_at=_moment(each["made_at"]),
                size=int(each["size"]),
                appointments=int(each["appointments"]),
                workstation=str(each.get("workstation", "")),
                computer=str(each.get("computer", "")),
            )
            for each in document["good"]
        ),
        making=_making(document["making"]),
        failed_at=None if document["failed_at"] is None else _moment(document["failed_at"]),
        what=str(document["what"]),
        remedy=str(document["remedy"]),
    )


def _making(kept: object) -> dict[str, str]:
    """A text: of a version that knew one computer only."""
    if isinstance(kept, dict):
        return {str(name): str(path) for name, path in kept.items()}
    return {"": kept} if isinstance(kept, str) and kept else {}


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError
    return moment
