"""Filing: moving a file that is dealt with out of the way, below its watched folder.

A writer that pauses for long may go on in a file that is filed away already (not on Windows, where
an open file cannot be moved): one that grows within two minutes is taken back, to be read again,
whole. Where a file cannot be moved, or a folder of ours is a link that somebody has planted, it
stays, and is tried again now and then.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from companion.services.ports import Clock
from companion.services.sources.folders import Changed, Folder, Linked, SeenFile, apart

AGAIN = 60.0
"""Seconds after which files that could not be moved are tried again."""
GROWING = 120.0
"""Seconds for which a file that was filed away is looked at: its writer may only have paused."""


class Filing:
    def __init__(self, folder: Folder, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._again = 0.0
        self._filed: dict[str, tuple[str, int, float]] = {}
        """By place: the name it was dropped under, its bytes, and until when it is looked at."""
        self._linked = ""

    @property
    def trouble(self) -> str:
        """Why files stay where they are, with what to do; empty while they do not."""
        if not self._linked:
            return ""
        return (
            f"“{self._linked}” in the folder is a link, so files are left where they are. Remove "
            "the link: the program makes a folder of its own."
        )

    async def away(self, seen: SeenFile, into: str, zone: str, report: str = "") -> str:
        """Its new place, named by the time in `zone`. Raises Changed, OSError."""
        stamp = f"{_local(self._clock, zone):%Y-%m-%d %H.%M.%S}"
        try:
            place = await apart(lambda: self._folder.file_away(seen, into, stamp, report))
        except Changed:
            raise
        except OSError as error:
            self._linked = error.name if isinstance(error, Linked) else ""
            self._again = self._clock.monotonic() + AGAIN
            raise
        self._linked = ""
        return place

    def watch(self, place: str, seen: SeenFile) -> None:
        """It was filed there just now."""
        self._filed[place] = (seen.name, seen.size, self._clock.monotonic() + GROWING)

    async def grown(self) -> list[str]:
        """Former places of files that have grown, and are back in the folder."""
        now = self._clock.monotonic()
        back = []
        for place, (name, size, until) in [*self._filed.items()]:
            if now >= until:
                del self._filed[place]
                continue
            try:
                if not await apart(lambda: self._taken_back(place, name, size)):  # noqa: B023 - awaited at once
                    continue
            except OSError:  # moved on by a person, or the share went away
                del self._filed[place]
                continue
            del self._filed[place]
            back.append(place)
        return back

    def _taken_back(self, place: str, name: str, size: int) -> bool:
        if self._folder.look(place).size <= size:
            return False
        self._folder.take_back(place, name)
        return True

    def due(self) -> bool:
        """Is it time to try files again that could not be moved?"""
        now = self._clock.monotonic()
        if now < self._again:
            return False
        self._again = now + AGAIN
        return True


def moment_in_words(clock: Clock, zone: str) -> str:
    """Thursday 3 December 2026, 09:00."""
    local = _local(clock, zone)
    return f"{local:%A} {local.day} {local:%B %Y}, {local:%H:%M}"


def _local(clock: Clock, zone: str) -> datetime:
    return clock.now().astimezone(ZoneInfo(zone))
