"""What the commands of a practice print of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from companion.console import out, table

if TYPE_CHECKING:
    from companion.adapters.practice_note import PracticeNote
    from companion.services.ports import Workstation


def note_json(note: PracticeNote) -> dict[str, str]:
    return {
        "practice": note.practice_id,
        "workstation": note.workstation_id,
        "place": note.place,
    }


def workstation_json(each: Workstation) -> dict[str, object]:
    return {
        "id": each.id,
        "name": each.name,
        "version": each.version,
        "on": each.on,
        "keeps_calendars": each.keeps_calendars,
        "since": each.since,
        "seen_at": each.seen_at,
        "joined_at": each.joined_at,
        "feed_address": each.feed_address,
        "clock_ahead": each.clock_ahead.total_seconds(),
    }


def _doing(each: Workstation) -> str:
    if each.keeps_calendars:
        return "keeps the calendars"
    return "on" if each.on else "off"


def show_key(text: str, fingerprint: str) -> None:
    out.print(
        f"\n    Practice key: {text}\n    Fingerprint:  {fingerprint}\n\nA workstation needs the "
        "key once, to join. Keep it where the practice keeps its keys: whoever has it, and reaches "
        "the database, can open the Google sign-ins."
    )


def workstations_table(found: Sequence[Workstation], this_one: str, timezone: str) -> None:
    zone = ZoneInfo(timezone)
    table(
        ["Workstation", "", "Version", "Last seen"],
        [
            [
                f"{each.name}{' (this one)' if each.id == this_one else ''}",
                _doing(each),
                each.version,
                "" if each.on else f"{each.seen_at.astimezone(zone):%d/%m/%Y %H:%M}",
            ]
            for each in found
        ],
    )


def left_words(place: str, kept: Sequence[Path]) -> None:
    """Of a workstation that has left; `kept` lies there of the time before."""
    out.print(f"This computer has left the practice in {place}, which goes on without it.")
    if not kept:
        out.print("Nothing of it is kept here.")
        return
    out.print(
        "What the practice itself keeps is gone from here. But older copies of the book, with "
        "clients' names and not encrypted, still lie in:"
    )
    for folder in kept:
        out.print(f"    {folder}", soft_wrap=True)
    out.print(
        "Delete them before this computer is given away, and sooner once the practice has backups."
    )
