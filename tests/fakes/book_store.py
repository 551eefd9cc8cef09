"""MemoryBook: the store of the book, in memory."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TypeVar

from companion.domain.appointments import Appointment
from companion.domain.client_names import skeleton
from companion.domain.errors import BadInput, ChangedMeanwhile
from companion.services.changes import BookChanged, Changes
from companion.services.ports import (
    UNDO_IMPORTS,
    UNDO_ROWS,
    Activity,
    BookChange,
    ChangeSign,
    ImportRecord,
    KnownName,
    Replaced,
    SourceRow,
    Undoing,
)
from companion.services.rows import earliest_start, next_change, row_hash

Line = TypeVar("Line", Activity, ImportRecord)
ID_KEY = bytes(range(32))


class MemoryBook:
    """An AppointmentBook."""

    def __init__(self, changes: Changes | None = None) -> None:
        self.publishes_to = changes or Changes()
        self.sign = ChangeSign(others=0, own=0)
        self._kept: dict[str, Appointment] = {}
        self._removed: dict[str, Appointment] = {}
        self._revisions: Counter[str] = Counter()
        self._names: dict[tuple[str, str], None] = {}
        self._imports: list[ImportRecord] = []
        self._replaced: dict[int, dict[str, tuple[Appointment | None, int]]] = {}
        """By import: each appointment as it was, and the revision that it was left with."""

    async def appointments(
        self, practitioner_id: str, start: datetime, end: datetime
    ) -> list[Appointment]:
        await asyncio.sleep(0)
        found = [
            each
            for each in self._kept.values()
            if each.practitioner_id == practitioner_id
            and earliest_start(each) < end
            and (each.recurrence is not None or each.end > start)
        ]
        return sorted(found, key=lambda each: (each.start, each.id))

    async def versions(
        self, practitioner_id: str, start: datetime, end: datetime
    ) -> Mapping[str, int]:
        found = await self.appointments(practitioner_id, start, end)
        return {each.id: each.revision for each in found}

    async def of_practitioners(
        self, practitioner_ids: Sequence[str], start: datetime, end: datetime
    ) -> list[Appointment]:
        found = [
            each
            for practitioner_id in practitioner_ids
            for each in await self.appointments(practitioner_id, start, end)
        ]
        return sorted(found, key=lambda each: (each.start, each.id))

    async def series(self, practitioner_ids: Sequence[str], end: datetime) -> list[Appointment]:
        await asyncio.sleep(0)
        found = [
            each
            for each in self._kept.values()
            if each.practitioner_id in practitioner_ids
            and each.recurrence is not None
            and earliest_start(each) < end
        ]
        return sorted(found, key=lambda each: (each.start, each.id))

    async def day_counts(
        self, practitioner_ids: Sequence[str], start: datetime, end: datetime
    ) -> Mapping[date, int]:
        await asyncio.sleep(0)
        return Counter(
            each.start.date()
            for each in self._kept.values()
            if each.practitioner_id in practitioner_ids
            and each.recurrence is None
            and not each.cancelled
            and start <= each.start < end
        )

    async def client_names(self, after: int = 0) -> list[KnownName]:
        await asyncio.sleep(0)
        return [
            KnownName(number, *name)
            for number, name in enumerate(self._names, start=1)
            if number > after
        ]

    async def search(
        self, practitioner_ids: Sequence[str], text: str, around: datetime, limit: int = 50
    ) -> list[Appointment]:
        await asyncio.sleep(0)
        words = skeleton(text).split()
        found = [
            each
            for each in self._kept.values()
            if words
            and each.practitioner_id in practitioner_ids
            and all(word in _searched(each) for word in words)
        ]
        coming = sorted((e for e in found if e.start >= around), key=lambda e: (e.start, e.id))
        past = sorted((e for e in found if e.start < around), key=lambda e: e.id)
        past.sort(key=lambda each: each.start, reverse=True)
        return coming[:limit] + past[:limit]

    async def appointment(self, appointment_id: str) -> Appointment | None:
        await asyncio.sleep(0)
        return self._kept.get(appointment_id)

    async def id_key(self) -> bytes:
        await asyncio.sleep(0)
        return ID_KEY

    async def source_rows(self, source: str) -> dict[str, SourceRow]:
        await asyncio.sleep(0)
        return {
            each.source_id: _source_row(each)
            for each in self._kept.values()
            if each.source == source and each.source_id
        }

    async def rows_elsewhere(
        self, source: str, practitioner_ids: Sequence[str], start: datetime, end: datetime
    ) -> list[SourceRow]:
        await asyncio.sleep(0)
        return [
            _source_row(each)
            for each in self._kept.values()
            if each.source != source
            and each.practitioner_id in practitioner_ids
            and start <= each.start < end
        ]

    async def apply(self, change: BookChange, now: datetime) -> None:
        await asyncio.sleep(0)
        put = {each.id: each for each in change.put}
        for each in put.values():
            row_hash(each)  # refuses what no file can keep, before anything has changed
        if not (put or change.remove or change.imported or change.undoes):
            return
        for key, revision in change.expect.items():
            if revision != (self._kept[key].revision if key in self._kept else 0):
                raise ChangedMeanwhile
        undone = self._undone(change.undoes, now)
        found = {key: self._kept.get(key) for key in (*change.remove, *put)}
        kept, removed, touched = dict(self._kept), dict(self._removed), set[str]()
        for appointment_id in change.remove:
            if appointment_id in kept:
                removed[appointment_id] = kept.pop(appointment_id)
                touched.add(removed[appointment_id].practitioner_id)
        for each in put.values():
            before = kept.get(each.id)
            if before is not None:
                touched.add(before.practitioner_id)
            before = before or removed.pop(each.id, None)
            kept[each.id] = self._raised(each, before, now)
            touched.add(each.practitioner_id)
        self._check_source_ids(kept.values())
        self._kept, self._removed = kept, removed
        self._names.update(((e.client_first_name, e.client_last_name), None) for e in put.values())
        self._names.pop(("", ""), None)
        self._imports = undone
        if change.undoes is not None:
            self._rebase(put.values())
        if change.imported is not None:
            self._record(change.imported, found)
        self._committed(touched)

    def _committed(self, touched: set[str]) -> None:
        self._revisions.update(touched)
        self.sign = self.sign._replace(own=self.sign.own + 1)
        self.publishes_to.publish(BookChanged(practitioner_ids=frozenset(touched)))

    async def change_sign(self) -> ChangeSign:
        await asyncio.sleep(0)
        return self.sign

    def _record(self, record: ImportRecord, found: Mapping[str, Appointment | None]) -> None:
        number = len(self._imports) + 1
        self._imports.append(replace(record, id=number))
        wrote = {
            key: (before, self._kept[key].revision if key in self._kept else 0)
            for key, before in found.items()
            if before is not None or key in self._kept
        }
        if wrote:
            self._replaced[number] = wrote
        total = 0
        for place, each in enumerate(sorted(self._replaced, reverse=True), start=1):
            total += len(self._replaced[each])
            if place > 1 and (place > UNDO_IMPORTS or total > UNDO_ROWS):
                del self._replaced[each]

    def _rebase(self, back: Iterable[Appointment]) -> None:
        for each in back:
            for wrote in self._replaced.values():
                before, revision = wrote.get(each.id, (None, -1))
                if revision == each.revision:
                    wrote[each.id] = before, self._kept[each.id].revision

    def _undone(self, undoing: Undoing | None, now: datetime) -> list[ImportRecord]:
        if undoing is None:
            return self._imports
        marked = [
            replace(each, undone_at=now, undone_by=undoing.by)
            if each.id == undoing.import_id and each.undone_at is None
            else each
            for each in self._imports
        ]
        if marked == self._imports:
            raise ChangedMeanwhile
        self._replaced.pop(undoing.import_id, None)
        return marked

    @staticmethod
    def _raised(each: Appointment, before: Appointment | None, now: datetime) -> Appointment:
        return replace(
            each,
            created=_in_utc(each.created),
            updated=_in_utc(each.updated),
            revision=1 if before is None else before.revision + 1,
            changed_at=now if before is None else next_change(now, before.changed_at),
        )

    @staticmethod
    def _check_source_ids(kept: Iterable[Appointment]) -> None:
        named = Counter((each.source, each.source_id) for each in kept if each.source_id)
        if any(times > 1 for times in named.values()):
            raise BadInput("Two appointments of one source bear the same number.")

    async def revisions(self) -> Mapping[str, int]:
        await asyncio.sleep(0)
        return dict(self._revisions)

    async def reassign(self, from_practitioner: str, to_practitioner: str, now: datetime) -> None:
        await asyncio.sleep(0)
        moving = [e for e in self._kept.values() if e.practitioner_id == from_practitioner]
        if not moving or from_practitioner == to_practitioner:
            return
        for each in moving:
            moved = replace(each, practitioner_id=to_practitioner)
            self._kept[each.id] = self._raised(moved, each, now)
        self._committed({from_practitioner, to_practitioner})

    async def count(self, practitioner_id: str | None = None) -> int:
        await asyncio.sleep(0)
        return sum(practitioner_id in {None, each.practitioner_id} for each in self._kept.values())

    async def imports(self, limit: int = 20) -> list[ImportRecord]:
        await asyncio.sleep(0)
        found = newest(self._imports, limit)
        return [replace(each, can_undo=each.id in self._replaced) for each in found]

    async def arrivals(self, source: str, limit: int) -> list[datetime]:
        await asyncio.sleep(0)
        found = [
            each.at
            for each in self._imports
            if each.source == source and each.file_name and each.undone_at is None
        ]
        return sorted(found, reverse=True)[:limit]

    async def edited_at(self, later_than: datetime) -> datetime | None:
        await asyncio.sleep(0)
        return max(
            (
                each.changed_at
                for each in self._kept.values()
                if each.source == "book" or each.changed_at > later_than
            ),
            default=None,
        )

    async def replaced(self, import_id: int) -> list[Replaced]:
        await asyncio.sleep(0)
        return [
            Replaced(
                appointment_id=key,
                before=before,
                revision=revision,
                now=self._kept[key].revision if key in self._kept else 0,
            )
            for key, (before, revision) in sorted(self._replaced.get(import_id, {}).items())
        ]


def _source_row(each: Appointment) -> SourceRow:
    return SourceRow(
        appointment_id=each.id,
        source=each.source,
        source_id=each.source_id,
        practitioner_id=each.practitioner_id,
        start=each.start,
        end=each.end,
        row_hash=row_hash(each),
        cancelled=each.cancelled,
        client_id=each.client_id,
        client_name=each.client_name,
        what=each.title or each.appointment_type,
        updated=_in_utc(each.updated),
    )


def _searched(each: Appointment) -> str:
    texts = (
        each.client_first_name,
        each.client_last_name,
        each.client_id,
        each.appointment_type,
        each.title,
        each.notes,
    )
    return skeleton(" ".join(texts))


def _in_utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)


def newest(lines: Sequence[Line], limit: int) -> list[Line]:
    """By time, the later written first among equals."""
    numbered = sorted(enumerate(lines), key=lambda each: (each[1].at, each[0]), reverse=True)
    return [line for _, line in numbered[:limit]]
