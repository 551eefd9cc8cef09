"""SqlBook: the AppointmentBook.

The visible range is three index ranges of one query (see `schema` on shapes), put together by UNION
ALL. `apply` hashes before it takes the write lock among processes, then writes in chunks, so that
50,000 appointments need neither a long lock nor much memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    and_,
    bindparam,
    func,
    or_,
    select,
    union_all,
)

from companion.adapters.database.access import DatabaseAccess, Question, Rows, Work
from companion.adapters.database.appointments import COLUMNS, appointment_of
from companion.adapters.database.changes import apply_change, reassign
from companion.adapters.database.fencing import Fencing, NoFencing
from companion.adapters.database.imports import arrivals, newest, replaced
from companion.adapters.database.schema import (
    BRIEF,
    BRIEF_LIMIT,
    LONG,
    SERIES,
    appointments,
    client_names,
    id_key,
    practitioner_revisions,
)
from companion.adapters.database.spelling import bytewise, unaccented
from companion.domain.appointments import Appointment, AppointmentStatus
from companion.domain.client_names import skeleton
from companion.services.changes import BookChanged
from companion.services.ports import (
    BookChange,
    ChangeSign,
    ImportRecord,
    KnownName,
    Replaced,
    SourceRow,
)
from companion.services.rows import row_hash

_THEIRS = appointments.c.practitioner_id == bindparam("practitioner_id")
_OF_SEVERAL = appointments.c.practitioner_id.in_(bindparam("practitioner_ids", expanding=True))


def _in_span(
    whose: ColumnElement[bool], columns: Sequence[ColumnElement[Any]] = COLUMNS
) -> CompoundSelect[Any]:
    of_shape = {
        shape: select(*columns).where(
            whose, appointments.c.shape == shape, appointments.c.earliest < bindparam("end")
        )
        for shape in (BRIEF, LONG, SERIES)
    }
    return union_all(
        of_shape[BRIEF].where(
            appointments.c.earliest > bindparam("start_of_brief"),
            appointments.c.ends > bindparam("start"),
        ),
        of_shape[LONG].where(appointments.c.ends > bindparam("start")),
        of_shape[SERIES],
    )


IN_SPAN = _in_span(_THEIRS)
VERSIONS_IN_SPAN = _in_span(_THEIRS, (appointments.c.id, appointments.c.revision))
IN_SPAN_OF_SEVERAL = _in_span(_OF_SEVERAL)
SERIES_OF_SEVERAL = select(*COLUMNS).where(
    _OF_SEVERAL, appointments.c.shape == SERIES, appointments.c.earliest < bindparam("end")
)
_DAY = func.date(appointments.c.starts)
DAY_COUNTS = (
    select(_DAY, func.count())
    .where(
        _OF_SEVERAL,
        appointments.c.shape.in_((BRIEF, LONG)),
        appointments.c.earliest >= bindparam("start"),
        appointments.c.earliest < bindparam("end"),
        appointments.c.status != AppointmentStatus.CANCELLED.value,
    )
    .group_by(_DAY)
)
_SEARCHED = unaccented(
    appointments.c.client_first_name
    + " "
    + appointments.c.client_last_name
    + " "
    + appointments.c.client_id
    + " "
    + appointments.c.appointment_type
    + " "
    + appointments.c.title
    + " "
    + appointments.c.notes
)
_ONE = select(*COLUMNS).where(appointments.c.id == bindparam("id"))
_SOURCE_ROW = select(
    appointments.c.id,
    appointments.c.source,
    appointments.c.source_id,
    appointments.c.practitioner_id,
    appointments.c.starts,
    appointments.c.ends,
    appointments.c.row_hash,
    appointments.c.status,
    appointments.c.client_id,
    appointments.c.client_first_name,
    appointments.c.client_last_name,
    appointments.c.title,
    appointments.c.appointment_type,
    appointments.c.updated,
)
_OF_SOURCE = _SOURCE_ROW.where(
    appointments.c.source == bindparam("source"), appointments.c.source_id != ""
)
_ELSEWHERE = _SOURCE_ROW.where(
    _OF_SEVERAL,
    appointments.c.shape.in_((BRIEF, LONG, SERIES)),
    appointments.c.earliest < bindparam("end"),
    appointments.c.starts >= bindparam("start"),
    appointments.c.starts < bindparam("end"),
    appointments.c.source != bindparam("source"),
)
_NAMES = (
    select(client_names.c.id, client_names.c.first_name, client_names.c.last_name)
    .where(client_names.c.id > bindparam("after"))
    .order_by(client_names.c.id)
)
_EDITED = select(func.max(appointments.c.changed_at)).where(
    or_(appointments.c.source == "book", appointments.c.changed_at > bindparam("later_than"))
)
_REVISIONS = select(practitioner_revisions.c.practitioner_id, practitioner_revisions.c.revision)


class SqlBook:
    def __init__(self, access: DatabaseAccess, fencing: Fencing | None = None) -> None:
        self._access = access
        self._fencing = fencing or NoFencing()
        self._commits = 0
        """Of the book, by this process; tries that failed count too."""

    async def appointments(
        self, practitioner_id: str, start: datetime, end: datetime
    ) -> list[Appointment]:
        values = {"practitioner_id": practitioner_id, **_span(start, end)}
        return await self._found(IN_SPAN, values)

    async def versions(
        self, practitioner_id: str, start: datetime, end: datetime
    ) -> Mapping[str, int]:
        values = {"practitioner_id": practitioner_id, **_span(start, end)}
        # Thousands of plain pairs: as rows of SQLAlchemy's they take twice as long.
        return await self._access.ask(
            VERSIONS_IN_SPAN, lambda rows: dict(rows.cursor.fetchall()), values
        )

    async def appointment(self, appointment_id: str) -> Appointment | None:
        def find(rows: Rows) -> Appointment | None:
            row = rows.one_or_none()
            return None if row is None else appointment_of(row)

        return await self._access.ask(_ONE, find, {"id": appointment_id})

    async def id_key(self) -> bytes:
        return await self._access.ask(select(id_key.c.key), lambda rows: rows.scalar_one())

    async def of_practitioners(
        self, practitioner_ids: Sequence[str], start: datetime, end: datetime
    ) -> list[Appointment]:
        values = {"practitioner_ids": list(practitioner_ids), **_span(start, end)}
        return await self._found(IN_SPAN_OF_SEVERAL, values)

    async def series(self, practitioner_ids: Sequence[str], end: datetime) -> list[Appointment]:
        values = {"practitioner_ids": list(practitioner_ids), "end": end}
        return await self._found(SERIES_OF_SEVERAL, values)

    async def _found(self, question: Question, values: Mapping[str, Any]) -> list[Appointment]:
        """In the order of their beginnings."""
        found = await self._access.ask(
            question, lambda rows: [appointment_of(row) for row in rows], values
        )
        return sorted(found, key=lambda each: (each.start, each.id))

    async def day_counts(
        self, practitioner_ids: Sequence[str], start: datetime, end: datetime
    ) -> Mapping[date, int]:
        span = {"practitioner_ids": list(practitioner_ids), "start": start, "end": end}
        return await self._access.ask(
            DAY_COUNTS, lambda rows: {_as_date(day): count for day, count in rows}, span
        )

    async def search(
        self, practitioner_ids: Sequence[str], text: str, around: datetime, limit: int = 50
    ) -> list[Appointment]:
        words = text.split()
        if not words:
            return []
        wanted = and_(*(_SEARCHED.contains(skeleton(word), autoescape=True) for word in words))
        start = appointments.c.starts
        matching = select(*COLUMNS).where(_OF_SEVERAL, wanted).limit(limit)
        values = {"practitioner_ids": list(practitioner_ids)}
        queries = (
            matching.where(start >= around).order_by(start, bytewise(appointments.c.id)),
            matching.where(start < around).order_by(start.desc(), bytewise(appointments.c.id)),
        )
        return await self._access.read(
            lambda connection: [
                appointment_of(row)
                for query in queries
                for row in connection.execute(query, values)
            ]
        )

    async def client_names(self, after: int = 0) -> list[KnownName]:
        return await self._access.ask(
            _NAMES, lambda rows: [KnownName(*row) for row in rows], {"after": after}
        )

    async def source_rows(self, source: str) -> dict[str, SourceRow]:
        def find(connection: Connection) -> dict[str, SourceRow]:
            rows = map(_source_row, connection.execute(_OF_SOURCE, {"source": source}))
            return {row.source_id: row for row in rows}

        return await self._access.read(find)

    async def rows_elsewhere(
        self, source: str, practitioner_ids: Sequence[str], start: datetime, end: datetime
    ) -> list[SourceRow]:
        values = {
            "source": source,
            "practitioner_ids": list(practitioner_ids),
            "start": start,
            "end": end,
        }
        return await self._access.read(
            lambda connection: [_source_row(row) for row in connection.execute(_ELSEWHERE, values)]
        )

    async def apply(self, change: BookChange, now: datetime) -> None:
        if not (change.put or change.remove or change.imported or change.undoes):
            return
        put = {each.id: each for each in change.put}

        def hash_then_write() -> Work[frozenset[str]]:
            hashes = [row_hash(each) for each in put.values()]
            return lambda connection: apply_change(connection, put, hashes, change, now)

        await self._write(hash_then_write)

    async def _write(self, prepare: Callable[[], Work[frozenset[str]]]) -> None:
        """The one way into the book: what is committed moves the change sign and is published.
        The work returns whose appointments it touched. What is written under a lock, as of a
        fetched source, asks for it last, so that it can be renewed during a long import."""

        try:
            async with self._fencing.editing(even_overtaken=False) as check:

                def prepare_checked() -> Work[frozenset[str]]:
                    work = prepare()

                    def checked(connection: Connection) -> frozenset[str]:
                        touched = work(connection)
                        check(connection)
                        return touched

                    return checked

                await self._access.write_after(
                    prepare_checked, lambda touched: BookChanged(practitioner_ids=touched)
                )
        finally:
            self._commits += 1  # afterwards: what is read once it has risen shows the commit

    async def change_sign(self) -> ChangeSign:
        others, own = await self._access.change_sign(lambda: self._commits)
        return ChangeSign(others=others, own=own)

    async def revisions(self) -> Mapping[str, int]:
        return await self._access.ask(_REVISIONS, lambda rows: {row[0]: row[1] for row in rows})

    async def reassign(self, from_practitioner: str, to_practitioner: str, now: datetime) -> None:
        if from_practitioner != to_practitioner:
            await self._write(
                lambda: (
                    lambda connection: reassign(connection, from_practitioner, to_practitioner, now)
                )
            )

    async def count(self, practitioner_id: str | None = None) -> int:
        statement = select(func.count()).select_from(appointments)
        if practitioner_id is not None:
            statement = statement.where(appointments.c.practitioner_id == practitioner_id)
        return await self._access.ask(statement, lambda rows: rows.scalar_one())

    async def imports(self, limit: int = 20) -> list[ImportRecord]:
        return await self._access.read(lambda connection: newest(connection, limit))

    async def arrivals(self, source: str, limit: int) -> list[datetime]:
        return await self._access.read(lambda connection: arrivals(connection, source, limit))

    async def edited_at(self, later_than: datetime) -> datetime | None:
        return await self._access.ask(
            _EDITED, lambda rows: rows.scalar(), {"later_than": later_than}
        )

    async def replaced(self, import_id: int) -> list[Replaced]:
        return await self._access.read(lambda connection: replaced(connection, import_id))


def _source_row(row: Sequence[Any]) -> SourceRow:
    return SourceRow(
        appointment_id=row[0],
        source=row[1],
        source_id=row[2],
        practitioner_id=row[3],
        start=row[4],
        end=row[5],
        row_hash=row[6],
        cancelled=row[7] == AppointmentStatus.CANCELLED,
        client_id=row[8],
        client_name=f"{row[9]} {row[10]}".strip(),
        what=row[11] or row[12],
        updated=row[13],
    )


def _span(start: datetime, end: datetime) -> dict[str, Any]:
    return {"start": start, "start_of_brief": start - BRIEF_LIMIT, "end": end}


def _as_date(day: object) -> date:
    """SQLite answers text, PostgreSQL a date."""
    return day if isinstance(day, date) else date.fromisoformat(str(day))
