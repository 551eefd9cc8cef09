"""Software: the layouts of practice software that we know, one TOML file each beside this module.

    name = "Example"                    # as a person is told
    source = "example"                  # of its imports, where nobody names one
    headings = ["Start|Begins", "With"] # all of these must be there; | parts other words for one
    any_of = ["Outcome", "Room"]        # and one of these
    without = ["Subject"]               # and none of these
    [columns]                           # field = headings, the best first; `cancelled` takes all
    start = ["Start", "Begins"]
    ignore = ["Fee"]                    # known, of no use here
    [statuses]                          # words of this software alone
    cancelled = ["2"]
    booked = ["1"]
    [show_as]
    "out of office" = ["3"]
    [reading]
    date_order = "mdy"                  # what it always writes
    length_unit = "minutes"
    all_day_end = "exclusive"           # the end of a whole day is the day after
    one_person = true                   # a file holds one person's calendar

A practice adds one of its own the same way, as a file in the folder ``layouts`` of its home.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from companion.domain.appointments import ShowAs
from companion.domain.errors import BadInput
from companion.services.imports.cells import folded, read_line
from companion.services.imports.layouts import FIELDS
from companion.services.imports.lengths import LengthUnit
from companion.services.imports.moments import DateOrder
from companion.services.imports.reading.headings import squeezed

_TOP = {
    "name", "source", "headings", "any_of", "without", "columns", "statuses", "show_as", "reading",
}  # fmt: skip
_READING = {"date_order", "length_unit", "all_day_end", "one_person"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Software:
    """One layout, not yet found in a file. Headings are squeezed, words folded."""

    name: str
    source: str
    required: Sequence[frozenset[str]]
    any_of: frozenset[str]
    without: frozenset[str]
    columns: Mapping[str, Sequence[str]]
    ignored: frozenset[str]
    cancelled: frozenset[str] = frozenset()
    booked: frozenset[str] = frozenset()
    show_as: Mapping[str, ShowAs]
    date_order: DateOrder | None = None
    length_unit: LengthUnit | None = None
    all_day_end: str = ""
    one_person: bool = False

    def claims(self, headings: Collection[str]) -> bool:
        """Do these headings (squeezed) speak of this software? Its values are looked at besides."""
        return (
            all(each & set(headings) for each in self.required)
            and (not self.any_of or not self.any_of.isdisjoint(headings))
            and self.without.isdisjoint(headings)
        )

    def known(self, headings: Iterable[str]) -> int:
        """How many of a file's headings it knows: the more, the surer."""
        mine = {each for listed in self.columns.values() for each in listed} | self.ignored
        return sum(each in mine for each in headings)


@cache
def built_in() -> tuple[Software, ...]:
    folder = files("companion.services.imports.layouts")
    names = sorted(each.name for each in folder.iterdir() if each.name.endswith(".toml"))
    return tuple(software_of(folder.joinpath(name).read_text("utf-8")) for name in names)


def software_of(text: str, where: str = "") -> Software:
    """Raises BadInput, its `field` the key that is wrong."""
    try:
        document = tomllib.loads(text)
        unknown = [*(document.keys() - _TOP), *(document.get("reading", {}).keys() - _READING)]
        unknown += document.get("columns", {}).keys() - {*FIELDS, "ignore"}
        if unknown:
            raise ValueError(f"{unknown[0]} is no key of a layout")
        return _software(document)
    except (tomllib.TOMLDecodeError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise BadInput(
            f"The layout {where or 'file'} cannot be read: {read_line(str(error), 200)}.",
            "Compare it with the layouts that come with the program.",
            field="layout",
        ) from error


def _software(document: Mapping[str, Any]) -> Software:
    reading = document.get("reading", {})
    columns = {
        name: tuple(squeezed(each) for each in listed)
        for name, listed in document.get("columns", {}).items()
    }
    statuses = document.get("statuses", {})
    return Software(
        name=document["name"],
        source=document["source"],
        required=tuple(
            frozenset(squeezed(each) for each in alternatives.split("|"))
            for alternatives in document["headings"]
        ),
        any_of=frozenset(squeezed(each) for each in document.get("any_of", ())),
        without=frozenset(squeezed(each) for each in document.get("without", ())),
        ignored=frozenset(columns.pop("ignore", ())),
        columns=columns,
        cancelled=frozenset(folded(each) for each in statuses.get("cancelled", ())),
        booked=frozenset(folded(each) for each in statuses.get("booked", ())),
        show_as={
            folded(word): ShowAs(meaning)
            for meaning, listed in document.get("show_as", {}).items()
            for word in listed
        },
        date_order=DateOrder(reading["date_order"]) if "date_order" in reading else None,
        length_unit=LengthUnit(reading["length_unit"]) if "length_unit" in reading else None,
        all_day_end=reading.get("all_day_end", ""),
        one_person=bool(reading.get("one_person")),
    )


def candidates(headings: Sequence[str], own: Sequence[Software] = ()) -> list[Software]:
    """Those whose headings a file has, the surest first; a practice's own before the built-in."""
    shapes = [squeezed(each) for each in headings if each]
    claiming = [
        (position < len(own), each.known(shapes), each)
        for position, each in enumerate([*own, *built_in()])
        if each.claims(shapes)
    ]
    claiming.sort(key=lambda entry: (entry[0], entry[1]), reverse=True)
    return [each for _, _, each in claiming]
