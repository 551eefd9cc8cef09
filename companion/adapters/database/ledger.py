"""SqlLedger: what we know of each event in Google, and the state of each practitioner's sync."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select

from companion.adapters.database.access import DatabaseAccess, Rows
from companion.adapters.database.bulk import insert_many
from companion.adapters.database.fencing import Fencing, NoFencing
from companion.adapters.database.schema import ledger, sync_state
from companion.adapters.database.upserts import insert_new, upsert
from companion.domain.reconcile import LedgerEntry, LedgerEntryState
from companion.domain.sync_state import SyncState
from companion.services.changes import SyncStateChanged
from companion.services.ports import CalendarRef, Clock

_THIS_CALENDAR = (
    ledger.c.practitioner_id == bindparam("practitioner"),
    ledger.c.calendar_id == bindparam("calendar"),
)
_FIELDS = tuple(each.name for each in fields(LedgerEntry))
_OF_ENTRY = tuple(ledger.c[name] for name in _FIELDS)
_values_of = attrgetter(*_FIELDS)
_ENTRIES = select(*_OF_ENTRY).where(*_THIS_CALENDAR)
ENTRIES_BETWEEN = select(ledger.c.practitioner_id, ledger.c.calendar_id, *_OF_ENTRY).where(
    ledger.c.practitioner_id.in_(bindparam("practitioners", expanding=True)),
    ledger.c.begins < bindparam("end"),
    ledger.c.ends > bindparam("start"),
)
_DROP = delete(ledger).where(*_THIS_CALENDAR, ledger.c.key == bindparam("dropped"))
_PUT = upsert(ledger)
_CALENDARS = (
    select(ledger.c.calendar_id)
    .where(ledger.c.practitioner_id == bindparam("practitioner"))
    .distinct()
)
_STATES = select(sync_state.c.practitioner_id, sync_state.c.state)
_STATE = select(sync_state.c.state).where(sync_state.c.practitioner_id == bindparam("practitioner"))
_STATE_TO_EDIT = _STATE.with_for_update()
_BEGIN_STATE = insert_new(sync_state)
_SAVE = upsert(sync_state)
_ENTRY_STATES = {each.value: each for each in LedgerEntryState}


class SqlLedger:
    def __init__(
        self, access: DatabaseAccess, clock: Clock, fencing: Fencing | None = None
    ) -> None:
        self._access = access
        self._clock = clock
        self._fencing = fencing or NoFencing()

    async def entries(self, calendar: CalendarRef) -> list[LedgerEntry]:
        return await self._access.ask(
            _ENTRIES, lambda rows: [_entry(row) for row in rows], _named(calendar)
        )

    async def entries_between(
        self, calendars: Sequence[CalendarRef], start: datetime, end: datetime
    ) -> dict[CalendarRef, dict[str, LedgerEntry]]:
        wanted = {(each.practitioner_id, each.calendar_id): each for each in calendars}
        values = {
            "practitioners": sorted({each.practitioner_id for each in calendars}),
            "start": start,
            "end": end,
        }

        def find(rows: Rows) -> dict[CalendarRef, dict[str, LedgerEntry]]:
            found: dict[CalendarRef, dict[str, LedgerEntry]] = {}
            for practitioner_id, calendar_id, *row in rows:
                calendar = wanted.get((practitioner_id, calendar_id))
                if calendar is not None:
                    entry = _entry(row)
                    found.setdefault(calendar, {})[entry.key] = entry
            return found

        return await self._access.ask(ENTRIES_BETWEEN, find, values)

    async def write(
        self,
        calendar: CalendarRef,
        put: Iterable[LedgerEntry] = (),
        drop: Iterable[str] = (),
    ) -> None:
        rows = [*{entry.key: _row(calendar, entry) for entry in put}.values()]
        dropped = [{**_named(calendar), "dropped": key} for key in drop]
        if not rows and not dropped:
            return

        async with self._fencing.writing(calendar.practitioner_id) as check:

            def work(connection: Connection) -> None:
                check(connection)
                if dropped:
                    connection.execute(_DROP, dropped)
                if rows:
                    insert_many(connection, _PUT, rows)

            await self._access.write(work)

    async def calendars(self, practitioner_id: str) -> list[str]:
        return await self._access.ask(
            _CALENDARS, lambda rows: sorted(rows.scalars()), {"practitioner": practitioner_id}
        )

    async def state(self, practitioner_id: str) -> SyncState:
        return await self._access.ask(
            _STATE,
            lambda rows: SyncState.from_json(rows.scalar_one_or_none() or {}),
            {"practitioner": practitioner_id},
        )

    async def edit_state(
        self,
        practitioner_id: str,
        edit: Callable[[SyncState], SyncState],
        *,
        even_overtaken: bool = False,
    ) -> tuple[SyncState, SyncState]:
        async with self._fencing.editing(even_overtaken=even_overtaken) as check:

            def work(connection: Connection) -> tuple[SyncState, SyncState]:
                check(connection)
                now = self._clock.now()
                before = _state_to_edit(connection, practitioner_id, now)
                after = edit(before)
                if after != before:
                    connection.execute(_SAVE, _state_row(practitioner_id, after, now))
                return before, after

            def notice(states: tuple[SyncState, SyncState]) -> SyncStateChanged | None:
                before, after = states
                changed = after != before
                return SyncStateChanged(practitioner_id=practitioner_id) if changed else None

            return await self._access.write(work, notice)

    async def states(self) -> dict[str, SyncState]:
        return await self._access.ask(
            _STATES,
            lambda rows: {
                practitioner_id: SyncState.from_json(document) for practitioner_id, document in rows
            },
        )


def _state_to_edit(connection: Connection, practitioner_id: str, now: datetime) -> SyncState:
    """Locked until the transaction ends, also where there was none yet."""
    practitioner = {"practitioner": practitioner_id}
    found = connection.execute(_STATE_TO_EDIT, practitioner).scalar_one_or_none()
    if found is None:
        connection.execute(_BEGIN_STATE, _state_row(practitioner_id, SyncState(), now))
        found = connection.execute(_STATE_TO_EDIT, practitioner).scalar_one()
    return SyncState.from_json(found)


def _state_row(practitioner_id: str, state: SyncState, now: datetime) -> dict[str, Any]:
    return {"practitioner_id": practitioner_id, "state": state.to_json(), "saved_at": now}


def _named(calendar: CalendarRef) -> dict[str, str]:
    return {"practitioner": calendar.practitioner_id, "calendar": calendar.calendar_id}


def _row(calendar: CalendarRef, entry: LedgerEntry) -> dict[str, Any]:
    return {
        "practitioner_id": calendar.practitioner_id,
        "calendar_id": calendar.calendar_id,
        **dict(zip(_FIELDS, _values_of(entry), strict=True)),
        "state": entry.state.value,
    }


def _entry(row: Sequence[Any]) -> LedgerEntry:
    """From a row of `_ENTRIES`."""
    values = dict(zip(_FIELDS, row, strict=True))
    values["state"] = _ENTRY_STATES[values["state"]]
    return LedgerEntry(**values)
