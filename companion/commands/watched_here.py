"""What only this workstation of a practice looks at."""

from __future__ import annotations

from companion.adapters.practice_note import practice_note
from companion.domain.errors import CompanionError
from companion.domain.settings import SourceSettings
from companion.environment import Environment


async def watched_here(environment: Environment) -> list[SourceSettings]:
    """The sources whose folder it watches; none where the practice cannot be asked, or there is
    none."""
    from companion.main import open_ports

    note = practice_note(environment.home)
    if note is None:
        return []
    try:
        async with open_ports(environment, holder="a command") as ports:
            known = ports.settings.read().sources.values()
    except CompanionError:
        return []
    return [each for each in known if each.folder and each.workstation == note.workstation_id]
