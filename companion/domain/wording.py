"""EventWording: what one disclosure lets an event say.

Hidden names are also removed from the texts that a person typed (`redaction`): type, location,
notes, addresses.
"""

from __future__ import annotations

from dataclasses import dataclass

from companion.domain.appointments import (
    Appointment,
    AppointmentKind,
    Occurrence,
    ShowAs,
    fold_name,
)
from companion.domain.client_names import ClientNames
from companion.domain.client_naming import name_as_shown
from companion.domain.disclosure import ClientName, Disclosure, DisclosureItem
from companion.domain.person_names import person_name
from companion.domain.plain_text import clean_text, safe_link, shorten, without_markup
from companion.domain.redaction import Redactor

SUMMARY_LIMIT = 300
LOCATION_LIMIT = 500
DESCRIPTION_LIMIT = 8000
BUSY = "Busy"


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts of an appointment whose occurrence changes none of them."""

    masked: bool
    redact: Redactor | None
    summary: str
    location: str


class EventWording:
    """The texts that one disclosure allows.

    A practitioner's appointments repeat clients, types and locations, so that most texts are made
    once for several appointments; only notes are nearly always new.
    """

    def __init__(self, disclosure: Disclosure, practitioner_name: str, names: ClientNames) -> None:
        self._disclosure = disclosure
        self._names = names
        items = disclosure.items
        self._shows_type = DisclosureItem.TYPE in items
        self._shows_location = DisclosureItem.LOCATION in items
        self._shows_status = DisclosureItem.STATUS in items
        self._shows_notes = DisclosureItem.NOTES in items
        self._shows_address = DisclosureItem.ADDRESS in items
        self._shows_link = DisclosureItem.TELEHEALTH in items
        named = DisclosureItem.PRACTITIONER in items and practitioner_name
        self._with = f"With: {clean_text(practitioner_name)}" if named else ""
        self._practitioner = practitioner_name
        self._known: dict[tuple[str, ...], Texts] = {}
        self._redactors: dict[tuple[str, str, str], Redactor] = {}

    def texts(self, appointment: Appointment) -> Texts:
        source = (
            appointment.kind,
            appointment.title,
            appointment.appointment_type,
            appointment.client_id,
            appointment.client_first_name,
            appointment.client_last_name,
            appointment.location,
        )
        known = self._known.get(source)
        if known is None:
            masked = self._disclosure.masks(appointment)
            redact = self._redactor(appointment)
            known = self._known[source] = Texts(
                masked,
                redact,
                BUSY if masked else self._summary(appointment, appointment.title, redact),
                "" if masked else self._location(appointment.location, redact),
            )
        return known

    def summary(self, texts: Texts, occurrence: Occurrence) -> str:
        if texts.masked or occurrence.change is None:
            return texts.summary
        return self._summary(occurrence.appointment, occurrence.title, texts.redact)

    def location(self, texts: Texts, occurrence: Occurrence) -> str:
        if texts.masked:
            return ""
        place = texts.location
        if occurrence.change is not None:
            place = self._location(occurrence.location, texts.redact)
        address = occurrence.appointment.visit_address if self._shows_address else ""
        if not address:
            return place
        shown = _shown(address, texts.redact)
        return shorten(", ".join(filter(None, dict.fromkeys((place, shown)))), LOCATION_LIMIT)

    def description(self, texts: Texts, occurrence: Occurrence) -> str:
        if texts.masked:
            return ""
        lines = [self._with] if self._with else []
        if self._shows_status and occurrence.show_as is not ShowAs.BUSY:
            lines.insert(0, f"Status: {occurrence.show_as.value.capitalize()}")
        link = safe_link(occurrence.appointment.telehealth_link) if self._shows_link else ""
        # A link that names the client is left out: without the name it would lead nowhere.
        if link and (texts.redact is None or texts.redact(link) == link):
            lines.append(f"Telehealth: {link}")
        notes = occurrence.notes if self._shows_notes else ""
        if notes:
            notes = clean_text(notes, keep_lines=True)
            lines.append(without_markup(texts.redact(notes) if texts.redact else notes))
        return shorten("\n".join(lines), DESCRIPTION_LIMIT) if lines else ""

    def _redactor(self, appointment: Appointment) -> Redactor | None:
        """None where names are shown in full."""
        mode = self._disclosure.client_name
        if mode is ClientName.FULL:
            return None
        source = (
            appointment.client_first_name,
            appointment.client_last_name,
            _walk_in(appointment),
        )
        known = self._redactors.get(source)
        if known is None:
            known = self._redactors[source] = Redactor(
                person_name(*source[:2]),
                names=self._names,
                only_family=mode is ClientName.FIRST,
                beside=source[2],
                practitioner=self._practitioner,
            )
        return known

    def _summary(self, appointment: Appointment, title: str, redact: Redactor | None) -> str:
        kind_of = _shown(appointment.appointment_type, redact) if self._shows_type else ""
        if appointment.kind is AppointmentKind.MEETING:
            title = _shown(title, redact, prose=True) if self._shows_type else ""
            words = title or kind_of or "Meeting"
        else:
            mode = self._disclosure.client_name
            name = name_as_shown(appointment, mode)
            if not name and mode is ClientName.FULL:
                name = clean_text(title)
            fallback = f"{appointment.kind.capitalize()} appointment"
            words = " – ".join(part for part in (name, kind_of) if part) or fallback
        return shorten(words, SUMMARY_LIMIT)

    def _location(self, location: str, redact: Redactor | None) -> str:
        return shorten(_shown(location, redact), LOCATION_LIMIT) if self._shows_location else ""


def _shown(text: str, redact: Redactor | None, *, prose: bool = False) -> str:
    cleaned = clean_text(text)
    return redact(cleaned, prose=prose) if redact else cleaned


def _walk_in(appointment: Appointment) -> str:
    """What may be a name in the title: its capitalised words, apart from those of the type."""
    title = appointment.title
    if not title or appointment.kind is AppointmentKind.MEETING:
        return ""
    usual = fold_name(appointment.appointment_type).split()
    words = [word for word in title.split() if fold_name(word) not in usual]
    capitalised = [word for word in words if not word[0].islower()]
    return " ".join(capitalised if title != title.lower() else words)
