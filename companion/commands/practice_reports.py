"""What the commands of a practice print of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from companion.console import out, table

if TYPE_CHECKING:
    from companion.adapters.practice_note import PracticeNote
    from companion.domain.settings import SourceSettings
    from companion.services.ports import Workstation
    from companion.storage.renewing_key import KeyRenewed


def note_json(note: PracticeNote) -> dict[str, str]:
    return {
        "practice": note.practice_id,
        "workstation": note.workstation_id,
        "place": note.place,
    }


def workstation_json(each: Workstation) -> dict[str, object]:
    return {**asdict(each), "clock_ahead": each.clock_ahead.total_seconds()}


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


def renewed_json(renewed: KeyRenewed) -> dict[str, object]:
    return {
        **note_json(renewed.note),
        "key": renewed.key.text,
        "fingerprint": renewed.key.fingerprint,
        "secrets": renewed.secrets,
        "others": list(renewed.others),
    }


def show_renewed(renewed: KeyRenewed) -> None:
    out.print(
        f"The practice has another key, and {renewed.secrets} sealed secrets were sealed anew. The "
        "old key opens nothing any more."
    )
    show_key(renewed.key.text, renewed.key.fingerprint)
    if renewed.others:
        out.print(
            f"Type it on each other workstation ({', '.join(renewed.others)}), which stops until "
            "then: python run.py practice join, then python run.py start"
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


def joined(note: PracticeNote, wanted: str, fingerprint: str) -> str:
    """`wanted`: the name that was asked for, empty for any."""
    sentence = (
        f"This computer is “{note.name}” of the practice in {note.place} now. Key fingerprint: "
        f"{fingerprint} (the same on every workstation).\nStart it: python run.py"
    )
    if not wanted or note.name == wanted:
        return sentence
    return (
        f"{sentence}\nIt is not called “{wanted}”: another workstation has that name, or this one "
        "belonged to the practice already. It is renamed under Practice, Workstations."
    )


def unwatched(sources: Sequence[SourceSettings]) -> str:
    """What nobody looks at once this workstation has left; empty for nothing."""
    if not sources:
        return ""
    listed = ", ".join(f"{each.name} ({each.folder})" for each in sources)
    return (
        f"This computer alone watches the folder of {listed}: nothing will arrive from there any "
        "more. On another workstation that sees the folder: python run.py sources watch NAME. "
        "Or choose another folder there: python run.py sources add NAME FOLDER."
    )


def left(place: str, kept: Sequence[Path], watched: Sequence[SourceSettings] = ()) -> str:
    """Of a workstation that has left; `kept` still lies there of the time before, `watched` is
    looked at by nobody now."""
    sentence = (
        f"This computer no longer belongs to the practice in {place}, and keeps neither its "
        "address nor its key."
    )
    if kept:
        sentence = (
            f"{sentence} Files from before may hold clients' names: delete them before the "
            f"computer is given away: {', '.join(map(str, kept))}"
        )
    return f"{sentence}\n{unwatched(watched)}".rstrip()
