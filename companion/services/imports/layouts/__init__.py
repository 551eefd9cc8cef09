"""Layouts: which column of a file means what.

`Layout` is a file understood, however that came about: by a layout of some software (the TOML
files beside this module, read by `software`), by headings and values alone, or by a person's
mapping (`companion.services.imports.mappings`).

Without a column of kinds an appointment with a client is a client appointment, one without is
casual (a reservation).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from types import MappingProxyType

from companion.domain.appointments import AppointmentKind, ShowAs
from companion.services.imports.clock_times import TimeUnit
from companion.services.imports.lengths import LengthUnit
from companion.services.imports.moments import EXCEL_EPOCH, DateOrder

KIND_WORDS: Mapping[str, AppointmentKind] = MappingProxyType(
    {
        "client": AppointmentKind.CLIENT,
        "patient": AppointmentKind.CLIENT,
        "casual": AppointmentKind.CASUAL,
        "meeting": AppointmentKind.MEETING,
    }
)
SHOW_AS_WORDS: Mapping[str, ShowAs] = MappingProxyType(
    {
        **{each.value: each for each in ShowAs},
        "oof": ShowAs.OUT_OF_OFFICE,
        "out-of-office": ShowAs.OUT_OF_OFFICE,
        "unconfirmed": ShowAs.TENTATIVE,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Values of this layout and what they mean; all folded. None: the usual words."""

    cancelled: frozenset[str] | None = None
    booked: frozenset[str] = frozenset()
    """Status words that a mapping or a layout says take place."""
    all_day: frozenset[str] | None = None
    recurring: frozenset[str] | None = None
    kinds: Mapping[str, AppointmentKind] = field(default_factory=lambda: KIND_WORDS)
    show_as: Mapping[str, ShowAs] = field(default_factory=lambda: SHOW_AS_WORDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallbacks:
    """What counts where the file has no such column or an empty cell."""

    kind: AppointmentKind | None = None
    practitioner: str = ""
    location: str = ""
    length: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A file's columns, understood."""

    name: str
    """As a person is told: "Bp Allied style"."""
    source: str
    """Name of the import source where nobody gave another."""
    columns: Mapping[str, int]
    """Field (a key of FIELDS) to position in the row."""
    titles: Mapping[str, str]
    """Field to the header as it stands in the file, for messages."""
    date_order: DateOrder = DateOrder.DMY
    timezone: str = ""
    """IANA zone of the file's wall times; empty for each practitioner's own."""
    words: Words = field(default_factory=Words)
    fallbacks: Fallbacks = field(default_factory=Fallbacks)
    practitioners: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Folded name in the file to a practitioner's id or name."""
    snapshot: bool | None = None
    """Files are whole; None where the layout does not say."""
    mapping: str = ""
    """TOML text it was made from; empty for any other."""
    software: str = ""
    """The software whose layout it is; empty where a mapping, or headings and values, decided."""
    order_given: bool = False
    """Somebody said the order of day and month: it need not be proved."""
    cancelling: tuple[int, ...] = ()
    """Columns each of which takes an appointment away: yes, a moment, a reason."""
    status_columns: tuple[int, ...] = ()
    """All columns of status words; the first is the field ``status``."""
    statuses: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Folded status word to ``booked`` or ``cancelled``."""
    length_unit: LengthUnit = LengthUnit.MINUTES
    time_unit: TimeUnit = TimeUnit.CLOCK
    all_day_end: str = ""
    """``inclusive`` (the last day), ``exclusive`` (the day after), or empty: a midnight written
    out is exclusive, a day alone inclusive."""
    epoch: date = EXCEL_EPOCH
    """What the number 0 means as a day."""
    in_utc: frozenset[str] = frozenset()
    """Fields whose heading says that their moments are UTC."""
    titles_are: tuple[str, ...] = ()
    """What titles are made of: ``{client_name} - {type}``; the first that fits counts."""
    several: Mapping[str, Sequence[str]] = field(default_factory=lambda: MappingProxyType({}))
    """A practitioner's cell to the names in it, where there are several."""
    zones: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Folded words of the time-zone column to IANA zones."""


FIELDS = {
    "id": "the appointment's own id, the same in every export",
    "kind": "client, casual or meeting",
    "client_id": "",
    "client_first_name": "",
    "client_last_name": "",
    "client_name": "the whole name, where one column holds it",
    "type": "consultation type",
    "meeting_type": "",
    "title": "",
    "start": "date and time",
    "end": "date and time",
    "date": "where date and time have a column each",
    "time": "",
    "end_date": "where the end's date and time have a column each",
    "end_time": "",
    "length": "where there is no end; see length_unit",
    "all_day": "",
    "practitioner": "",
    "practitioner_first_name": "where first and last name have a column each",
    "practitioner_last_name": "",
    "timezone": "of the row's times",
    "location": "",
    "visit_address": "of a home visit",
    "telehealth_link": "of a video call",
    "status": "a word that says whether it takes place, or show-as",
    "show_as": "busy, tentative, out of office, free",
    "cancelled": "yes, a moment or a reason; may be several columns",
    "recurring": "",
    "reason": "joined with the notes",
    "notes": "",
    "reminder": "minutes before",
    "created": "",
    "created_by": "",
    "updated": "",
}
"""Every field a column can mean, with a remark where the name does not say it."""
