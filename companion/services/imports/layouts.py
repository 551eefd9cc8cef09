"""Layouts: which column of an export means what.

Two layouts are recognised by their headers, without regard to case, spaces or punctuation: the
Bp Allied style (start and end in one cell each) and the Bp Premier style (date, time and length).
Where a layout knows several headers for a field, the first of its list that the file has counts.
Any other file needs a mapping, see `companion.services.imports.mappings`.

Rules of the built-in layouts, beyond those of `companion.services.imports.moments`:

- *Status* of the Bp Allied style is show-as: an unknown word means Busy; one that says that the
  appointment does not take place (cancelled, did not attend, deleted …) cancels it;
- RECORDSTATUS of the Bp Premier style: 1 is a live record, 2 a deleted one; texts as above;
- without a column of kinds an appointment with a client is a client appointment, one without is
  casual (a reservation).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType

from companion.domain.appointments import AppointmentKind, ShowAs
from companion.services.imports.cells import read_line
from companion.services.imports.moments import DateOrder

CANCELLED_WORDS = frozenset({
    "cancelled", "canceled", "deleted", "inactive", "dna", "did not attend", "did not arrive",
    "no show", "no-show", "noshow", "not attended", "postponed", "2",
})  # fmt: skip
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
    """TOML text it was made from; empty for a built-in one."""


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
    "end_time": "",
    "length": "minutes or hours:minutes, where there is no end",
    "all_day": "",
    "practitioner": "",
    "location": "",
    "status": "show-as, or a word that cancels",
    "cancelled": "",
    "recurring": "",
    "reason": "joined with the notes",
    "notes": "",
    "reminder": "minutes before",
    "created": "",
    "created_by": "",
    "updated": "",
}
"""Every field a column can mean, with a remark where the name does not say it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Style:
    """A built-in layout, not yet found in a file."""

    name: str
    source: str
    required: frozenset[str]
    telling: frozenset[str]
    """Fields of which one must be there too, so that not every table passes for this layout."""
    headers: Mapping[str, Sequence[str]]
    """Field to the headers it may stand under, squeezed, the best first."""


_ALLIED = _Style(
    name="Bp Allied style",
    source="bp-allied",
    required=frozenset({"start", "end", "practitioner"}),
    telling=frozenset({"kind", "id", "all_day", "type", "meeting_type"}),
    headers={
        "id": ["appointmentid"],
        "kind": ["type", "appointmentkind"],
        "client_id": ["clientid"],
        "client_first_name": ["clientfirstname"],
        "client_last_name": ["clientlastname", "clientsurname"],
        "client_name": ["clientname", "client"],
        "type": ["consultationtype"],
        "meeting_type": ["meetingtype"],
        "start": ["start"],
        "end": ["end"],
        "all_day": ["allday"],
        "practitioner": ["practitioner"],
        "location": ["location"],
        "status": ["status", "showas"],
        "cancelled": ["cancelled", "canceled"],
        "recurring": ["recurring"],
        "notes": ["notes"],
        "reminder": ["reminder"],
        "created": ["created"],
        "created_by": ["createdby"],
        "updated": ["updated"],
    },
)
_PREMIER = _Style(
    name="Bp Premier style",
    source="bp-premier",
    required=frozenset({"date", "time", "practitioner"}),
    telling=frozenset({"length"}),
    headers={
        "id": ["recordid", "appointmentid"],
        "client_id": ["internalid", "patientid"],
        "client_first_name": ["firstname", "patientfirstname", "givenname"],
        "client_last_name": ["surname", "patientsurname", "lastname", "patientlastname"],
        "client_name": ["patient", "patientname", "name"],
        "type": ["appointmenttype", "type"],
        "date": ["appointmentdate", "apptdate", "date"],
        "time": ["appointmenttime", "appttime", "starttime", "time"],
        "length": [
            "appointmentlength", "length", "duration", "lengthminutes", "lengthmins",
            "lengthmin", "durationminutes", "durationmins", "durationmin", "apptlength",
            "appointmentlengthminutes", "appointmentlengthmins",
        ],
        "practitioner": [
            "provider", "providername", "practitioner", "doctor", "username", "user", "userid",
            "providerid", "book",
        ],
        "location": ["location", "locationname", "locationid"],
        "status": ["recordstatus", "appointmentstatus", "status"],
        "cancelled": ["cancelled", "canceled"],
        "reason": ["reason", "reasonforvisit"],
        "notes": ["comment", "comments", "notes"],
        "created": ["created"],
        "created_by": ["createdby"],
        "updated": ["updated"],
    },
)  # fmt: skip


def squeezed(header: str) -> str:
    """A header as compared: letters and figures only, no case."""
    return re.sub(r"[^\w]|_", "", header.casefold())


def recognise(headers: Sequence[str]) -> Layout | None:
    """The built-in layout of a file with these headers; None for any other."""
    positions: dict[str, int] = {}
    for position, header in enumerate(headers):
        positions.setdefault(squeezed(header), position)
    for style in (_ALLIED, _PREMIER):
        found = {
            field_name: next((positions[each] for each in wanted if each in positions), None)
            for field_name, wanted in style.headers.items()
        }
        columns = {name: position for name, position in found.items() if position is not None}
        if style.required <= columns.keys() and style.telling & columns.keys():
            titles = {name: read_line(headers[at], 40) for name, at in columns.items()}
            return Layout(name=style.name, source=style.source, columns=columns, titles=titles)
    return None


def looks_like_data(headers: Sequence[str]) -> bool:
    """Does this first row hold someone's appointment rather than the names of columns?"""
    return any(re.search(r"\d{1,2}[:/.-]\d{2}|@|^\d+$", header) for header in headers)
