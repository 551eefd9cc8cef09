"""What was known last of each practitioner, while the server of a shared practice is away.

Somebody else may work on with it meanwhile, so nothing here is said as if it were of now."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from companion.services.status import PractitionerStatus
from companion.services.sync.auditing import clock_time


def as_last_known(
    status: PractitionerStatus, known_until: datetime, now: datetime
) -> PractitionerStatus:
    """In the words of `known_until`, with nothing to press that needs the server."""
    at = clock_time(known_until, status.practitioner.timezone, now)
    sentence = (
        f"Up to date at {at}; not known since."
        if status.state == "up to date"
        else f"At {at}: {status.sentence.rstrip('.')}. Not known since."
    )
    return replace(
        status,
        state="not known",
        sentence=sentence,
        remedy="",
        action="",
        stale_since=None,
        next_look=None,
        held=0,
        progress=None,
        known_until=known_until,
    )
