"""Columns: the columns of a grid with what their headings mean and what their values are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from companion.services.imports.layouts.software import Software
from companion.services.imports.reading.grid import SECTION, SHEET
from companion.services.imports.reading.headings import Heading, squeezed
from companion.services.imports.reading.kinds import Profile

OF_LAYOUT = 2.0
"""Strength of a heading that the recognised layout names."""
DAY, CLOCK, MOMENT, NOTHING = "day", "clock", "moment", ""


@dataclass(slots=True)
class Column:
    at: int
    heading: Heading
    profile: Profile
    values: Mapping[object, int]
    meanings: Mapping[str, float] = field(default_factory=dict)
    ignored: bool = False

    @property
    def shape(self) -> str:
        """What its moments are: a day, a time of day, both, or nothing of the kind."""
        found = self.profile
        if found.share(found.days) >= 0.5:
            timed = found.moments - found.midnights
            return MOMENT if timed > 0 and found.moments >= 0.2 * found.days else DAY
        if found.share(found.clocks + found.days) >= 0.5:
            return MOMENT if found.moments else CLOCK
        if found.share(found.fractions) >= 0.5:
            return CLOCK
        numbers = found.share(found.numbers + found.clocks) >= 0.5
        return CLOCK if numbers and {"time", "start", "end"} & self.meanings.keys() else NOTHING

    def strength(self, *names: str) -> float:
        return max((self.meanings.get(each, 0.0) for each in names), default=0.0)


@dataclass(slots=True)
class Assignment:
    columns: dict[str, int] = field(default_factory=dict)
    cancelling: list[int] = field(default_factory=list)
    status_columns: list[int] = field(default_factory=list)
    missing: str = ""
    """``start`` where no column could hold one."""

    @property
    def used(self) -> set[int]:
        return {*self.columns.values(), *self.cancelling, *self.status_columns}


def meanings_of(column: Column, software: Software | None) -> Mapping[str, float]:
    if column.heading.text in {SECTION, SHEET}:
        return {}
    if software is None:
        return column.heading.meanings
    shape = squeezed(column.heading.text)
    if shape in software.ignored:
        return {"ignore": OF_LAYOUT}
    own = {
        name: OF_LAYOUT - 0.01 * listed.index(shape)
        for name, listed in software.columns.items()
        if shape in listed
    }
    if not own:
        return column.heading.meanings
    doubtful = own.get("practitioner", OF_LAYOUT) < OF_LAYOUT or "kind" in own
    return {**column.heading.meanings, **own} if doubtful else own
