"""Draft: an appointment as the dialog of the Appointment Book holds it, and what makes it good.

`checked` tidies every field and names the one that cannot be kept. Times are wall times of the
practitioner's zone; one that does not exist there, because the clocks go forward, is refused
here rather than moved silently. Overlapping appointments are allowed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from companion.domain.appointments import (
    Appointment,
    AppointmentKind,
    AppointmentStatus,
    Occurrence,
    Recurrence,
    ShowAs,
    check_times,
    instant,
    parse_rule,
    wall_time,
)
from companion.domain.errors import BadInput
from companion.domain.plain_text import safe_link
from companion.domain.repetition import first_start
from companion.domain.settings import PractitionerSettings, Settings
from companion.domain.wording import LOCATION_LIMIT
from companion.services.settings import checks

TITLE_LIMIT = 1000
NOTES_LIMIT = 8000
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentDraft:
    kind: AppointmentKind
    practitioner_id: str
    start: datetime
    """Wall time; midnight of the first day when `all_day`."""
    end: datetime
    """Wall time, exclusive."""
    all_day: bool = False
    client_id: str = ""
    client_first_name: str = ""
    client_last_name: str = ""
    title: str = ""
    appointment_type: str = ""
    location: str = ""
    visit_address: str = ""
    telehealth_link: str = ""
    notes: str = ""
    show_as: ShowAs = ShowAs.BUSY
    reminder_minutes: int | None = None
    cancelled: bool = False
    rule: str = ""
    """RRULE of a recurring meeting; empty for a single one."""


def draft_of(occurrence: Occurrence, *, cancelled: bool = False) -> AppointmentDraft:
    """What the dialog begins with for one occurrence of an appointment in the book."""
    each = occurrence.appointment
    return AppointmentDraft(
        kind=each.kind,
        practitioner_id=each.practitioner_id,
        start=occurrence.start,
        end=occurrence.end,
        all_day=each.all_day,
        client_id=each.client_id,
        client_first_name=each.client_first_name,
        client_last_name=each.client_last_name,
        title=occurrence.title,
        appointment_type=each.appointment_type,
        location=occurrence.location,
        visit_address=each.visit_address,
        telehealth_link=each.telehealth_link,
        notes=occurrence.notes,
        show_as=occurrence.show_as,
        reminder_minutes=each.reminder_minutes,
        cancelled=cancelled or each.cancelled,
        rule=each.recurrence.rule if each.recurrence else "",
    )


def checked(draft: AppointmentDraft, settings: Settings) -> AppointmentDraft:
    """Tidied; raises BadInput whose field is that of Draft."""
    record = practitioner_of(settings, draft.practitioner_id)
    tidy = _with_texts(draft)
    if tidy.kind is AppointmentKind.CLIENT:
        if not (tidy.client_first_name or tidy.client_last_name or tidy.client_id):
            raise BadInput(
                "A client appointment needs a client.",
                "Type a name or the client's number.",
                field="client_last_name",
            )
        tidy = replace(tidy, title="")
    else:
        tidy = replace(
            tidy, client_id="", client_first_name="", client_last_name="", visit_address=""
        )
        if not (tidy.title or tidy.appointment_type):
            raise BadInput("It has no title.", "Type a title or a type.", field="title")
    _check_times(tidy, record)
    checks.reminder(tidy.reminder_minutes, "reminder_minutes")
    return _with_rule(tidy)


def practitioner_of(settings: Settings, practitioner_id: str) -> PractitionerSettings:
    record = settings.practitioners.get(practitioner_id)
    if record is None:
        raise BadInput(
            "Whose appointment is it?", "Choose a practitioner.", field="practitioner_id"
        )
    return record


def _with_texts(draft: AppointmentDraft) -> AppointmentDraft:
    return replace(
        draft,
        client_id=checks.text(draft.client_id, "client_id"),
        client_first_name=checks.text(draft.client_first_name, "client_first_name"),
        client_last_name=checks.text(draft.client_last_name, "client_last_name"),
        title=checks.text(draft.title, "title", TITLE_LIMIT),
        appointment_type=checks.text(draft.appointment_type, "appointment_type"),
        location=checks.text(draft.location, "location"),
        visit_address=checks.text(draft.visit_address, "visit_address", LOCATION_LIMIT),
        telehealth_link=_link(draft.telehealth_link),
        notes=_notes(draft.notes),
    )


def _link(text: str) -> str:
    typed = checks.text(text, "telehealth_link", TITLE_LIMIT)
    if typed and not safe_link(typed):
        raise BadInput(
            "That is no link to a video call.",
            "Copy the whole link, from https:// on.",
            field="telehealth_link",
        )
    return typed


def _notes(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    kept = "\n".join(_CONTROL.sub("", line).rstrip() for line in lines).strip("\n")
    if len(kept) > NOTES_LIMIT:
        raise BadInput(
            f"The notes are longer than {NOTES_LIMIT:,} characters.", "Shorten them.", field="notes"
        )
    return kept


def _check_times(draft: AppointmentDraft, record: PractitionerSettings) -> None:
    check_times(draft.start, draft.end, all_day=draft.all_day)
    if draft.all_day:
        return
    zone = record.practitioner.timezone
    for field, moment in (("start", draft.start), ("end", draft.end)):
        if not exists(moment, zone):
            day = f"{moment.day} {moment:%B %Y}"
            raise BadInput(
                f"{moment:%H:%M} does not exist on {day}: the clocks go forward then.",
                "Choose an earlier or a later time.",
                field=field,
            )


def exists(moment: datetime, timezone: str) -> bool:
    """Does a clock in `timezone` ever show this wall time?"""
    return wall_time(instant(moment, timezone), timezone) == moment


def _with_rule(draft: AppointmentDraft) -> AppointmentDraft:
    """A series begins with its first occurrence, which may be later than the day typed."""
    if not draft.rule:
        return draft
    if draft.kind is not AppointmentKind.MEETING:
        raise BadInput("Only meetings repeat.", "Choose Meeting, or no repetition.", field="kind")
    parse_rule(draft.rule, draft.start)
    begins = first_start(draft.rule, draft.start)
    return replace(draft, start=begins, end=begins + (draft.end - draft.start))


def appointment_of(
    draft: AppointmentDraft,
    settings: Settings,
    *,
    like: Appointment | None,
    identity: Callable[[], str],
) -> Appointment:
    """`draft` (checked) as an appointment of our own book: a new one, or `like` changed."""
    zone = practitioner_of(settings, draft.practitioner_id).practitioner.timezone
    base = like or Appointment(
        id=identity(),
        practitioner_id=draft.practitioner_id,
        kind=draft.kind,
        start=draft.start,
        end=draft.end,
        timezone=zone,
    )
    return replace(
        base,
        practitioner_id=draft.practitioner_id,
        kind=draft.kind,
        start=draft.start,
        end=draft.end,
        all_day=draft.all_day,
        timezone=zone,
        status=AppointmentStatus.CANCELLED if draft.cancelled else AppointmentStatus.BOOKED,
        show_as=draft.show_as,
        title=draft.title,
        appointment_type=draft.appointment_type,
        client_id=draft.client_id,
        client_first_name=draft.client_first_name,
        client_last_name=draft.client_last_name,
        location=draft.location,
        visit_address=draft.visit_address,
        telehealth_link=draft.telehealth_link,
        notes=draft.notes,
        reminder_minutes=draft.reminder_minutes,
        recurring=False,
        recurrence=Recurrence(rule=draft.rule) if draft.rule else None,
    )
