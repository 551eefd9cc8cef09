"""SqlBook: the AppointmentBook.

The visible range is three index ranges of one query (see `schema` on shapes), put together by
UNION ALL. `apply` hashes before it takes the writing turn among processes, then writes in chunks,
so that 50,000 appointments need neither a long turn nor much memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, insert, select, union_all

from companion.adapters.database.access import Access
from companion.adapters.database.appointments import COLUMNS, appointment_of
from companion.adapters.database.changes import apply_change, reassign
from companion.adapters.database.schema import (
    BRIEF,
    BRIEF_LIMIT,
    LONG,
    SERIES,
    appointments,
    imports,
    practitioner_revisions,
)
from companion.domain.appointments import Appointment, AppointmentStatus
from companion.services.ports import BookChange, ImportRecord, SourceRow
from companion.services.rows import row_hash

_OF_SHAPE = {
    shape: select(*COLUMNS).where(
        appointments.c.practitioner_id == bindparam("practitioner_id"),
        appointments.c.shape == shape,
        appointments.c.earliest < bindparam("end"),
    )
    for shape in (BRIEF, LONG, SERIES)
}
IN_SPAN = union_all(
    _OF_SHAPE[BRIEF].where(
        appointments.c.earliest > bindparam("start_of_brief"),
        appointments.c.ends > bindparam("start"),
    ),
    _OF_SHAPE[LONG].where(appointments.c.ends > bindparam("start")),
    _OF_SHAPE[SERIES],
)
_ONE = select(*COLUMNS).where(appointments.c.id == bindparam("id"))
_OF_SOURCE = select(
    appointments.c.id,
    appointments.c.source_id,
    appointments.c.practitioner_id,
    appointments.c.starts,
    appointments.c.ends,
    appointments.c.row_hash,
    appointments.c.status,
).where(appointments.c.source == bindparam("source"), appointments.c.source_id != "")
_REVISIONS = select(practitioner_revisions.c.practitioner_id, practitioner_revisions.c.revision)
_NEWEST_IMPORTS = select(
    imports.c.source,
    imports.c.at,
    imports.c.file_name,
    imports.c.added,
    imports.c.changed,
    imports.c.removed,
    imports.c.unchanged,
    imports.c.rejected,
).order_by(imports.c.at.desc(), imports.c.id.desc())


class SqlBook:
    def __init__(self, access: Access) -> None:
        self._access = access

    async def appointments(
        self, practitioner_id: str, start: datetime, end: datetime
    ) -> list[Appointment]:
        span = {
            "practitioner_id": practitioner_id,
            "start": start,
            "start_of_brief": start - BRIEF_LIMIT,
            "end": end,
        }
        found = await self._access.read(
            lambda connection: [appointment_of(row) for row in connection.execute(IN_SPAN, span)]
        )
        return sorted(found, key=lambda each: (each.start, each.id))

    async def appointment(self, appointment_id: str) -> Appointment | None:
        def find(connection: Connection) -> Appointment | None:
            row = connection.execute(_ONE, {"id": appointment_id}).one_or_none()
            return None if row is None else appointment_of(row)

        return await self._access.read(find)

    async def source_rows(self, source: str) -> dict[str, SourceRow]:
        def find(connection: Connection) -> dict[str, SourceRow]:
            return {
                source_id: SourceRow(
                    appointment_id=appointment_id,
                    source_id=source_id,
                    practitioner_id=practitioner_id,
                    start=start,
                    end=end,
                    row_hash=hashed,
                    cancelled=status == AppointmentStatus.CANCELLED,
                )
                for appointment_id, source_id, practitioner_id, start, end, hashed, status in (
                    connection.execute(_OF_SOURCE, {"source": source})
                )
            }

        return await self._access.read(find)

    async def apply(self, change: BookChange, now: datetime) -> None:
        if not change.put and not change.remove:
            return
        put = {each.id: each for each in change.put}
        removed = tuple(dict.fromkeys(change.remove))

        def hash_then_write() -> Callable[[Connection], None]:
            hashes = [row_hash(each) for each in put.values()]
            return lambda connection: apply_change(connection, put, hashes, removed, now)

        await self._access.write_after(hash_then_write)

    async def revisions(self) -> Mapping[str, int]:
        return await self._access.read(
            lambda connection: dict(connection.execute(_REVISIONS).all())
        )

    async def reassign(self, from_practitioner: str, to_practitioner: str, now: datetime) -> None:
        if from_practitioner != to_practitioner:
            await self._access.write(
                lambda connection: reassign(connection, from_practitioner, to_practitioner, now)
            )

    async def count(self, practitioner_id: str | None = None) -> int:
        statement = select(func.count()).select_from(appointments)
        if practitioner_id is not None:
            statement = statement.where(appointments.c.practitioner_id == practitioner_id)
        return await self._access.read(
            lambda connection: connection.execute(statement).scalar_one()
        )

    async def record_import(self, record: ImportRecord) -> None:
        await self._access.write(
            lambda connection: connection.execute(insert(imports), asdict(record))
        )

    async def imports(self, limit: int = 20) -> list[ImportRecord]:
        return await self._access.read(
            lambda connection: [
                ImportRecord(**row)
                for row in connection.execute(_NEWEST_IMPORTS.limit(limit)).mappings()
            ]
        )
