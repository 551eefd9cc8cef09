"""The records of imports, and what each replaced, inside the caller's one transaction.

Of the newest imports (`UNDO_IMPORTS`, and of these at most `UNDO_ROWS` rows) the book keeps which
appointments they wrote, with the revision that they left, and how these were before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    RowMapping,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)

from companion.adapters.database.appointments import COLUMNS, appointment_of
from companion.adapters.database.bulk import among, chunks, chunks_of_ids, insert_many, rows_at_once
from companion.adapters.database.schema import (
    appointments,
    import_changes,
    imports,
    replaced_appointments,
)
from companion.adapters.database.spelling import bytewise
from companion.domain.errors import ChangedMeanwhile
from companion.domain.json_documents import from_document
from companion.services.ports import (
    UNDO_IMPORTS,
    UNDO_ROWS,
    ImportMemory,
    ImportRecord,
    Replaced,
    Undoing,
)

_NEVER_KEPT = {"id", "can_undo"}

_TO_KEEP = select(
    bindparam("import_id", type_=replaced_appointments.c.import_id.type), appointments
)
_REBASE = (
    update(import_changes)
    .where(
        import_changes.c.appointment_id == bindparam("of_id"),
        import_changes.c.revision == bindparam("then"),
    )
    .values(revision=bindparam("now"))
)
_COUNTS = (
    select(import_changes.c.import_id, func.count())
    .group_by(import_changes.c.import_id)
    .order_by(import_changes.c.import_id.desc())
)
_NEWEST = select(
    imports,
    select(literal(1)).where(import_changes.c.import_id == imports.c.id).exists().label("can_undo"),
).order_by(imports.c.at.desc(), imports.c.id.desc())
_ARRIVALS = (
    select(imports.c.at)
    .where(
        imports.c.source == bindparam("of_source"),
        imports.c.file_name != "",
        imports.c.undone_at.is_(None),
    )
    .order_by(imports.c.at.desc())
)
_BEFORE = tuple(replaced_appointments.c[column.name] for column in COLUMNS)
_REPLACED = (
    select(
        import_changes.c.appointment_id,
        import_changes.c.revision,
        func.coalesce(appointments.c.revision, 0),
        *_BEFORE,
    )
    .select_from(import_changes)
    .outerjoin(appointments, appointments.c.id == import_changes.c.appointment_id)
    .outerjoin(
        replaced_appointments,
        (replaced_appointments.c.import_id == import_changes.c.import_id)
        & (replaced_appointments.c.id == import_changes.c.appointment_id),
    )
    .where(import_changes.c.import_id == bindparam("import_id"))
    .order_by(bytewise(import_changes.c.appointment_id))
)


def begin_record(connection: Connection, record: ImportRecord, ids: Iterable[str]) -> int:
    """Keep the record, and those of `ids` that are in the book as they are; the import's id."""
    values = {key: each for key, each in asdict(record).items() if key not in _NEVER_KEPT}
    (import_id,) = connection.execute(insert(imports), values).inserted_primary_key or (0,)
    names = [column.name for column in replaced_appointments.columns]
    found = _TO_KEEP.where(among(connection, appointments.c.id))
    keep = insert(replaced_appointments).from_select(names, found)
    for chunk in chunks_of_ids(connection, ids):
        connection.execute(keep, {"import_id": import_id, **chunk})
    return int(import_id)


def finish_record(connection: Connection, import_id: int, revisions: Mapping[str, int]) -> None:
    """`revisions`: as the import left them, 0 for removed; what is too long ago is forgotten."""
    rows = [
        {"import_id": import_id, "appointment_id": key, "revision": revision}
        for key, revision in revisions.items()
    ]
    for chunk in chunks(rows, rows_at_once(connection)):
        insert_many(connection, insert(import_changes), chunk)
    total = 0
    for number, (each, count) in enumerate(connection.execute(_COUNTS).all(), start=1):
        total += count
        if number > 1 and (number > UNDO_IMPORTS or total > UNDO_ROWS):
            _forget(connection, each)


def mark_undone(connection: Connection, undoing: Undoing, now: Any) -> None:
    """Raises ChangedMeanwhile where that has been done."""
    marked = connection.execute(
        update(imports)
        .where(imports.c.id == undoing.import_id, imports.c.undone_at.is_(None))
        .values(undone_at=now, undone_by=undoing.by)
    )
    if marked.rowcount != 1:
        raise ChangedMeanwhile
    _forget(connection, undoing.import_id)


def rebase(connection: Connection, raised: Iterable[tuple[str, int, int]]) -> None:
    """Undoing raises revisions: earlier imports, which led to the very state that is back now, are
    told the new ones, so that they can be undone in their turn. Id, revision then, revision now."""
    rows = [{"of_id": key, "then": then, "now": now} for key, then, now in raised]
    if rows:
        connection.execute(_REBASE, rows)


def newest(connection: Connection, limit: int) -> list[ImportRecord]:
    return [_record(row) for row in connection.execute(_NEWEST.limit(limit)).mappings()]


def arrivals(connection: Connection, source: str, limit: int) -> list[datetime]:
    return [*connection.scalars(_ARRIVALS.limit(limit), {"of_source": source})]


def replaced(connection: Connection, import_id: int) -> list[Replaced]:
    return [
        Replaced(
            appointment_id=key,
            revision=revision,
            now=now,
            before=None if before[0] is None else appointment_of(before),
        )
        for key, revision, now, *before in connection.execute(_REPLACED, {"import_id": import_id})
    ]


def _forget(connection: Connection, import_id: int) -> None:
    for table in (import_changes, replaced_appointments):
        connection.execute(delete(table).where(table.c.import_id == import_id))


def _record(row: RowMapping) -> ImportRecord:
    return ImportRecord(
        **{key: each for key, each in row.items() if key not in {"memory", "can_undo"}},
        memory=from_document(ImportMemory, row["memory"]),
        can_undo=bool(row["can_undo"]),
    )
