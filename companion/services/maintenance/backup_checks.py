"""The doctor's check of the daily backups."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from companion.services.maintenance.findings import (
    CheckContext,
    Finding,
    FindingAction,
    State,
    Topic,
)

BACKUPS = Topic("backups", "Backups")


async def backups(context: CheckContext) -> Iterable[Finding]:
    """The age of the last good one, and whether it is still there."""
    if context.daily_backups is None:
        return []
    standing = await context.daily_backups.standing()
    now, last = context.clock.now(), standing.last
    look = FindingAction(label="Look at the backups", page="/backup", command="run.py backups")
    if not standing.on:
        if not await context.book.count():
            return []  # nothing is there that could be lost
        what = "No backups are made by themselves."
        remedy = "Switch daily backups on, to a disk or share other than this computer's."
    elif last is None and (lost := standing.out_of_reach) is not None:
        age = _age(now - lost.made_at)
        what = f"No backup is within reach: the newest is {age} old, on {standing.where(lost)}."
        remedy = "Make a backup now. If that computer is still there, bring its backups from it."
    elif last is None:
        what = standing.what or "No backup has been made yet."
        remedy = standing.remedy or "It is made at the time set, or make one now."
    elif not await context.daily_backups.last_is_there():
        what = "The last backup is not where it was written: its disk or share is not connected, "
        what += "or somebody deleted it."
        remedy = "Connect it, or make a backup now."
    else:
        place = standing.where(last)
        when = f"The last good backup is {_age(now - last.made_at)} old{place and f', on {place}'}"
        if not (standing.old or standing.what):
            disk = "its" if place else "this computer's"
            other = "" if standing.plan.other_disk else f", on {disk} own disk"
            return [BACKUPS.ok(f"{when}{other}. It was opened and read.")]
        what = f"{when}. {standing.what}".strip()
        remedy = standing.remedy or "Leave the computer on at the time set, or make one now."
    state: State = "fail" if standing.too_old else "warn"
    finding = BACKUPS.finding(state, what, remedy, action=look)
    return [finding]


def _age(age: timedelta) -> str:
    hours = age.total_seconds() / 3600
    return f"{hours / 24:.0f} days" if hours >= 48 else f"{max(0, hours):.0f} hours"
