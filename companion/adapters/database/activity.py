"""SqlActivity: the activity list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import delete, insert, select

from companion.adapters.database.access import DatabaseAccess
from companion.adapters.database.schema import activity
from companion.services.changes import ActivityAdded
from companion.services.ports import Activity, ActivityKind

_NEWEST = select(
    activity.c.at,
    activity.c.practitioner_id,
    activity.c.cause,
    activity.c.kind,
    activity.c.text,
    activity.c.count,
).order_by(activity.c.at.desc(), activity.c.id.desc())


class SqlActivity:
    def __init__(self, access: DatabaseAccess) -> None:
        self._access = access

    async def add(self, lines: Sequence[Activity]) -> None:
        if lines:
            rows = [asdict(line) for line in lines]
            await self._access.write(
                lambda connection: connection.execute(insert(activity), rows),
                lambda _: ActivityAdded(),
            )

    async def recent(
        self,
        limit: int = 50,
        practitioner_id: str | None = None,
        *,
        kind: ActivityKind | None = None,
    ) -> list[Activity]:
        statement = _NEWEST.limit(limit)
        if practitioner_id is not None:
            statement = statement.where(activity.c.practitioner_id == practitioner_id)
        if kind is not None:
            statement = statement.where(activity.c.kind == kind)
        return await self._access.ask(
            statement,
            lambda rows: [
                Activity(**{**row, "kind": ActivityKind(row["kind"])}) for row in rows.mappings()
            ],
        )

    async def prune(self, before: datetime) -> int:
        statement = delete(activity).where(activity.c.at < before)
        return await self._access.write(lambda connection: connection.execute(statement).rowcount)
