"""Weeks of a practice in use, as the pages show them: real passes on the days of a virtual clock,
with edits before them, weekends off, and one day without the internet."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

from companion.domain.errors import Offline
from tests.fakes.services import SYDNEY, FakeApplication, RunningClock, the_sample

OFFLINE_AFTER = 12
"""Days."""
DAY = 86_400


async def live_on(application: FakeApplication, clock: RunningClock, days: int) -> None:
    """Each day reception moves a few appointments of those who are connected, and the sync
    follows."""
    sample = the_sample()
    everybody = application.settings.read().practitioners.values()
    kept = [each.practitioner.id for each in everybody if each.google.connected]
    for number in range(days and days + 1):
        if clock.now().astimezone(ZoneInfo(SYDNEY)).weekday() < 5:
            offline = number == OFFLINE_AFTER
            for remote in application.google.calendars_by_id.values():
                remote.refusing = Offline() if offline else None
            for place, identity in enumerate(kept):
                theirs = [e for e in sample.imported if e.practitioner_id == identity]
                edited = theirs[number % 7 : number % 7 + 2 + (number * 3 + place) % 6]
                await application.write(
                    *(replace(each, location=f"Room {number % 9 + 1}") for each in edited)
                )
                clock.shift(2 + (number * 7 + place) % 11)
                await application.services.syncing.run(identity, cause="worker", audit=True)
        if number < days:
            clock.shift(DAY - (clock.now() - clock.begun).total_seconds() % DAY)
