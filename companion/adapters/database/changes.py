"""Changes of the book, each inside the caller's one transaction.

An appointment's revision is one more than the book last knew of its id, removed or not, and its
changed_at at least a second later: a feed's SEQUENCE and LAST-MODIFIED rise with every change,
whatever the clock of this computer does. Everything is written in chunks, so that memory stays
modest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, bindparam, delete, select, update

from companion.adapters.database.appointments import COLUMNS, appointment_of, row_of
from companion.adapters.database.book_lock import lock_book
from companion.adapters.database.bulk import among, chunks, chunks_of_ids, insert_many, rows_at_once
from companion.adapters.database.imports import begin_record, finish_record, mark_undone, rebase
from companion.adapters.database.schema import (
    appointments,
    client_names,
    practitioner_revisions,
    removed_appointments,
)
from companion.adapters.database.upserts import insert_new, upsert
from companion.domain.appointments import Appointment
from companion.domain.errors import ChangedMeanwhile
from companion.services.ports import BookChange
from companion.services.rows import next_change, row_hash

_PUT = upsert(appointments)
_LEAVE_BEHIND = upsert(removed_appointments)
_RAISE = upsert(
    practitioner_revisions,
    set_=lambda _: {"revision": practitioner_revisions.c.revision + 1},
)
_NAME = insert_new(client_names)
_KNOWN = select(
    appointments.c.id,
    appointments.c.practitioner_id,
    appointments.c.revision,
    appointments.c.changed_at,
)
_ONCE_KNOWN = select(
    removed_appointments.c.id, removed_appointments.c.revision, removed_appointments.c.changed_at
)
_OF_PRACTITIONER = select(*COLUMNS).where(
    appointments.c.practitioner_id == bindparam("practitioner_id")
)
_MOVE = (
    update(appointments)
    .where(appointments.c.id == bindparam("moved_id"))
    .values(
        practitioner_id=bindparam("new_practitioner_id"),
        row_hash=bindparam("new_hash"),
        revision=bindparam("new_revision"),
        changed_at=bindparam("new_changed_at"),
    )
)


class _KnownRevision(NamedTuple):
    practitioner_id: str
    """Empty for a removed appointment."""
    revision: int
    changed_at: datetime


def apply_change(
    connection: Connection,
    put: Mapping[str, Appointment],
    hashes: Sequence[bytes],
    change: BookChange,
    now: datetime,
) -> frozenset[str]:
    """Returns whose appointments it touched. `put` and `hashes`: what the change puts, in one
    order. What is removed and put too is put."""
    lock_book(connection)
    remove = tuple(dict.fromkeys(change.remove))
    known = _known(connection, [*put, *remove])
    for key, revision in change.expect.items():
        if revision != (known[key].revision if key in known else 0):
            raise ChangedMeanwhile
    if change.undoes is not None:
        mark_undone(connection, change.undoes, now)
    _keep_names(connection, put.values())
    import_id = 0
    if change.imported is not None:
        import_id = begin_record(connection, change.imported, known)
    removed = {key: 0 for key in remove if key in known and key not in put}
    touched = {each.practitioner_id for each in known.values()}
    touched.update(each.practitioner_id for each in put.values())
    _remove(connection, {key: known[key] for key in remove if key in known}, put.keys())
    known.update(_once_known(connection, [key for key in put if key not in known]))
    pairs = zip(put.values(), hashes, strict=True)
    for chunk in chunks(pairs, rows_at_once(connection)):
        insert_many(connection, _PUT, [_raised(*pair, known, now) for pair in chunk])
    returned = [key for key in put if key in known and not known[key].practitioner_id]
    _delete(connection, removed_appointments, returned)
    _raise(connection, touched)
    left = {key: known[key].revision + 1 if key in known else 1 for key in put}
    if import_id:
        finish_record(connection, import_id, {**left, **removed})
    if change.undoes is not None:
        rebase(connection, ((key, each.revision, left[key]) for key, each in put.items()))
    return frozenset(touched)


def _keep_names(connection: Connection, put: Iterable[Appointment]) -> None:
    """Names stay once a client bore them: see `AppointmentBook.client_names`."""
    names = {(each.client_first_name, each.client_last_name): None for each in put}
    names.pop(("", ""), None)
    for chunk in chunks(names, rows_at_once(connection)):
        rows = [{"first_name": first, "last_name": last} for first, last in chunk]
        insert_many(connection, _NAME, rows)


def reassign(connection: Connection, leaves: str, arrives: str, now: datetime) -> frozenset[str]:
    """All appointments of one practitioner to another; nothing to move changes nothing.
    Returns whose it touched."""
    lock_book(connection)
    rows = connection.execute(_OF_PRACTITIONER, {"practitioner_id": leaves}).all()
    for chunk in chunks(rows, rows_at_once(connection)):
        moved = [replace(appointment_of(row), practitioner_id=arrives) for row in chunk]
        connection.execute(
            _MOVE,
            [
                {
                    "moved_id": each.id,
                    "new_practitioner_id": arrives,
                    "new_hash": row_hash(each),
                    "new_revision": each.revision + 1,
                    "new_changed_at": next_change(now, each.changed_at),
                }
                for each in moved
            ],
        )
    touched = frozenset({leaves, arrives} if rows else ())
    _raise(connection, touched)
    return touched


def _known(connection: Connection, ids: Iterable[str]) -> dict[str, _KnownRevision]:
    query = _KNOWN.where(among(connection, appointments.c.id))
    return {
        row[0]: _KnownRevision(*row[1:])
        for chunk in chunks_of_ids(connection, ids)
        for row in connection.execute(query, chunk)
    }


def _once_known(connection: Connection, ids: Iterable[str]) -> dict[str, _KnownRevision]:
    query = _ONCE_KNOWN.where(among(connection, removed_appointments.c.id))
    return {
        row[0]: _KnownRevision("", *row[1:])
        for chunk in chunks_of_ids(connection, ids)
        for row in connection.execute(query, chunk)
    }


def _raised(
    each: Appointment, hashed: bytes, known: Mapping[str, _KnownRevision], now: datetime
) -> dict[str, Any]:
    row = row_of(each, hashed)
    before = known.get(each.id)
    row["revision"] = 1 if before is None else before.revision + 1
    row["changed_at"] = now if before is None else next_change(now, before.changed_at)
    return row


def _remove(connection: Connection, gone: Mapping[str, _KnownRevision], put: Iterable[str]) -> None:
    _delete(connection, appointments, gone)
    staying = set(put)
    left = (
        {"id": key, "revision": known.revision, "changed_at": known.changed_at}
        for key, known in gone.items()
        if key not in staying
    )
    for chunk in chunks(left, rows_at_once(connection)):
        connection.execute(_LEAVE_BEHIND, chunk)


def _delete(connection: Connection, table: Table, ids: Iterable[str]) -> None:
    statement = delete(table).where(among(connection, table.c.id))
    for chunk in chunks_of_ids(connection, ids):
        connection.execute(statement, chunk)


def _raise(connection: Connection, practitioners: Iterable[str]) -> None:
    rows = [{"practitioner_id": each, "revision": 1} for each in sorted(practitioners)]
    if rows:
        connection.execute(_RAISE, rows)
