"""Claiming: whoever has just taken a home's data over keeps its calendars from now on.

A copy of what was moved may still run somewhere, and would write to the same calendars. So each
calendar begins a new term with the next audit, under another name (`Settings.restored_as`):
the copy sees a later term, and stops (`services/sync/one_writer`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, select

from companion.adapters.database.schema import sync_state
from companion.adapters.database.upserts import upsert
from companion.domain.sync_state import SyncState

_STATES = select(sync_state.c.practitioner_id, sync_state.c.state)
_SAVE = upsert(sync_state)


def claim_calendars(connection: Connection, now: datetime) -> None:
    """Of everybody with a sync state, as whoever is connected and was synced once has. One that
    stopped because another computer writes to its calendar stays so: a person has yet to decide."""
    rows = []
    for practitioner_id, document in connection.execute(_STATES).all():
        state = SyncState.from_json(document)
        claimed = state.claimed or not state.overruled_by
        after = replace(state, claimed=claimed, audit_due=True)
        row = {"practitioner_id": practitioner_id, "state": after.to_json(), "saved_at": now}
        rows.append(row)
    if rows:
        connection.execute(_SAVE, rows)
