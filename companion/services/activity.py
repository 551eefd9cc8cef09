"""Adding one line to the activity list: what a service notes once something is done."""

from __future__ import annotations

from companion.services.acting import caused
from companion.services.ports import Activity, ActivityKind, ActivityLog, Clock


async def note(
    log: ActivityLog,
    clock: Clock,
    kind: ActivityKind,
    text: str,
    *,
    cause: str,
    practitioner_id: str = "",
    count: int = 1,
) -> None:
    """`text`: one plain sentence without a client's name. `practitioner_id`: empty for the
    practice as a whole."""
    line = Activity(
        at=clock.now(),
        practitioner_id=practitioner_id,
        cause=caused(cause),
        kind=kind,
        text=text,
        count=count,
    )
    await log.add([line])
